"""What one simulation did, said and broke: the truth that its invariants are judged by."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from portal.domain.amendments import Amendment


@dataclass(frozen=True)
class Violation:
    """One invariant that did not hold, and where."""

    invariant: str
    where: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.where}"


@dataclass
class Stop:
    """Off-session charging was forbidden from here on: of an account, or of one arrangement.

    ``place`` counts what happened, ``lifted`` is where it ended.
    """

    account_id: UUID
    arrangement_id: UUID | None
    place: int
    at: datetime
    lifted: int | None = None

    def covers(self, account_id: UUID, arrangement_id: UUID | None, place: int) -> bool:
        """Whether something decided at this place was forbidden."""
        mine = self.account_id == account_id
        about = self.arrangement_id is None or self.arrangement_id == arrangement_id
        return (
            mine and about and self.place < place and (self.lifted is None or place < self.lifted)
        )


@dataclass
class History:
    """Everything in order. ``place`` grows with every line, so that it orders what happened.

    ``heads`` is what somebody outside has seen of the chains of evidence: which leaf was the newest
    one, and its hash. ``changes`` are those that the pages of plans showed, by their id.
    """

    lines: list[str] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    stops: list[Stop] = field(default_factory=list)
    handed: dict[str, UUID] = field(default_factory=dict)
    bodies: dict[str, str] = field(default_factory=dict)
    heads: dict[tuple[UUID, int], str] = field(default_factory=dict)
    changes: dict[UUID, Amendment] = field(default_factory=dict)

    @property
    def place(self) -> int:
        """Where in the history we are."""
        return len(self.lines)

    def note(self, line: str) -> None:
        """Add a line."""
        self.lines.append(line)

    def broke(self, invariant: str, where: str) -> None:
        """Remember that an invariant did not hold, once for each place where it did not."""
        found = Violation(invariant, where)
        if found not in self.violations:
            self.violations.append(found)

    def forbidden(self, account_id: UUID, arrangement_id: UUID | None, place: int) -> bool:
        """Whether an off-session charge that was decided at this place had been stopped before."""
        return any(stop.covers(account_id, arrangement_id, place) for stop in self.stops)

    def allow_again(self, arrangement_id: UUID) -> None:
        """A new permission is asked for, so that charges of an agreement may begin again."""
        for stop in self.stops:
            if stop.arrangement_id == arrangement_id:
                stop.lifted = stop.lifted or self.place

    def operations(self) -> Iterator[str]:
        """The operations alone, with how each ended."""
        return (line for line in self.lines if not line.startswith("  "))

    @property
    def digest(self) -> str:
        """A hash of all that happened: the same seed gives the same one."""
        return hashlib.sha256("\n".join(self.lines).encode()).hexdigest()
