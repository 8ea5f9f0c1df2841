"""The answer to a debtor's own proposal: agreed, what comes closest, or a person looks at it.

The answer depends on the account, on what the policy lets the machine agree to, and on the day;
never on what staff may grant. More money, or the same sooner, never gets a worse answer, and asking
again gets the same one.
"""

from datetime import date
from typing import Final

from portal.domain import N_, DomainError
from portal.domain.alternatives import closest
from portal.domain.building import AGREED_PLAN, AGREED_SETTLEMENT, AGREED_WHOLE, build
from portal.domain.facts import AccountFacts
from portal.domain.limits import (
    FirstPaymentTooLate,
    InstallmentTooSmall,
    PlanTooLong,
    SettlementTooLow,
    TooManyInstallments,
    TooManyParts,
)
from portal.domain.money import Money
from portal.domain.policy import Policy
from portal.domain.proposals import (
    Agreed,
    Alternatives,
    Answer,
    ForReview,
    Proposal,
    check_proposal,
)
from portal.domain.table import Table

WHY: Final[dict[type[DomainError], str]] = {
    FirstPaymentTooLate: N_("We cannot agree right away to wait until %(first_on)s."),
    InstallmentTooSmall: N_("%(amount)s each time is less than we can agree to right away."),
    PlanTooLong: N_("With %(amount)s each time it takes longer than we can agree to right away."),
    SettlementTooLow: N_("%(total)s is less than we can close your account for right away."),
    TooManyInstallments: N_(
        "With %(amount)s each time it takes longer than we can agree to right away."
    ),
    TooManyParts: N_("We cannot agree right away to that many payments."),
}
NO_PLAN: Final = N_("We cannot agree right away that you pay over time.")
NO_SETTLEMENT: Final = N_("We cannot agree right away that you pay less than you owe.")


def answer(proposal: Proposal, account: AccountFacts, policy: Policy, today: date) -> Answer:
    """What the machine says to a proposal; total, deterministic, never below ``policy.agree``.

    Raises what ``check_proposal`` raises for what no answer can be given to.
    """
    check_proposal(proposal, account, policy, today)
    table = Table.of(account, policy, today)
    wish = table.rhythmic(proposal)
    terms = table.agreed(wish)
    if terms is not None:
        return Agreed(terms)
    why, params = _why_not(wish, table)
    found = closest(wish, table)
    return Alternatives(why, params, found) if found else ForReview(why, params)


def _why_not(wish: Proposal, table: Table) -> tuple[str, dict[str, object]]:
    """The limit that a proposal goes beyond, of those that the machine itself keeps to."""
    total, amount = wish.sums(table.owed)
    key, why = AGREED_SETTLEMENT, NO_SETTLEMENT
    if total == table.owed:
        key, why = AGREED_WHOLE if table.bounds is None else AGREED_PLAN, NO_PLAN
    try:
        build(table.choice(wish, key), table.account, table.policy, table.today)
    except DomainError as error:
        why = WHY.get(type(error), why)
    params: dict[str, object] = {
        "amount": Money(amount, table.account.currency),
        "total": Money(total, table.account.currency),
        "first_on": wish.first_on,
    }
    return why, params
