"""Money that arrives outside of Stripe: by check, money order, cash or bank transfer."""

from enum import StrEnum

from portal.domain import N_


class CounterKind(StrEnum):
    """What the money came as."""

    CHECK = "check"
    MONEY_ORDER = "money_order"
    CASH = "cash"
    TRANSFER = "transfer"


class Why(StrEnum):
    """Why a payment that was recorded does not count any more."""

    RETURNED = "returned"
    MISTAKE = "recorded_by_mistake"


KINDS: dict[str, str] = {
    CounterKind.CHECK: N_("Paper check"),
    CounterKind.MONEY_ORDER: N_("Money order"),
    CounterKind.CASH: N_("Cash"),
    CounterKind.TRANSFER: N_("Bank transfer"),
}
NUMBERED: dict[str, str] = {
    CounterKind.CHECK: N_("Check no. %(number)s"),
    CounterKind.MONEY_ORDER: N_("Money order no. %(number)s"),
    CounterKind.CASH: N_("Cash, slip no. %(number)s"),
    CounterKind.TRANSFER: N_("Bank transfer %(number)s"),
}
WHYS: dict[str, str] = {
    Why.RETURNED: N_("The bank returned it unpaid"),
    Why.MISTAKE: N_("It was recorded by mistake"),
}
NEEDS_NUMBER = (CounterKind.CHECK, CounterKind.MONEY_ORDER)
"""What is told apart by its number alone."""


def paid_with(kind: str, number: str | None) -> str:
    """The marked words for how a payment came; ``number`` fills them where there is one."""
    return (NUMBERED if number else KINDS)[kind]
