"""Every leaf in neutral, technical words: what was written, when, by whom, and its hash."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from portal.domain.evidence import format_time
from portal.services.evidence import Entry, Payload
from portal.services.timeline.staff import UNKNOWN, WORDS
from portal.services.timeline.wording import ERASED_ACTOR, remarks_for_auditors

HASH_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Row:
    """One leaf.

    ``at`` is in UTC with milliseconds, as the leaf has it; ``actor`` is a kind and an id;
    ``hash`` the first digits of the leaf's. ``title`` and ``remarks`` are marked.
    """

    n: int
    at: str
    type: str
    actor: str
    hash: str
    title: str
    remarks: tuple[str, ...] = ()


def compliance(entries: Iterable[Entry]) -> Sequence[Row]:
    """The leaves of a chain as rows, in the order of the chain; none is left out."""
    return [
        Row(
            n=entry.n,
            at=format_time(entry.at),
            type=entry.type,
            actor=_actor(entry.payload),
            hash=entry.hash[:HASH_DIGITS],
            title=WORDS.get(entry.type, UNKNOWN)[0],
            remarks=remarks_for_auditors(entry),
        )
        for entry in entries
    ]


def _actor(payload: Payload) -> str:
    return "{kind} {id}".format(**payload["actor"]) if payload else ERASED_ACTOR
