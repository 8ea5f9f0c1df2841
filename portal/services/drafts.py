"""Drafts of offer limits: kept for whoever works on them, published when nobody was faster."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError, policy
from portal.domain.policy import Policy
from portal.models import Client, PolicyDraft, Staff, fresh_id
from portal.services.policies import NoPolicy, PublishedPolicy, live_policy, publish_policy


class ChangedMeanwhile(DomainError):
    """Somebody else published limits since this draft was begun."""

    message = N_(
        "Somebody published version %(version)s while you worked on this. Your changes are kept:"
        " look at both, then publish again."
    )


def live_version(session: Session, client_id: UUID) -> PublishedPolicy | None:
    """The limits in force, if the client has published any."""
    try:
        return live_policy(session, client_id)
    except NoPolicy:
        return None


def draft_of(session: Session, client_id: UUID, staff: Staff) -> tuple[Policy, int] | None:
    """What this member of staff works on, with the version that they began from."""
    row = session.scalar(
        select(PolicyDraft).where(
            PolicyDraft.client_id == client_id, PolicyDraft.staff_id == staff.id
        )
    )
    return (policy.from_bytes(row.document), row.base_version) if row else None


def save_draft(
    session: Session,
    client_id: UUID,
    document: Policy,
    *,
    base_version: int,
    staff: Staff,
    now: datetime,
) -> None:
    """Keep what somebody works on, in place of what they kept before; the caller commits."""
    values = {
        "base_version": base_version,
        "document": policy.canonical_bytes(document).decode(),
        "saved_at": now,
    }
    row = insert(PolicyDraft).values(
        client_id=client_id, id=fresh_id(), staff_id=staff.id, **values
    )
    session.execute(
        row.on_conflict_do_update(index_elements=["client_id", "staff_id"], set_=values)
    )


def discard_draft(session: Session, client_id: UUID, staff: Staff) -> None:
    """Forget what somebody worked on; the caller commits."""
    session.execute(
        delete(PolicyDraft).where(
            PolicyDraft.client_id == client_id, PolicyDraft.staff_id == staff.id
        )
    )


def publish_draft(
    session: Session, client_id: UUID, *, base_version: int, staff: Staff, now: datetime
) -> PublishedPolicy:
    """Make a draft the client's next version and forget it; the caller commits.

    ``base_version`` is the live version that the page was compared with: if another one is live by
    now, nothing is published. Raises ChangedMeanwhile, NotPublishable, NoResultFound.
    """
    session.get_one(Client, client_id, with_for_update=True)
    live = live_version(session, client_id)
    version = live.version if live else 0
    found = draft_of(session, client_id, staff)
    if version != base_version or found is None:
        raise ChangedMeanwhile(version=version)
    document, _ = found
    published = publish_policy(session, client_id, document, by=staff.id, now=now)
    discard_draft(session, client_id, staff)
    return published
