"""A running arrangement as its changes see it, and what is changed of its parts."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain import DomainError
from portal.domain import amendments as law
from portal.domain.amendments import Change, Running, rhythm_from_dict, rhythm_of
from portal.domain.curing import DuePart
from portal.domain.extra_payments import Effect, pay_extra
from portal.domain.facts import AccountFacts
from portal.domain.limits import latest_first_on
from portal.domain.money import Cents, minimum_charge
from portal.domain.paydays import open_days
from portal.domain.policy import Concessions, Policy
from portal.domain.replanning import limits_of
from portal.domain.schedules import Schedule
from portal.domain.statuses import LIVE, ArrangementStatus, InstallmentStatus, move
from portal.domain.terms import Method, Terms, from_dict
from portal.models import Account, Amendment, Arrangement, Debtor, Installment, fresh_id
from portal.services.arrangements import UNPAID, installments_of
from portal.services.keeping import due_part
from portal.services.offers import read_facts
from portal.services.policies import policy_version
from portal.services.standing import today_of

CONCESSIONS = {Change.MOVED: "moves", Change.SKIPPED: "skips", Change.PAUSED: "pauses"}


@dataclass(frozen=True, slots=True)
class Changed:
    """One earlier change: its kind, whether it used up a concession, and its rhythm."""

    kind: Change
    counts: bool
    rhythm: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """What an arrangement is made of, as a page or the rows have it; ``parts`` are what is left.

    ``later``: as ``Running`` has it.
    """

    terms: Terms
    policy: Policy
    parts: Schedule
    paid_parts: int
    changes: Sequence[Changed]
    method: str
    waiting: bool
    agreed_on: date
    later: tuple[tuple[date, date], ...] = ()


def running_of(agreed: Agreed, facts: AccountFacts, today: date) -> Running:
    """The arrangement as its changes see it on a day of the debtor's calendar."""
    terms, changes = agreed.terms, agreed.changes
    latest = latest_first_on(facts, agreed.policy, agreed.agreed_on, terms.basis)
    return Running(
        terms=terms,
        policy=agreed.policy,
        rhythm=rhythm_from_dict(changes[-1].rhythm) if changes else rhythm_of(terms),
        parts=agreed.parts,
        paid_parts=agreed.paid_parts,
        today=today,
        agreed_on=agreed.agreed_on,
        opened=open_days(facts, agreed.policy),
        used=used_of(changes),
        automatic=agreed.method == str(Method.AUTOMATIC),
        waiting=agreed.waiting,
        first_until=terms.valid_until or max(latest, terms.first_on),
        later=agreed.later,
    )


def later_of(parts: Iterable[DuePart]) -> tuple[tuple[date, date], ...]:
    """The date of each part that waits by an omission of ours, and when it is taken (PY-07)."""
    return tuple((part.due_on, part.taken_on) for part in parts if part.waits)


def used_of(changes: Iterable[Changed]) -> Concessions:
    """How many of the client's concessions were used."""
    used = dict.fromkeys(CONCESSIONS.values(), 0)
    for change in changes:
        if change.counts:
            used[CONCESSIONS[change.kind]] += 1
    return Concessions(**used)


def read_running(
    session: Session,
    account: Account,
    agreed: Arrangement,
    parts: Sequence[Installment],
    *,
    now: datetime,
) -> tuple[Running, AccountFacts]:
    """The same from the rows, with the account's facts. Raises NoPolicy."""
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    facts = read_facts(session, account, debtor)
    made_of = Agreed(
        terms=from_dict(json.loads(agreed.terms)),
        policy=policy_version(session, agreed.client_id, agreed.policy_version).policy,
        parts=tuple((part.due_on, _left(part)) for part in open_parts(parts)),
        paid_parts=sum(part.status == InstallmentStatus.PAID for part in parts),
        changes=[Changed(Change(a.kind), a.counts, a.rhythm) for a in changes_of(session, agreed)],
        method=agreed.method,
        waiting=agreed.status == ArrangementStatus.AWAITING_FIRST_PAYMENT,
        agreed_on=today_of(debtor, agreed.accepted_at),
        later=later_of(map(due_part, parts)),
    )
    return running_of(made_of, facts, today_of(debtor, now)), facts


def changes_of(session: Session, agreed: Arrangement) -> Sequence[Amendment]:
    """The changes of an arrangement in their order."""
    return session.scalars(
        select(Amendment)
        .where(Amendment.client_id == agreed.client_id, Amendment.arrangement_id == agreed.id)
        .order_by(Amendment.n)
    ).all()


