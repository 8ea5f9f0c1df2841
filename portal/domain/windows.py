"""When a debtor may be written to: hours convenient in every zone they may be in (CT-01, CT-02).

Zones are IANA names; times go in and come out as aware UTC datetimes. A message happens when it is
sent, so ask right before handing it over.
"""

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from portal.domain.debts import Country

US_ZONES = (
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/Anchorage",
    "Pacific/Honolulu",
)
CANADIAN_ZONES = (
    "America/St_Johns",
    "America/Halifax",
    "America/Toronto",
    "America/Winnipeg",
    "America/Regina",
    "America/Edmonton",
    "America/Vancouver",
)
ALL_ZONES = {Country.US: US_ZONES, Country.CA: CANADIAN_ZONES}
SEARCHED_DAYS = 15
MIDNIGHT = time.max
"""When hours close that last until the end of their day."""


@dataclass(frozen=True, slots=True)
class Hours:
    """The hours of one day, local time: open from ``opens`` until just before ``closes``."""

    opens: time
    closes: time


Week = tuple[tuple[Hours, ...], ...]
"""The hours of seven days, Monday first; nothing where a day is closed."""


@dataclass(frozen=True, slots=True)
class ContactWindow:
    """The hours of a week, the days on which they do not count, and the rule that says so.

    ``early`` is how long before the close we stop handing messages over.
    """

    week: Week
    early: timedelta = timedelta(minutes=15)
    holidays: Container[date] = frozenset()
    rule: str = "CT-01"


FEDERAL_WINDOW = ContactWindow(week=((Hours(time(8), time(21)),),) * 7)
FEDERAL = (FEDERAL_WINDOW,)


@dataclass(frozen=True, slots=True)
class CandidateZones:
    """Every zone that a debtor may be in, and what says so."""

    names: tuple[str, ...]
    basis: str


def candidate_zones(
    country: Country,
    *,
    declared: str | None = None,
    region: Iterable[str] = (),
    phone: Iterable[str] = (),
) -> CandidateZones:
    """The zones of the declared zone, the address and the phone together (CT-02).

    Each source adds and none replaces another. With no source at all: every zone of the country.
    """
    sources = {"declared": (declared,) if declared else (), "region": region, "phone": phone}
    found = {name: tuple(zones) for name, zones in sources.items()}
    names = {zone for zones in found.values() for zone in zones}
    if not names:
        return CandidateZones(tuple(sorted(ALL_ZONES[country])), "unknown")
    return CandidateZones(
        tuple(sorted(names)), "+".join(name for name, zones in found.items() if zones)
    )


def is_zone(name: str) -> bool:
    """Whether a name is an IANA time zone, older names included."""
    try:
        _zone(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def sendable(
    at: datetime, zones: Iterable[str], windows: Sequence[ContactWindow] = FEDERAL
) -> bool:
    """Whether a message may be handed over at this instant: every window open in every zone."""
    return all(_open_in(at, _zone(name), window) for name in zones for window in windows)


def next_opening(
    at: datetime, zones: Iterable[str], windows: Sequence[ContactWindow] = FEDERAL
) -> datetime | None:
    """The first instant from ``at`` on at which a message may be handed over; ``at`` if it may now.

    None where zones and windows have no hour in common within 15 days.
    """
    found = [(_zone(name), window) for name in zones for window in windows]
    limit = at + timedelta(days=SEARCHED_DAYS)
    while at < limit:
        waiting = [_opening_in(at, zone, window) for zone, window in found]
        latest = max(waiting, default=at)
        if latest == at:
            return at
        at = latest
    return None


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _utc(day: date, at: time, zone: ZoneInfo) -> datetime:
    if at == MIDNIGHT:
        day, at = day + timedelta(days=1), time.min
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)


def _spans(day: date, zone: ZoneInfo, window: ContactWindow) -> Iterator[tuple[datetime, datetime]]:
    """From when until when a calendar day is open in one zone, in UTC, with the early stop."""
    if day in window.holidays:
        return
    for hours in window.week[day.weekday()]:
        yield _utc(day, hours.opens, zone), _utc(day, hours.closes, zone) - window.early


def _open_in(at: datetime, zone: ZoneInfo, window: ContactWindow) -> bool:
    day = at.astimezone(zone).date()
    return any(opens <= at < stops for opens, stops in _spans(day, zone, window))


def _opening_in(at: datetime, zone: ZoneInfo, window: ContactWindow) -> datetime:
    today = at.astimezone(zone).date()
    for offset in range(SEARCHED_DAYS):
        for opens, stops in _spans(today + timedelta(days=offset), zone, window):
            if at < stops:
                return max(at, opens)
    return at + timedelta(days=SEARCHED_DAYS)
