"""Two people for every version: whoever wrote any of it does not approve it (PY-01)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
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

REHEARSAL_COUNTS_FOR = timedelta(days=7)
"""How old a rehearsal may be when somebody approves: accounts, and what they are owed, change."""


class SecondPersonNeeded(DomainError):
    """Nobody approves what they wrote themselves, not even a part of it."""

    message = N_("You wrote some of these limits, so somebody else must approve them.")


class NotRehearsed(DomainError):
    """These very limits were not rehearsed against what is in force today."""

    message = N_("Rehearse these limits first, so that you both see what they would change.")


class RehearsalTooOld(DomainError):
    """These limits were rehearsed so long ago that the accounts are others by now."""

    message = N_("The rehearsal of these limits is more than %(days)s days old. Run it again.")


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


def is_too_old(rehearsal: Rehearsal, now: datetime) -> bool:
    """Whether a rehearsal no longer says what limits would change today."""
    return rehearsal.started_at < now - REHEARSAL_COUNTS_FOR


def approve(
    session: Session, client_id: UUID, *, revision: int, staff: Staff, now: datetime
) -> PublishedPolicy:
    """Publish exactly what was saved as this revision, from the day that it names.

    Raises DraftChanged, Incomplete, SecondPersonNeeded, NotRehearsed, RehearsalTooOld,
    NotPublishable. The caller commits.
    """
    draft = lock_draft(session, client_id, revision)
    if draft is None:
        raise DraftChanged
    document = limits_of(draft)
    if document is None:
        raise Incomplete
    if staff.id in draft.writers:
        raise SecondPersonNeeded
    rehearsal = _sound_rehearsal(session, draft, now)
    release = Release(
        approved_by=staff.id,
        authors=tuple(draft.writers),
        rehearsal_id=rehearsal.id,
        restores=draft.restores,
    )
    tell(session, draft, "approved", staff, now, rehearsal=str(rehearsal.id))
    done = publish_policy(session, client_id, document, by=draft.saved_by, now=now, release=release)
    session.delete(draft)
    session.flush()
    return done


def _sound_rehearsal(session: Session, draft: PolicyDraft, now: datetime) -> Rehearsal:
    found = rehearsal_of(session, draft, now)
    if found is None or found.completed_at is None:
        raise NotRehearsed
    if is_too_old(found, now):
        raise RehearsalTooOld(days=REHEARSAL_COUNTS_FOR.days)
    return found


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


def others_who_approve(session: Session, client_id: UUID, writers: Sequence[UUID]) -> Sequence[str]:
    """The names of the client's other admins, who may approve what some of them wrote."""
    asked = text("SELECT staff_id, name FROM resolve_client_admins(:client_id) ORDER BY name")
    rows = session.execute(asked, {"client_id": client_id})
    return [row.name for row in rows if row.staff_id not in writers]


@dataclass(frozen=True, slots=True)
class Planned:
    """A version that is to come into force, and the one that takes its place, if any does."""

    row: OfferPolicy
    next: OfferPolicy | None

    @property
    def never(self) -> bool:
        """Whether another one takes its place before it begins."""
        return self.next is not None and self.next.starts_at <= self.row.starts_at


def planned(versions: Sequence[OfferPolicy], now: datetime) -> list[Planned]:
    """Every version that has not begun, the one with the first day first."""
    found = [Planned(one, _after(one, versions)) for one in versions if one.starts_at > now]
    return sorted(found, key=lambda one: (one.row.starts_at, one.row.version))


def overtaken(versions: Sequence[OfferPolicy]) -> set[int]:
    """The numbers of versions that never came into force: a later one begins no later."""
    return {one.version for one in versions if Planned(one, _after(one, versions)).never}


def _after(one: OfferPolicy, versions: Sequence[OfferPolicy]) -> OfferPolicy | None:
    """The version that ends one: of those with a higher number, the one that begins first."""
    higher = (other for other in versions if other.version > one.version)
    return min(higher, key=lambda other: (other.starts_at, -other.version), default=None)
