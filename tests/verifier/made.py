"""Bundles for tests: a small log with one debtor's chain in it, and the ways to tamper with it."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from typing import Any
from uuid import UUID
from zipfile import ZIP_DEFLATED, ZipFile

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from portal import verifier
from portal.domain import merkle
from portal.domain.bundles import Bundle, Disclosed
from portal.domain.checkpoints import Checkpoint, TreeHead, VerifierKey, proof_text
from portal.domain.evidence import canonical, commitment, leaf_bytes, leaf_hash, next_leaf

LOG = "portal.example/evidence/agency-1"
CHAIN = UUID("01939f7e-0000-7000-8000-000000000001")
SIGNER = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
KEY = VerifierKey(LOG, SIGNER.public_key().public_bytes_raw())
REFERENCE = "HR-7K2M-91"
REVIEW, AGREEMENT = b"<h1>Review</h1>", "<h1>Acuerdo Ñandú</h1>".encode()
INTENT = b'{"id": "pi_1", "object": "payment_intent"}'
PERMISSION = b"<h1>Authorization</h1>"
PEOPLE = {"certificate.pdf": b"%PDF-1.7", **verifier.for_people()}

Payload = dict[str, Any]
Files = dict[str, bytes]


def hex_of(data: bytes) -> str:
    return sha256(data).hexdigest()


TERMS = hex_of(b"terms")
STORY: tuple[Payload, ...] = (
    {"type": "link.issued"},
    {
        "type": "terms.reviewed",
        "terms_sha256": TERMS,
        "disclosures": [{"doc_id": "review", "sha256": hex_of(REVIEW)}],
    },
    {
        "type": "acceptance",
        "arrangement": "a1",
        "reference": REFERENCE,
        "terms_sha256": TERMS,
        "name_typed": "José Ñandú 李 😀",
        "total_cents": 24000,
        "currency": "USD",
        "disclosures": [{"doc_id": "review", "sha256": hex_of(REVIEW)}],
        "documents": [{"name": "agreement", "sha256": hex_of(AGREEMENT)}],
    },
    {
        "type": "authorization.granted",
        "arrangement": "a1",
        "documents": [{"sha256": hex_of(PERMISSION)}],
        "method": {"payment_method": "pm_1"},
    },
    {
        "type": "payment.succeeded",
        "arrangement": "a1",
        "amount_cents": 8000,
        "saved_method": "pm_1",
        "objects": [{"sha256": hex_of(INTENT)}],
    },
    {"type": "thread.read"},
)
SHOWN = (1, 2, 3, 4)


def salt(n: int) -> bytes:
    return bytes((32 * n + i) % 256 for i in range(32))


def chain(payloads: tuple[Payload, ...]) -> list[bytes]:
    """The leaves of these payloads, a minute apart."""
    leaves: list[bytes] = []
    for n, payload in enumerate(payloads):
        leaf = next_leaf(
            leaves[-1] if leaves else None,
            log=LOG,
            chain=CHAIN,
            type=str(payload["type"]),
            at=f"2026-11-23T17:{n:02d}:09.123Z",
            commit=commitment(salt(n), canonical({**payload, "v": 1})),
        )
        leaves.append(leaf_bytes(leaf))
    return leaves


class Log:
    """A tree of others' leaves with those of one chain among them: place 2n + 1 is leaf n's."""

    def __init__(self, leaves: list[bytes]) -> None:
        others = [sha256(b"\x00other %d" % n).digest() for n in range(len(leaves) + 3)]
        mixed = [others.pop()]
        for leaf in leaves:
            mixed += [bytes.fromhex(leaf_hash(leaf)), others.pop()]
        self.size, self.nodes = len(mixed), dict[tuple[int, int], bytes]()
        for level, index, node in merkle.grown(0, mixed, self.get):
            self.nodes[level, index] = node

    def get(self, level: int, index: int) -> bytes:
        return self.nodes[level, index]

    def checkpoint(self, signer: Ed25519PrivateKey = SIGNER) -> Checkpoint:
        head = TreeHead(LOG, self.size, merkle.root(self.size, self.get))
        key = VerifierKey(LOG, signer.public_key().public_bytes_raw())
        return Checkpoint(head, key.id, signer.sign(head.body()))

    def proof(self, n: int, checkpoint: Checkpoint) -> str:
        path = merkle.inclusion(2 * n + 1, self.size, self.get)
        return proof_text(2 * n + 1, path, checkpoint)


def bundle(
    payloads: tuple[Payload, ...] = STORY,
    shown: tuple[int, ...] = SHOWN,
    signer: Ed25519PrivateKey = SIGNER,
) -> Bundle:
    """The bundle of a story, whole in all but perhaps its order."""
    leaves = chain(payloads)
    log = Log(leaves)
    checkpoint = log.checkpoint(signer)
    return Bundle(
        reference=REFERENCE,
        log=LOG,
        chain=CHAIN,
        made_at=datetime(2026, 11, 24, 9, 30, 15, 250_000, tzinfo=UTC),
        leaves=leaves,
        disclosed=[
            Disclosed(n, canonical({**payloads[n], "v": 1}), salt(n), log.proof(n, checkpoint))
            for n in shown
        ],
        documents={hex_of(one): one for one in (REVIEW, AGREEMENT, PERMISSION)},
        objects={hex_of(INTENT): INTENT},
        checkpoint=checkpoint.note,
        keys=[VerifierKey(LOG, signer.public_key().public_bytes_raw()).line],
        people=PEOPLE,
    )


def told_in(*payloads: Payload) -> Bundle:
    """A bundle that discloses just these payloads, with no documents."""
    plain = tuple(
        {
            key: value
            for key, value in one.items()
            if key not in ("disclosures", "documents", "objects")
        }
        for one in payloads
    )
    made = bundle(plain, tuple(range(len(plain))))
    return replace(made, documents={}, objects={})


def unpacked(packed: bytes) -> Files:
    with ZipFile(BytesIO(packed)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(files: Files, *, mend: bool = True) -> bytes:
    """These files as a zip; ``mend``: with a manifest that knows them, as a forger would."""
    if mend:
        manifest = json.loads(files["manifest.json"])
        manifest["files"] = {
            name: hex_of(data) for name, data in files.items() if name != "manifest.json"
        }
        files = {**files, "manifest.json": json.dumps(manifest).encode()}
    made = BytesIO()
    with ZipFile(made, "w", ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return made.getvalue()


def flipped(data: bytes, at: int) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


def changed(name: str, change: Callable[[bytes], bytes], *, mend: bool = True) -> bytes:
    """The whole bundle with one file changed."""
    from portal.domain.bundles import pack

    files = unpacked(pack(bundle()))
    return packed({**files, name: change(files[name])}, mend=mend)
