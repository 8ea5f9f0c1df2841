"""What the machine may agree to on one account today, read once for all that is tried."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Self

from portal.domain import DomainError
from portal.domain.building import (
    AGREED_PLAN,
    AGREED_SETTLEMENT,
    AGREED_WHOLE,
    build,
    settlement_floor,
    settlement_frequencies,
    settlement_latest,
    settlement_parts,
)
from portal.domain.facts import AccountFacts
from portal.domain.limits import Bounds, plan_bounds
from portal.domain.money import Cents, minimum_charge
from portal.domain.offers import Offer, offers
from portal.domain.policy import Policy
from portal.domain.proposals import Proposal
from portal.domain.schedules import PARTS_A_YEAR, Frequency, count_parts
from portal.domain.terms import Basis, Choice, Kind, Terms


@dataclass(frozen=True, slots=True)
class Table:
    """Everything that a proposal is held against, and the terms that it would be agreed as.

    ``floor`` is the lowest total that closes the account, in at most ``parts`` payments begun by
    ``latest``; ``settlements`` are the offers of less than is owed, cheapest first.
    """

    account: AccountFacts
    policy: Policy
    today: date
    bounds: Bounds | None
    floor: Cents | None
    parts: int
    latest: date
    settlements: tuple[Offer, ...]

    @classmethod
    def of(cls, account: AccountFacts, policy: Policy, today: date) -> Self:
        """The table of an account under one policy version."""
        made = [one for one in offers(account, policy, today) if one.kind is Kind.SETTLEMENT]
        return cls(
            account=account,
            policy=policy,
            today=today,
            bounds=plan_bounds(account, policy, today, Basis.AGREED),
            floor=settlement_floor(account, policy, today),
            parts=settlement_parts(account, policy, today),
            latest=settlement_latest(account, policy, today),
            settlements=tuple(sorted(made, key=lambda one: (one.total_cents, -one.parts))),
        )

    @property
    def owed(self) -> Cents:
        """What is owed, in cents."""
        return self.account.balance_cents

    @property
    def least(self) -> Cents:
        """The smallest payment that can be taken at all, in cents."""
        return minimum_charge(self.account.currency)

    @property
    def main_frequency(self) -> Frequency:
        """Monthly where it is offered."""
        offered = settlement_frequencies(self.policy)
        return Frequency.MONTHLY if Frequency.MONTHLY in offered else offered[0]

    def offers_rhythm(self, proposal: Proposal) -> bool:
        """Whether the policy has the rhythm of a proposal; one payment has none of its own."""
        total, amount = proposal.sums(self.owed)
        return amount >= total or proposal.frequency in settlement_frequencies(self.policy)

    def rhythmic(self, proposal: Proposal) -> Proposal:
        """The same proposal in a rhythm that is offered: the same money in the nearest one."""
        offered = settlement_frequencies(self.policy)
        if proposal.frequency in offered:
            return proposal
        total, amount = proposal.sums(self.owed)
        if amount >= total:
            return replace(proposal, frequency=self.main_frequency, days=())
        own = PARTS_A_YEAR[proposal.frequency]
        nearest = min(offered, key=lambda one: (abs(PARTS_A_YEAR[one] - own), one))
        each = min(-(-amount * own // PARTS_A_YEAR[nearest]), total)
        return replace(proposal, frequency=nearest, amount_cents=Cents(each), days=())

    def starts(self, proposal: Proposal) -> tuple[date, ...]:
        """The proposed first date, then each earlier one on which more may be agreed, latest first.

        Whatever may be agreed from a date on may be agreed from any earlier one, and between these
        nothing changes.
        """
        found = {self.today, *(one.valid_until for one in self.settlements if one.valid_until)}
        if self.bounds is not None:
            found.add(self.bounds.latest_first_on)
        if self.floor is not None:
            found.add(self.latest)
        earlier = sorted((day for day in found if day < proposal.first_on), reverse=True)
        return (proposal.first_on, *earlier)

    def count(self, total: Cents, amount: Cents) -> int:
        """How many payments of an amount a total takes."""
        return count_parts(total, amount, minimum=self.least)

    def choice(self, proposal: Proposal, key: str) -> Choice:
        """A proposal as the choice of an offer."""
        total, amount = proposal.sums(self.owed)
        choice = Choice(
            key=key, first_on=proposal.first_on, method=proposal.method, total_cents=total
        )
        if amount >= total:
            return choice
        return replace(
            choice, amount_cents=amount, frequency=proposal.frequency, days=proposal.days
        )

    def agreed(self, proposal: Proposal) -> Terms | None:
        """The terms that a proposal is agreed as, or None; never for more than is proposed.

        An offer that is no dearer comes first: nobody pays more than what everybody is offered.
        """
        total, amount = proposal.sums(self.owed)
        for key in self._keys(proposal):
            terms = self._tried(self.choice(proposal, key))
            if terms is not None:
                alone = len(terms.schedule) == 1 and amount < total == self.owed
                single = self.agreed(replace(proposal, amount_cents=None)) if alone else None
                return single or terms
        return None

    def _keys(self, proposal: Proposal) -> Iterator[str]:
        """What a proposal could be agreed as, best for the debtor first; ``build`` decides."""
        total, amount = proposal.sums(self.owed)
        start = proposal.first_on
        closes = self.floor is not None and total >= self.floor and start <= self.latest
        if total < self.owed:
            for one in self.settlements:
                if one.total_cents <= total and start <= (one.valid_until or self.today):
                    yield one.key
        else:
            if amount == total and start == self.today:
                yield "full"
            if self.bounds is not None and start <= self.bounds.latest_first_on:
                yield from ("plan", AGREED_PLAN)
        if closes and self.count(total, amount) <= self.parts:
            yield AGREED_SETTLEMENT if total < self.owed else AGREED_WHOLE

    def _tried(self, choice: Choice) -> Terms | None:
        try:
            return build(choice, self.account, self.policy, self.today)
        except DomainError:
            return None
