"""Telephone calls, as staff and as debtors read them (CT-06)."""

from portal.domain import N_
from portal.domain.callers import DISPOSITIONS
from portal.domain.calls import GROUNDS, OUTCOMES, Ground, Outcome
from portal.models import Account
from portal.services.evidence import Payload
from portal.services.timeline.wording import Words

SPOKEN: dict[str, str] = {
    Outcome.NO_ANSWER: N_("We called you. Nobody answered."),
    Outcome.NO_MESSAGE: N_("We called you and left no message."),
    Outcome.VOICEMAIL: N_("We called you and left a message that says nothing of what you owe."),
    Outcome.CONVERSATION: N_("We called you and spoke with you."),
    Outcome.SOMEBODY_ELSE: N_("We called you. Somebody else answered."),
    Outcome.WRONG_NUMBER: N_("We called a number that is not yours. We never call it again."),
    Outcome.NOT_CONNECTED: N_("We tried to call you, but the call did not go through."),
}
THEY_CALLED = N_("You called us, and we spoke with you.")


def begun(payload: Payload, account: Account) -> Words | None:
    """Why a call does not count, or why a supervisor let it be."""
    ground, reason = payload.get("ground"), payload.get("reason")
    if ground not in GROUNDS:
        return None
    said = Words(GROUNDS[ground], {})
    return (
        Words(N_("%(said)s Reason: %(reason)s"), {"said": said, "reason": reason})
        if reason
        else said
    )


def logged(payload: Payload, account: Account) -> Words | None:
    """How a call went, and what was noted."""
    outcome: str = payload["outcome"]
    theirs = payload.get("ground") == Ground.THEIRS
    said = Words(GROUNDS[Ground.THEIRS] if theirs else OUTCOMES.get(outcome, outcome), {})
    if payload.get("consented"):
        said = Words(N_("%(said)s; agreed to more calls within seven days"), {"said": said})
    note = payload.get("note")
    return Words(N_("%(said)s. “%(words)s”"), {"said": said, "words": note}) if note else said


def wrapped_up(payload: Payload, account: Account) -> Words:
    """How a call with somebody ended, and what was noted."""
    said, note = Words(DISPOSITIONS[payload["disposition"]], {}), payload.get("note")
    return Words(N_("%(said)s. “%(words)s”"), {"said": said, "words": note}) if note else said


def spoken(payload: Payload, plain: str) -> Words | None:
    """What a debtor reads of a call: how it went, and no note; nothing of one that was not made."""
    outcome = payload["outcome"]
    if outcome == Outcome.NOT_MADE:
        return None
    if payload.get("ground") == Ground.THEIRS:
        return Words(THEY_CALLED, {})
    return Words(SPOKEN.get(outcome, plain), {})
