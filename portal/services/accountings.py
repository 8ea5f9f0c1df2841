"""The accounting of a running plan, each quarter where the law wants one (23 NYCRR 1.5, PY-12)."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain.debts import DEBT_COLLECTORS, CollectorRole
from portal.domain.noticing import NEW_YORK, accounting_on, is_new_york_collection
from portal.domain.statuses import ArrangementStatus
from portal.models import Account, Arrangement, Debtor, Message
from portal.services import messages
from portal.services.standing import today_of

TEMPLATE = "plan_accounting"
BATCH = 500
SHORTEST_QUARTER = timedelta(days=88)


def give(
    session: Session, client_id: UUID, *, now: datetime, after: UUID | None = None
) -> Sequence[UUID]:
    """Queue the accountings that are due for one batch of running plans; the plans it looked at.

    The caller commits and goes on ``after`` the last of them.
    """
    query = (
        select(Arrangement, Account, Debtor)
        .join(
            Account,
            (Account.client_id == Arrangement.client_id) & (Account.id == Arrangement.account_id),
        )
        .join(Debtor, (Debtor.client_id == Account.client_id) & (Debtor.id == Account.debtor_id))
        .where(
            Arrangement.client_id == client_id,
            Arrangement.status == ArrangementStatus.ACTIVE,
            Arrangement.accepted_at < now - SHORTEST_QUARTER,
            Account.collector_role.in_(DEBT_COLLECTORS),
            Debtor.country == NEW_YORK[0],
            Debtor.region.in_((NEW_YORK[1], "-".join(NEW_YORK))),
        )
        .order_by(Arrangement.id)
        .limit(BATCH)
    )
    rows = session.execute(query.where(Arrangement.id > after) if after else query).all()
    due = {
        f"{TEMPLATE}:{agreed.id}:{on}": (agreed, account, debtor, on)
        for agreed, account, debtor in rows
        if (on := _due_on(agreed, account, debtor, now)) is not None
    }
    told = select(Message.dedupe_key).where(
        Message.client_id == client_id, Message.dedupe_key.in_(due)
    )
    for key in due.keys() - set(session.scalars(told)):
        agreed, account, debtor, on = due[key]
        _tell(session, (agreed, account, debtor), on, key, now)
    return [agreed.id for agreed, _, _ in rows]


def _due_on(agreed: Arrangement, account: Account, debtor: Debtor, now: datetime) -> date | None:
    role = CollectorRole(account.collector_role)
    if not is_new_york_collection(debtor.country, debtor.region, role):
        return None
    return accounting_on(today_of(debtor, agreed.accepted_at), today_of(debtor, now))


def _tell(
    session: Session,
    plan: tuple[Arrangement, Account, Debtor],
    on: date,
    key: str,
    now: datetime,
) -> None:
    agreed, account, debtor = plan
    messages.queue(
        session,
        debtor,
        template=TEMPLATE,
        context={"account": str(account.id), "arrangement": str(agreed.id), "on": on.isoformat()},
        account=account,
        dedupe_key=key,
        now=now,
    )
