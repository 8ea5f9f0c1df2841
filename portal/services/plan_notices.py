"""Telling debtors of the payments that come: notices of debits, lists of a month, reminders."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from portal.domain.compiler import FARTHEST_REMINDER
from portal.domain.noticing import (
    EARLIEST,
    Notice,
    PlannedPart,
    Wanted,
    leaves_at,
    wanted,
)
from portal.domain.statuses import LIVE, InstallmentStatus
from portal.models import Account, Arrangement, Contact, Debtor, Installment, Message
from portal.services import messages, tries
from portal.services.policies import NoPolicy, policy_version
from portal.services.pre_debit import changed_at, granted_at, open_cents, planned
from portal.services.standing import standing, standing_on, today_of, zone_of
from portal.services.whereabouts import zones_of

BATCH = 500
REACH = timedelta(days=max(EARLIEST, FARTHEST_REMINDER), hours=14)
"""How far ahead a part may be in the calendar that is furthest ahead."""
BEHIND = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class _Soon:
    """A part that is due soon, with all that says what is wanted of it."""

    part: Installment
    agreed: Arrangement
    account: Account
    debtor: Debtor
    planned: PlannedPart


def give(
    session: Session, client_id: UUID, *, now: datetime, after: UUID | None = None
) -> Sequence[UUID]:
    """Queue what is to be told of one batch of parts that are due soon; the parts it looked at.

    Looked for in the calendar that is furthest ahead, then in each debtor's own (PY-07). The
    caller commits and goes on ``after`` the last of them.
    """
    soon = [_soon(*row) for row in session.execute(_due_soon(client_id, now, after))]
    extra = _Extra(session, client_id)
    todo = [(one, notice) for one in soon for notice in _today(one, extra, now)]
    told = _told(session, client_id, [_key(one, notice) for one, notice in todo])
    for one, notice in todo:
        if (key := _key(one, notice)) not in told:
            told.add(key)  # the list of a month is wanted by each of its parts
            _tell(session, one, notice, key, now)
    return [one.part.id for one in soon]


_Row = Select[Installment, Arrangement, Account, Debtor, datetime | None, datetime | None]


def _due_soon(client_id: UUID, now: datetime, after: UUID | None) -> _Row:
    first_on, last_on = (now - BEHIND).date(), (now + REACH).date()
    query = (
        select(Installment, Arrangement, Account, Debtor, granted_at(), changed_at(on_its_way=True))
        .join(
            Arrangement,
            (Arrangement.client_id == Installment.client_id)
            & (Arrangement.id == Installment.arrangement_id),
        )
        .join(
            Account,
            (Account.client_id == Arrangement.client_id) & (Account.id == Arrangement.account_id),
        )
        .join(Debtor, (Debtor.client_id == Account.client_id) & (Debtor.id == Account.debtor_id))
        .where(
            Installment.client_id == client_id,
            Installment.due_on <= last_on,
            or_(
                Installment.due_on >= first_on,
                Installment.next_attempt_on.between(first_on, last_on),
            ),
            Installment.status == InstallmentStatus.SCHEDULED,
            Arrangement.status.in_(LIVE),
        )
        .order_by(Installment.id)
        .limit(BATCH)
    )
    return query.where(Installment.id > after) if after else query


def _soon(
    part: Installment,
    agreed: Arrangement,
    account: Account,
    debtor: Debtor,
    *copies: datetime | None,
) -> _Soon:
    granted, changed = copies
    return _Soon(part, agreed, account, debtor, planned(part, agreed, debtor, granted, changed))


class _Extra:
    """The further reminders of each version of a client's limits, read once a batch."""

    def __init__(self, session: Session, client_id: UUID) -> None:
        self.session, self.client_id = session, client_id
        self.found: dict[int, tuple[int, ...]] = {}

    def of(self, version: int) -> tuple[int, ...]:
        """How many days before a payment, besides the third."""
        if version not in self.found:
            try:
                limits = policy_version(self.session, self.client_id, version).policy
                self.found[version] = limits.keeping.extra_reminders
            except NoPolicy:
                self.found[version] = ()
        return self.found[version]


def _today(one: _Soon, extra: _Extra, now: datetime) -> Iterator[Wanted]:
    today = today_of(one.debtor, now)
    for notice in wanted(one.planned, extra.of(one.agreed.policy_version)):
        if today in notice.days:
            yield notice


def _key(one: _Soon, notice: Wanted) -> str:
    """What names the fact that is told: another day or amount is another one (PY-07)."""
    kind, due_on = notice.notice, one.planned.due_on
    if kind is Notice.AHEAD:
        return f"{kind}:{one.agreed.id}:{due_on:%Y-%m}"
    key = f"{kind}:{one.part.id}:{due_on}:{open_cents(one.part)}"
    return f"{key}:{notice.before}" if kind is Notice.REMINDER else key


def _told(session: Session, client_id: UUID, keys: list[str]) -> set[str]:
    if not keys:
        return set()
    found = select(Message.dedupe_key).where(
        Message.client_id == client_id, Message.dedupe_key.in_(keys)
    )
    return set(session.scalars(found))


def _tell(session: Session, one: _Soon, notice: Wanted, key: str, now: datetime) -> None:
    contact = messages.contact_for(session, one.debtor)
    if not _is_of_use(session, one, notice, contact, now):
        return
    messages.queue(
        session,
        one.debtor,
        template=notice.notice,
        context={
            "account": str(one.account.id),
            "arrangement": str(one.agreed.id),
            "installment": str(one.part.id),
            "due_on": one.planned.due_on.isoformat(),
            "cents": open_cents(one.part),
        },
        account=one.account,
        contact=contact,
        dedupe_key=key,
        now=now,
    )


def _is_of_use(
    session: Session, one: _Soon, notice: Wanted, contact: Contact | None, now: datetime
) -> bool:
    """Whether it can still leave in its days, and what it would say is so.

    A reminder by letter would come too late. A debit is announced during a hold that ends by its
    day; what another hold keeps from being taken is announced once it is lifted in time.
    """
    if notice.notice is Notice.REMINDER and contact is None:
        return False
    if not _is_taken(session, one, notice, now):
        return False
    if contact is None:
        return True
    zones = zones_of(session, one.debtor).names
    return leaves_at(notice.days, now, calendar=zone_of(one.debtor), zones=zones) is not None


def _is_taken(session: Session, one: _Soon, notice: Wanted, now: datetime) -> bool:
    if not one.planned.automatic or notice.notice is Notice.REMINDER:
        return True
    due_on = one.planned.due_on
    if tries.takes(session, one.account, one.agreed, one.part, on=due_on) is None:
        return notice.notice is not Notice.DEBIT  # its debtor pays it
    if notice.notice is Notice.DEBIT:
        return standing_on(session, one.account, due_on).charge.allowed
    return standing(session, one.account, now).charge.allowed
