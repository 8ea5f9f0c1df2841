"""What the form of offer limits is filled with: a policy, a usual set, or its own lines changed."""

from collections.abc import Mapping
from typing import Any, Final

from werkzeug.datastructures import MultiDict

from portal.blueprints.client.limit_rows import LONGEST_NUMBER, SAME, WHERE, lines_of
from portal.domain.money import WHOLE_BPS
from portal.domain.policy import (
    Band,
    Concessions,
    DueDays,
    PlanLimits,
    Policy,
    ProposalLimits,
    SavedMethod,
    Tier,
)
from portal.domain.schedules import Frequency

Typed = MultiDict[str, str]
Line = dict[str, list[str]]


def fields_of(policy: Policy) -> dict[str, Any]:
    """A policy as the defaults of the form."""
    lowest = {"agree": policy.agree, "review": policy.review}
    fields = {
        "pay_in_full": policy.pay_in_full,
        **lines_of(policy),
        "rounding": str(policy.rounding_cents),
        "part_dearer": policy.paying_part_may_cost_more,
        "plans": policy.plan is not None,
        **_plan(policy.plan or PlanLimits()),
        "answered_by": str(policy.answered_by),
        "answer_days": policy.answer_working_days,
        "when_late": "closest" if policy.closest_when_late else "escalate",
        "skips": policy.concessions.skips,
        "moves": policy.concessions.moves,
        "pauses": policy.concessions.pauses,
        "failures": policy.keeping.failures,
        "grace_days": policy.keeping.grace_days,
        "reminders": [str(day) for day in policy.keeping.extra_reminders],
        "undo_hours": policy.keeping.undo_hours,
        "pause_days": policy.keeping.pause_days,
        "from_on": policy.from_on,
        "to_on": policy.to_on,
    }
    for name, limits in lowest.items():
        none = limits.settlement_bps >= WHOLE_BPS
        fields |= {
            f"{name}_share": None if none else limits.settlement_bps,
            f"{name}_minimum": limits.minimum_installment_cents,
            f"{name}_months": limits.maximum_months,
        }
    return fields


def _plan(plan: PlanLimits) -> dict[str, Any]:
    return {
        "plan_minimum": plan.minimum_installment_cents,
        "plan_minimum_share": plan.minimum_installment_bps or None,
        "plan_months": plan.maximum_months,
        "plan_payments": plan.maximum_installments,
        "plan_longest_days": plan.maximum_days,
        "plan_often": [str(one) for one in plan.frequencies],
        "plan_due": str(plan.due_days),
        "plan_down": plan.down_payment_bps or None,
        "plan_first_days": plan.first_payment_within_days,
        "plan_saved": plan.saved_method is not SavedMethod.NOT_OFFERED,
    }


def usual(currency: str) -> Policy:
    """Limits that most clients could begin with."""
    return Policy(
        version=1,
        currency=currency,
        bands=(
            Band(to_days=180, tiers=(Tier(80_00), Tier(90_00, max_parts=6))),
            Band(from_days=180, tiers=(Tier(60_00), Tier(75_00, max_parts=6))),
        ),
        plan=PlanLimits(maximum_months=24, frequencies=tuple(Frequency), due_days=DueDays.WEEKDAYS),
        agree=ProposalLimits(60_00, 20_00, 30),
        review=ProposalLimits(40_00, 10_00, 60),
        concessions=Concessions(skips=1, moves=2, pauses=0),
        closest_when_late=True,
    )


TABLES: Final = {"row": ("rows", "since"), "segment": ("segments", "name")}
"""The word in a button's name, the table it changes, and the first field of its lines."""


def _beside(lines: list[Line], number: int) -> None:
    lines.insert(number + 1, {"who": [SAME]})


def _copy(lines: list[Line], number: int) -> None:
    lines.insert(number + 1, dict(lines[number]))


def _clear(lines: list[Line], number: int) -> None:
    """Empty a line; what stands below it for the same accounts keeps them."""
    gone, lines[number] = lines[number], {}
    below = lines[number + 1] if number + 1 < len(lines) else {}
    if below.get("who") == [SAME] and gone.get("who") != [SAME]:
        below |= {name: gone[name] for name in WHERE if name in gone}


CHANGES: Final = {"beside": _beside, "copy": _copy, "clear": _clear}
"""What the buttons of a line do."""


def changed(typed: Mapping[str, Any]) -> Typed | None:
    """The form with its lines as a button changes them, or None where none of them was pressed.

    A button is named after what it does and to which table: ``copy-row``, with the line's number.
    """
    given = MultiDict(typed)
    for word, (table, first) in TABLES.items():
        lines = lines_in(given, table)
        if f"more-{word}" in given:
            return _with_lines(given, table, [*lines, {first: [""]}])
        for does, change in CHANGES.items():
            number = given.get(f"{does}-{word}", -1, type=int)
            if 0 <= number < len(lines):
                change(lines, number)
                return _with_lines(given, table, [line or {first: [""]} for line in lines])
    return None


def _with_lines(given: Typed, table: str, lines: list[Line]) -> Typed:
    kept = [(name, value) for name, value in given.items(multi=True) if not _of(name, table)]
    fields = [
        (f"{table}-{n}-{name}", value)
        for n, line in enumerate(lines)
        for name, values in line.items()
        for value in values
    ]
    return MultiDict([*kept, *fields])


def lines_in(given: Typed, table: str) -> list[Line]:
    """The lines of a table as they were posted, in the order of their numbers."""
    found: dict[int, Line] = {}
    for name in given:
        if _of(name, table):
            _table, number, field = name.split("-", 2)
            found.setdefault(int(number), {})[field] = given.getlist(name)
    return [found[n] for n in sorted(found)]


def _of(name: str, table: str) -> bool:
    word, _, rest = name.partition("-")
    number, _, field = rest.partition("-")
    return (
        word == table
        and bool(field)
        and number.isascii()
        and number.isdecimal()
        and len(number) <= LONGEST_NUMBER
    )