def open_parts(parts: Iterable[Installment]) -> list[Installment]:
    """The parts of which something is left, in their order."""
    return [part for part in parts if part.status in UNPAID]


def left_after(session: Session, amendment: Amendment) -> dict[str, Any] | None:
    """What is to pay after a change, for the message of it; None where another one came since.

    Amounts are (cents, currency).
    """
    key = (amendment.client_id, amendment.arrangement_id)
    agreed = session.get_one(Arrangement, key)
    if changes_of(session, agreed)[-1].id != amendment.id or agreed.status not in LIVE:
        return None
    unpaid = [(part.due_on, _left(part)) for part in open_parts(installments_of(session, agreed))]
    return {
        "reference": agreed.reference,
        "lines": [(due_on, (cents, agreed.currency)) for due_on, cents in unpaid],
        "left": (sum(cents for _, cents in unpaid), agreed.currency),
    }


def _left(part: Installment) -> Cents:
    return Cents(part.amount_cents - part.paid_cents)


def change_parts(
    session: Session, agreed: Arrangement, parts: Sequence[Installment], change: law.Amendment
) -> None:
    """Give what is left its new dates and amounts, in the rows as they are numbered.

    What is spread is over, and the other rows keep their dates. A part of which something was paid
    never grows: it is closed with what it has. Rows that were canceled at the end are used again
    before new ones are made. The rows are locked by the caller.
    """
    waiting, over = list(change.after), set[date]()
    if change.change is Change.SPREAD:
        over = {due_on for due_on, _ in change.before} - {due_on for due_on, _ in change.after}
    for part in open_parts(parts):
        grows = waiting and part.paid_cents and waiting[0][1] > _left(part)
        if part.due_on in over or not waiting or grows:
            _close(part)
        else:
            _set(part, *waiting.pop(0), keeps=change.change is Change.MOVED)
    last = max((part.n for part in open_parts(parts)), default=0)
    spare = [p for p in parts if p.status == InstallmentStatus.CANCELED and p.n > last]
    for part, new in zip(spare, list(waiting), strict=False):
        part.status = move(part.status, InstallmentStatus.SCHEDULED)
        _set(part, *new, keeps=False)
        waiting.remove(new)
    for n, (due_on, cents) in enumerate(waiting, start=max(part.n for part in parts) + 1):
        session.add(new_part(agreed, n, due_on, cents))
    session.flush()


def _close(part: Installment) -> None:
    """A part is not asked for any more; what was paid of it stays."""
    part.next_attempt_on = part.told_on = part.late_since = None
    if part.paid_cents:
        part.amount_cents = part.paid_cents
        part.status = move(part.status, InstallmentStatus.PAID)
    else:
        part.status = move(part.status, InstallmentStatus.CANCELED)


def _set(part: Installment, due_on: date, left: Cents, *, keeps: bool) -> None:
    """``keeps``: it is the same payment on another day, which is no new patience."""
    if due_on != part.due_on:
        part.next_attempt_on = part.told_on = None
        part.late_since = part.late_since if keeps else None
        if part.status == InstallmentStatus.FAILED:
            part.status = move(part.status, InstallmentStatus.SCHEDULED)
    part.due_on, part.amount_cents = due_on, Cents(part.paid_cents + left)


def new_part(agreed: Arrangement, n: int, due_on: date, cents: Cents) -> Installment:
    """A further part of an arrangement, not paid yet."""
    return Installment(
        client_id=agreed.client_id,
        id=fresh_id(),
        arrangement_id=agreed.id,
        n=n,
        due_on=due_on,
        amount_cents=cents,
        paid_cents=Cents(0),
        attempts=0,
        status=InstallmentStatus.SCHEDULED,
    )


def possible(plan: Running, facts: AccountFacts) -> frozenset[Change]:
    """What can be changed of an arrangement right now; an extra payment does both or neither."""
    tries: dict[Change, Callable[[], object]] = {
        Change.MOVED: lambda: [law.dates_for(plan, due_on) for due_on, _ in plan.open[:1]],
        Change.SKIPPED: lambda: law.skip(plan, plan.open[0][0]),
        Change.PAUSED: lambda: law.pause(plan),
        Change.REPLANNED: lambda: limits_of(plan, facts),
        Change.SHORTENED: lambda: pay_extra(
            plan, minimum_charge(plan.terms.currency), Effect.SHORTEN
        ),
    }
    found = {change for change, tried in tries.items() if plan.open and _works(tried)}
    return frozenset(found - ({Change.MOVED} if law.moves_left(plan) < 1 else set()))


def _works(tried: Callable[[], object]) -> bool:
    try:
        tried()
    except DomainError:
        return False
    return True
