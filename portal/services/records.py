"""One chain of the record as compliance reads it: its leaves, their proofs, and what they say.

What a payload says is personal data: it is opened for a reason, which is a leaf itself (EV-08).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import Session

from portal.domain import evidence as bytes_of
from portal.domain import merkle
from portal.domain.evidence import ChainBroken, NotCanonical, parse_canonical, verify_chain
from portal.domain.help import kept_words
from portal.gateways.vault import Unreadable
from portal.models import Account, Arrangement, Client, Debtor, Leaf, Staff, StoredCheckpoint
from portal.services import evidence, tree
from portal.services.dossier import ReasonMissing
from portal.services.evidence import Entry, Kept, opened
from portal.services.sealing import Opener
from portal.services.timeline.compliance import Row, compliance
from portal.services.tree import Proof, TreeBroken

READ_FOR = timedelta(minutes=30)
PAGE = 50
NAMED = ("disclosures", "documents", "objects")
"""Where payloads name what was kept, by its SHA-256."""

_LEAVES = text("""
    SELECT f.chain_id, f.n, f.type, f.at, f.body, f.hash, p.index, y.key_id, y.sealed, k.master,
      k.sealed AS wrapped
    FROM leaf f LEFT JOIN leaf_payload y USING (client_id, chain_id, n)
    LEFT JOIN chain_key k ON (k.client_id, k.id) = (y.client_id, y.key_id)
    LEFT JOIN leaf_position p
      ON (p.client_id, p.chain_id, p.n) = (f.client_id, f.chain_id, f.n)
    WHERE f.client_id = :client_id AND f.chain_id = :chain_id AND f.n > :after
    ORDER BY f.n LIMIT :most""")


@dataclass(frozen=True, slots=True)
class Record:
    """One chain with whose it is: an account's, or where there is none its client's own."""

    client: Client
    chain_id: UUID
    account: Account | None = None
    debtor: Debtor | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One leaf of a list, its place in the tree, and whether the newest signed head covers it.

    ``readable``: its payload opens, or was erased.
    """

    row: Row
    index: int | None
    signed: bool
    readable: bool


@dataclass(frozen=True, slots=True)
class Lines:
    """Part of a chain; ``after`` is the leaf that the next part begins after, None at the end."""

    lines: Sequence[Line]
    after: int | None


@dataclass(frozen=True, slots=True)
class Named:
    """Something kept that a payload names: its words there, and its hash."""

    name: str
    sha256: str
    version: str | None
    locale: str | None


@dataclass(frozen=True, slots=True)
class Inspected:
    """One leaf with all that proves it; ``payload`` and ``salt`` are empty once it was erased.

    ``proof`` leads to the newest signed head, ``signed``; there is none while the leaf waits.
    ``broken`` names what does not hold: its bytes, its words, or the proof. Whatever somebody did
    to it, it can be looked at.
    """

    entry: Entry
    body: str
    prev: str
    commit: str
    salt: bytes
    payload: bytes
    proof: Proof | None
    signed: StoredCheckpoint | None
    broken: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Told:
    """What a leaf says, as far as it opens."""

    entry: Entry
    salt: bytes
    payload: bytes
    readable: bool


def find_record(session: Session, chain_id: UUID) -> Record:
    """The record of a chain of a client that the session sees. Raises NoResultFound."""
    mine = session.info["client_ids"]
    account = session.scalar(
        select(Account).where(Account.client_id.in_(mine), Account.chain_id == chain_id)
    )
    if account is None:
        own = select(Client).where(Client.id.in_(mine), Client.chain_id == chain_id)
        return Record(session.scalars(own).one(), chain_id)
    client = session.get_one(Client, account.client_id)
    return Record(
        client, chain_id, account, session.get_one(Debtor, (client.id, account.debtor_id))
    )


def lines_of(session: Session, record: Record, *, after: int = -1, size: int = PAGE) -> Lines:
    """The leaves of a chain in order, from one on."""
    rows = _rows(session, record, after, size + 1)
    opener, covered = Opener(), _covered(session, record)
    told = [_tell(row, opener) for row in rows[:size]]
    said = compliance([one.entry for one in told])
    lines = [
        Line(line, row.index, row.index is not None and row.index < covered, one.readable)
        for line, one, row in zip(said, told, rows, strict=False)
    ]
    return Lines(lines, rows[size - 1].n if len(rows) > size else None)


def _rows(session: Session, record: Record, after: int, most: int) -> Sequence[Any]:
    chain = {"client_id": record.client.id, "chain_id": record.chain_id}
    return session.execute(_LEAVES, {**chain, "after": after, "most": most}).all()


def _covered(session: Session, record: Record) -> int:
    signed = tree.newest_checkpoint(session, record.client.id)
    return signed.size if signed else 0


def _tell(row: Any, opener: Opener) -> _Told:
    try:
        salt, payload = opened(row, opener) or (b"", b"")
        said, readable = parse_canonical(payload) if payload else {}, True
    except (Unreadable, NotCanonical):
        salt, payload, said, readable = b"", b"", {}, False
    entry = Entry(row.n, row.type, row.at, bytes(row.hash).hex(), said)
    return _Told(entry, salt, payload, readable)


