"""The draft of a client's offer limits: one that all its admins share, kept exactly as typed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError, policy
from portal.domain.policy import Policy
from portal.models import Client, PolicyDraft, Staff, fresh_id
from portal.services import evidence
from portal.services.evidence import Payload

ALONE = ("base_version", "typed", "document", "restores")
"""What is kept of a draft as its first author alone wrote it."""

Typed = Mapping[str, Sequence[str]]
"""A form as it was sent: the name of each field, and what was typed into it."""


class DraftChanged(DomainError):
    """Somebody else saved or took away the draft since this page was opened."""

    message = N_(
        "This draft was changed while you worked on it. Nothing is lost: look at both, then decide."
    )


@dataclass(frozen=True, slots=True)
class Written:
    """What somebody wrote: every field as typed, and the limits, where they could be published.

    ``base_version`` is the version it was begun from, ``restores`` the one it brings back.
    """

    typed: Typed
    document: Policy | None
    base_version: int
    restores: int | None = None


def draft_of(session: Session, client_id: UUID) -> PolicyDraft | None:
    """What the client works on, if anything."""
    return session.scalar(
        select(PolicyDraft)
        .where(PolicyDraft.client_id == client_id)
        .execution_options(populate_existing=True)
    )


def limits_of(draft: PolicyDraft) -> Policy | None:
    """The limits of a draft; None while they could not be published."""
    return policy.from_bytes(draft.document) if draft.document else None


class NothingToPutBack(DomainError):
    """One person alone wrote the draft, or nobody kept what the first one had written."""

    message = N_("There is nothing to put back: only one person wrote this draft.")


def _already(session: Session, client_id: UUID, written: Written) -> PolicyDraft | None:
    """The draft, where somebody sends the very words that it holds."""
    found = draft_of(session, client_id)
    same = found and found.typed == _plain(written.typed)
    return found if same and written.typed else None


def _plain(typed: Typed) -> dict[str, list[str]]:
    return {name: list(values) for name, values in typed.items()}


def lock_draft(session: Session, client_id: UUID, revision: int) -> PolicyDraft | None:
    """The draft as somebody saw it (0: there was none), nobody else can save it meanwhile.

    Raises DraftChanged.
    """
    session.get_one(Client, client_id, with_for_update=True)
    found = draft_of(session, client_id)
    if (found.revision if found else 0) != revision:
        raise DraftChanged
    return found


def save_draft(
    session: Session,
    client_id: UUID,
    written: Written,
    *,
    revision: int,
    staff: Staff,
    now: datetime,
) -> PolicyDraft:
    """Keep what somebody wrote; limits that cannot be published are kept as well.

    ``revision`` is that of the draft which the page was opened with. Whatever a second person said
    about the draft before is over. Whoever sends the words that it holds already, saves nothing
    and wrote nothing. Raises DraftChanged. The caller commits.
    """
    if (before := _already(session, client_id, written)) is not None:
        return before
    draft = lock_draft(session, client_id, revision)
    if draft is None:
        draft = PolicyDraft(client_id=client_id, id=fresh_id())
        session.add(draft)
    body = _body(written.document)
    unchanged = body is not None and draft.document == body.decode()
    if unchanged and draft.saved_by != staff.id:
        return draft
    _sign(draft, staff)
    _number(session, draft)
    draft.base_version, draft.typed = written.base_version, _plain(written.typed)
    draft.document = body.decode() if body else None
    draft.sha256 = sha256(body).digest() if body else None
    draft.restores = written.restores or (draft.restores if unchanged else None)
    draft.saved_by, draft.saved_at = staff.id, now
    draft.note = draft.noted_by = None
    tell(session, draft, "draft_saved", staff, now)
    return draft


def _sign(draft: PolicyDraft, staff: Staff) -> None:
    """Count who writes among the authors, and keep what the first one had written alone."""
    before = draft.writers if draft.revision else []
    if len(before) == 1 and staff.id not in before:
        draft.alone = {name: getattr(draft, name) for name in ALONE}
    draft.authors = list(dict.fromkeys([*before, staff.id]))


def _number(session: Session, draft: PolicyDraft) -> None:
    client = session.get_one(Client, draft.client_id)
    client.drafts_saved += 1
    draft.revision = client.drafts_saved


def put_back(
    session: Session, client_id: UUID, *, revision: int, staff: Staff, now: datetime
) -> None:
    """Make the draft again what its first author alone had written, so that others may approve it.

    What was written since is gone. Raises DraftChanged, NothingToPutBack. The caller commits.
    """
    draft = lock_draft(session, client_id, revision)
    if draft is None or not draft.alone:
        raise DraftChanged if draft is None else NothingToPutBack
    for name in ALONE:
        setattr(draft, name, draft.alone[name])
    draft.sha256 = sha256(draft.document.encode()).digest() if draft.document else None
    draft.authors, draft.alone = draft.authors[:1], None
    draft.saved_by, draft.saved_at = draft.authors[0], now
    draft.note = draft.noted_by = None
    _number(session, draft)
    tell(session, draft, "draft_put_back", staff, now, written_by=str(draft.saved_by))


def _body(document: Policy | None) -> bytes | None:
    """A draft has no number of its own yet: whoever writes the same limits writes the same."""
    return policy.canonical_bytes(replace(document, version=1)) if document else None


def discard_draft(
    session: Session, client_id: UUID, *, revision: int, staff: Staff, now: datetime
) -> None:
    """Forget the draft. Raises DraftChanged. The caller commits."""
    draft = lock_draft(session, client_id, revision)
    if draft is not None:
        tell(session, draft, "draft_discarded", staff, now)
        session.delete(draft)


def tell(
    session: Session,
    draft: PolicyDraft,
    what: str,
    staff: Staff,
    now: datetime,
    **more: str,
) -> None:
    """Write what became of a draft on its client's chain."""
    session.flush()
    payload: Payload = {
        "actor": evidence.staff(staff.id),
        "draft": str(draft.id),
        "revision": draft.revision,
        "publishable": draft.sha256 is not None,
    }
    if draft.sha256 is not None:
        payload["sha256"] = draft.sha256.hex()
    evidence.record(
        session,
        client_id=draft.client_id,
        chain_id=session.get_one(Client, draft.client_id).chain_id,
        type=f"policy.{what}",
        payload=payload | more,
        now=now,
    )
