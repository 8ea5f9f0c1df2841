"""Which days of the month a plan keeps to: asked under each rhythm that can keep to some."""

import re

from wtforms import StringField

from portal.blueprints.fields import OTHER, Pick
from portal.domain import N_
from portal.domain.paydays import (
    LAST_DAY,
    LAST_WORKING_DAY,
    DayNotInMonth,
    DaysTooClose,
    kept_days,
)
from portal.domain.schedules import Frequency
from portal.web import Form
from portal.web import gettext as _

PAIRS = {"1-15": (1, 15), "15-31": (15, LAST_DAY)}
MONTHDAYS: dict[str | None, tuple[int, ...]] = {"first": (), "last": (LAST_WORKING_DAY,)}
UNCLEAR = -1


class PaydayForm(Form):
    """Days of the month; what stands under a rhythm that was not chosen does not matter."""

    pair = Pick(
        N_("On which days?"),
        [
            ("1-15", N_("On the 1st and 15th")),
            ("15-31", N_("On the 15th and the last day")),
            (OTHER, N_("On two other days")),
        ],
    )
    first_day = StringField(N_("First day"))
    second_day = StringField(N_("Second day"))
    monthday = Pick(
        N_("On which day?"),
        [
            ("first", N_("On the day of the first payment")),
            ("last", N_("On the last working day")),
            (OTHER, N_("On another day")),
        ],
    )
    own_day = StringField(N_("Day of the month"))

    def offer_days(self, frequencies: tuple[Frequency, ...]) -> None:
        """Ask for days of the rhythms that can be chosen, and of no others."""
        if Frequency.TWICE_A_MONTH not in frequencies:
            del self.pair, self.first_day, self.second_day
        if Frequency.MONTHLY not in frequencies:
            del self.monthday, self.own_day

    def remember_days(self, frequency: Frequency | None, days: tuple[int, ...]) -> None:
        """Fill in the days that were chosen before."""
        if frequency is Frequency.TWICE_A_MONTH and days and "pair" in self:
            self.pair.data = next((name for name, pair in PAIRS.items() if pair == days), OTHER)
            if self.pair.data == OTHER:
                self.first_day.data, self.second_day.data = map(str, days)
        elif frequency is Frequency.MONTHLY and "monthday" in self:
            known = (name for name, day in MONTHDAYS.items() if day == days)
            self.monthday.data = next(known, OTHER)
            if self.monthday.data == OTHER:
                self.own_day.data = str(days[0])

    def days_of(self, frequency: Frequency) -> tuple[int, ...]:
        """The days that were chosen for this rhythm; typed alone they count as chosen."""
        if frequency is Frequency.TWICE_A_MONTH:
            typed = _typed(self.first_day, self.second_day, chosen=self.pair.data == OTHER)
            return PAIRS.get(self.pair.data, typed)
        if frequency is Frequency.MONTHLY:
            typed = _typed(self.own_day, chosen=self.monthday.data == OTHER)
            return MONTHDAYS.get(self.monthday.data, typed)
        return ()

    def check_days(self, frequency: Frequency) -> None:
        """Say what is wrong with the days of this rhythm, beside what asks for them."""
        days = self.days_of(frequency)
        if frequency is Frequency.TWICE_A_MONTH and not days:
            self.pair.errors = [_("Choose on which days.")]
            return
        boxes = (self.first_day, self.second_day) if len(days) > 1 else (self.own_day,)
        try:
            kept_days(frequency, days)
        except DayNotInMonth as error:
            for box in boxes:
                box.errors = [_(error.message)] if _number(box.data) == UNCLEAR else []
        except DaysTooClose as error:
            self.pair.errors = [_(error.message)]


def _typed(*boxes: StringField, chosen: bool) -> tuple[int, ...]:
    asked = chosen or any((box.data or "").strip() for box in boxes)
    return tuple(_number(box.data) for box in boxes) if asked else ()


def _number(typed: str | None) -> int:
    text = (typed or "").strip()
    number = int(text) if re.fullmatch(r"[0-9]{1,2}", text) else UNCLEAR
    return number if 1 <= number <= LAST_DAY else UNCLEAR
