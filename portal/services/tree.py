"""A client's log as one tree: leaves get their places, heads are signed, proofs are read.

Only what is committed gets a place, by one sequencer at a time; who writes leaves waits for nobody.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Uuid, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.db import commit
from portal.domain import merkle
from portal.domain.checkpoints import Checkpoint, TreeHead, parse
from portal.gateways.signer import Signer
from portal.models import LeafPosition, LogKey, PendingLeaf, StoredCheckpoint
from portal.services.evidence import log_name

BATCH = 5000
EVERY_LEAVES = 256
EVERY = timedelta(minutes=15)

Found = TypeVar("Found")

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('evidence ' || :client_id, 0))")
_SIZE = select(func.coalesce(func.max(LeafPosition.index) + 1, 0))
_WAITING = text("""
    SELECT w.chain_id, w.n, f.hash FROM pending_leaf w
    JOIN leaf f USING (client_id, chain_id, n)
    WHERE w.client_id = :client_id AND w.chain_id = coalesce(:only, w.chain_id)
    ORDER BY w.chain_id, w.n LIMIT :most""").bindparams(bindparam("only", type_=Uuid()))
_PLACE = text("""
    WITH placed AS (
      INSERT INTO leaf_position (client_id, index, chain_id, n)
      SELECT :client_id, t.index, t.chain_id, t.n
      FROM unnest(CAST(:places AS bigint[]), CAST(:chains AS uuid[]), CAST(:numbers AS int[]))
        AS t (index, chain_id, n)
    ), grown AS (
      INSERT INTO tree_node (client_id, level, index, hash)
      SELECT :client_id, t.level, t.index, t.hash
      FROM unnest(CAST(:levels AS smallint[]), CAST(:indexes AS bigint[]),
        CAST(:hashes AS bytea[])) AS t (level, index, hash)
    )
    DELETE FROM pending_leaf w
    USING unnest(CAST(:chains AS uuid[]), CAST(:numbers AS int[])) AS t (chain_id, n)
    WHERE w.client_id = :client_id AND (w.chain_id, w.n) = (t.chain_id, t.n)""")
_NODES = text("""
    SELECT t.level, t.index AS place, coalesce(o.hash, f.hash) AS hash
    FROM unnest(CAST(:levels AS smallint[]), CAST(:indexes AS bigint[])) AS t (level, index)
    LEFT JOIN tree_node o ON (o.client_id, o.level, o.index) = (:client_id, t.level, t.index)
    LEFT JOIN leaf_position p ON t.level = 0 AND (p.client_id, p.index) = (:client_id, t.index)
    LEFT JOIN leaf f ON (f.client_id, f.chain_id, f.n) = (p.client_id, p.chain_id, p.n)""")


class TreeBroken(RuntimeError):
    """A part of a client's tree is not there."""


@dataclass(frozen=True, slots=True)
class Proof:
    """Where a leaf stands in a client's tree, and the hashes that lead from it to the root."""

    index: int
    hashes: tuple[bytes, ...]


def size_of(session: Session, client_id: UUID) -> int:
    """How many leaves of a client have their place."""
    return session.scalar(_SIZE.where(LeafPosition.client_id == client_id)) or 0


def place(session: Session, client_id: UUID, *, only: UUID | None = None, most: int = BATCH) -> int:
    """Give waiting leaves their places, each chain in order; returns how many got one.

    ``only``: those of one chain. The caller commits at once: until then no other sequencer of this
    client goes on.
    """
    session.execute(_LOCK, {"client_id": str(client_id)})
    waiting = session.execute(_WAITING, {"client_id": client_id, "only": only, "most": most}).all()
    if not waiting:
        return 0
    size = size_of(session, client_id)
    edge = [(level, (size >> level) - 1) for level in range(size.bit_length()) if size >> level & 1]
    known = _read(session, client_id, edge)
    hashes = [bytes(row.hash) for row in waiting]
    made = [one for one in merkle.grown(size, hashes, lambda level, at: known[level, at]) if one[0]]
    values = {
        "client_id": client_id,
        "places": list(range(size, size + len(waiting))),
        "chains": [row.chain_id for row in waiting],
        "numbers": [row.n for row in waiting],
        "levels": [level for level, _, _ in made],
        "indexes": [index for _, index, _ in made],
        "hashes": [digest for _, _, digest in made],
    }
    session.execute(_PLACE, values)
    return len(waiting)


def place_all(
    session: Session,
    client_id: UUID,
    *,
    only: UUID | None = None,
    then: Callable[[], None] = lambda: None,
) -> int:
    """Give the leaves that wait now their places, a batch in each transaction; how many got one.

    ``then`` is called after each batch is committed. What comes meanwhile waits for the next time.
    """
    waiting = select(func.count()).where(PendingLeaf.client_id == client_id)
    if only is not None:
        waiting = waiting.where(PendingLeaf.chain_id == only)
    count, left, total = 1, session.scalar(waiting) or 0, 0
    while count and total < left:
        count = place(session, client_id, only=only)
        commit(session, "evidence.placed")
        total += count
        then()
    return total


