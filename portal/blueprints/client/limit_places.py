"""Beside which field of the form each problem of a policy is shown."""

from typing import TYPE_CHECKING, Any, Final

from portal.domain.compiler import Place

if TYPE_CHECKING:
    from portal.blueprints.client.limit_form import LimitForm

WHOLE: Final = {
    "bands": "rows",
    "segments": "segments",
    "rounding_cents": "rounding",
    "paying_part_may_cost_more": "part_dearer",
    "from_on": "from_on",
    "to_on": "to_on",
    "plan": "plans",
    "plan.minimum_installment_cents": "plan_minimum",
    "plan.minimum_installment_bps": "plan_minimum_share",
    "plan.maximum_months": "plan_months",
    "plan.maximum_installments": "plan_payments",
    "plan.maximum_days": "plan_longest_days",
    "plan.frequencies": "plan_often",
    "plan.due_days": "plan_due",
    "plan.down_payment_bps": "plan_down",
    "plan.first_payment_within_days": "plan_first_days",
    "plan.saved_method": "plan_saved",
    "agree.settlement_bps": "agree_share",
    "agree.minimum_installment_cents": "agree_minimum",
    "agree.maximum_months": "agree_months",
    "review.settlement_bps": "review_share",
    "review.minimum_installment_cents": "review_minimum",
    "review.maximum_months": "review_months",
    "answer_working_days": "answer_days",
    "answered_by": "answered_by",
    "closest_when_late": "when_late",
    "concessions.skips": "skips",
    "concessions.moves": "moves",
    "concessions.pauses": "pauses",
    "keeping.failures": "failures",
    "keeping.grace_days": "grace_days",
    "keeping.extra_reminders": "reminders",
    "keeping.undo_hours": "undo_hours",
    "keeping.pause_days": "pause_days",
}
"""The form's fields of a whole policy; what has none of its own is shown at the top."""

OF_ROW: Final = {
    "segment": "who",
    "from_balance_cents": "since",
    "to_balance_cents": "until",
    "from_days": "first_day",
    "to_days": "last_day",
    "agree_settlement_bps": "agree",
    "max_parts": "parts",
    "valid_for_days": "days",
}
OF_SEGMENT: Final = {
    "products": "products",
    "regions": "regions",
    "collector_roles": "roles",
    "histories": "histories",
}


def field_of(place: Place, form: "LimitForm") -> Any:
    """The field that stands for a place in the policy."""
    if place.segment is not None and place.segment < len(form.lines.segments):
        line = form.segments[form.lines.segments[place.segment]].form
        return line[OF_SEGMENT.get(place.field, "name")]
    if place.band is not None:
        row = form.lines.row_of(place.band, place.tier)
        return form.rows if row is None else form.rows[row].form[OF_ROW.get(place.field, "share")]
    return form[WHOLE.get(place.field, "pay_in_full")]
