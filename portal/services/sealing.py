"""The keys of chains: what a chain's payloads and documents are sealed with, and opened again."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import event, insert, select
from sqlalchemy.orm import Session

from portal.db import PortalSession
from portal.gateways import vault
from portal.gateways.vault import Unreadable, Wrapped
from portal.models import ChainKey, fresh_id

_CACHE = "chain_keys"


class Key(NamedTuple):
    """A chain's key as it is used."""

    id: UUID
    secret: bytes


def key_of(session: Session, client_id: UUID, chain_id: UUID, now: datetime) -> Key:
    """What new entries of a chain are sealed with; made where there is none."""
    known: dict[UUID, Key] = session.info.setdefault(_CACHE, {})
    if chain_id not in known:
        known[chain_id] = _stored(session, client_id, chain_id) or _made(
            session, client_id, chain_id, now
        )
    return known[chain_id]


def _stored(session: Session, client_id: UUID, chain_id: UUID) -> Key | None:
    found = session.execute(
        select(ChainKey.id, ChainKey.master, ChainKey.sealed)
        .where(
            ChainKey.client_id == client_id,
            ChainKey.chain_id == chain_id,
            ChainKey.sealed.is_not(None),
        )
        .order_by(ChainKey.id.desc())
        .limit(1)
    ).one_or_none()
    return Key(found.id, unwrap(found.id, found.master, found.sealed)) if found else None


def _made(session: Session, client_id: UUID, chain_id: UUID, now: datetime) -> Key:
    key = Key(fresh_id(), vault.fresh_key())
    wrapped = vault.current().wrap(key.secret, key.id.bytes)
    row = {"client_id": client_id, "id": key.id, "chain_id": chain_id, "created_at": now}
    session.execute(insert(ChainKey).values(**row, master=wrapped.master, sealed=wrapped.sealed))
    return key


def unwrap(key_id: UUID, master: str, sealed: bytes) -> bytes:
    """A stored key as it is used. Raises Unreadable."""
    return vault.current().unwrap(Wrapped(master, bytes(sealed)), key_id.bytes)


class Opener:
    """Opens what is sealed; each key is unwrapped once."""

    def __init__(self) -> None:
        self._secrets: dict[UUID, bytes] = {}

    def open(self, row: Any) -> bytes | None:
        """What a row's ``sealed`` holds; None where there is nothing, or its key was destroyed.

        The row has ``chain_id``, ``key_id``, ``sealed``, ``master`` and ``wrapped``. Raises
        Unreadable.
        """
        if row.sealed is None or (row.master is not None and row.wrapped is None):
            return None
        if row.master is None:
            raise Unreadable(f"there is no key {row.key_id}")
        if row.key_id not in self._secrets:
            self._secrets[row.key_id] = unwrap(row.key_id, row.master, row.wrapped)
        return vault.unseal(self._secrets[row.key_id], bytes(row.sealed), row.chain_id.bytes)


def has_key(session: Session, client_id: UUID, chain_id: UUID) -> bool:
    """Whether anything of a chain can still be opened."""
    return _stored(session, client_id, chain_id) is not None


def destroy(session: Session, client_id: UUID, chain_id: UUID, now: datetime) -> int:
    """Destroy every key of a chain, so that nobody can open what it says (EV-07); how many.

    Later leaves of the chain get another key. The caller commits.
    """
    keys = session.scalars(
        select(ChainKey)
        .where(
            ChainKey.client_id == client_id,
            ChainKey.chain_id == chain_id,
            ChainKey.sealed.is_not(None),
        )
        .with_for_update()
    ).all()
    for key in keys:
        key.sealed, key.destroyed_at = None, now
    session.flush()
    session.info.get(_CACHE, {}).pop(chain_id, None)
    return len(keys)


def rewrap(session: Session, client_id: UUID, *, most: int = 1000) -> int:
    """Wrap keys that an older master key wraps with the newest one; how many were left to do.

    The caller commits, and calls again until nothing was left.
    """
    master = vault.current()
    keys = session.scalars(
        select(ChainKey)
        .where(
            ChainKey.client_id == client_id,
            ChainKey.sealed.is_not(None),
            ChainKey.master != master.newest,
        )
        .limit(most)
        .with_for_update(key_share=True)  # a leaf that is being written does not hold it up
    ).all()
    for key in keys:
        wrapped = master.wrap(unwrap(key.id, key.master, key.sealed or b""), key.id.bytes)
        key.master, key.sealed = wrapped.master, wrapped.sealed
    return len(keys)


@event.listens_for(PortalSession, "after_soft_rollback")
def _forget(session: Session, _transaction: object) -> None:
    """A key that was made may be gone with what was rolled back."""
    session.info.pop(_CACHE, None)


@event.listens_for(PortalSession, "after_commit")
def _forget_after(session: Session) -> None:
    """A key that is destroyed meanwhile must not be used again."""
    session.info.pop(_CACHE, None)