def newest_checkpoint(session: Session, client_id: UUID) -> StoredCheckpoint | None:
    """The signed head of a client's tree with the most leaves."""
    return session.scalar(
        select(StoredCheckpoint)
        .where(StoredCheckpoint.client_id == client_id)
        .order_by(StoredCheckpoint.size.desc())
        .limit(1)
    )


def is_due(session: Session, client_id: UUID, now: datetime) -> bool:
    """Whether a checkpoint is to be signed: after 256 leaves, or a quarter of an hour (EV-05)."""
    size, last = size_of(session, client_id), newest_checkpoint(session, client_id)
    if last is None:
        return size > 0
    grown = size - last.size
    return grown >= EVERY_LEAVES or (grown > 0 and now - last.signed_at >= EVERY)


def sign(
    session: Session, client_id: UUID, signer: Signer, now: datetime, *, anew: bool = False
) -> Checkpoint | None:
    """Sign the head of what is placed, and keep it; None for a log without leaves.

    What is signed was committed before. ``anew``: the signer's memory was set aside. The caller
    commits. Raises SignerRefuses, NoCheckpoint, TreeBroken.
    """
    session.execute(_LOCK, {"client_id": str(client_id)})
    size = size_of(session, client_id)
    if not size:
        return None
    root = gathered(session, client_id, partial(merkle.root, size))
    head = TreeHead(log_name(client_id), size, root)
    last = newest_checkpoint(session, client_id)
    begun = last.size if last and not anew else 0
    signed = signer.sign(
        head, lambda before: _growth(session, client_id, before, size), begun=begun
    )
    row = {"client_id": client_id, "size": size, "root": root, "note": signed.note}
    stored = insert(StoredCheckpoint).values(**row, signed_at=now)
    session.execute(stored.on_conflict_do_nothing())
    line = signer.verifier_key(head.origin).line
    key = insert(LogKey).values(client_id=client_id, line=line, first_at=now)
    session.execute(key.on_conflict_do_nothing())
    return signed


def seal_log(
    session: Session, client_id: UUID, signer: Signer, now: datetime, *, only: UUID | None = None
) -> Checkpoint:
    """Place what waits, ``only`` of one chain, and sign at once, for an export that is whole.

    Commits. Raises SignerRefuses, NoCheckpoint, TreeBroken.
    """
    place_all(session, client_id, only=only)
    last, size = newest_checkpoint(session, client_id), size_of(session, client_id)
    if last is not None and last.size == size:
        return parse(last.note)
    signed = sign(session, client_id, signer, now)
    commit(session, "evidence.signed")
    if signed is None:
        raise TreeBroken("nothing was ever recorded")
    return signed


def proofs(session: Session, client_id: UUID, chain_id: UUID, size: int) -> dict[int, Proof]:
    """The proofs of a chain's leaves, by n, that they are in the tree of ``size`` leaves."""
    rows = session.execute(
        select(LeafPosition.n, LeafPosition.index)
        .where(
            LeafPosition.client_id == client_id,
            LeafPosition.chain_id == chain_id,
            LeafPosition.index < size,
        )
        .order_by(LeafPosition.n)
    ).all()

    def found(get: merkle.Node) -> dict[int, Proof]:
        return {n: Proof(index, merkle.inclusion(index, size, get)) for n, index in rows}

    return gathered(session, client_id, found)


def key_lines(session: Session, client_id: UUID) -> Sequence[str]:
    """Every public key that signed checkpoints of a client's log, oldest first, as published."""
    return session.scalars(
        select(LogKey.line)
        .where(LogKey.client_id == client_id)
        .order_by(LogKey.first_at, LogKey.line)
    ).all()


def gathered(session: Session, client_id: UUID, work: Callable[[merkle.Node], Found]) -> Found:
    """What ``work`` makes of the tree's subtrees, all of them read at once. Raises TreeBroken.

    It runs twice: the first time to say which ones it asks for.
    """
    asked: set[tuple[int, int]] = set()

    def note(level: int, index: int) -> bytes:
        asked.add((level, index))
        return merkle.EMPTY

    work(note)
    known = _read(session, client_id, sorted(asked))
    return work(lambda level, index: known[level, index])


def _growth(session: Session, client_id: UUID, before: int, size: int) -> tuple[bytes, ...]:
    return gathered(session, client_id, partial(merkle.consistency, before, size))


def _read(
    session: Session, client_id: UUID, places: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], bytes]:
    levels, indexes = [level for level, _ in places], [index for _, index in places]
    values = {"client_id": client_id, "levels": levels, "indexes": indexes}
    found = {(row.level, row.place): row.hash for row in session.execute(_NODES, values)}
    for (level, index), digest in found.items():
        if digest is None:
            raise TreeBroken(f"the subtree {index} of level {level} is missing")
    return {where: bytes(digest) for where, digest in found.items()}


def signing_key(session: Session, client_id: UUID) -> LogKey | None:
    """The key that signs a client's log, with when it first did; None before it did."""
    newest = LogKey.first_at.desc(), LogKey.line
    mine = select(LogKey).where(LogKey.client_id == client_id)
    return session.scalars(mine.order_by(*newest).limit(1)).first()
