"""Whether the notice of a debit was given: without it nothing is taken (PY-07)."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, ScalarSelect, case, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from portal.domain.money import Cents
from portal.domain.noticing import EARLIEST, Notice, PlannedPart, may_debit
from portal.domain.paydays import OpenDays
from portal.domain.policy import DueDays
from portal.domain.schedules import Frequency
from portal.domain.statuses import AuthorizationStatus, InstallmentStatus, MessageStatus
from portal.domain.terms import Method
from portal.models import (
    Account,
    Arrangement,
    Authorization,
    Channel,
    Debtor,
    Installment,
    Message,
)
from portal.rules.holidays import region_holidays
from portal.services import evidence, notices
from portal.services.authorizations import GONE, ON_LIST, left_at
from portal.services.ledger import open_exception
from portal.services.messages import BESIDE, WAITING
from portal.services.standing import today_of

CHANGED = "plan_changed"
"""The copy of a changed plan: from then on its new dates and amounts are agreed to."""
NOT_GIVEN = "notice_not_given"
"""The kind of question that a debit raises whose notice did not leave in its days."""
NOT_TAKEN = "payment_waits"
RULE = "PY-07"


def granted_at() -> ScalarSelect[datetime | None]:
    """When the permission in force of an arrangement was given, as a column beside it."""
    return (
        select(Authorization.granted_at)
        .where(
            Authorization.client_id == Arrangement.client_id,
            Authorization.arrangement_id == Arrangement.id,
            Authorization.status == AuthorizationStatus.GRANTED,
        )
        .correlate(Arrangement)
        .scalar_subquery()
    )


def changed_at(*, on_its_way: bool = False) -> ScalarSelect[datetime | None]:
    """When the last copy of a changed plan left whole, as a column beside its account.

    By letter from when it is on the list with an address; an e-mail that a letter goes beside
    counts by that letter. ``on_its_way``: one that waits to leave counts already, so that nobody is
    told twice.
    """
    beside = aliased(Message)
    letter = exists().where(
        beside.client_id == Message.client_id,
        beside.dedupe_key == Message.dedupe_key + BESIDE,
    )
    waits = (*WAITING, MessageStatus.SENDING) if on_its_way else ()
    at = case(
        (
            Message.channel == Channel.LETTER,
            case((Message.status.in_(ON_LIST) & _arrives(), Message.created_at)),
        ),
        (Message.status.in_(waits), Message.created_at),
        (Message.status.in_(GONE) & ~letter, Message.sent_at),
    )
    return (
        select(func.max(at))
        .where(
            Message.client_id == Account.client_id,
            Message.debtor_id == Account.debtor_id,
            Message.account_id == Account.id,
            Message.template == CHANGED,
            Message.created_at >= Arrangement.accepted_at,
        )
        .correlate(Account, Arrangement)
        .scalar_subquery()
    )


def _arrives() -> ColumnElement[bool]:
    """Whether a letter on the list has an address, or was decided by a person, as ``left_at``."""
    parts = (Debtor.address_line, Debtor.city, Debtor.postal_code)
    here = (Debtor.client_id == Message.client_id, Debtor.id == Message.debtor_id)
    addressed = exists().where(*here, *(part != "" for part in parts))
    return or_(Message.status != MessageStatus.QUEUED, Message.decided, addressed)


def planned(
    part: Installment,
    agreed: Arrangement,
    debtor: Debtor,
    granted: datetime | None,
    changed: datetime | None,
) -> PlannedPart:
    """A part as the rules of notices see it.

    The copy that tells of it is the newest of the agreement's, the permission's and a change's.
    """
    told = max(at for at in (agreed.accepted_at, granted, changed) if at is not None)
    return PlannedPart(
        due_on=taken_on(part),
        amount_cents=open_cents(part),
        automatic=agreed.method == Method.AUTOMATIC and granted is not None,
        frequency=Frequency(agreed.frequency) if agreed.frequency else None,
        agreed_on=today_of(debtor, told),
    )


def taken_on(part: Installment) -> date:
    """The day on which a part is taken: its own, or the later one that ``may_charge`` named."""
    later = part.next_attempt_on if part.status == InstallmentStatus.SCHEDULED else None
    return max(part.due_on, later or part.due_on)


def open_cents(part: Installment) -> Cents:
    """What is left of a part, in cents."""
    return Cents(part.amount_cents - part.paid_cents)


def is_given(
    session: Session, agreed: Arrangement, part: Installment, *, on_its_way: bool = False
) -> bool:
    """Whether the notice of a debit left in its days, or something else tells of it (PY-07).

    ``on_its_way``: the copy of a changed plan that waits to leave counts too.
    """
    account, debtor, granted, changed = session.execute(
        select(Account, Debtor, granted_at(), changed_at(on_its_way=on_its_way))
        .select_from(Arrangement)
        .join(
            Account,
            (Account.client_id == Arrangement.client_id) & (Account.id == Arrangement.account_id),
        )
        .join(Debtor, (Debtor.client_id == Account.client_id) & (Debtor.id == Account.debtor_id))
        .where(Arrangement.client_id == agreed.client_id, Arrangement.id == agreed.id)
    ).one()
    one = planned(part, agreed, debtor, granted, changed)
    return may_debit(one, _left(session, debtor, part))


def _left(session: Session, debtor: Debtor, part: Installment) -> Iterator[tuple[date, int]]:
    """The day and the amount of each notice of this part and day that left.

    An e-mail counts once its carrier took it, a letter from when it is on the list, as the copy of
    a permission does.
    """
    found = session.scalars(
        select(Message)
        .where(
            Message.client_id == debtor.client_id,
            Message.debtor_id == debtor.id,
            Message.template == Notice.DEBIT,
            Message.context["installment"].astext == str(part.id),
            Message.context["due_on"].astext == taken_on(part).isoformat(),
        )
        .execution_options(populate_existing=True)
    )
    for notice in found:
        if (at := left_at(session, notice)) is not None:
            yield today_of(debtor, at), notice.context["cents"]


def may_charge(
    session: Session, account: Account, agreed: Arrangement, part: Installment, *, now: datetime
) -> bool:
    """Whether a due part may be taken as far as its notice goes (PY-07).

    It waits for the copy of a changed plan that is about to leave. Else it is our omission: the
    part waits for a later day whose notice can still be given, and counts as late from that day at
    the earliest. Its debtor is told calmly that nothing was taken, and a person is told, once. The
    caller commits.
    """
    if is_given(session, agreed, part):
        return True
    if is_given(session, agreed, part, on_its_way=True):
        return False
    fact = f"installment:{part.id}:{taken_on(part)}"
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    part.next_attempt_on = part.late_since = _later(debtor, today_of(debtor, now))
    if notices.tell(session, account, NOT_TAKEN, fact=fact, now=now):
        open_exception(
            session,
            account,
            kind=NOT_GIVEN,
            source=fact,
            detail="The notice of this payment did not leave in its days, so it is not taken.",
            now=now,
        )
        _record(session, account, part, now)
    return False


def _later(debtor: Debtor, today: date) -> date:
    """The first working day whose notice can be given from today on, in all of its days."""
    holidays = region_holidays(debtor.country, debtor.region)
    return OpenDays(DueDays.WORKING_DAYS, holidays).on_or_after(today + timedelta(days=EARLIEST))


def _record(session: Session, account: Account, part: Installment, now: datetime) -> None:
    evidence.record(
        session,
        client_id=account.client_id,
        chain_id=account.chain_id,
        type="charge.blocked",
        payload={
            "actor": evidence.SYSTEM,
            "rule": RULE,
            "arrangement": str(part.arrangement_id),
            "installment": str(part.id),
            "due_on": part.due_on.isoformat(),
            "again_on": taken_on(part).isoformat(),
            "amount_cents": open_cents(part),
            "currency": account.currency,
        },
        now=now,
    )
