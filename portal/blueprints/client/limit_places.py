"""Beside which field of the form each problem of a policy is shown."""

from typing import TYPE_CHECKING, Any, Final

from portal.domain.policy_check import Problem

if TYPE_CHECKING:
    from portal.blueprints.client.limit_form import LimitForm

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
"""Problems of the whole policy; the others are about the table."""


def place(problem: Problem, form: "LimitForm") -> Any:
    """The field that a problem is about."""
    return form[FIELDS.get(problem.rule, "rows")]
