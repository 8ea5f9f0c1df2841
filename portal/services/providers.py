"""What providers know a client by: written by an operator, shown again by its end alone."""

import re
from datetime import datetime
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.domain.wording import clean_text
from portal.models import Client, Payment, Staff
from portal.services import evidence

LONGEST = 200
_STRIPE_ACCOUNT = re.compile(r"acct_[0-9A-Za-z]{8,64}")


class NoStripeAccount(DomainError):
    """Stripe's own ids of accounts begin with acct_."""

    message = N_("Enter the id of the client’s Stripe account. It begins with acct_.")


class StripeAccountInUse(DomainError):
    """Payments, customers and saved methods belong to the account in which they were made."""

    message = N_(
        "Payments were made already, and they belong to the Stripe account of before. It cannot be"
        " changed any more."
    )


class NothingTyped(DomainError):
    """The form is write-only: an empty one says nothing."""

    message = N_("Enter a new value.")


def set_stripe_account(
    session: Session, client: Client, typed: str, *, staff: Staff, now: datetime
) -> None:
    """Take the client's payments in this Stripe account; only before the first payment.

    The caller commits. Raises NoStripeAccount, StripeAccountInUse.
    """
    if not _STRIPE_ACCOUNT.fullmatch(account := clean_text(typed[:LONGEST])):
        raise NoStripeAccount
    session.refresh(client, with_for_update=True)
    paid = select(Payment.id).where(Payment.client_id == client.id).limit(1)
    if session.scalar(paid) is not None:
        raise StripeAccountInUse
    before, client.stripe_account = client.stripe_account, account
    _tell(session, client, "stripe_account", (before, account), staff, now)


def set_sms_registration(
    session: Session, client: Client, typed: str, *, staff: Staff, now: datetime
) -> None:
    """Keep the ids under which carriers know the client's texts (EC-07). The caller commits.

    Raises NothingTyped.
    """
    if not (registration := clean_text(typed[:LONGEST])):
        raise NothingTyped
    session.refresh(client, with_for_update=True)
    before, client.sms_registration = client.sms_registration, registration
    _tell(session, client, "sms_registration", (before, registration), staff, now)


def _tell(
    session: Session,
    client: Client,
    field: str,
    values: tuple[str | None, str],
    staff: Staff,
    now: datetime,
) -> None:
    """The leaf has a hash of each value, over the client's id and it, and neither value."""
    before, after = values
    if before == after:
        return
    payload = {
        "actor": evidence.staff(staff.id),
        "field": field,
        "after_sha256": _hash(client, after),
    }
    if before:
        payload["before_sha256"] = _hash(client, before)
    evidence.record(
        session,
        client_id=client.id,
        chain_id=client.chain_id,
        type="client.provider_changed",
        payload=payload,
        now=now,
    )


def _hash(client: Client, value: str) -> str:
    return sha256(f"{client.id} {value}".encode()).hexdigest()
