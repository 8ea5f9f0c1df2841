"""Debtors' verified visits: begun by the right answers, ended by the person, time or revocation."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from portal.db import PortalSession, Reading, set_tenant
from portal.models import Debtor, DebtorSession
from portal.models.base import ids
from portal.services import evidence
from portal.services.identity import Passed
from portal.services.ledger import lock_accounts
from portal.services.links import OpenedLink, tell_accounts
from portal.services.offers import promise

LONGEST = timedelta(hours=12)
USER_AGENT_LENGTH = 400
NOTHING: Mapping[str, object] = MappingProxyType({})
SEEN = 14

_FIND = """
    SELECT client_id, debtor_id, session_id, link_id, identity_method, ip, user_agent, locale,
      started_at, expires_at, coalesce(ended_at, revoked_at) AS closed_at, public_id, face::text,
      set_config('app.client_ids', '{' || client_id || '}', true) AS scope
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
    """A visit with its link's public id, the client's face, and whether it is still open.

    ``beside`` is the row that the page asked for along with it, empty if there is none.
    """

    visit: Visit
    public_id: str
    expires_at: datetime
    open: bool
    face: dict[str, Any]
    beside: tuple[Any, ...] = ()


def start_visit(
    session: Session, opened: OpenedLink, passed: Passed, *, browser: Browser, now: datetime
) -> tuple[DebtorSession, str]:
    """Begin the visit of a debtor who has just passed the identity check, on the record.

    Returns the row and the cookie's token: 32 random bytes, of which only the hash is kept.
    What was proved is kept as ``date_of_birth+postal_code`` or ``code:email``.
    """
    accounts = lock_accounts(session, opened.client.id, opened.debtor.id)
    token = base64.urlsafe_b64encode(ids.randbytes(32)).rstrip(b"=").decode()
    visit = DebtorSession(
        client_id=opened.client.id,
        debtor_id=opened.debtor.id,
        link_id=opened.link.id,
        token_hash=_hash(token),
        identity_method=passed.method,
        identity_attempts=passed.attempts,
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
        "method": passed.method,
        "attempts": passed.attempts,
    }
    tell_accounts(session, accounts, "identity.passed", told, now)
    for account in accounts:
        promise(session, account, visit_id=visit.id, until=visit.expires_at, now=now)
    return visit, token


def keep_language(session: Session, visit: Visit, now: datetime) -> None:
    """Write to the debtor from now on in the language in which they have just acted (AX-04).

    No later file of the client's changes it. The caller commits.
    """
    debtor = session.get_one(Debtor, (visit.client_id, visit.debtor_id))
    debtor.language, debtor.language_chosen_at = visit.locale, now
    session.flush()


def find_visit(
    read: Reading,
    token: str,
    *,
    now: datetime,
    beside: str | None = None,
    wanted: Mapping[str, object] = NOTHING,
) -> FoundVisit | None:
    """The visit of a token, open or not; it writes nothing and scopes no session.

    ``beside`` is a SELECT over ``visit`` that the page reads in the same statement, scoped to the
    visit's client, with its values in ``wanted``.
    """
    values = {"token_hash": _hash(token), **wanted}
    row = read(_together(beside) if beside else _FIND, values)
    if row is None:
        return None
    *seen, expires_at, closed_at, public_id, face, _scope = row[:SEEN]
    is_open = closed_at is None and now < expires_at
    return FoundVisit(Visit(*seen), public_id, expires_at, is_open, json.loads(face), row[SEEN:])


@lru_cache(16)
def _together(beside: str) -> str:
    """One statement in which PostgreSQL can read the page's rows only after the visit's scope."""
    return f"""
        SELECT visit.*, beside.* FROM ({_FIND}) AS visit
        LEFT JOIN LATERAL ({beside} OFFSET 0) AS beside ON true
    """  # noqa: S608


def end_visit(session: PortalSession, visit: Visit, *, now: datetime) -> None:
    """End a visit, if it has not ended. Scopes the session to its client; the caller commits."""
    set_tenant(session, visit.client_id)
    session.execute(
        update(DebtorSession)
        .where(DebtorSession.id == visit.session_id, DebtorSession.ended_at.is_(None))
        .values(ended_at=now)
    )


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
