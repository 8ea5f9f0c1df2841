"""What somebody typed when their log-in was over, or something had to come first: for them alone.

A few forms, sealed, for an hour or until they are sent; who logs in as somebody else sees nothing.
"""

import json
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from portal.domain.keys import Keys, seal
from portal.gateways import vault
from portal.models import HeldForm, fresh_id

Fields = list[tuple[str, str]]

KEPT = timedelta(hours=1)
MOST = 5
LARGEST = 100_000
"""Bytes; what is larger is not kept."""
SECRET = (
    *("csrf_token", "password", "code", "proof", "secret"),
    *("date_of_birth", "last_four"),
    *("agreed", "yes"),
)
"""Fields whose names begin like this are never kept; what was said on a call counts in no other."""


def hold(
    session: Session,
    staff_id: UUID,
    path: str,
    typed: Iterable[tuple[str, str]],
    keys: Keys,
    *,
    now: datetime,
) -> UUID | None:
    """Keep a form of the member of staff whom the session sees; None if it is empty or too large.

    The oldest beyond five go. The caller commits.
    """
    fields = [(name, value) for name, value in typed if not name.startswith(SECRET)]
    body = json.dumps(fields).encode()
    if not fields or len(body) > LARGEST:
        return None
    form = HeldForm(staff_id=staff_id, id=fresh_id(), path=path, held_at=now, sealed=b"")
    form.sealed = vault.seal(_keys(keys)[0], body, _about(staff_id, form.id, path))
    session.add(form)
    session.flush()
    newest = select(HeldForm.id).where(HeldForm.staff_id == staff_id)
    newest = newest.order_by(HeldForm.id.desc()).limit(MOST)
    old = HeldForm.id.not_in(newest) | (HeldForm.held_at < now - KEPT)
    session.execute(delete(HeldForm).where(HeldForm.staff_id == staff_id, old))
    return form.id


def take_back(
    session: Session, staff_id: UUID, form_id: UUID, path: str, keys: Keys, *, now: datetime
) -> Fields | None:
    """What was kept of the form at this address, if it is this person's and not too old.

    It may be read until its hour is over, so that a page can be opened again.
    """
    form = session.scalar(
        select(HeldForm).where(
            HeldForm.staff_id == staff_id,
            HeldForm.id == form_id,
            HeldForm.path == path,
            HeldForm.held_at > now - KEPT,
        )
    )
    return _opened(form, keys) if form else None


def kept_for(
    session: Session, staff_id: UUID, paths: Collection[str], *, now: datetime
) -> dict[str, HeldForm]:
    """By address, the newest form that was kept of it and can still be taken back."""
    kept = select(HeldForm).where(
        HeldForm.staff_id == staff_id, HeldForm.path.in_(paths), HeldForm.held_at > now - KEPT
    )
    return {form.path: form for form in session.scalars(kept.order_by(HeldForm.id))}


def let_go(session: Session, staff_id: UUID, path: str) -> None:
    """Delete what was kept of the form at this address, because it was sent. The caller commits."""
    session.execute(delete(HeldForm).where(HeldForm.staff_id == staff_id, HeldForm.path == path))


def _opened(form: HeldForm, keys: Keys) -> Fields | None:
    about = _about(form.staff_id, form.id, form.path)
    for key in _keys(keys):
        try:
            body = vault.unseal(key, form.sealed, about)
        except vault.Unreadable:
            continue
        return [(str(name), str(value)) for name, value in json.loads(body)]
    return None


def _keys(keys: Keys) -> list[bytes]:
    return [seal(key, b"portal.held-form.v1") for key in keys.signing]


def _about(staff_id: UUID, form_id: UUID, path: str) -> bytes:
    return staff_id.bytes + form_id.bytes + path.encode()


def forget_old(session: Session, *, now: datetime) -> None:
    """Delete what was kept for longer than it may be taken back. The caller commits."""
    session.execute(delete(HeldForm).where(HeldForm.held_at < now - KEPT))
