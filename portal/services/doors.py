"""The link that a message brings: its own, one that went there before and is open, or a new one."""

from datetime import timedelta

from sqlalchemy import select

from portal.domain.outgoing import INVITATIONS, Template
from portal.models import AccessLink
from portal.services.links import ON_PAPER, NoLinkAllowed, issue_link, issue_on_paper
from portal.services.message_subject import OutOfDate, Subject

DOOR_STAYS_OPEN = timedelta(days=5)
LETTER_STAYS_OPEN = ON_PAPER
"""A link that went there before is good enough as long as it lasts this much longer."""


def door_of(subject: Subject, template: Template) -> AccessLink | None:
    """The link that a message brings, made if it has none; None where it brings none.

    A letter's is made as it is printed; an invitation has one of its own, which says what came of
    it. Raises OutOfDate where its own opens no more, or where it is nothing without one.
    """
    session, message = subject.session, subject.message
    if message.link_id is not None:
        own = session.get_one(AccessLink, (message.client_id, message.link_id))
        if own.revoked_at is not None or own.expires_at <= subject.now:
            raise OutOfDate
        return own if template.door else None
    if not template.door:
        return None
    invites = template.name in INVITATIONS
    link = _new(subject) if invites else _open(subject) or _new(subject)
    if link is None and invites:
        raise OutOfDate
    message.link_id = link.id if link else None
    return link


def _open(subject: Subject) -> AccessLink | None:
    stays_open = DOOR_STAYS_OPEN if subject.contact else LETTER_STAYS_OPEN
    return subject.session.scalars(
        select(AccessLink)
        .where(
            AccessLink.client_id == subject.client.id,
            AccessLink.debtor_id == subject.debtor.id,
            AccessLink.contact_id == (subject.contact and subject.contact.id),
            AccessLink.revoked_at.is_(None),
            AccessLink.expires_at > subject.now + stays_open,
        )
        .order_by(AccessLink.issued_at.desc(), AccessLink.id.desc())
        .limit(1)
    ).first()


def _new(subject: Subject) -> AccessLink | None:
    session, debtor, keys, now = subject.session, subject.debtor, subject.keys, subject.now
    try:
        if subject.contact is None:
            return issue_on_paper(session, debtor, keys=keys, now=now).link
        return issue_link(session, debtor, keys=keys, contact=subject.contact, now=now).link
    except NoLinkAllowed:
        return None
