"""The tree over a client's leaves, its signed heads, and the copies outside (EV-05, EV-08)."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain import merkle
from portal.domain.checkpoints import Checkpoint, NoCheckpoint, VerifierKey, parse
from portal.gateways.signer import Signer
from portal.models import StoredCheckpoint
from portal.services.evidence import log_name
from portal.services.tree import TreeBroken, gathered, key_lines, size_of

# ``since`` is how many leaves of the tree were looked at before; 0 looks at all of it.
CHECKS: dict[str, str] = {
    "a leaf has its place in the tree, or waits for it": """
        SELECT 'leaf ' || f.n || ' of ' || f.chain_id FROM leaf f
        LEFT JOIN leaf_position p
          ON (p.client_id, p.chain_id, p.n) = (f.client_id, f.chain_id, f.n)
        LEFT JOIN pending_leaf w
          ON (w.client_id, w.chain_id, w.n) = (f.client_id, f.chain_id, f.n)
        WHERE f.client_id = :client AND (p.n IS NULL) = (w.n IS NULL)
        UNION ALL SELECT 'leaf ' || w.n || ' of ' || w.chain_id || ' waits and is not there'
        FROM pending_leaf w WHERE w.client_id = :client AND NOT EXISTS (
          SELECT FROM public.leaf f
          WHERE (f.client_id, f.chain_id, f.n) = (w.client_id, w.chain_id, w.n))""",
    "a place in the tree has its leaf, and no place is left out": """
        SELECT 'place ' || p.index FROM (SELECT p.*, coalesce(lag(p.index) OVER (
            ORDER BY p.index), :since - 1) AS before FROM leaf_position p
          WHERE p.client_id = :client AND p.index >= :since) p
        WHERE p.index <> p.before + 1 OR NOT EXISTS (SELECT FROM leaf f
          WHERE (f.client_id, f.chain_id, f.n) = (p.client_id, p.chain_id, p.n))""",
    "the leaves of a chain stand in the tree in their order": """
        SELECT 'leaf ' || w.n || ' of ' || w.chain_id FROM (
          SELECT p.*, lag(p.index) OVER c AS before, coalesce(lag(p.n) OVER c + 1, 0) AS expected
          FROM leaf_position p JOIN leaf f
            ON (f.client_id, f.chain_id, f.n) = (p.client_id, p.chain_id, p.n)
          WHERE p.client_id = :client WINDOW c AS (PARTITION BY p.chain_id ORDER BY p.n)) w
        WHERE w.index < w.before OR w.n <> w.expected""",
    "the tree is what its leaves make": r"""
        , size AS (SELECT coalesce(max(index) + 1, 0) AS size FROM leaf_position
          WHERE client_id = :client),
        expected AS (SELECT l.level, i.index FROM size s, generate_series(1, 62) AS l (level),
            generate_series(:since >> l.level, (s.size >> l.level) - 1) AS i (index)),
        below AS NOT MATERIALIZED (
          SELECT 0 AS level, p.index, f.hash FROM leaf_position p JOIN public.leaf f
            ON (f.client_id, f.chain_id, f.n) = (p.client_id, p.chain_id, p.n)
          WHERE p.client_id = :client AND p.index >= :since - 1
          UNION ALL SELECT o.level, o.index, o.hash FROM tree_node o WHERE o.client_id = :client)
        SELECT 'subtree ' || e.index || ' of level ' || e.level FROM expected e
        LEFT JOIN tree_node o ON (o.client_id, o.level, o.index) = (:client, e.level, e.index)
        LEFT JOIN below l ON (l.level, l.index) = (e.level - 1, e.index * 2)
        LEFT JOIN below r ON (r.level, r.index) = (e.level - 1, e.index * 2 + 1)
        WHERE o.hash IS DISTINCT FROM sha256(decode('01', 'hex') || l.hash || r.hash)""",
}
KEYS = "a published key signed what is kept outside"
SIGNED = "a checkpoint is signed, and its root is that of the tree"
OUTSIDE = "the tree continues every checkpoint that is kept outside"


@dataclass(frozen=True, slots=True)
class Outside:
    """What the signer knows of a log: the heads that it signed, and its present key.

    The tree is to continue ``checkpoints``, read before the database; what the database has is to
    be among ``kept``, read after it.
    """

    checkpoints: Sequence[Checkpoint]
    kept: Sequence[Checkpoint] = ()
    key: VerifierKey | None = None


NOTHING_OUTSIDE = Outside(())


def outside_of(signer: Signer, client_id: UUID) -> Outside:
    """What the signer knows of a client's log. Raises NoCheckpoint where its memory is damaged."""
    origin = log_name(client_id)
    seen, ever = tuple(signer.seen(origin)), tuple(signer.ever_seen(origin))
    return Outside(seen, ever, signer.verifier_key(origin))


