"""Notes of staff, which are leaves and nothing else, and the templates that a client keeps.

A note is never changed: what was wrong in it is said by another one. No debtor reads them, nor does
the client who placed the account.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain.notes import MOST_TEMPLATES, TooManyTemplates, note_words, template_words
from portal.models import Account, Client, NoteTemplate, Staff, fresh_id
from portal.services import evidence
from portal.services.evidence import Entry
from portal.services.ledger import lock_account, lock_row

TYPE = "note.written"
MOST = 100
"""Notes that a page shows, the newest."""


def write_note(
    session: Session, account: Account, typed: str, *, staff: Staff, now: datetime
) -> None:
    """Keep a note about an account, on the record; the caller commits.

    Raises NoteMissing, BlankLeft, TextTooLong, CardNumberTyped (PC-01).
    """
    words = note_words(typed)
    account = lock_account(session, account.id)
    evidence.record(
        session,
        client_id=account.client_id,
        chain_id=account.chain_id,
        type=TYPE,
        payload={"actor": evidence.staff(staff.id), "note": words},
        now=now,
    )


def notes_of(session: Session, account: Account) -> list[Entry]:
    """The newest notes of an account that can still be read, newest first."""
    found = evidence.some_leaves(session, account, evidence.Span(types=[TYPE]), most=MOST)
    return [one for one in found if one.payload]


def templates_of(session: Session, *client_ids: UUID) -> Sequence[NoteTemplate]:
    """The templates that clients keep now, by title."""
    return session.scalars(
        select(NoteTemplate)
        .where(NoteTemplate.client_id.in_(client_ids), NoteTemplate.dropped_at.is_(None))
        .order_by(NoteTemplate.title, NoteTemplate.id)
    ).all()


def keep_template(
    session: Session, client: Client, title: str, body: str, *, staff: Staff, now: datetime
) -> NoteTemplate:
    """Add a template to a client's list, on the client's record; the caller commits.

    Raises TooManyTemplates, TitleMissing, NoteMissing, TextTooLong, CardNumberTyped (PC-01).
    """
    name, words = template_words(title, body)
    if len(templates_of(session, client.id)) >= MOST_TEMPLATES:
        raise TooManyTemplates
    made = NoteTemplate(
        client_id=client.id, id=fresh_id(), title=name, body=words, kept_by=staff.id, kept_at=now
    )
    session.add(made)
    _tell(session, client, "client.note_template_kept", made, staff, now)
    return made


def drop_template(session: Session, found: NoteTemplate, *, staff: Staff, now: datetime) -> None:
    """Take a template off the list; notes that began with it stay. Twice is once."""
    found = lock_row(session, NoteTemplate, (found.client_id, found.id))
    if found.dropped_at is None:
        found.dropped_at = now
        client = session.get_one(Client, found.client_id)
        _tell(session, client, "client.note_template_dropped", found, staff, now)


def _tell(
    session: Session,
    client: Client,
    kind: str,
    template: NoteTemplate,
    staff: Staff,
    now: datetime,
) -> None:
    evidence.record(
        session,
        client_id=client.id,
        chain_id=client.chain_id,
        type=kind,
        payload={
            "actor": evidence.staff(staff.id),
            "template_id": str(template.id),
            "title": template.title,
            "body": template.body,
        },
        now=now,
    )
