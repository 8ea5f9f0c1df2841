"""How an arrangement with late parts can be kept, read from its rows."""

import json
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.domain import curing, terms
from portal.domain.curing import Cure, DuePart, Times
from portal.domain.deadlines import Held
from portal.domain.holds import HoldKind
from portal.domain.money import Cents
from portal.domain.paydays import OpenDays
from portal.domain.policy import DueDays, Keeping, Policy
from portal.models import Account, Arrangement, Debtor, Hold, Installment
from portal.rules.holidays import region_holidays
from portal.services.arrangements import installments_of
from portal.services.policies import NoPolicy, policy_version
from portal.services.standing import zone_of


@dataclass(frozen=True, slots=True)
class Patience:
    """All that decides how an arrangement can be kept, as it stands now."""

    parts: tuple[DuePart, ...]
    keeping: Keeping
    times: Times
    opened: OpenDays
    largest: Cents

    @property
    def cure(self) -> Cure | None:
        """The ways to keep it; None where nothing is late, or it is too late."""
        return curing.cure(self.parts, self.keeping, self.times, self.opened, largest=self.largest)

    @property
    def ends_after(self) -> date | None:
        """The last day on which it can be kept; None where nobody was told yet."""
        return curing.ends_after(self.parts, self.keeping, self.times)


def read_patience(
    session: Session, account: Account, agreed: Arrangement, *, now: datetime
) -> Patience:
    """The same from the rows; parts that are locked are read as they stand in the session."""
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    policy = policy_of(session, agreed)
    holidays = region_holidays(debtor.country, debtor.region)
    return Patience(
        parts=tuple(map(due_part, installments_of(session, agreed))),
        keeping=policy.keeping if policy else Keeping(),
        times=Times(
            zone=zone_of(debtor),
            now=now,
            holds=_holds(session, account),
            barred_on=account.sol_expires_on,
        ),
        opened=OpenDays(DueDays.WORKING_DAYS, holidays),
        largest=largest_of(terms.from_dict(json.loads(agreed.terms))),
    )


def policy_of(session: Session, agreed: Arrangement) -> Policy | None:
    """The limits under which an arrangement was agreed."""
    try:
        return policy_version(session, agreed.client_id, agreed.policy_version).policy
    except NoPolicy:
        return None


def largest_of(agreed: terms.Terms) -> Cents:
    """The largest payment of what was agreed."""
    return max(cents for _, cents in agreed.schedule)


def due_part(part: Installment) -> DuePart:
    """A part as curing sees it."""
    return DuePart(
        n=part.n,
        due_on=part.due_on,
        cents=Cents(part.amount_cents - part.paid_cents),
        status=part.status,
        late_since=part.late_since,
        told_on=part.told_on,
        again_on=part.next_attempt_on,
    )


def _holds(session: Session, account: Account) -> tuple[Held, ...]:
    rows = session.execute(
        select(Hold.kind, Hold.starts_at, func.least(Hold.lifted_at, Hold.ends_at)).where(
            Hold.client_id == account.client_id, Hold.account_id == account.id
        )
    )
    return tuple(Held(HoldKind(kind), began, ended) for kind, began, ended in rows)