def unsigned(session: Session, client_id: UUID, outside: Outside, since: int) -> Iterator[str]:
    """The stored checkpoints of more than ``since`` leaves that do not hold, or are not outside."""
    keys, kept = _keys(session, client_id, outside), {one.note for one in outside.kept}
    stored = session.scalars(
        select(StoredCheckpoint)
        .where(StoredCheckpoint.client_id == client_id, StoredCheckpoint.size > since)
        .order_by(StoredCheckpoint.size)
    ).all()
    for row in stored:
        try:
            checkpoint = parse(row.note)
        except NoCheckpoint as error:
            yield f"checkpoint of {row.size}: {error}"
            continue
        if (checkpoint.head.size, checkpoint.head.root) != (row.size, bytes(row.root)):
            yield f"checkpoint of {row.size}: not what its row says"
        if outside.key and row.note not in kept:
            yield f"checkpoint of {row.size}: not among those that are kept outside"
        yield from _wrong(session, client_id, checkpoint, keys)


def contradicted(session: Session, client_id: UUID, outside: Outside, since: int) -> Iterator[str]:
    """The checkpoints outside, of more than ``since`` leaves, that the tree does not continue."""
    keys = _keys(session, client_id, outside)
    for checkpoint in outside.checkpoints:
        if checkpoint.head.size > since:
            yield from _wrong(session, client_id, checkpoint, keys)


def unknown_keys(session: Session, client_id: UUID, outside: Outside) -> Iterator[str]:
    """The published keys that are no keys, or signed nothing that is kept outside."""
    if outside.key is None:
        return
    used = {one.key_id for one in outside.kept} | {outside.key.id}
    for line in key_lines(session, client_id):
        try:
            if VerifierKey.parse(line).id not in used:
                yield line
        except NoCheckpoint:
            yield line


def _keys(session: Session, client_id: UUID, outside: Outside) -> dict[bytes, VerifierKey]:
    found = {outside.key.id: outside.key} if outside.key else {}
    for line in key_lines(session, client_id):
        with suppress(NoCheckpoint):  # `unknown_keys` names it
            key = VerifierKey.parse(line)
            found[key.id] = key
    return found


def _wrong(
    session: Session, client_id: UUID, checkpoint: Checkpoint, keys: dict[bytes, VerifierKey]
) -> Iterator[str]:
    head, name = checkpoint.head, f"checkpoint of {checkpoint.head.size}"
    if head.origin != log_name(client_id):
        yield f"{name}: of another log, {head.origin}"
    if not _is_signed(checkpoint, keys):
        yield f"{name}: not signed by a key of this log"
    size = size_of(session, client_id)
    if head.size > size:
        yield f"{name}: the tree does not reach it, as in an older copy of the database"
        return
    try:
        root = gathered(session, client_id, partial(merkle.root, head.size))
    except (TreeBroken, KeyError):
        yield f"{name}: the tree is not whole below it"
        return
    if root != head.root:
        yield f"{name}: the tree has another root"


def _is_signed(checkpoint: Checkpoint, keys: dict[bytes, VerifierKey]) -> bool:
    if (key := keys.get(checkpoint.key_id)) is None:
        return False
    try:
        public = Ed25519PublicKey.from_public_bytes(key.public)
        public.verify(checkpoint.signature, checkpoint.head.body())
    except InvalidSignature:
        return False
    return True
