"""The form of offer limits: from a policy to fields, from what was typed to a policy."""

from collections.abc import Iterator
from typing import Any, Final

import wtforms
from pydantic import TypeAdapter, ValidationError
from wtforms import BooleanField, FieldList, FormField, IntegerField, SelectMultipleField
from wtforms.validators import InputRequired, NumberRange, Optional

from portal.blueprints.consoles import options
from portal.blueprints.fields import MoneyField, PercentField
from portal.domain import N_, compiler, labels
from portal.domain.money import WHOLE_BPS
from portal.domain.policy import Band, Policy, Tier
from portal.web import Form
from portal.web import gettext as _

MOST_ROWS: Final = compiler.MOST_BANDS * compiler.MOST_TIERS + 1
"""As many as a policy may have, and an empty one to write in."""

POLICY: Final = TypeAdapter(Policy)
NEEDED: Final = InputRequired(message=N_("Write a number with digits."))

FIELDS: Final = {
    "nothing": "pay_in_full",
    "currency": "pay_in_full",
    "answer_working_days": "answer_days",
    "plan.minimum_installment": "plan_minimum",
    "plan.months": "plan_months",
    "plan.frequencies": "plan_often",
    "plan.down_payment": "plan_down",
    "plan.first_payment": "plan_first_days",
    "agree.share": "agree_share",
    "agree.minimum_installment": "agree_minimum",
    "agree.installment_order": "agree_minimum",
    "agree.months": "agree_months",
    "agree.months_order": "agree_months",
    "review.share": "review_share",
    "review.minimum_installment": "review_minimum",
    "review.installment_order": "review_minimum",
    "review.months": "review_months",
    "review.months_order": "review_months",
}
"""Beside which field each problem of the policy check is shown; the others at the table."""


MOST_VERSIONS = 2**31 - 2
NO_VERSION = N_("Open this page again: it does not say which version it changes.")


class RowForm(wtforms.Form):
    """One way to settle: which accounts it is for, and what they pay."""

    class Meta(Form.Meta):
        """Our words for what WTForms says by itself."""

    since = MoneyField(N_("Balance from"), optional=True)
    until = MoneyField(N_("Balance below"), optional=True)
    first_day = IntegerField(N_("Days in default from"), [Optional()])
    last_day = IntegerField(N_("Days in default below"), [Optional()])
    share = PercentField(N_("Pays, percent"), optional=True)
    parts = IntegerField(N_("Payments at most"), [Optional()])
    days = IntegerField(N_("Offer stands, days"), [Optional()])
    agree = PercentField(N_("Agree down to, percent"), optional=True)

    @property
    def blank(self) -> bool:
        """Whether nothing was typed into the row."""
        return not any(str(typed).strip() for field in self for typed in field.raw_data or ())

    @property
    def bounds(self) -> tuple[int, int | None, int, int | None]:
        """Which accounts the row is for, as a band has it."""
        return self.since.data or 0, self.until.data, self.first_day.data or 0, self.last_day.data


