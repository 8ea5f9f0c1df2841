"""Permission to charge a saved method later: granted by settling, revoked by anyone's stop."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from portal.domain.holds import Capability, HoldKind, Permission, permissions_under
from portal.domain.money import Cents
from portal.domain.statuses import AuthorizationStatus, MessageStatus, PaymentStatus, move
from portal.domain.terms import Method
from portal.models import (
    Account,
    Arrangement,
    Authorization,
    Channel,
    Debtor,
    Message,
    Payment,
    PaymentPurpose,
    fresh_id,
)
from portal.services import evidence, messages, notices
from portal.services.standing import CLOCKS_APART, close_pages

COPY = messages.PERMISSION_COPY
LETTERS = ("letter", "letter:2", "letter:3")
"""The copy by letter, and again where the one before was taken from the list."""
GONE = (MessageStatus.SENT, MessageStatus.DELIVERED)
ON_LIST = (MessageStatus.QUEUED, MessageStatus.SENDING, *GONE)

SAVING = (PaymentPurpose.METHOD, PaymentPurpose.FIRST)
"""What is paid, or saved, on a page that keeps the way to pay for later."""

# Holds under which nothing is charged: what lands after they began goes back.
STOPPING_HOLDS = tuple(
    kind
    for kind in HoldKind
    if permissions_under(kind)[Capability.CHARGE] is not Permission.ALLOWED
)


@dataclass(frozen=True, slots=True)
class Allowed:
    """The text of a permission that was agreed to, by its hash (hex), and the most it allows."""

    document_sha256: str
    cap_cents: Cents


def current(session: Session, arrangement: Arrangement) -> Authorization | None:
    """The arrangement's authorization in force or awaiting its method, if there is one."""
    return session.scalars(
        select(Authorization)
        .where(
            Authorization.arrangement_id == arrangement.id,
            Authorization.status != AuthorizationStatus.REVOKED,
        )
        .order_by(Authorization.created_at.desc(), Authorization.id.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    ).first()


def grant(session: Session, account: Account, payment: Payment, *, now: datetime) -> None:
    """Add the saved method to the authorization that awaits it, and send its copy (PY-05).

    Where one is in force already (a changed card), the old one is revoked and the same permission
    continues with the new method. The account is locked by the caller, who commits.
    """
    agreed = session.get_one(Arrangement, (payment.client_id, payment.arrangement_id))
    found = current(session, agreed)
    if found is None or found.method_id == payment.method_id:
        return
    if found.status == AuthorizationStatus.GRANTED:
        _revoke(found, reason="method_changed", now=now)
        session.flush()
        _record(session, account, found, actor=evidence.STRIPE, now=now)
        found = _continued(session, found, now=now)
    found.status = move(found.status, AuthorizationStatus.GRANTED)
    found.granted_at = now
    _take_method(found, payment)
    session.flush()
    _record(session, account, found, actor=evidence.STRIPE, now=now)
    sent = notices.tell(session, account, COPY, fact=f"authorization:{found.id}", now=now)
    found.copy_message_id = sent[0].id if sent else None


def given_at(session: Session, found: Authorization) -> datetime:
    """When a permission was given: its first row with this text; another card only continues it."""
    first: datetime | None = session.scalar(
        select(func.min(Authorization.created_at)).where(
            Authorization.client_id == found.client_id,
            Authorization.arrangement_id == found.arrangement_id,
            Authorization.document_sha256 == found.document_sha256,
        )
    )
    return first or found.created_at


def under(session: Session, payment: Payment) -> Authorization | None:
    """The permission under which a saved method was charged."""
    return session.scalars(
        select(Authorization)
        .where(
            Authorization.client_id == payment.client_id,
            Authorization.arrangement_id == payment.arrangement_id,
            Authorization.method_id == payment.method_id,
            Authorization.granted_at <= payment.created_at,
        )
        .order_by(Authorization.granted_at.desc())
        .limit(1)
    ).first()


def copy_left_at(session: Session, found: Authorization) -> datetime | None:
    """When the copy of a permission had left, so that it may be charged under (PY-05); else None.

    An e-mail has left once its carrier took it. A letter, for whom no address is open or whose
    e-mail may not hold the document, counts from when it is on the list of letters: the copy
    stands on the debtor's own page since they allowed it, to be read and kept. What was held back
    or came to nothing does not count, nor a letter that no address lets us print.
    """
    copies = session.scalars(_copies(found)).all()
    left = [left_at(session, copy) for copy in copies]
    return min((at for at in left if at is not None), default=None)


def copy_is_lost(session: Session, found: Authorization) -> bool:
    """Whether no copy of a permission has left and none is on its way: only a person can help."""
    over = (MessageStatus.SUPPRESSED, MessageStatus.FAILED)
    copies = session.scalars(_copies(found)).all()
    return all(copy.status in over or _lacks_address(session, copy) for copy in copies)


def letter_is_on_list(session: Session, found: Authorization) -> bool:
    """Whether the copy of a permission goes by letter, or did."""
    copies = session.scalars(_copies(found)).all()
    return any(copy.channel == Channel.LETTER and copy.status in ON_LIST for copy in copies)


def send_copy_by_letter(
    session: Session, account: Account, found: Authorization, *, now: datetime
) -> None:
    """Put the copy of a permission on the list of letters, as a person decided; the caller commits.

    One that was taken from the list, because somebody else lived at the address, is written anew.
    """
    written = {copy.dedupe_key for copy in session.scalars(_copies(found)).all()}
    free = [key for key in _letter_keys(found) if key not in written]
    if not free or letter_is_on_list(session, found):
        return
    messages.queue(
        session,
        session.get_one(Debtor, (account.client_id, account.debtor_id)),
        template=COPY,
        context={"account": str(account.id), "authorization": str(found.id)},
        account=account,
        channel=Channel.LETTER,
        dedupe_key=free[0],
        decided=True,
        now=now,
    )


def _letter_keys(found: Authorization) -> list[str]:
    return [f"{COPY}:authorization:{found.id}:{letter}" for letter in LETTERS]


def _copies(found: Authorization) -> Select[Message]:
    keys = [f"{COPY}:authorization:{found.id}", *_letter_keys(found)]
    return (
        select(Message)
        .where(Message.client_id == found.client_id, Message.dedupe_key.in_(keys))
        .execution_options(populate_existing=True)
    )


def left_at(session: Session, copy: Message) -> datetime | None:
    """When a copy had left: by its carrier, or as a letter on the list; None while it has not."""
    if copy.channel == Channel.LETTER:
        goes = copy.status in ON_LIST and not _lacks_address(session, copy)
        return copy.created_at if goes else None
    return copy.sent_at if copy.status in GONE else None


def _lacks_address(session: Session, copy: Message) -> bool:
    """Whether it is a letter that waits for an address; what a person decided to send does not."""
    waits = copy.channel == Channel.LETTER and copy.status == MessageStatus.QUEUED
    debtor = session.get_one(Debtor, (copy.client_id, copy.debtor_id))
    return waits and not (copy.decided or debtor.has_address)


def revoke(
    session: Session,
    account: Account,
    agreed: Arrangement,
    *,
    reason: str,
    actor: dict[str, str],
    now: datetime,
) -> bool:
    """End the permission at once (PY-08); False where there was none. The caller commits.

    The account is locked by the caller: a charge that has not begun by then never begins. A page
    that would save a way to pay is closed at Stripe soon after.
    """
    found = current(session, agreed)
    if found is None:
        return False
    _revoke(found, reason=reason, now=now)
    session.flush()
    _record(session, account, found, actor=actor, now=now)
    if session.scalar(_saving_pages(agreed).limit(1)) is not None:
        close_pages(session, account)
    return True


def ended_since(session: Session, payment: Payment) -> bool:
    """Whether the permission that a page of this payment would save for has ended since then."""
    ended = select(Authorization.id).where(
        Authorization.client_id == payment.client_id,
        Authorization.arrangement_id == payment.arrangement_id,
        Authorization.revoked_at > payment.created_at - CLOCKS_APART,
    )
    return payment.purpose in SAVING and session.scalar(ended.limit(1)) is not None


def _saving_pages(agreed: Arrangement) -> Select[UUID]:
    return select(Payment.id).where(
        Payment.client_id == agreed.client_id,
        Payment.arrangement_id == agreed.id,
        Payment.purpose.in_(SAVING),
        Payment.status.in_((PaymentStatus.CREATED, PaymentStatus.OPEN)),
    )


def end(
    session: Session,
    account: Account,
    agreed: Arrangement,
    *,
    reason: str,
    actor: dict[str, str],
    now: datetime,
) -> bool:
    """End automatic payments for good; what is left of the arrangement is paid by hand (PY-09).

    False where there was no permission. The account is locked by the caller, who commits.
    """
    ended = revoke(session, account, agreed, reason=reason, actor=actor, now=now)
    if ended:
        agreed.method = str(Method.MANUAL)
    return ended


def renew(
    session: Session,
    account: Account,
    agreed: Arrangement,
    allowed: Allowed,
    *,
    actor: dict[str, str],
    now: datetime,
) -> Authorization | None:
    """Put a changed permission in the place of the one before, with its method (PY-05).

    Its copy leaves before anything is charged under it. None where no permission was given before.
    The account is locked by the caller, who commits.
    """
    old = current(session, agreed)
    if old is None:
        return None
    granted = old.status == AuthorizationStatus.GRANTED
    _revoke(old, reason="plan_changed", now=now)
    session.flush()
    _record(session, account, old, actor=actor, now=now)
    new = _continued(session, old, now=now)
    new.document_sha256, new.cap_cents = bytes.fromhex(allowed.document_sha256), allowed.cap_cents
    if granted:
        _take_method(new, old)
        new.status, new.granted_at = move(new.status, AuthorizationStatus.GRANTED), now
        session.flush()
        _record(session, account, new, actor=actor, now=now)
        sent = notices.tell(session, account, COPY, fact=f"authorization:{new.id}", now=now)
        new.copy_message_id = sent[0].id if sent else None
    session.flush()
    return new


def _take_method(found: Authorization, source: Authorization | Payment) -> None:
    found.method_id, found.method_brand = source.method_id, source.method_brand
    found.method_last4, found.method_funding = source.method_last4, source.method_funding


def _revoke(found: Authorization, *, reason: str, now: datetime) -> None:
    found.status = move(found.status, AuthorizationStatus.REVOKED)
    found.revoked_at, found.revoked_reason = now, reason


def _continued(session: Session, old: Authorization, *, now: datetime) -> Authorization:
    new = Authorization(
        client_id=old.client_id,
        id=fresh_id(),
        arrangement_id=old.arrangement_id,
        status=AuthorizationStatus.AWAITING_METHOD,
        document_sha256=old.document_sha256,
        cap_cents=old.cap_cents,
        created_at=now,
    )
    session.add(new)
    return new


def _method(account: Account, found: Authorization) -> dict[str, str]:
    """The way to pay as the record names it: what its owner knows it by, and Stripe's ids."""
    known = {
        "brand": found.method_brand,
        "funding": found.method_funding,
        "payment_method": found.method_id,
        "customer": account.stripe_customer,
    }
    last4 = {"last4": found.method_last4 or ""}
    return last4 | {name: value for name, value in known.items() if value}


def _record(
    session: Session,
    account: Account,
    found: Authorization,
    *,
    actor: evidence.Actor,
    now: datetime,
) -> None:
    payload: dict[str, object] = {
        "actor": actor,
        "arrangement": str(found.arrangement_id),
        "authorization": str(found.id),
        "cap_cents": found.cap_cents,
        "documents": [{"sha256": found.document_sha256.hex()}],
    }
    if found.method_brand:
        payload |= {"method": _method(account, found)}
    if found.revoked_reason:
        payload |= {"reason": found.revoked_reason}
    evidence.record(
        session,
        client_id=found.client_id,
        chain_id=account.chain_id,
        type=f"authorization.{found.status}",
        payload=payload,
        now=now,
    )
