"""Whether a letter may go now, asked as it is printed and again until it is posted (CT-08)."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.domain.outgoing import INVITATIONS, SEND, Action, Decision, Rule, decide
from portal.models import Message
from portal.services.campaign_release import halted
from portal.services.clearance import situation_of
from portal.services.messages import letter_forbidden


def letter_decision(session: Session, message: Message, *, now: datetime) -> Decision:
    """What becomes of a letter at this instant.

    An invitation is decided about as if it were an e-mail (CT-03, CT-05, CA-01 to CA-03); a copy is
    held by what forbids it alone.
    """
    if rule := halted(session, message):
        return Decision(Action.DROP if rule is Rule.CAMPAIGN_STOPPED else Action.WAIT, rule)
    if message.template not in INVITATIONS:
        forbidden = letter_forbidden(session, message, now=now)
        return Decision(Action.DROP, forbidden) if forbidden else SEND
    return decide(situation_of(session, message, texter=None, now=now), now)
