"""Changes that a debtor makes of a running arrangement, checked under its lock and on the record.

See docs/decisions/0027-amendments.md.
"""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.domain import amendments as law
from portal.domain.amendments import Change, Running
from portal.domain.curing import spread
from portal.domain.extra_payments import Effect, PaymentsTooSmall, pay_extra
from portal.domain.facts import AccountFacts
from portal.domain.holds import Capability
from portal.domain.money import Cents, Money
from portal.domain.replanning import replan
from portal.domain.schedules import Frequency
from portal.domain.statuses import LIVE, InstallmentStatus
from portal.models import Account, Amendment, Arrangement, Installment, Payment
from portal.models.payments import OPEN
from portal.services import arrangements, authorizations, evidence, notices
from portal.services.amendment_record import (
    PLAN_CHANGED,
    Act,
    Reviewed,
    apply,
    keep_review,
    new_row,
)
from portal.services.arrangements import ArrangementOver, lock_parts
from portal.services.evidence import Actor, Payload
from portal.services.ledger import lock_account, lock_row
from portal.services.running import new_part, read_running
from portal.services.standing import require

CANCELED_BY_DEBTOR = "debtor_canceled"
EFFECTS = {Change.SHORTENED: Effect.SHORTEN, Change.LOWERED: Effect.LOWER}


class PlanChanged(DomainError):
    """The plan is not any more what the page showed."""

    message = N_(
        "Your plan has changed since you opened this page, so we did nothing. Here is your plan as"
        " it is now."
    )


class PaymentMoving(DomainError):
    """A payment of the account is not resolved yet, so nothing is changed."""

    message = N_("A payment of %(amount)s is on its way. You can do this after that.")


@dataclass(frozen=True, slots=True)
class Wish:
    """What a debtor wants to change. ``due_on`` names a part by its date, ``to`` is its new one.

    ``cure_until``: the last day for a part that failed or was missed; moving it uses up nothing.
    What is spread is all that is late, up to the part of ``due_on``.
    """

    change: Change
    due_on: date | None = None
    to: date | None = None
    frequency: Frequency | None = None
    amount_cents: Cents | None = None
    cure_until: date | None = None


def change_for(plan: Running, facts: AccountFacts, wish: Wish) -> law.Amendment:
    """The exact change that a wish makes. Raises the errors of the domain's changes."""
    match wish.change, wish.due_on, wish.to, wish.frequency, wish.amount_cents:
        case Change.MOVED, date() as due_on, date() as to, _, _:
            return law.move(plan, due_on, to, cure_until=wish.cure_until)
        case Change.SKIPPED, date() as due_on, _, _, _:
            return law.skip(plan, due_on)
        case Change.PAUSED, _, _, _, _:
            return law.pause(plan)
        case Change.REPLANNED, _, _, Frequency() as frequency, int() as amount:
            return replan(plan, facts, frequency, Cents(amount))
        case (Change.SHORTENED | Change.LOWERED) as change, _, _, _, int() as amount:
            return pay_extra(plan, Cents(amount), EFFECTS[change])
        case Change.SPREAD, date() as late_on, _, _, _:
            return spread(plan, late_on)
    raise law.PartNotThere


def amend(
    session: Session,
    agreed: Arrangement,
    wish: Wish,
    *,
    reviewed: Reviewed,
    actor: Actor,
    now: datetime,
) -> Amendment:
    """Change a running arrangement as its page showed it; the caller commits.

    Sent twice, it is one change. Raises PlanChanged, PaymentMoving, ArrangementOver, NotAllowedNow,
    FrenchComesFirst and the errors of ``change_for``.
    """
    account = lock_account(session, agreed.account_id)
    before = session.get(Amendment, (agreed.client_id, reviewed.amendment_id))
    if before is not None and before.arrangement_id == agreed.id:
        return before
    agreed, parts, change = _checked(session, account, agreed, wish, now=now)
    if change.sha256 != reviewed.change_sha256:
        raise PlanChanged
    act = Act(session, account, agreed, actor, now)
    told = keep_review(act, reviewed)
    told |= _permission(act, change, reviewed)
    row = new_row(act, change)
    row.id, row.document_sha256 = reviewed.amendment_id, bytes.fromhex(reviewed.page.sha256)
    apply(act, parts, change, row, told)
    return row


def agree_to_extra(
    session: Session,
    agreed: Arrangement,
    wish: Wish,
    *,
    reviewed: Reviewed,
    actor: Actor,
    now: datetime,
) -> None:
    """Keep the page of an extra payment, which changes the plan once it arrives; caller commits.

    Raises as ``amend``.
    """
    account = lock_account(session, agreed.account_id)
    agreed, _, change = _checked(session, account, agreed, wish, now=now)
    if change.sha256 != reviewed.change_sha256:
        raise PlanChanged
    keep_review(Act(session, account, agreed, actor, now), reviewed)


