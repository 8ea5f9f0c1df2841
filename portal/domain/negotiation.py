"""The answer to a debtor's own proposal: agreed, what comes closest, or a person looks at it.

The answer depends on the account, on what the policy lets the machine agree to, and on the day;
never on what staff may grant. More money, or the same sooner, never gets a worse answer, and asking
again gets the same one.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date
from typing import Final

from portal.domain import N_, DomainError
from portal.domain.alternatives import MOST, closest, closest_rhythm
from portal.domain.building import AGREED_PLAN, AGREED_SETTLEMENT, AGREED_WHOLE, build
from portal.domain.facts import AccountFacts
from portal.domain.kept_offers import Shown, promised
from portal.domain.limits import (
    FirstPaymentTooLate,
    InstallmentTooSmall,
    OnePaymentOnly,
    PlanTooLong,
    SettlementTooLow,
    TooManyInstallments,
    TooManyParts,
)
from portal.domain.money import Money, minimum_charge
from portal.domain.paydays import open_days
from portal.domain.policy import Policy
from portal.domain.proposals import (
    Agreed,
    Alternative,
    Alternatives,
    Answer,
    Axis,
    ForReview,
    Proposal,
    begins_on,
    check_proposal,
)
from portal.domain.schedules import count_parts
from portal.domain.table import Table
from portal.domain.terms import Choice, Kind

MANY: Final = N_("We cannot agree right away to that many payments.")
WHY: Final[dict[type[DomainError], str]] = {
    FirstPaymentTooLate: N_("We cannot agree right away to wait until %(first_on)s."),
    InstallmentTooSmall: N_("%(amount)s each time is less than we can agree to right away."),
    PlanTooLong: N_("With %(amount)s each time it takes longer than we can agree to right away."),
    SettlementTooLow: N_("%(total)s is less than we can close your account for right away."),
    TooManyInstallments: N_(
        "With %(amount)s each time it takes longer than we can agree to right away."
    ),
    TooManyParts: MANY,
    OnePaymentOnly: MANY,
}
PROMISED: Final = N_("%(total)s closes your account: we offered you that until %(until)s.")
OTHER_RHYTHM: Final = N_("We cannot agree right away to payments that often or that seldom.")
NO_PLAN: Final = N_("We cannot agree right away that you pay over time.")
NO_SETTLEMENT: Final = N_("We cannot agree right away that you pay less than you owe.")


def answer(proposal: Proposal, account: AccountFacts, policy: Policy, today: date) -> Answer:
    """What the machine says to a proposal; total, deterministic, never below ``policy.agree``.

    Raises what ``check_proposal`` raises for what no answer can be given to.
    """
    check_proposal(proposal, account, policy, today)
    table = Table.of(account, policy, today)
    wish, as_asked = table.rhythmic(proposal), table.offers_rhythm(proposal)
    terms = table.agreed(wish)
    if terms is not None and as_asked:
        return Agreed(terms)
    if as_asked:
        why, params = _why_not(wish, table)
        found = closest(wish, table)
    else:
        why, params = OTHER_RHYTHM, {}
        found = closest_rhythm(wish, terms, table)
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
    opened = open_days(table.account, table.policy, table.today)
    params: dict[str, object] = {
        "amount": Money(amount, table.account.currency),
        "total": Money(total, table.account.currency),
        "first_on": begins_on(wish, table.owed, opened),
    }
    return why, params


def answer_beside(
    proposal: Proposal,
    account: AccountFacts,
    live: Policy,
    shown: Sequence[Shown],
    today: date,
) -> Answer:
    """The same, beside what was shown and still stands: nobody pays more than they were offered.

    What was promised is agreed where it fits, and stands before dearer settlements where it does
    not. Raises as ``answer``.
    """
    said = answer(proposal, account, live, today)
    total, _ = proposal.sums(account.balance_cents)
    if not shown or total == account.balance_cents:
        return said
    owed = sorted(_owed(proposal, account, shown, today), key=lambda one: one.terms.total_cents)
    fits = [one.terms for one in owed if one.axis is Axis.AMOUNT and one.terms.total_cents <= total]
    if isinstance(said, Agreed):
        cheaper = fits and fits[0].total_cents < said.terms.total_cents
        return Agreed(fits[0]) if cheaper else said
    if fits:
        return Agreed(fits[0])
    return _beside(said, owed[0]) if owed else said


def _owed(
    proposal: Proposal, account: AccountFacts, shown: Sequence[Shown], today: date
) -> Iterator[Alternative]:
    """Each promised settlement, paid as proposed as far as it goes; on the axis that gives way."""
    total, amount = proposal.sums(account.balance_cents)
    asked = count_parts(total, amount, minimum=minimum_charge(account.currency))
    policies = {one.policy.version: one.policy for one in shown}
    for offer in promised(account, shown, today):
        until, count = offer.valid_until or today, min(asked, offer.parts)
        choice = Choice(
            key=offer.key,
            count=count if count > 1 else None,
            frequency=proposal.frequency if count > 1 else None,
            first_on=min(proposal.first_on, until),
            method=proposal.method,
            valid_until=until,
            days=proposal.days if count > 1 else (),
        )
        with suppress(DomainError):
            terms = build(choice, account, policies[offer.policy_version], today, offer=offer)
            later = proposal.first_on > until
            axis = Axis.LENGTH if count < asked else Axis.START if later else Axis.AMOUNT
            params: dict[str, object] = {"total": Money(terms.total_cents, terms.currency)}
            yield Alternative(axis, terms, PROMISED, params | {"until": until})


def _beside(said: Alternatives | ForReview, owed: Alternative) -> Alternatives:
    found = said.alternatives if isinstance(said, Alternatives) else ()
    least = owed.terms.total_cents
    others = [one for one in found if one.terms.total_cents < least or one.terms.kind is Kind.PLAN]
    why = said.why if isinstance(said, Alternatives) else said.reason
    return Alternatives(why, said.params, (owed, *others)[:MOST])
