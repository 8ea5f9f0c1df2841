"""The one notice after a stop of everything, which a supervisor sends (CT-08)."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.domain.channels import Channel
from portal.domain.outgoing import Rule
from portal.domain.statuses import MessageStatus
from portal.models import Account, Debtor, Message, Staff
from portal.services import evidence, messages
from portal.services.closing_rule import TEMPLATE, Wording, closing_bar
from portal.services.ledger import lock_account
from portal.services.message_facts import is_proven


class NothingStopped(DomainError):
    """There is no stop that it could follow."""

    message = N_("This person did not ask us to stop, so there is nothing to close.")


class ClosingNoticeSent(DomainError):
    """A second one would be contact against the person's word."""

    message = N_("The one notice after a stop was sent, and there is no second one (CT-08).")


class NoRemedy(DomainError):
    """A remedy is not to be named here."""

    message = N_("No remedy may be named while a hold or the age of the debt forbids to collect.")


class WayClosed(DomainError):
    """It cannot go that way."""

    message = N_("It cannot go this way now. Choose the other one.")


REFUSED: dict[str, type[DomainError]] = {
    Rule.OUT_OF_DATE: NothingStopped,
    Rule.CEASED: ClosingNoticeSent,
}


def ways(session: Session, account: Account) -> list[Channel]:
    """How the notice can go: by letter, and by e-mail where the debtor proved the address."""
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    email = messages.contact_for(session, debtor, Channel.EMAIL)
    proven = email is not None and is_proven(session, email)
    return [Channel.LETTER, *([Channel.EMAIL] if proven else [])]


def send_closing_notice(
    session: Session,
    account: Account,
    wording: Wording,
    channel: Channel,
    *,
    staff: Staff,
    now: datetime,
) -> Message:
    """Write the closing notice of an account in one of its wordings; the caller commits.

    Under the account's lock, so that two people write one. Raises NothingStopped,
    ClosingNoticeSent, NoRemedy, WayClosed.
    """
    account = lock_account(session, account.id)
    session.flush()
    if rule := closing_bar(session, account, wording, now=now):
        raise REFUSED.get(rule, NoRemedy)
    if channel not in ways(session, account):
        raise WayClosed
    written = messages.queue(
        session,
        session.get_one(Debtor, (account.client_id, account.debtor_id)),
        template=TEMPLATE,
        context={"account": str(account.id), "wording": str(wording)},
        dedupe_key=f"{TEMPLATE}:{account.id}:{_how_many(session, account)}",
        account=account,
        channel=channel,
        by=staff.id,
        now=now,
    )
    message = written[0]
    if message.status is MessageStatus.SUPPRESSED:
        raise WayClosed
    told = {"actor": evidence.staff(staff.id), "wording": str(wording)}
    messages.tell(session, message, "notice.closing", told, now=now)
    return message


def _how_many(session: Session, account: Account) -> int:
    found = select(func.count()).where(
        Message.client_id == account.client_id,
        Message.account_id == account.id,
        Message.template == TEMPLATE,
    )
    return session.scalar(found) or 0
