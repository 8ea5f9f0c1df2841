"""The time: asked for at the edge, handed down as an argument."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Something that knows the time."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        return datetime.now(UTC)


class FixedClock:
    """A clock that stands still until it is told to move."""

    def __init__(self, now: datetime) -> None:
        if now.tzinfo is None:
            raise ValueError("A clock needs an aware time.")
        self._now = now.astimezone(UTC)

    def now(self) -> datetime:
        """The moment the clock stands at, aware, in UTC."""
        return self._now

    def advance(self, by: timedelta) -> datetime:
        """Move on and say the new time."""
        self._now += by
        return self._now
