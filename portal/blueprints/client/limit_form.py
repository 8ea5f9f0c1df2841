"""The form of offer limits: every field of a policy, in the words of a collections manager."""

from itertools import groupby
from typing import Any, Final

from wtforms import (
    BooleanField,
    DateField,
    FormField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
)
from wtforms.validators import InputRequired, NumberRange, Optional

from portal.blueprints.client.limit_places import field_of
from portal.blueprints.client.limit_rows import SAME, Lines, RowForm, SegmentForm, Table, headed
from portal.blueprints.consoles import options
from portal.blueprints.fields import MoneyField, PercentField
from portal.domain import N_, compiler, labels
from portal.domain.money import WHOLE_BPS
from portal.domain.policy import REMINDED_BEFORE, Policy, SavedMethod
from portal.services.policy_documents import typed_policy
from portal.web import Form
from portal.web import gettext as _

MOST_ROWS: Final = compiler.MOST_BANDS * compiler.MOST_TIERS + 1
"""As many as a policy may have, and an empty one to write in."""
MOST_SEGMENTS: Final = compiler.MOST_SEGMENTS + 1

NEEDED: Final = InputRequired(message=N_("Write a number with digits."))

MOST_VERSIONS = 2**31 - 2
NO_VERSION = N_("Open this page again: it does not say which version it changes.")

WHEN_LATE: Final = {
    "escalate": N_("Tell the supervisors; the proposal goes on waiting"),
    "closest": N_("Tell the supervisors, and offer the closest terms that may be agreed at once"),
}
ROUNDINGS: Final = {
    "1": N_("To the cent"),
    "100": N_("Down to whole dollars"),
    "500": N_("Down to the next 5 dollars"),
    "1000": N_("Down to the next 10 dollars"),
}
REMINDERS: Final = {
    str(day): str(day) for day in range(1, compiler.FARTHEST_REMINDER + 1) if day != REMINDED_BEFORE
}


