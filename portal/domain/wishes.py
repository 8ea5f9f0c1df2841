"""How a person wants to be written to: never then, never there, only this way (CT-03)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import time, timedelta
from enum import StrEnum
from uuid import UUID

from portal.domain import N_, DomainError
from portal.domain.channels import Channel
from portal.domain.windows import MIDNIGHT, ContactWindow, Hours

RULE = "CT-03"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ANY = "any"


class WishKind(StrEnum):
    """What a preference is about: a time, an address at a place, the only way, the language."""

    NOT_AT = "not_at"
    NOT_TO = "not_to"
    ONLY = "only"
    LANGUAGE = "language"


class DayPart(StrEnum):
    """A part of the day, in the person's own time."""

    MORNING = "morning"
    AFTERNOON = "afternoon"
    EVENING = "evening"


PARTS = {
    DayPart.MORNING: Hours(time(0), time(12)),
    DayPart.AFTERNOON: Hours(time(12), time(17)),
    DayPart.EVENING: Hours(time(17), MIDNIGHT),
}


class NothingLeft(DomainError):
    """Together the wishes leave no hour of a week, which is to stop writing."""

    message = N_("That leaves no time at all. Choose fewer days, or ask us to stop writing.")


@dataclass(frozen=True, slots=True)
class Slot:
    """A time at which a person does not want to hear from us: a day, a part of it, or of each.

    Written as ``tue morning``, ``sun any`` or ``any evening``.
    """

    day: str = ANY
    part: str = ANY

    def __str__(self) -> str:
        return f"{self.day} {self.part}"

    def covers(self, day: str, part: DayPart) -> bool:
        """Whether a part of a day lies in it."""
        return self.day in (ANY, day) and self.part in (ANY, part)


def read_slot(written: str) -> Slot:
    """The slot that was written down. Raises ValueError."""
    day, _, part = written.partition(" ")
    if day not in (ANY, *DAYS) or part not in (ANY, *DayPart) or day == part == ANY:
        raise ValueError(f"no time of a week: {written!r}")
    return Slot(day, part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """All that is in force for one person. ``places`` are addresses not to be written to."""

    never: tuple[Slot, ...] = ()
    only: Channel | None = None
    places: frozenset[UUID] = field(default_factory=frozenset)


NO_WISHES = Wishes()


def wishes_of(stated: Iterable[tuple[str, str]]) -> Wishes:
    """The wishes that rows of kind and value say; what is no longer understood is no wish."""
    rows = list(stated)
    values = {kind: [value for one, value in rows if one == kind] for kind in WishKind}
    return Wishes(
        never=tuple(read_slot(value) for value in values[WishKind.NOT_AT]),
        only=Channel(values[WishKind.ONLY][-1]) if values[WishKind.ONLY] else None,
        places=frozenset(UUID(value) for value in values[WishKind.NOT_TO]),
    )


def window_of(never: Iterable[Slot]) -> ContactWindow:
    """The hours of a week that a person leaves; none at all may be left."""
    closed = tuple(never)
    week = tuple(
        tuple(
            hours
            for part, hours in PARTS.items()
            if not any(slot.covers(day, part) for slot in closed)
        )
        for day in DAYS
    )
    return ContactWindow(week=week, early=timedelta(0), rule=RULE)


def require_some_time(never: Iterable[Slot]) -> None:
    """Go on only if an hour of the week is left. Raises NothingLeft."""
    if not any(window_of(never).week):
        raise NothingLeft
