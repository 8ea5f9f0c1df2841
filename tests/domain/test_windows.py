"""Contact hours: CT-01 and CT-02."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain.debts import Country
from portal.domain.packs import PACKS, ContactPack
from portal.domain.windows import (
    ALL_ZONES,
    CANADIAN_ZONES,
    US_ZONES,
    ContactWindow,
    candidate_zones,
    is_zone,
    next_opening,
    sendable,
)

CALIFORNIA, NEW_YORK = "America/Los_Angeles", "America/New_York"


INSTANTS = st.integers(0, 3 * 365 * 24 * 60).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


def window_of(pack: ContactPack) -> ContactWindow:
    return ContactWindow(week=pack.week)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "zones", "opens", "closes"),
    [
        (date(2026, 11, 23), [CALIFORNIA], "2026-11-23 16:00", "2026-11-24 05:00"),
        (date(2026, 11, 23), [CALIFORNIA, NEW_YORK], "2026-11-23 16:00", "2026-11-24 02:00"),
        (date(2026, 11, 23), US_ZONES, "2026-11-23 18:00", "2026-11-24 02:00"),
        (
            date(2027, 3, 14),
            ["America/Denver", "America/Phoenix"],
            "2027-03-14 15:00",
            "2027-03-15 03:00",
        ),
    ],
    ids=["California", "California and a 212 phone", "all US zones", "the day clocks change"],
)
def test_ct_02_vectors(day: date, zones: list[str], opens: str, closes: str) -> None:
    assert not sendable(utc(opens) - timedelta(seconds=1), zones)
    assert sendable(utc(opens), zones)
    assert sendable(utc(closes) - timedelta(minutes=15, seconds=1), zones)
    assert not sendable(utc(closes) - timedelta(minutes=15), zones)


def test_ct_01_a_worker_stalled_past_the_close_waits_for_the_morning() -> None:
    queued, dispatched = utc("2026-11-24 01:40"), utc("2026-11-24 02:01")
    assert sendable(queued, [NEW_YORK])
    assert not sendable(dispatched, [NEW_YORK])
    assert next_opening(dispatched, [NEW_YORK]) == utc("2026-11-24 13:00")


def test_ct_01_the_last_quarter_of_an_hour_is_left_unused() -> None:
    assert next_opening(utc("2026-11-24 01:46"), [NEW_YORK]) == utc("2026-11-24 13:00")


def test_an_open_window_opens_now() -> None:
    at = utc("2026-11-23 17:12")
    assert next_opening(at, [CALIFORNIA, NEW_YORK]) == at


def test_the_morning_after_the_clocks_change_is_an_hour_earlier_in_utc() -> None:
    late = utc("2027-03-14 02:30")
    assert next_opening(late, [NEW_YORK]) == utc("2027-03-14 12:00")
    assert next_opening(utc("2026-11-01 01:30"), [NEW_YORK]) == utc("2026-11-01 13:00")


def test_zones_without_a_common_hour_never_open() -> None:
    zones = ["Asia/Tokyo", NEW_YORK, "Europe/Moscow"]
    assert next_opening(utc("2026-11-23 12:00"), zones) is None


def test_a_closed_day_is_skipped() -> None:
    ontario, quebec = ([window_of(PACKS[name])] for name in ("CA-ON", "CA-QC"))
    sunday_noon = datetime(2026, 11, 22, 12, 59, tzinfo=UTC) + timedelta(hours=5)
    assert not sendable(sunday_noon, ["America/Toronto"], ontario)
    assert sendable(sunday_noon + timedelta(minutes=1), ["America/Toronto"], ontario)
    assert next_opening(sunday_noon, ["America/Montreal"], quebec) == utc("2026-11-23 13:00")
    assert not sendable(utc("2026-11-22 17:00"), ["America/Montreal"], quebec)


@given(
    INSTANTS,
    st.sets(st.sampled_from(US_ZONES + CANADIAN_ZONES), min_size=1),
)
def test_the_next_opening_is_sendable_and_nothing_before_it_is(
    at: datetime, zones: set[str]
) -> None:
    opening = next_opening(at, zones)
    assert opening is not None
    assert sendable(opening, zones)
    if opening > at:
        assert not sendable(opening - timedelta(microseconds=1), zones)
        middle = at + (opening - at) / 2
        assert not sendable(middle, zones)


@given(
    INSTANTS,
    st.sets(st.sampled_from(US_ZONES + CANADIAN_ZONES), min_size=1),
    st.sampled_from(US_ZONES + CANADIAN_ZONES),
)
def test_sc_03_another_candidate_zone_never_widens_the_window(
    at: datetime, zones: set[str], other: str
) -> None:
    if sendable(at, zones | {other}):
        assert sendable(at, zones)
        assert all(time(8) <= at.astimezone(ZoneInfo(z)).time() < time(20, 45) for z in zones)


def test_every_source_adds_its_zones_and_is_named() -> None:
    found = candidate_zones(
        Country.US, declared="America/Chicago", region=[CALIFORNIA], phone=[NEW_YORK]
    )
    assert found.names == ("America/Chicago", CALIFORNIA, NEW_YORK)
    assert found.basis == "declared+region+phone"


@pytest.mark.parametrize("country", list(Country))
def test_an_unknown_place_is_every_zone_of_the_country(country: Country) -> None:
    found = candidate_zones(country)
    assert set(found.names) == set(ALL_ZONES[country])
    assert found.basis == "unknown"
    assert next_opening(utc("2026-11-23 00:00"), found.names)


@pytest.mark.parametrize(
    ("name", "known"),
    [("America/Montreal", True), ("US/Pacific", True), ("Mars/Olympus", False)]
    + [("", False), ("../etc/passwd", False), ("America", False), ("a\0b", False)],
)
def test_a_zone_is_an_iana_name_old_ones_included(name: str, known: bool) -> None:
    assert is_zone(name) is known
