"""Somebody on the telephone with us: for how long they are known, and how such a call ends."""

from datetime import datetime, timedelta
from enum import StrEnum

from portal.domain import N_
from portal.domain.calls import Outcome

IDLE = timedelta(minutes=15)
"""Without a page for so long, whoever is on the line is not known any more."""
LONGEST = timedelta(hours=1)


class Disposition(StrEnum):
    """How a call with somebody ended."""

    SPOKE = "spoke"
    NOT_KNOWN = "not_known"
    SOMEBODY_ELSE = "somebody_else"
    WRONG_NUMBER = "wrong_number"
    CUT_OFF = "cut_off"


DISPOSITIONS: dict[str, str] = {
    Disposition.SPOKE: N_("I spoke with the debtor"),
    Disposition.NOT_KNOWN: N_("I could not find out who it was"),
    Disposition.SOMEBODY_ELSE: N_("It was somebody else"),
    Disposition.WRONG_NUMBER: N_("It was a wrong number"),
    Disposition.CUT_OFF: N_("The call was cut off"),
}
"""Each ending in the words of who wraps up."""

LOGGED = {
    Disposition.SPOKE: Outcome.CONVERSATION,
    Disposition.SOMEBODY_ELSE: Outcome.SOMEBODY_ELSE,
    Disposition.WRONG_NUMBER: Outcome.WRONG_NUMBER,
}
"""What the telephone log says of a call of ours that ended so; else its caller says it there."""

TO_SOMEBODY_ELSE = (
    N_("Say your own name. Name your employer only if you are asked for it."),
    N_("Say nothing of a debt, an account or a payment, and not that you collect."),
    N_("You may ask where the person lives, their telephone number at home, and where they work."),
    N_("Say that you confirm or correct location information. Do not ask the same person twice."),
    N_("If a lawyer represents the person about this debt, ask nobody but the lawyer."),
)
"""What may be said to a third party (12 CFR 1006.6(d)(1), 1006.10(b))."""


def runs_until(opened_at: datetime, seen_at: datetime) -> datetime:
    """When a call is over by itself: a quarter of an hour idle, or an hour in all."""
    return min(opened_at + LONGEST, seen_at + IDLE)