class LimitForm(Form):
    """A client's limits, in the words of a collections manager."""

    pay_in_full = BooleanField(N_("Offer to pay everything at once"))
    rows = FieldList(FormField(RowForm), max_entries=MOST_ROWS)
    plans = BooleanField(N_("Offer payment plans"))
    plan_minimum = MoneyField(N_("Smallest payment of a plan"))
    plan_months = IntegerField(N_("Longest plan, in months"), [NEEDED])
    plan_often = SelectMultipleField(
        N_("How often a plan can be paid"), choices=options(labels.FREQUENCIES)
    )
    plan_down = PercentField(N_("Down payment, percent"), optional=True)
    plan_first_days = IntegerField(N_("First payment within, days"), [NEEDED])
    agree_share = PercentField(N_("Lowest settlement, percent"), optional=True)
    agree_minimum = MoneyField(N_("Smallest payment"))
    agree_months = IntegerField(N_("Longest plan, in months"), [NEEDED])
    review_share = PercentField(N_("Lowest settlement, percent"), optional=True)
    review_minimum = MoneyField(N_("Smallest payment"))
    review_months = IntegerField(N_("Longest plan, in months"), [NEEDED])
    answer_days = IntegerField(N_("Working days to answer a proposal"), [NEEDED])
    base = IntegerField(N_("Version"), [Optional(), NumberRange(0, MOST_VERSIONS, NO_VERSION)])

    found: Policy | None = None
    currency = ""

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
        return not self.errors and self._makes_sense()

    def _makes_sense(self) -> bool:
        try:
            self.found = POLICY.validate_python(self.typed())
        except ValidationError as error:
            self.form_errors.extend(str(one["msg"]) for one in error.errors())
            return False
        for problem in compiler.check(self.found):
            field = self[FIELDS.get(problem.rule, "rows")]
            field.errors = [*field.errors, _(problem.message, **problem.params)]
        return not self.errors

    def typed(self) -> dict[str, Any]:
        """What was typed, in the shape of a policy."""
        return {
            "version": (self.base.data or 0) + 1,
            "currency": self.currency,
            "pay_in_full": self.pay_in_full.data,
            "bands": tuple(_bands(self.rows)),
            "plan": self._plan() if self.plans.data else None,
            "agree": self._proposals("agree"),
            "review": self._proposals("review"),
            "answer_working_days": self.answer_days.data,
        }

    def _plan(self) -> dict[str, Any]:
        return {
            "minimum_installment_cents": self.plan_minimum.data,
            "maximum_months": self.plan_months.data,
            "frequencies": tuple(self.plan_often.data or ()),
            "down_payment_bps": self.plan_down.data or 0,
            "first_payment_within_days": self.plan_first_days.data,
        }

    def _proposals(self, name: str) -> dict[str, Any]:
        share = self[f"{name}_share"].data
        return {
            "settlement_bps": WHOLE_BPS if share is None else share,
            "minimum_installment_cents": self[f"{name}_minimum"].data,
            "maximum_months": self[f"{name}_months"].data,
        }


def _bands(rows: Any) -> Iterator[dict[str, Any]]:
    """Rows for the same accounts are the tiers of one band."""
    bands: dict[tuple[int, int | None, int, int | None], list[RowForm]] = {}
    for entry in rows:
        if not entry.form.blank:
            bands.setdefault(entry.form.bounds, []).append(entry.form)
    for (since, until, first_day, last_day), ways in bands.items():
        agreed = [way.agree.data for way in ways if way.agree.data is not None]
        yield {
            "from_balance_cents": since,
            "to_balance_cents": until,
            "from_days": first_day,
            "to_days": last_day,
            "tiers": tuple(_tier(way) for way in ways if way.share.data is not None),
            "agree_settlement_bps": min(agreed) if agreed else None,
        }


def _tier(way: RowForm) -> dict[str, Any]:
    return {
        "pay_bps": way.share.data,
        "max_parts": 1 if way.parts.data is None else way.parts.data,
        "valid_for_days": 30 if way.days.data is None else way.days.data,
    }


def fields_of(policy: Policy) -> dict[str, Any]:
    """A policy as the defaults of the form."""
    plan, agree, review = policy.plan, policy.agree, policy.review
    fields: dict[str, Any] = {
        "pay_in_full": policy.pay_in_full,
        "rows": [row for band in policy.bands for row in _rows(band)],
        "plans": plan is not None,
        "answer_days": policy.answer_working_days,
    }
    if plan is not None:
        fields |= {
            "plan_minimum": plan.minimum_installment_cents,
            "plan_months": plan.maximum_months,
            "plan_often": [str(one) for one in plan.frequencies],
            "plan_down": plan.down_payment_bps,
            "plan_first_days": plan.first_payment_within_days,
        }
    else:
        fields |= {"plan_minimum": 25_00, "plan_months": 12, "plan_first_days": 30}
    for name, limits in (("agree", agree), ("review", review)):
        lowest = None if limits.settlement_bps >= WHOLE_BPS else limits.settlement_bps
        fields |= {
            f"{name}_share": lowest,
            f"{name}_minimum": limits.minimum_installment_cents,
            f"{name}_months": limits.maximum_months,
        }
    return fields


def _rows(band: Band) -> Iterator[dict[str, Any]]:
    where = {
        "since": band.from_balance_cents or None,
        "until": band.to_balance_cents,
        "first_day": band.from_days or None,
        "last_day": band.to_days,
    }
    for n, tier in enumerate(band.tiers or (None,)):
        yield where | _way(tier) | {"agree": band.agree_settlement_bps if n == 0 else None}


def _way(tier: Tier | None) -> dict[str, Any]:
    if tier is None:
        return {"share": None, "parts": None, "days": None}
    return {"share": tier.pay_bps, "parts": tier.max_parts, "days": tier.valid_for_days}
