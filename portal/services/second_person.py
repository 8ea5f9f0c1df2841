"""Money that staff move: what it will do, who asked, and the second person above a limit.

Every act is foreseen by doing it and taking it back, so a page shows what will be so. What was
shown has a mark, and nothing is done any more once the account has moved on since.
See docs/decisions/0043-money-by-hand.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.domain.counter import CounterKind, Why
from portal.domain.help import kept_words
from portal.domain.money import Cents
from portal.models import (
    Account,
    Client,
    LookKind,
    LookOutcome,
    MoneyException,
    Payment,
    SecondLook,
    Staff,
    fresh_id,
)
from portal.services import (
    counter_payments,
    counter_returns,
    evidence,
    giving_back,
    money_questions,
)
from portal.services.answering import tell
from portal.services.counter_payments import Received
from portal.services.dossier import ReasonMissing
from portal.services.evidence import Payload
from portal.services.ledger import lock_account, lock_row
from portal.services.money_questions import Option, Verdict
from portal.services.staff import names_of

A_DAY = timedelta(days=1)
"""For so long, what one person moved alone on an account counts towards the limit."""
GIVING = (LookKind.REFUND, LookKind.OUTSIDE)
"""What the limit of money that goes back is for, all of it together."""


class SecondPersonWaits(DomainError):
    """One act at a time waits for a second person, so that no amount is asked for twice."""

    message = N_(
        "Something that %(name)s asked for on this account waits for a second person. It must be"
        " decided first."
    )


class ChangedSince(DomainError):
    """It does not what the page showed: other things were typed, or somebody was faster."""

    message = N_("This does something else than the page showed, so nothing was done. Look again.")


class SamePerson(DomainError):
    """Who asked is not the second person."""

    message = N_("You asked for this, so another person must decide it.")


class NotAskedByYou(DomainError):
    """Only who asked takes it back; anybody else declines it."""

    message = N_("Somebody else asked for this. You can decline it.")


class DecidedBefore(DomainError):
    """Somebody was faster; the sentence says who, and what they did."""

    def __init__(self, outcome: LookOutcome, name: str) -> None:
        super().__init__(name=name)
        self.message = _DECIDED[outcome]


_DECIDED = {
    LookOutcome.APPROVED: N_("%(name)s has approved this already."),
    LookOutcome.DECLINED: N_("%(name)s has declined this already."),
    LookOutcome.WITHDRAWN: N_("%(name)s has taken this back already."),
    LookOutcome.NOT_NEEDED: N_("%(name)s did this alone."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """A movement of money as somebody asks for it, with the reason in their words.

    ``payment_id`` is the payment that goes back. ``details`` has what only one kind needs.
    """

    kind: LookKind
    account_id: UUID
    amount_cents: Cents
    reason: str
    payment_id: UUID | None = None
    details: Mapping[str, str] = field(default_factory=dict)


def recording(account: Account, received: Received, note: str) -> Act:
    """To record money that arrived outside of Stripe. Raises TextTooLong, CardNumberTyped."""
    said = {"came_as": str(received.kind), "received_on": received.received_on.isoformat()}
    return Act(
        kind=LookKind.COUNTER_PAYMENT,
        account_id=account.id,
        amount_cents=received.amount_cents,
        reason=kept_words(note),
        details=said | ({"number": received.number} if received.number else {}),
    )


def returning(payment: Payment, why: Why, reason: str) -> Act:
    """To take a recorded payment back. Raises ReasonMissing, TextTooLong, CardNumberTyped."""
    return Act(
        kind=LookKind.RETURN,
        account_id=payment.account_id,
        amount_cents=payment.amount_cents,
        reason=_needed(reason),
        payment_id=payment.id,
        details={"why": str(why)},
    )


def refunding(payment: Payment, amount_cents: Cents, reason: str) -> Act:
    """To give money back through Stripe. Raises ReasonMissing, TextTooLong, CardNumberTyped."""
    return Act(
        kind=LookKind.REFUND,
        account_id=payment.account_id,
        amount_cents=amount_cents,
        reason=_needed(reason),
        payment_id=payment.id,
    )


def given_outside(account: Account, question: MoneyException, option: Option, note: str) -> Act:
    """To say that the debtor has what was paid too much. Raises as ``refunding``."""
    return Act(
        kind=LookKind.OUTSIDE,
        account_id=account.id,
        amount_cents=option.outside_cents,
        reason=kept_words(note),
        details={"question": str(question.id), "mark": option.mark},
    )


def _needed(reason: str) -> str:
    if not (words := kept_words(reason)):
        raise ReasonMissing
    return words


def act_of(look: SecondLook) -> Act:
    """What was asked for, as it was kept."""
    return Act(
        kind=look.kind,
        account_id=look.account_id,
        amount_cents=look.amount_cents,
        reason=look.reason,
        payment_id=look.payment_id,
        details=look.details,
    )


def carry_out(
    session: Session, account: Account, act: Act, said: Payload, now: datetime
) -> UUID | None:
    """Do it on a locked account; returns the payment it is about. Raises what forbids it."""
    if act.kind is LookKind.OUTSIDE:
        asked = session.get_one(MoneyException, (account.client_id, UUID(act.details["question"])))
        verdict = Verdict(act.details["mark"], act.reason, said)
        money_questions.carry_out(session, account, asked, verdict, now=now)
        return None
    if act.kind is LookKind.COUNTER_PAYMENT:
        received = Received(
            kind=CounterKind(act.details["came_as"]),
            amount_cents=act.amount_cents,
            received_on=date.fromisoformat(act.details["received_on"]),
            number=act.details.get("number"),
        )
        told = said | ({"note": act.reason} if act.reason else {})
        return counter_payments.record(session, account, received, told, now=now).id
    payment = lock_row(session, Payment, (account.client_id, act.payment_id))
    told = said | {"reason": act.reason}
    if act.kind is LookKind.RETURN:
        why = Why(act.details["why"])
        counter_returns.take_back(session, account, payment, why, told, now=now)
    else:
        giving_back.give_back(session, account, payment, act.amount_cents, told, now=now)
    return payment.id


def ask(session: Session, act: Act, *, staff: Staff, now: datetime) -> SecondLook:
    """Do it, or let it wait for a second person where the client's limit is exceeded.

    The page that showed what it does has compared its mark (``foreseeing.require``). Locks the
    account; the caller commits. Raises SecondPersonWaits and what forbids the act.
    """
    account = lock_account(session, act.account_id)
    refuse_waiting(session, account)
    look = _row(session, account, act, staff=staff, now=now)
    if look.outcome is LookOutcome.WAITS:
        _record(session, account, look, "asked", staff=staff, now=now)
    else:
        said = {"actor": evidence.staff(staff.id), "look": str(look.id)}
        look.payment_id = carry_out(session, account, act, said, now)
    session.add(look)
    session.flush()
    return look


def needs_second(session: Session, account: Account, act: Act, *, now: datetime) -> bool:
    """Whether one person may not do it alone.

    The client's limit is held against the amount and what was moved alone in the day before. A
    mistake of another day always needs two.
    """
    counted, limit = _counted(session, account, act, now=now), _limit(session, act, account)
    return counted > limit or _mistake_of_before(session, account, act, now=now)


def refuse_waiting(session: Session, account: Account) -> None:
    """Go on only where nothing of the account waits. Raises SecondPersonWaits."""
    waits = session.scalar(
        select(SecondLook.asked_by).where(
            SecondLook.client_id == account.client_id,
            SecondLook.account_id == account.id,
            SecondLook.outcome == LookOutcome.WAITS,
        )
    )
    if waits is not None:
        raise SecondPersonWaits(name=names_of(session, [waits]).get(waits, ""))


def require_open(session: Session, look: SecondLook, *, second: Staff) -> None:
    """Go on only where it waits for this second person.

    Locks the account before the row. Raises DecidedBefore, SamePerson.
    """
    _locked(session, look, second=second)


def approve(session: Session, look: SecondLook, *, staff: Staff, now: datetime) -> None:
    """Let it be done, as the second person; the caller commits.

    Locks the account before the row. Raises DecidedBefore, SamePerson and what forbids the act.
    """
    account, look = _locked(session, look, second=staff)
    _decide(look, LookOutcome.APPROVED, staff=staff, now=now)
    _record(session, account, look, "approved", staff=staff, now=now)
    said = {
        "actor": evidence.staff(look.asked_by),
        "approved_by": str(staff.id),
        "look": str(look.id),
    }
    look.payment_id = carry_out(session, account, act_of(look), said, now)
    session.flush()


def decline(
    session: Session, look: SecondLook, reason: str, *, staff: Staff, now: datetime
) -> None:
    """Refuse it, with a reason for who asked; the caller commits.

    Raises DecidedBefore, SamePerson, ReasonMissing, TextTooLong, CardNumberTyped (PC-01).
    """
    words = _needed(reason)
    account, look = _locked(session, look, second=staff)
    _decide(look, LookOutcome.DECLINED, staff=staff, now=now)
    look.answer = words
    _record(session, account, look, "declined", staff=staff, now=now, reason=words)


def withdraw(session: Session, look: SecondLook, *, staff: Staff, now: datetime) -> None:
    """Take back what one asked for oneself; the caller commits.

    Raises DecidedBefore, NotAskedByYou.
    """
    account, look = _locked(session, look)
    if look.asked_by != staff.id:
        raise NotAskedByYou
    _decide(look, LookOutcome.WITHDRAWN, staff=staff, now=now)
    _record(session, account, look, "withdrawn", staff=staff, now=now)


def _locked(
    session: Session, look: SecondLook, *, second: Staff | None = None
) -> tuple[Account, SecondLook]:
    account = lock_account(session, look.account_id)
    look = lock_row(session, SecondLook, (look.client_id, look.id))
    if look.outcome is not LookOutcome.WAITS:
        by = look.decided_by or look.asked_by
        raise DecidedBefore(look.outcome, names_of(session, [by]).get(by, ""))
    if second is not None and look.asked_by == second.id:
        raise SamePerson
    return account, look


def _decide(look: SecondLook, outcome: LookOutcome, *, staff: Staff, now: datetime) -> None:
    look.outcome, look.decided_by, look.decided_at = outcome, staff.id, now


def _row(
    session: Session, account: Account, act: Act, *, staff: Staff, now: datetime
) -> SecondLook:
    waits = needs_second(session, account, act, now=now)
    return SecondLook(
        client_id=account.client_id,
        id=fresh_id(),
        account_id=account.id,
        payment_id=act.payment_id,
        kind=act.kind,
        outcome=LookOutcome.WAITS if waits else LookOutcome.NOT_NEEDED,
        amount_cents=act.amount_cents,
        counted_cents=_counted(session, account, act, now=now),
        limit_cents=_limit(session, act, account),
        currency=account.currency,
        reason=act.reason,
        details=dict(act.details),
        asked_by=staff.id,
        asked_at=now,
    )


def _limit(session: Session, act: Act, account: Account) -> Cents:
    client = session.get_one(Client, account.client_id)
    return client.refund_limit_cents if act.kind in GIVING else client.counter_limit_cents


def _counted(session: Session, account: Account, act: Act, *, now: datetime) -> Cents:
    """The amount with what was moved alone since: a limit is not passed by in small steps."""
    alone = session.scalar(
        select(func.coalesce(func.sum(SecondLook.amount_cents), 0)).where(
            SecondLook.client_id == account.client_id,
            SecondLook.account_id == account.id,
            SecondLook.kind.in_(GIVING if act.kind in GIVING else (act.kind,)),
            SecondLook.outcome == LookOutcome.NOT_NEEDED,
            SecondLook.asked_at > now - A_DAY,
        )
    )
    return Cents(act.amount_cents + int(alone or 0))


def _mistake_of_before(session: Session, account: Account, act: Act, *, now: datetime) -> bool:
    if act.details.get("why") != Why.MISTAKE:
        return False
    payment = session.get_one(Payment, (account.client_id, act.payment_id))
    zone = ZoneInfo(session.get_one(Client, account.client_id).time_zone)
    return payment.created_at.astimezone(zone).date() < now.astimezone(zone).date()


def _record(
    session: Session,
    account: Account,
    look: SecondLook,
    what: str,
    *,
    staff: Staff,
    now: datetime,
    **more: str,
) -> None:
    told: Payload = {
        "look": str(look.id),
        "kind": str(look.kind),
        "amount_cents": look.amount_cents,
        "currency": look.currency,
        "asked_by": str(look.asked_by),
        **({"payment": str(look.payment_id)} if look.payment_id else {}),
        **({"reason": look.reason, **look.details} if what == "asked" else {}),
        **more,
    }
    tell(session, account, f"second_look.{what}", told, staff=staff, now=now)
