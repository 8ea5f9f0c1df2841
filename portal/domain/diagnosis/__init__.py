"""Why somebody cannot pay: facts in, causes out, the likeliest first."""

from collections.abc import Sequence
from dataclasses import dataclass

from portal.domain.diagnosis import allowed, entering, held, paying, reaching
from portal.domain.diagnosis.facts import Cause, Facts, Remedy, Seen, Source

__all__ = ["CAUSES", "Cause", "Facts", "Finding", "Remedy", "Seen", "Source", "diagnose"]

_ALL = (*allowed.CAUSES, *held.CAUSES, *paying.CAUSES, *entering.CAUSES, *reaching.CAUSES)
CAUSES: tuple[Cause, ...] = tuple(sorted(_ALL, key=lambda cause: not cause.sure))
"""Every cause in the order of its rank: what surely stops them first, then from the bank's word
back to the message that never came.
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """A cause that the facts show, with its evidence."""

    cause: Cause
    evidence: tuple[Seen, ...]


def diagnose(facts: Facts) -> Sequence[Finding]:
    """Every cause that the facts show, the likeliest first; none where they show none."""
    found = (Finding(cause, tuple(cause.shows(facts))) for cause in CAUSES)
    return [finding for finding in found if finding.evidence]
