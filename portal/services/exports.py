"""The evidence bundle of one arrangement, filled from the log; each export is a leaf itself."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import Session

from portal.db import commit
from portal.domain import checkpoints
from portal.domain.bundles import Bundle, Disclosed, pack
from portal.domain.checkpoints import Checkpoint
from portal.domain.evidence import parse_canonical
from portal.gateways.signer import Signer
from portal.models import Account, Arrangement, Client, Leaf
from portal.services import evidence, tree
from portal.services.certificates import CheckpointFacts, LeafFacts, Told
from portal.services.certificates.later import since
from portal.services.evidence import Actor, Entry, Payload, log_name, opened
from portal.services.no_proof import NotOnRecord, RecordErased, TooManyExports
from portal.services.sealing import Opener
from portal.services.tree import Proof
from portal.verifier import for_people

Certify = Callable[[Told], bytes]
"""Whoever makes the certificate's PDF."""

OF_IT = (
    *("arrangement.", "authorization.", "esign.", "forgiveness.", "letter."),
    *("message.", "payment."),
)
"""Kinds of leaves that tell of an agreement after it was made."""
NOT_OF_IT = frozenset(
    {
        *("link", "new_link", "payment_link", "one_time_code", "help_received", "help_answered"),
        "address_added",
    }
)
"""Messages that have nothing to do with an agreement."""

MOST_AN_HOUR = 10

_LEAVES = text("""
    SELECT f.chain_id, f.n, f.type, f.at, f.body, f.hash, y.key_id, y.sealed, k.master,
      k.sealed AS wrapped
    FROM leaf f LEFT JOIN leaf_payload y USING (client_id, chain_id, n)
    LEFT JOIN chain_key k ON (k.client_id, k.id) = (y.client_id, y.key_id)
    WHERE f.client_id = :client_id AND f.chain_id = :chain_id ORDER BY f.n""")


@dataclass(frozen=True, slots=True)
class Exported:
    """A bundle as it is handed out."""

    name: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Outside:
    """What an export needs beside the database."""

    signer: Signer
    certify: Certify
    base_url: str


@dataclass(frozen=True, slots=True)
class _Asked:
    """One export under way."""

    session: Session
    account: Account
    agreed: Arrangement
    signed: Checkpoint
    outside: Outside
    now: datetime


@dataclass(frozen=True, slots=True)
class _Leaf:
    """One leaf of the chain with the exact bytes that go into a bundle."""

    entry: Entry
    body: bytes
    salt: bytes
    payload: bytes


def find_arrangement(session: Session, client_id: UUID, reference: str) -> Arrangement | None:
    """A client's arrangement by the reference that its debtor reads."""
    return session.scalar(
        select(Arrangement).where(
            Arrangement.client_id == client_id, Arrangement.reference == reference
        )
    )


def export(
    session: Session, agreed: Arrangement, outside: Outside, *, actor: Actor, now: datetime
) -> Exported:
    """The bundle of an arrangement, whole to this second: the log is sealed first; commits.

    That it was asked for is a leaf, which is in the bundle too. Raises RecordErased, NotOnRecord,
    TooManyExports, NotTypeset, SignerRefuses, TreeBroken.
    """
    account = session.get_one(Account, (agreed.client_id, agreed.account_id))
    if account.erased_at is not None and agreed.accepted_at <= account.erased_at:
        raise RecordErased
    if actor["kind"] == "debtor":
        _limit(session, account, now)
    told = {"actor": actor, "arrangement": str(agreed.id), "reference": agreed.reference}
    _record(session, account, told, now)
    commit(session, "evidence.export_told")
    signed = tree.seal_log(session, agreed.client_id, outside.signer, now, only=account.chain_id)
    bundle = _bundle(_Asked(session, account, agreed, signed, outside, now))
    commit(session, "evidence.exported")
    return Exported(bundle.name, pack(bundle))


def _limit(session: Session, account: Account, now: datetime) -> None:
    recent = select(func.count()).where(
        Leaf.client_id == account.client_id,
        Leaf.chain_id == account.chain_id,
        Leaf.type == "export.made",
        Leaf.at > now - timedelta(hours=1),
    )
    if (session.scalar(recent) or 0) >= MOST_AN_HOUR:
        raise TooManyExports


def _record(session: Session, account: Account, told: Payload, now: datetime) -> None:
    chain = {"client_id": account.client_id, "chain_id": account.chain_id}
    evidence.record(session, **chain, type="export.made", payload=told, now=now)