def move(
    session: Session, agreed: Arrangement, wish: Wish, *, actor: Actor, now: datetime
) -> Amendment:
    """Move one part to another day without a page of its own; the caller commits.

    With the wish's ``cure_until`` it is a part that failed or was missed, which may be moved up to
    that day and uses up no concession. Raises as ``amend``.
    """
    account = lock_account(session, agreed.account_id)
    moved = replace(wish, change=Change.MOVED)
    agreed, parts, change = _checked(session, account, agreed, moved, now=now)
    act = Act(session, account, agreed, actor, now)
    row, told = new_row(act, change), {}
    if wish.cure_until is not None:
        told["cure_until"] = wish.cure_until.isoformat()
        for part in parts:
            if part.due_on == wish.due_on:
                part.late_since = part.late_since or part.due_on
    apply(act, parts, change, row, told)
    return row


def take_extra(
    session: Session, account: Account, agreed: Arrangement, payment: Payment, *, now: datetime
) -> Installment | None:
    """Make room for an extra payment: a part of its own, and the rest shorter or lower.

    None where it is to be spread as any other: nothing was chosen, or a part is due by now. Account
    and arrangement are locked by the caller, who allocates the payment to the part.
    """
    parts = lock_parts(session, agreed)
    if payment.effect is None or any(p.status == InstallmentStatus.PROCESSING for p in parts):
        return None
    plan, _ = read_running(session, account, agreed, parts, now=now)
    with suppress(DomainError):
        change = _extra(plan, payment.amount_cents, Effect(payment.effect))
        part = new_part(agreed, max(p.n for p in parts) + 1, plan.today, payment.amount_cents)
        part.status, part.paid_cents = InstallmentStatus.PAID, payment.amount_cents
        session.add(part)
        session.flush()
        act = Act(session, account, agreed, evidence.debtor(account.debtor_id), now)
        paid = {"payment": str(payment.id), "amount_cents": payment.amount_cents}
        apply(act, parts, change, new_row(act, change), paid)
        return part
    return None


def _extra(plan: Running, amount: Cents, effect: Effect) -> law.Amendment:
    """As it was chosen; what cannot become lower any more becomes shorter."""
    try:
        return pay_extra(plan, amount, effect)
    except PaymentsTooSmall:
        return pay_extra(plan, amount, Effect.SHORTEN)


def cancel(session: Session, agreed: Arrangement, *, actor: Actor, now: datetime) -> Arrangement:
    """End an arrangement as its debtor wants; the caller commits. Doing it twice is doing it once.

    Raises PaymentMoving.
    """
    account = lock_account(session, agreed.account_id)
    agreed = lock_row(session, Arrangement, (agreed.client_id, agreed.id))
    if agreed.ended_reason == CANCELED_BY_DEBTOR:
        return agreed
    refuse_moving(session, account)
    arrangements.cancel(session, agreed, reason=CANCELED_BY_DEBTOR, actor=actor, now=now)
    fact = f"arrangement:{agreed.id}"
    notices.tell(session, account, "arrangement_canceled", fact=fact, now=now)
    return agreed


def refuse_moving(session: Session, account: Account) -> None:
    """Go on only where no payment of the account is unresolved. Raises PaymentMoving."""
    moving = session.scalars(
        select(Payment).where(
            Payment.client_id == account.client_id,
            Payment.account_id == account.id,
            Payment.status.in_(OPEN),
        )
    ).first()
    if moving is not None:
        raise PaymentMoving(amount=Money(moving.amount_cents, moving.currency))


def _checked(
    session: Session, account: Account, agreed: Arrangement, wish: Wish, *, now: datetime
) -> tuple[Arrangement, list[Installment], law.Amendment]:
    """The change as it would be now, everything locked and every limit looked at once more."""
    agreed = lock_row(session, Arrangement, (agreed.client_id, agreed.id))
    if agreed.status not in LIVE:
        raise ArrangementOver
    require(session, account, Capability.ACCEPT, now=now)
    refuse_moving(session, account)
    parts = lock_parts(session, agreed)
    plan, facts = read_running(session, account, agreed, parts, now=now)
    return agreed, parts, change_for(plan, facts, wish)


def _permission(act: Act, change: law.Amendment, reviewed: Reviewed) -> Payload:
    """A permission to charge other amounts or in another rhythm is given anew, or ends (PY-05)."""
    if change.change not in law.ASKS:
        return {}
    of = (act.session, act.account, act.agreed)
    if reviewed.permission is None or reviewed.ticked is None:
        authorizations.end(*of, reason=PLAN_CHANGED, actor=act.actor, now=act.now)
        return {}
    document, cap = reviewed.permission.sha256, Cents(sum(cents for _, cents in change.after))
    allowed = authorizations.Allowed(document, cap)
    renewed = authorizations.renew(*of, allowed, actor=act.actor, now=act.now)
    if renewed is None:
        return {}
    said = {"id": str(renewed.id), "document_sha256": document, "cap_cents": cap}
    return {"authorization": said}