class LimitForm(Form):
    """A client's limits, in the words of a collections manager."""

    pay_in_full = BooleanField(N_("Offer to pay everything at once"))
    segments = Table(FormField(SegmentForm), max_entries=MOST_SEGMENTS)
    rows = Table(FormField(RowForm), max_entries=MOST_ROWS)
    rounding = SelectField(
        N_("Settlements are rounded"), choices=options(ROUNDINGS), validate_choice=False
    )
    part_dearer = BooleanField(N_("Who pays a part may have to pay more to close the rest"))
    plans = BooleanField(N_("Offer payment plans"))
    plan_minimum = MoneyField(N_("Smallest payment of a plan"))
    plan_minimum_share = PercentField(
        N_("Smallest payment, percent of what is owed"), optional=True
    )
    plan_months = IntegerField(N_("Longest plan, in months"), [NEEDED])
    plan_payments = IntegerField(N_("Most payments"), [Optional()])
    plan_longest_days = IntegerField(N_("Days from the first payment to the last"), [Optional()])
    plan_often = SelectMultipleField(
        N_("How often a plan can be paid"), choices=options(labels.FREQUENCIES)
    )
    plan_due = RadioField(N_("When a payment can be due"), choices=options(labels.DUE_DAYS))
    plan_down = PercentField(N_("Down payment, percent"), optional=True)
    plan_first_days = IntegerField(N_("First payment within, days"), [NEEDED])
    plan_saved = BooleanField(N_("Offer to pay by itself from a saved card or bank account"))
    agree_share = PercentField(N_("Lowest settlement, percent"), optional=True)
    agree_minimum = MoneyField(N_("Smallest payment"))
    agree_months = IntegerField(N_("Longest plan, in months"), [NEEDED])
    review_share = PercentField(N_("Lowest settlement, percent"), optional=True)
    review_minimum = MoneyField(N_("Smallest payment"))
    review_months = IntegerField(N_("Longest plan, in months"), [NEEDED])
    answered_by = RadioField(N_("Who answers"), choices=options(labels.ANSWERERS))
    answer_days = IntegerField(N_("Working days to answer a proposal"), [NEEDED])
    when_late = RadioField(N_("If nobody answers in time"), choices=options(WHEN_LATE))
    skips = IntegerField(N_("Skip a payment, times"), [Optional()])
    moves = IntegerField(N_("Move a payment to another day, times"), [Optional()])
    pauses = IntegerField(N_("Pause the plan, times"), [Optional()])
    failures = IntegerField(N_("Failed payments in a row before a plan ends"), [NEEDED])
    grace_days = IntegerField(N_("Days a payment may be late before a plan ends"), [NEEDED])
    reminders = SelectMultipleField(
        N_("Remind as well, days before a payment"), choices=options(REMINDERS)
    )
    undo_hours = IntegerField(N_("Hours to take back an agreement that is not paid yet"), [NEEDED])
    pause_days = IntegerField(N_("Days of rest for somebody who cannot pay now"), [NEEDED])
    from_on = DateField(N_("First day"), [Optional()])
    to_on = DateField(N_("Last day"), [Optional()])
    base = IntegerField(N_("Version"), [Optional(), NumberRange(0, MOST_VERSIONS, NO_VERSION)])

    found: Policy | None = None
    """The policy, once every field was understood, whether it could be published or not."""
    given: Policy | None = None
    """What it shows before anything is checked; its segments and bands at least."""
    goes_on = False
    """Whether it was just opened or a button changed its lines, so that nobody is done typing."""
    currency = ""

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        self.lines = Lines((), ())
        kept = str(self.rounding.data or "")
        if kept.isdecimal() and kept not in ROUNDINGS:
            self.rounding.choices = options(ROUNDINGS | {kept: kept})

    @property
    def names(self) -> dict[str, str]:
        """What each field of the two tables is called, by its id."""
        lines = [one.form for table in (self.segments, self.rows) for one in table]
        return {field.id: field.label.text for line in lines for field in line}

    @property
    def cautions(self) -> list[str]:
        """What the client should know before publishing, once nothing is wrong."""
        if self.errors or self.found is None:
            return []
        return [_(one.message, **one.params) for one in compiler.cautions(self.found)]

    def for_currency(self, currency: str) -> "LimitForm":
        """The form for a client's currency, which it does not ask for."""
        self.currency = currency
        return self

    def validate(self, extra_validators: Any = None) -> bool:
        """Whether every field is understood and the limits make sense together."""
        super().validate(extra_validators)
        self.form_errors.extend(self.base.errors)  # a hidden field has no place of its own
        self.base.errors = []
        if not self.plans.data:
            for field in self:
                if field.name.startswith("plan_"):
                    field.errors = []
        self.lines = Lines(self.segments, self.rows)
        self._name_segments()
        return self._told() and self._makes_sense()

    @property
    def has_segments(self) -> bool:
        """Whether there is more than one empty line of segments."""
        return len(self.segments) > 1 or any(not one.form.blank for one in self.segments)

    @property
    def groups(self) -> list[tuple[int | None, list[Any]]]:
        """The rows as they stand, those after each other for the same accounts together.

        Each with the number of its band; rows to write in have none.
        """
        places = [head.place if head else None for _row, head in headed(self.rows)]
        numbers = {where: n for n, where in enumerate(dict.fromkeys(filter(None, places)), 1)}
        apart = groupby(zip(places, self.rows, strict=True), lambda one: one[0])
        return [
            (numbers.get(where) if where else None, [row for _place, row in found])
            for where, found in apart
        ]

    @property
    def segment_choices(self) -> list[tuple[str, str]]:
        """Whom a row can be for: everybody else, or a line of the segments by its number."""
        choices = [("", _("Everybody else")), (SAME, _("Same as above"))]
        for n, one in enumerate(self.segments):
            title = one.form.title or _("Segment %(number)s (no name yet)", number=n + 1)
            choices.append((str(n), title))
        known = {number for number, _title in choices}
        lost = {entry.form.who.data or "" for entry in self.rows} - known
        return [*choices, *((number, _("A segment that is gone")) for number in sorted(lost))]

    def covering(self) -> Policy | None:
        """Segments and bands alone, of what was understood so far."""
        lines = {
            "version": 1,
            "currency": self.currency,
            "segments": tuple(self.lines.typed_segments()),
            "bands": tuple(self.lines.typed_bands()),
        }
        found, _wrong = typed_policy(lines)
        return found

    def _name_segments(self) -> None:
        for n in self.lines.segments:
            name = self.segments[n].form.name
            if not self.segments[n].form.title:
                name.errors = [*name.errors, _("Give this segment a name.")]
        for row, head in headed(self.rows):
            who = row.who
            if row.same and not row.blank and head is None:
                who.errors = [
                    *who.errors,
                    _("No row stands above this one. Choose for whom it is."),
                ]
            elif who.data and not row.same and not self.lines.name(who.data):
                who.errors = [*who.errors, _("This segment has no name. Choose another one.")]

    def _told(self) -> bool:
        """Whether no field has a problem; each table knows those of its lines."""
        for table in (self.segments, self.rows):
            own = [one for one in table.errors if isinstance(one, str)]
            inside = [entry.errors for entry in table]
            table.errors = [*own, *inside] if own or any(inside) else []
        return not self.errors

    def _makes_sense(self) -> bool:
        self.found, wrong = typed_policy(self.typed())
        if self.found is None:
            self.form_errors.extend(wrong)
            return False
        for problem in compiler.check(self.found):
            field = field_of(problem.place, self)
            field.errors = [*field.errors, _(problem.message, **problem.params)]
        return self._told()

    def typed(self) -> dict[str, Any]:
        """What was typed, in the shape of a policy."""
        return {
            "version": (self.base.data or 0) + 1,
            "currency": self.currency,
            "pay_in_full": self.pay_in_full.data,
            "segments": tuple(self.lines.typed_segments()),
            "bands": tuple(self.lines.typed_bands()),
            "rounding_cents": _whole(self.rounding.data),
            "paying_part_may_cost_more": self.part_dearer.data,
            "plan": self._plan() if self.plans.data else None,
            "agree": self._proposals("agree"),
            "review": self._proposals("review"),
            "answered_by": self.answered_by.data,
            "answer_working_days": self.answer_days.data,
            "closest_when_late": self.when_late.data == "closest",
            "concessions": {name: self[name].data or 0 for name in ("skips", "moves", "pauses")},
            "keeping": {
                **{name: self[name].data for name in compiler.KEEPING},
                "extra_reminders": tuple(int(day) for day in self.reminders.data or ()),
            },
            "from_on": self.from_on.data,
            "to_on": self.to_on.data,
        }

    def _plan(self) -> dict[str, Any]:
        saved = SavedMethod.OFFERED if self.plan_saved.data else SavedMethod.NOT_OFFERED
        return {
            "minimum_installment_cents": self.plan_minimum.data,
            "minimum_installment_bps": self.plan_minimum_share.data or 0,
            "maximum_months": self.plan_months.data,
            "maximum_installments": self.plan_payments.data,
            "maximum_days": self.plan_longest_days.data,
            "frequencies": tuple(self.plan_often.data or ()),
            "due_days": self.plan_due.data,
            "down_payment_bps": self.plan_down.data or 0,
            "first_payment_within_days": self.plan_first_days.data,
            "saved_method": saved,
        }

    def _proposals(self, name: str) -> dict[str, Any]:
        share = self[f"{name}_share"].data
        return {
            "settlement_bps": WHOLE_BPS if share is None else share,
            "minimum_installment_cents": self[f"{name}_minimum"].data,
            "maximum_months": self[f"{name}_months"].data,
        }


def _whole(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 10 else 1
