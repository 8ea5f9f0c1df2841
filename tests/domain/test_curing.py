"""How an arrangement with late parts can be kept, and the day after which it breaks."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from portal.domain.curing import Cure, DuePart, Times, cure, ends_after, in_a_row
from portal.domain.deadlines import Held
from portal.domain.holds import HoldKind
from portal.domain.money import Cents
from portal.domain.paydays import OpenDays
from portal.domain.policy import DueDays, Keeping
from portal.domain.statuses import InstallmentStatus

DUE = date(2026, 12, 4)
RULE = Keeping()
OPENED = OpenDays(DueDays.WORKING_DAYS, {date(2026, 12, 25), date(2027, 1, 1)})
SCHEDULED, FAILED = InstallmentStatus.SCHEDULED, InstallmentStatus.FAILED
PAID, PROCESSING = InstallmentStatus.PAID, InstallmentStatus.PROCESSING


def part(n: int = 1, due_on: date = DUE, status: InstallmentStatus = FAILED, **given) -> DuePart:
    """A part of $40.00, failed and told on December 4."""
    values = {"cents": Cents(40_00), "told_on": due_on if status is FAILED else None}
    return DuePart(n=n, due_on=due_on, status=status, **(values | given))


def months(*statuses: InstallmentStatus) -> list[DuePart]:
    """Parts a month apart from December 4 on."""
    days = [date(2026 + (11 + n) // 12, (11 + n) % 12 + 1, 4) for n in range(len(statuses))]
    return [part(n + 1, days[n], one) for n, one in enumerate(statuses)]


def weeks(*statuses: InstallmentStatus) -> list[DuePart]:
    """Parts a week apart from December 4 on."""
    return [part(n + 1, DUE + timedelta(weeks=n), one) for n, one in enumerate(statuses)]


def on(day: date, *holds: Held, zone: str = "America/New_York") -> Times:
    """The middle of a day."""
    return Times(zone=zone, now=datetime(day.year, day.month, day.day, 17, tzinfo=UTC), holds=holds)


def kept(parts: list[DuePart], day: date = DUE, rule: Keeping = RULE) -> Cure | None:
    """How they can be kept on a day."""
    return cure(parts, rule, on(day), OPENED, largest=Cents(40_00))


def until(parts: list[DuePart], day: date = DUE, rule: Keeping = RULE, *holds: Held):
    """The last day."""
    return ends_after(parts, rule, on(day, *holds))


def test_nothing_is_late_nothing_to_cure():
    assert kept(months(PAID, SCHEDULED)) is None
    assert kept([part(status=SCHEDULED)]) is None, "its day is not over yet"
    assert kept([part(status=PROCESSING)], DUE + timedelta(days=9)) is None


def test_a_failed_payment_can_be_paid_moved_or_spread():
    found = kept(months(FAILED, SCHEDULED, SCHEDULED))
    assert found is not None
    assert (found.cents, found.until) == (40_00, date(2026, 12, 25))
    assert found.dates == (date(2026, 12, 11), date(2026, 12, 15), date(2026, 12, 18))
    assert found.later == ((2, 60_00), (3, 60_00))


def test_a_missed_payment_by_hand_is_late_the_day_after():
    missed = [part(status=SCHEDULED, told_on=DUE + timedelta(days=1))]
    found = kept(missed, DUE + timedelta(days=1))
    assert found is not None
    assert found.until == date(2026, 12, 25)


def test_it_does_not_end_before_its_debtor_was_told_and_had_a_chance():
    assert until([part(told_on=None)], date(2027, 6, 1)) is None
    late_told = [part(told_on=date(2027, 1, 10))]
    assert until(late_told, date(2027, 1, 10)) == date(2027, 1, 13)


def test_three_in_a_row_end_it_whatever_the_grace():
    rule = Keeping(failures=3, grace_days=60)
    assert until(weeks(FAILED, FAILED, SCHEDULED), date(2026, 12, 12), rule) == date(2027, 2, 2)
    assert until(weeks(FAILED, FAILED, FAILED), date(2026, 12, 18), rule) == date(2026, 12, 21)


def test_a_paid_one_between_begins_the_count_anew():
    day = date(2026, 12, 30)
    assert in_a_row(weeks(FAILED, FAILED, PAID, FAILED), day) == 1
    assert in_a_row(weeks(FAILED, FAILED, PROCESSING, FAILED), day) == 3


def test_a_try_that_was_announced_is_waited_for():
    rule = Keeping(failures=1, grace_days=60)
    assert until([part()], DUE, rule) == date(2026, 12, 7)
    assert until([part(again_on=date(2026, 12, 11))], DUE, rule) == date(2026, 12, 11)


@pytest.mark.parametrize("kind", [HoldKind.HARDSHIP, HoldKind.DISPUTE, HoldKind.CEASE_ALL])
def test_days_under_a_hold_do_not_count(kind: HoldKind):
    began = datetime(2026, 12, 14, 17, tzinfo=UTC)
    hold = Held(kind, began, began + timedelta(days=20))
    assert until([part()], date(2027, 1, 5), RULE, hold) == date(2027, 1, 14)


def test_a_part_that_was_moved_keeps_its_last_day():
    moved = part(due_on=date(2026, 12, 18), late_since=DUE, told_on=date(2026, 12, 18))
    found = kept([moved], date(2026, 12, 18))
    assert found is not None
    assert (found.until, found.dates) == (date(2026, 12, 25), ())
    promised = part(status=SCHEDULED, due_on=date(2026, 12, 18), late_since=DUE)
    assert kept([promised], date(2026, 12, 18)) is None, "the day that was agreed is not over"


def test_two_late_parts_are_paid_or_spread_and_not_moved():
    found = kept(weeks(FAILED, FAILED, *[SCHEDULED] * 8), date(2026, 12, 12))
    assert found is not None
    assert (found.cents, found.dates) == (80_00, ())
    assert sum(cents for _, cents in found.later) == 6 * 40_00 + 80_00
    assert [n for n, _ in found.later] == [5, 6, 7, 8, 9, 10], "nearer ones stay as announced"


def test_a_day_that_is_offered_comes_before_the_next_payment():
    """Dates of unpaid parts rise, so that each payment keeps its place."""
    found = kept(weeks(FAILED, SCHEDULED, SCHEDULED))
    assert found is not None
    assert found.dates == ()
    found = kept(weeks(FAILED, PAID, SCHEDULED))
    assert found is not None
    assert found.dates == (date(2026, 12, 11), date(2026, 12, 15))


def test_py_07_what_we_did_not_take_for_want_of_a_notice_is_not_late_before_its_later_day():
    """The omission is ours: no failure, no grace used up, not one in a row."""
    later = DUE + timedelta(days=14)
    waits = part(status=SCHEDULED, again_on=later, late_since=later)
    assert waits.waits
    for day in (DUE + timedelta(days=1), later):
        assert kept([waits], day) is None
        assert until([waits], day) is None
        assert in_a_row([*weeks(FAILED, FAILED), waits], day) == 2
    missed = replace(waits, told_on=later + timedelta(days=4), again_on=None)
    assert until([missed], later + timedelta(days=4)) == later + timedelta(days=21)
    failed = replace(waits, status=FAILED, told_on=later)
    assert until([failed], later) == later + timedelta(days=21)
    assert not failed.waits


def test_what_is_left_never_grows_beyond_half_as_much_again():
    assert kept(months(FAILED, SCHEDULED, SCHEDULED)).later
    assert kept([part(cents=Cents(41_00)), *months(PAID, SCHEDULED, SCHEDULED)[1:]]).later == ()
    assert kept(months(FAILED, SCHEDULED)).later == ()


def test_one_cent_left_of_a_part_is_paid_or_moved():
    found = kept([part(cents=Cents(1)), *months(PAID, SCHEDULED, SCHEDULED)[1:]])
    assert (found.cents, found.later) == (1, ())
    assert found.dates


def test_nothing_can_be_chosen_once_the_last_day_is_over():
    assert kept([part()], date(2026, 12, 25)) is not None
    assert kept([part()], date(2026, 12, 26)) is None


def test_the_last_day_is_one_of_the_debtors_own_calendar():
    late = Times(zone="Pacific/Honolulu", now=datetime(2026, 12, 26, 8, tzinfo=UTC))
    assert cure([part()], Keeping(), late, OPENED, largest=Cents(40_00)) is not None
    early = Times(zone="America/New_York", now=late.now)
    assert cure([part()], Keeping(), early, OPENED, largest=Cents(40_00)) is None


def test_a_part_due_on_february_29():
    found = kept([part(due_on=date(2028, 2, 29))], date(2028, 3, 1), Keeping(grace_days=3))
    assert found is not None
    assert (found.until, found.dates) == (date(2028, 3, 3), (date(2028, 3, 3),))
