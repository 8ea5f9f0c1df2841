"""How far a debtor came with the newest link: for whoever has them on the telephone.

Read from the rows and leaves that are written anyway. Scanners of mail open links too, and are told
apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.domain import N_
from portal.domain.deliveries import Fate
from portal.domain.keys import Keys
from portal.domain.openings import Opener
from portal.domain.outgoing import INVITATIONS
from portal.domain.statuses import MessageStatus, PaymentStatus
from portal.models import AccessLink, Account, Delivery, LinkOpening, Message, Payment
from portal.services import attempts
from portal.services.attempts import Locked, Mark, Scope
from portal.services.evidence import Entry, Span, some_leaves
from portal.services.links import LinkState, state_of

MOST_LEAVES = 100
"""Agreements and failed identity checks since a link went out that are looked through."""


class Step(StrEnum):
    """One thing after another between a link and its payment."""

    ISSUED = "issued"
    SENT = "sent"
    DELIVERED = "delivered"
    OPENED = "opened"
    KNOWN = "known"
    AGREED = "agreed"
    CHECKOUT = "checkout"
    PAID = "paid"


STEPS = {
    Step.ISSUED: N_("Link made"),
    Step.SENT: N_("Sent"),
    Step.DELIVERED: N_("Delivered"),
    Step.OPENED: N_("Opened by a person"),
    Step.KNOWN: N_("Answered who they are, and saw the debt and the offers"),
    Step.AGREED: N_("Agreed"),
    Step.CHECKOUT: N_("Went to the payment page"),
    Step.PAID: N_("Paid"),
}


CAME_TO_NOTHING = (MessageStatus.FAILED, MessageStatus.SUPPRESSED)
PAID = Payment.status == PaymentStatus.SUCCEEDED


@dataclass(frozen=True, slots=True)
class Progress:
    """The steps of one link with when each came; ``at`` is the last one that came.

    ``scanned`` counts openings by programs, ``wrong`` identity checks that failed, ``locked`` says
    until when no answers are taken. ``problem`` is the message where it came to nothing.
    """

    link: AccessLink
    state: LinkState
    came: Mapping[Step, datetime]
    steps: Sequence[Step]
    scanned: int
    wrong: int
    locked: Locked | None
    problem: Message | None

    @property
    def stuck(self) -> Step | None:
        """The first step that did not come after the last that did; None where they paid."""
        last = max(self.steps.index(step) for step in self.came)
        return self.steps[last + 1] if last + 1 < len(self.steps) else None


def progress_of(
    session: Session, account: Account, *, keys: Keys, now: datetime
) -> Progress | None:
    """How far the debtor of an account came with their newest link; None where they have none."""
    link = session.scalars(
        select(AccessLink)
        .where(AccessLink.client_id == account.client_id, AccessLink.debtor_id == account.debtor_id)
        .order_by(AccessLink.issued_at.desc(), AccessLink.id.desc())
        .limit(1)
    ).first()
    if link is None:
        return None
    message = _message(session, link)
    by_person, scanned = _openings(session, link)
    entries = some_leaves(session, account, _since(link), most=MOST_LEAVES)
    found = {
        Step.ISSUED: link.issued_at,
        Step.SENT: message and message.sent_at,
        Step.DELIVERED: message and _delivered(session, message),
        Step.OPENED: by_person,
        Step.KNOWN: link.verified_at,
        **_done(session, account, link, entries),
    }
    steps = [step for step in Step if message or step not in (Step.SENT, Step.DELIVERED)]
    marks = Mark(Scope.LINK, str(link.id)), Mark(Scope.ACCOUNT, str(link.debtor_id))
    return Progress(
        link=link,
        state=state_of(link, now),
        came={step: at for step in steps if (at := found[step])},
        steps=steps,
        scanned=scanned,
        wrong=sum(one.payload.get("link") == str(link.id) for one in entries),
        locked=attempts.locked(session, keys, marks, now=now),
        problem=message if message and message.status in CAME_TO_NOTHING else None,
    )


def _since(link: AccessLink) -> Span:
    return Span(since=link.issued_at, types=["acceptance", "identity.failed"])


def _message(session: Session, link: AccessLink) -> Message | None:
    return session.scalars(
        select(Message)
        .where(
            Message.client_id == link.client_id,
            Message.debtor_id == link.debtor_id,
            Message.link_id == link.id,
            Message.template.in_(INVITATIONS),
        )
        .limit(1)
    ).first()


def _delivered(session: Session, message: Message) -> datetime | None:
    return session.scalar(
        select(func.min(Delivery.at)).where(
            Delivery.client_id == message.client_id,
            Delivery.message_id == message.id,
            Delivery.kind == Fate.DELIVERED,
        )
    )


def _openings(session: Session, link: AccessLink) -> tuple[datetime | None, int]:
    """When a person first opened a link, and how often programs did."""
    by_person = LinkOpening.opener == Opener.PERSON
    at, scanned = session.execute(
        select(func.min(LinkOpening.at).filter(by_person), func.count().filter(~by_person)).where(
            LinkOpening.client_id == link.client_id, LinkOpening.link_id == link.id
        )
    ).one()
    return at, scanned


def _done(
    session: Session, account: Account, link: AccessLink, entries: Sequence[Entry]
) -> dict[Step, datetime | None]:
    """What was agreed and paid on the account since the link is out."""
    agreed = [one.at for one in entries if one.type == "acceptance"]
    asked, paid = session.execute(
        select(func.min(Payment.created_at), func.min(Payment.settled_at).filter(PAID)).where(
            Payment.client_id == account.client_id,
            Payment.account_id == account.id,
            Payment.created_at >= link.issued_at,
            Payment.checkout_id.is_not(None),
        )
    ).one()
    return {Step.AGREED: min(agreed, default=None), Step.CHECKOUT: asked, Step.PAID: paid}