def broken_at(session: Session, record: Record) -> str | None:
    """Where a chain does not hold by its own bytes, checked now; None where it is whole."""
    bodies = session.scalars(
        select(Leaf.body)
        .where(Leaf.client_id == record.client.id, Leaf.chain_id == record.chain_id)
        .order_by(Leaf.n)
    )
    try:
        verify_chain(body.encode() for body in bodies)
    except ChainBroken as error:
        return str(error)
    return None


def inspect(session: Session, record: Record, n: int) -> Inspected:
    """One leaf with its payload, salt, proof and checkpoint. Raises NoResultFound."""
    row = next(iter(_rows(session, record, n - 1, 1)), None)
    if row is None or row.n != n:
        raise NoResultFound
    told, leaf = _tell(row, Opener()), _parsed(row.body)
    signed = tree.newest_checkpoint(session, record.client.id)
    proof, broken = None, list(_broken(row, leaf, told))
    if signed is not None and row.index is not None and row.index < signed.size:
        proof = _proof(session, record, row.index, signed.size)
        broken += [] if proof and _leads(row, proof, signed) else ["proof"]
    around = (leaf.prev, leaf.commit) if leaf else ("", "")
    secret = (told.salt, told.payload)
    return Inspected(told.entry, row.body, *around, *secret, proof, signed, tuple(broken))


def _parsed(body: str) -> bytes_of.Leaf | None:
    try:
        return bytes_of.parse_leaf(body.encode())
    except NotCanonical:
        return None


def _broken(row: Any, leaf: bytes_of.Leaf | None, told: _Told) -> Iterator[str]:
    if leaf is None or bytes_of.leaf_hash(row.body.encode()) != bytes(row.hash).hex():
        yield "bytes"
    said = bytes_of.commitment(told.salt, told.payload) if told.payload else None
    if not told.readable or (said and (leaf is None or said != leaf.commit)):
        yield "words"


def _proof(session: Session, record: Record, index: int, size: int) -> Proof | None:
    try:
        hashes = tree.gathered(session, record.client.id, partial(merkle.inclusion, index, size))
    except TreeBroken:
        return None
    return Proof(index, hashes)


def _leads(row: Any, proof: Proof, signed: StoredCheckpoint) -> bool:
    ends = (signed.size, proof.hashes, bytes(signed.root))
    try:
        merkle.check_inclusion(bytes(row.hash), proof.index, *ends)
    except merkle.ProofBroken:
        return False
    return True


def named_in(entry: Entry) -> Sequence[Named]:
    """What a payload names of the documents, texts and objects that were kept with it.

    An erasure only counts them.
    """
    return [
        Named(
            str(one.get("doc_id") or one.get("name") or one.get("id") or where),
            one["sha256"],
            one.get("version"),
            one.get("locale"),
        )
        for where in NAMED
        if isinstance(named := entry.payload.get(where), list)
        for one in named
    ]


def texts_shown(
    session: Session, record: Record, entry: Entry
) -> Iterator[tuple[Named, Kept | None]]:
    """What stood on the page of an acceptance, each text with the very bytes (EV-02).

    None where they were erased, or are not the bytes that the record names.
    """
    for one in named_in(entry):
        yield one, kept_as_named(session, record, one.sha256)


def kept_as_named(session: Session, record: Record, sha256_hex: str) -> Kept | None:
    """What a record keeps under a hash, if its bytes have it; else None."""
    try:
        kept = evidence.document(session, record.client.id, record.chain_id, sha256_hex)
    except (NoResultFound, Unreadable):
        return None
    return kept if sha256(kept.body).hexdigest() == sha256_hex else None


def agreements_of(session: Session, account: Account) -> Sequence[Arrangement]:
    """All that was ever agreed on an account, the newest first."""
    return session.scalars(
        select(Arrangement)
        .where(Arrangement.client_id == account.client_id, Arrangement.account_id == account.id)
        .order_by(Arrangement.accepted_at.desc(), Arrangement.id.desc())
    ).all()


def read(session: Session, record: Record, *, reason: str, staff: Staff, now: datetime) -> None:
    """Let a member of staff read what a record says for a while; that they did is a leaf (EV-08).

    The caller commits. Raises ReasonMissing, TextTooLong, CardNumberTyped (PC-01).
    """
    words = kept_words(reason)
    if not words:
        raise ReasonMissing
    evidence.record(
        session,
        client_id=record.client.id,
        chain_id=record.chain_id,
        type="staff.read",
        payload={"actor": evidence.staff(staff.id), "reason": words},
        now=now,
    )


def readable_until(
    session: Session, record: Record, staff: Staff, *, now: datetime
) -> datetime | None:
    """Until when this member of staff may read what a record says; None: a reason is asked for."""
    recent = session.scalars(
        select(Leaf.n).where(
            Leaf.client_id == record.client.id,
            Leaf.chain_id == record.chain_id,
            Leaf.type == "staff.read",
            Leaf.at > now - READ_FOR,
        )
    ).all()
    mine, opener = evidence.staff(staff.id), Opener()
    for n in sorted(recent, reverse=True):
        (row,) = _rows(session, record, n - 1, 1)
        if _tell(row, opener).entry.payload.get("actor") == mine:
            until: datetime = row.at + READ_FOR
            return until
    return None
