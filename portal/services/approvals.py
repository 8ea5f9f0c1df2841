"""Two people for every version: what one wrote and rehearsed, another one approves (PY-01)."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.domain.help import LONGEST_NOTE, check_free_text
from portal.domain.wording import clean_text
from portal.models import OfferPolicy, PolicyDraft, Rehearsal, Staff
from portal.services.drafts import DraftChanged, limits_of, lock_draft, tell
from portal.services.policies import (
    PublishedPolicy,
    Release,
    live_version,
    publish_policy,
)
from portal.services.rehearsals import latest_of


class SecondPersonNeeded(DomainError):
    """Nobody approves what they saved themselves."""

    message = N_("You saved these limits, so somebody else must approve them.")


class NotRehearsed(DomainError):
    """These very limits were not rehearsed against what is in force today."""

    message = N_("Rehearse these limits first, so that you both see what they would change.")


class Incomplete(DomainError):
    """The draft breaks a rule, so that there is nothing to approve."""

    message = N_("These limits cannot be published yet. Open them to see what is missing.")


class NoteMissing(DomainError):
    """A draft is sent back with words that say what to change."""

    message = N_("Write what should be changed.")


def rehearsal_of(session: Session, draft: PolicyDraft, now: datetime) -> Rehearsal | None:
    """The newest rehearsal of exactly this draft against what is in force, however far it is."""
    if draft.sha256 is None:
        return None
    live = live_version(session, draft.client_id, now)
    found = latest_of(session, draft.client_id, draft.sha256)
    return found if found and found.live_version == (live.version if live else None) else None


def approve(
    session: Session, client_id: UUID, *, revision: int, staff: Staff, now: datetime
) -> PublishedPolicy:
    """Publish exactly what was saved as this revision, from the day that it names.

    Raises DraftChanged, Incomplete, SecondPersonNeeded, NotRehearsed, NotPublishable. The caller
    commits.
    """
    draft = lock_draft(session, client_id, revision)
    if draft is None:
        raise DraftChanged
    document = limits_of(draft)
    if document is None:
        raise Incomplete
    if draft.saved_by == staff.id:
        raise SecondPersonNeeded
    rehearsal = rehearsal_of(session, draft, now)
    if rehearsal is None or rehearsal.completed_at is None:
        raise NotRehearsed
    release = Release(
        approved_by=staff.id,
        rehearsal_id=rehearsal.id,
        restores=draft.restores,
    )
    tell(session, draft, "approved", staff, now, rehearsal=str(rehearsal.id))
    done = publish_policy(session, client_id, document, by=draft.saved_by, now=now, release=release)
    session.delete(draft)
    session.flush()
    return done


def send_back(  # noqa: PLR0913
    session: Session, client_id: UUID, note: str, *, revision: int, staff: Staff, now: datetime
) -> None:
    """Ask for changes instead of approving. Raises DraftChanged, NoteMissing, TextTooLong."""
    draft = lock_draft(session, client_id, revision)
    if draft is None:
        raise DraftChanged
    said = check_free_text(clean_text(note), most=LONGEST_NOTE)
    if not said:
        raise NoteMissing
    draft.note, draft.noted_by = said, staff.id
    tell(session, draft, "sent_back", staff, now, note=said)


def others_who_approve(session: Session, client_id: UUID, saved_by: UUID) -> Sequence[str]:
    """The names of the client's other admins, who may approve what one of them saved."""
    asked = text("SELECT staff_id, name FROM resolve_client_admins(:client_id) ORDER BY name")
    rows = session.execute(asked, {"client_id": client_id})
    return [row.name for row in rows if row.staff_id != saved_by]


def planned(versions: Sequence[OfferPolicy], now: datetime) -> OfferPolicy | None:
    """The version that is to come into force, unless a later one does before."""
    newest = versions[0] if versions else None
    return newest if newest is not None and newest.starts_at > now else None


def overtaken(versions: Sequence[OfferPolicy]) -> set[int]:
    """The numbers of versions that never came into force: a later one begins no later."""
    return {
        one.version
        for one in versions
        if any(w.version > one.version and w.starts_at <= one.starts_at for w in versions)
    }
