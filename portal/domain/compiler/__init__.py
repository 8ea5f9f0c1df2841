"""What is wrong with an offer policy, proved over every account it could meet.

A policy is compiled before it is published. Each rule that it breaks is told with its place in the
document and, where the rule is about accounts, with one account that shows it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from portal.domain import N_, DomainError
from portal.domain.compiler import borders, cover, rivals, standing, tiers, whole
from portal.domain.compiler import cautions as cautioned
from portal.domain.compiler.groups import Group, groups
from portal.domain.compiler.problems import (
    FARTHEST_REMINDER,
    KEEPING,
    MOST_BANDS,
    MOST_SEGMENTS,
    MOST_TIERS,
    ROUNDINGS,
    Example,
    Place,
    Problem,
    Problems,
    percent,
)
from portal.domain.money import MINIMUM_CHARGE_CENTS
from portal.domain.policy import Policy

__all__ = [
    "FARTHEST_REMINDER",
    "KEEPING",
    "MOST_BANDS",
    "MOST_SEGMENTS",
    "MOST_TIERS",
    "Compiled",
    "Example",
    "Place",
    "PolicyRefused",
    "Problem",
    "cautions",
    "check",
    "compile",
    "percent",
]

SHAPES: Final[tuple[Callable[[Policy], Problems], ...]] = (
    whole.whole,
    cover.sizes,
    cover.segments,
    cover.borders,
    tiers.shapes,
    whole.plan,
    whole.proposals,
)
"""Rules about what is written."""

PROOFS: Final[tuple[Callable[[Policy, list[Group]], Problems], ...]] = (
    cover.cover,
    tiers.each_tier,
    rivals.rivals,
    standing.standing,
)
"""Rules about every account there can be."""

UNCLEAR: Final = {"size", "segments.twice", "bands.segment"}
"""Problems with which it is not clear whom a band is for, so that nothing more is looked at."""


class PolicyRefused(DomainError):
    """A policy that breaks a rule; ``problems`` has each."""

    message = N_("These limits cannot be published: %(problem)s")

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(problem=str(problems[0]))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Compiled:
    """A policy that may be published, and what its client should know before."""

    policy: Policy
    cautions: tuple[Problem, ...]


def compile(policy: Policy) -> Compiled:
    """Prove that a policy may be published. Raises PolicyRefused with every problem."""
    problems = check(policy)
    if problems:
        raise PolicyRefused(problems)
    return Compiled(policy, tuple(cautions(policy)))


def check(policy: Policy) -> list[Problem]:
    """Every problem of a policy; an empty list means that it can be published.

    What a payment leads to is looked at once nothing else is wrong.
    """
    if policy.currency not in MINIMUM_CHARGE_CENTS:
        text = N_("We cannot take payments in %(currency)s. Choose USD or CAD.")
        return [Problem("currency", text, {"currency": policy.currency}, Place("currency"))]
    found = [problem for rule in SHAPES for problem in rule(policy)]
    if UNCLEAR & {problem.rule for problem in found}:
        return found
    readable = _rounded_somehow(policy)
    known = groups(readable)
    found += (problem for rule in PROOFS for problem in rule(readable, known))
    return found or list(borders.borders(policy))


def cautions(policy: Policy) -> list[Problem]:
    """Where a debtor's terms get worse at a border of a policy in which ``check`` finds nothing."""
    return list(cautioned.cautions(policy, groups(policy)))


def _rounded_somehow(policy: Policy) -> Policy:
    return policy if policy.rounding_cents in ROUNDINGS else replace(policy, rounding_cents=1)
