"""Opting out of messages, by whoever holds one: no log-in, no questions, at once (EC-04, EC-05).

The token in a message names one contact; whose record it stands in does not matter, the address
is closed for the client. It never runs out.
"""

import base64
import binascii
import hashlib
from collections.abc import Collection
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from itsdangerous import BadSignature, Signer
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db import set_tenant
from portal.domain.keys import Keys
from portal.domain.outgoing import TEMPLATES, Rule
from portal.models import Contact, ContactStop, Debtor, StopKind
from portal.services import evidence
from portal.services.evidence import Actor
from portal.services.links import accounts_of, tell_accounts
from portal.services.messages import drop, lock_waiting
from portal.services.stops import stop_address

LONGEST_TOKEN = 200
KEPT = tuple(name for name, template in TEMPLATES.items() if template.despite_opt_out)


@lru_cache(8)
def _signer(keys: Keys) -> Signer:
    return Signer(
        keys.peppered("unsubscribe"),  # for good: signing keys come and go, old e-mails stay
        salt=b"portal.unsubscribe.v1",
        key_derivation="hmac",
        digest_method=hashlib.sha256,
    )


def unsubscribe_token(keys: Keys, contact: Contact) -> str:
    """The token that closes this contact's address, and does nothing else."""
    ids = base64.urlsafe_b64encode(contact.client_id.bytes + contact.id.bytes)
    return _signer(keys).sign(ids.rstrip(b"=")).decode()


def unsubscribe_url(keys: Keys, contact: Contact) -> str:
    """The address of the page, and of the one-click POST (RFC 8058)."""
    return f"{keys.base_url}/unsubscribe/{unsubscribe_token(keys, contact)}"


def open_unsubscribe(session: Session, token: str, *, keys: Keys) -> Contact | None:
    """The contact that a token of ours names, with the session scoped to its client; else None."""
    try:
        ids = base64.urlsafe_b64decode(_signer(keys).unsign(token[:LONGEST_TOKEN]) + b"=")
        client_id, contact_id = UUID(bytes=ids[:16]), UUID(bytes=ids[16:])
    except (BadSignature, binascii.Error, ValueError):
        return None
    set_tenant(session, client_id)
    return session.get(Contact, (client_id, contact_id))


def is_opted_out(session: Session, contact: Contact) -> bool:
    """Whether the address is closed because somebody there wanted it."""
    return _stop(session, contact) is not None


def opt_out(
    session: Session,
    contact: Contact,
    *,
    source: str,
    actor: Actor = evidence.SYSTEM,
    keep: Collection[str] = KEPT,
    now: datetime,
) -> int:
    """Close an address from now on and drop what waits to go there; how many messages that were.

    Templates to ``keep`` still go. Asked again, it changes nothing. The caller commits.
    """
    waiting = lock_waiting(session, contact, keep=keep)
    stop_address(session, contact, StopKind.OPTED_OUT, source=source, actor=actor, now=now)
    for message in waiting:
        drop(session, message, Rule.OPTED_OUT, now=now)
    session.flush()
    return len(waiting)


def opt_in(session: Session, contact: Contact, *, now: datetime) -> bool:
    """Open an address again that was closed by opting out; False if it was not. On the record."""
    stop = _stop(session, contact)
    if stop is None:
        return False
    stop.lifted_at = now
    debtor = session.get_one(Debtor, (contact.client_id, contact.debtor_id))
    told = {
        "actor": evidence.SYSTEM,
        "kind": str(StopKind.OPTED_OUT),
        "contact": str(contact.id),
        "source": "unsubscribe",
    }
    tell_accounts(session, accounts_of(session, debtor), "contact.reopened", told, now)
    return True


def _stop(session: Session, contact: Contact) -> ContactStop | None:
    return session.scalars(
        select(ContactStop)
        .where(
            ContactStop.client_id == contact.client_id,
            ContactStop.channel == contact.channel,
            ContactStop.address == contact.address,
            ContactStop.kind == StopKind.OPTED_OUT,
            ContactStop.lifted_at.is_(None),
        )
        .with_for_update()
    ).one_or_none()
