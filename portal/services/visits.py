"""Debtors' verified visits: begun by the right answers, ended by the person, time or revocation."""

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from portal.db import PortalSession, read_row
from portal.models import Debtor, DebtorSession
from portal.models.base import ids
from portal.services import evidence
from portal.services.links import OpenedLink, accounts_of, tell_accounts

LONGEST = timedelta(hours=12)
USER_AGENT_LENGTH = 400

# The one statement that lets a reader in: it finds the visit and scopes the transaction to its
# client, so that the page's own query can follow at once.
_FIND = """
    SELECT client_id, debtor_id, session_id, link_id, identity_method, ip, user_agent, locale,
      started_at, expires_at, coalesce(ended_at, revoked_at), public_id, face,
      set_config('app.client_ids', '{' || client_id || '}', true)
    FROM resolve_debtor_session(%(token_hash)s)
"""


@dataclass(frozen=True, slots=True)
class Browser:
    """Where a request came from, for the record."""

    ip: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class Visit:
    """A debtor's verified visit, as services and the record take it."""

    client_id: UUID
    debtor_id: UUID
    session_id: UUID
    link_id: UUID
    identity_method: str
    ip: str
    user_agent: str
    locale: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class FoundVisit:
    """A visit with its link's public id, the client's face, and whether it is still open."""

    visit: Visit
    public_id: str
    expires_at: datetime
    open: bool
    face: dict[str, Any]


def start_visit(
    session: Session, opened: OpenedLink, *, method: str, browser: Browser, now: datetime
) -> tuple[DebtorSession, str]:
    """Begin the visit of a debtor who has just passed the identity check, on the record.

    Returns the row and the cookie's token: 32 random bytes, of which only the hash is kept.
    ``method`` says what was proved, as ``date_of_birth+postal_code`` or ``code:email``.
    """
    token = base64.urlsafe_b64encode(ids.randbytes(32)).rstrip(b"=").decode()
    visit = DebtorSession(
        client_id=opened.client.id,
        debtor_id=opened.debtor.id,
        link_id=opened.link.id,
        token_hash=_hash(token),
        identity_method=method,
        ip=browser.ip,
        user_agent=browser.user_agent,
        started_at=now,
        expires_at=now + LONGEST,
    )
    session.add(visit)
    opened.link.verified_at = opened.link.verified_at or now
    session.flush()
    told = {
        "actor": evidence.debtor(opened.debtor.id),
        "link": str(opened.link.id),
        "visit": str(visit.id),
        "method": method,
    }
    tell_accounts(session, accounts_of(session, opened.debtor), "identity.passed", told, now)
    return visit, token


def keep_language(session: Session, visit: Visit) -> None:
    """Write to the debtor from now on in the language in which they have just acted (AX-04).

    The caller commits.
    """
    debtor = session.get_one(Debtor, (visit.client_id, visit.debtor_id))
    if debtor.language != visit.locale:
        debtor.language = visit.locale
        session.flush()


def find_visit(session: PortalSession, token: str, *, now: datetime) -> FoundVisit | None:
    """The visit of a token, open or not, with the session scoped to its client; writes nothing."""
    row = read_row(session, _FIND, {"token_hash": _hash(token)})
    if row is None:
        return None
    *seen, expires_at, closed_at, public_id, face, _scope = row
    visit = Visit(*seen)
    session.scoped_to(visit.client_id)
    return FoundVisit(visit, public_id, expires_at, closed_at is None and now < expires_at, face)


def end_visit(session: PortalSession, token: str, *, now: datetime) -> None:
    """End the visit of a token, if there is one and it has not ended. The caller commits."""
    if find_visit(session, token, now=now) is None:
        return
    session.execute(
        update(DebtorSession)
        .where(DebtorSession.token_hash == _hash(token), DebtorSession.ended_at.is_(None))
        .values(ended_at=now)
    )


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