def _bundle(asked: _Asked) -> Bundle:
    session, account, signed = asked.session, asked.account, asked.signed
    proofs = tree.proofs(session, account.client_id, account.chain_id, signed.head.size)
    leaves = _leaves(session, account)[: len(proofs)]
    accepted = _acceptance(leaves, asked.agreed)
    shown = list(_disclosed(leaves, accepted.entry))
    entries = [leaf.entry for leaf in shown]
    certificate = asked.outside.certify(_told(asked, accepted.entry, entries))
    language = accepted.entry.payload["visit"]["locale"][:2]
    return Bundle(
        reference=asked.agreed.reference,
        log=log_name(account.client_id),
        chain=account.chain_id,
        made_at=asked.now,
        leaves=[leaf.body for leaf in leaves],
        disclosed=[_proved(leaf, proofs[leaf.entry.n], signed) for leaf in shown],
        documents=dict(_kept(session, account, entries, ("disclosures", "documents"))),
        objects=dict(_kept(session, account, entries, ("objects",))),
        checkpoint=signed.note,
        keys=tree.key_lines(session, account.client_id),
        people={"certificate.pdf": certificate, **for_people(language)},
    )


def _proved(leaf: _Leaf, proof: Proof, signed: Checkpoint) -> Disclosed:
    said = checkpoints.proof_text(proof.index, proof.hashes, signed)
    return Disclosed(n=leaf.entry.n, payload=leaf.payload, salt=leaf.salt, proof=said)


def _leaves(session: Session, account: Account) -> list[_Leaf]:
    values = {"client_id": account.client_id, "chain_id": account.chain_id}
    opener = Opener()
    return [_leaf(row, opener) for row in session.execute(_LEAVES, values)]


def _leaf(row: Any, opener: Opener) -> _Leaf:
    salt, payload = opened(row, opener) or (b"", b"")
    said = parse_canonical(payload) if payload else {}
    entry = Entry(row.n, row.type, row.at, bytes(row.hash).hex(), said)
    return _Leaf(entry, row.body.encode(), salt, payload)


def _acceptance(leaves: Sequence[_Leaf], agreed: Arrangement) -> _Leaf:
    for leaf in leaves:
        if leaf.entry.type == "acceptance":
            if not leaf.payload:
                raise RecordErased
            if leaf.entry.payload["arrangement"] == str(agreed.id):
                return leaf
    raise NotOnRecord(reference=agreed.reference)


def _disclosed(leaves: Sequence[_Leaf], accepted: Entry) -> Iterator[_Leaf]:
    """What is told of an agreement: how its debtor came, what was read, agreed, and came later."""
    record = accepted.payload
    later = {entry.n for entry in since([leaf.entry for leaf in leaves], record, accepted.n)}
    for leaf in leaves:
        entry = leaf.entry
        before = entry.n < accepted.n and _led_to(entry, record)
        after = entry.n in later and _is_told(entry)
        if leaf.payload and (entry.n == accepted.n or before or after):
            yield leaf


def _led_to(entry: Entry, record: Payload) -> bool:
    said = entry.payload
    match entry.type:
        case "terms.reviewed" | "french.delivered" | "language.wished":
            return bool(said["terms_sha256"] == record["terms_sha256"])
        case "link.issued":
            return bool(said["link"] == record["link"]["id"])
        case "identity.passed":
            return bool(said.get("visit") == record["visit"]["id"])
    return False


def _is_told(entry: Entry) -> bool:
    if entry.type == "acceptance":
        return False
    if entry.type == "export.made":
        return True
    return entry.type.startswith(OF_IT) and entry.payload.get("template") not in NOT_OF_IT


def _kept(
    session: Session, account: Account, entries: Sequence[Entry], where: Sequence[str]
) -> Iterator[tuple[str, bytes]]:
    """The exact bytes that payloads name, by their SHA-256."""
    named = {
        one["sha256"] for entry in entries for name in where for one in entry.payload.get(name, ())
    }
    for digest in sorted(named):
        try:
            kept = evidence.document(session, account.client_id, account.chain_id, digest)
        except NoResultFound:
            raise RecordErased from None
        yield digest, kept.body


def _told(asked: _Asked, accepted: Entry, entries: Sequence[Entry]) -> Told:
    account, head = asked.account, asked.signed.head
    log, chain = log_name(account.client_id), str(account.chain_id)
    root = asked.signed.note.split("\n")[2]
    return Told(
        acceptance=accepted.payload,
        leaf=LeafFacts(n=accepted.n, at=accepted.at, hash=accepted.hash, log=log, chain=chain),
        entries=entries,
        checkpoint=CheckpointFacts(size=head.size, root=root, key_id=asked.signed.key_id.hex()),
        base_url=asked.outside.base_url,
        country=asked.session.get_one(Client, account.client_id).country,
        made_at=asked.now,
    )
