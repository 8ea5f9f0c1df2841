"""A live agreement as its changes see it, from what its page has read already."""

from portal.domain.amendments import Running
from portal.domain.statuses import InstallmentStatus
from portal.services.agreements import OPEN_PARTS, AgreementPage
from portal.services.balance import Balance
from portal.services.running import Agreed, later_of, running_of
from portal.services.standing import today_of


def running_page(view: Balance, agreed: AgreementPage) -> Running | None:
    """A live agreement as its changes see it; None where there is nothing to change."""
    parts = tuple((p.due_on, p.open_cents) for p in agreed.parts if p.status in OPEN_PARTS)
    if not agreed.live or agreed.policy is None or not parts:
        return None
    made_of = Agreed(
        terms=agreed.terms,
        policy=agreed.policy,
        parts=parts,
        paid_parts=sum(part.status is InstallmentStatus.PAID for part in agreed.parts),
        changes=agreed.changes,
        method=str(agreed.method),
        waiting=agreed.waiting,
        agreed_on=today_of(view.debtor, agreed.accepted_at),
        later=later_of(agreed.due_parts),
    )
    return running_of(made_of, view.offers.facts, view.today)
