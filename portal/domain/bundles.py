"""The bundle of one arrangement: ``evidence-REFERENCE.zip`` as evidence format v1 lays it out.

What is true is decided elsewhere; here the parts get their names, their hashes and their order. The
same parts make the same bytes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from uuid import UUID
from zipfile import ZipFile, ZipInfo

from portal.domain.checkpoints import VerifierKey
from portal.domain.evidence import FORMAT_VERSION, canonical, format_time

PEOPLE = ("certificate.pdf", "VERIFY.md", "verify.py")
"""What is there to be read rather than checked."""

UNIX, ORDINARY_FILE = 3, 0o100644 << 16


@dataclass(frozen=True, slots=True)
class Disclosed:
    """A leaf whose payload is shown: its JCS bytes, the 32 bytes of salt, the text of its proof."""

    n: int
    payload: bytes
    salt: bytes
    proof: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """All that goes into a bundle.

    ``leaves`` are the stored bytes from n = 0 on, ``documents`` and ``objects`` exact bytes by
    their SHA-256 in hex, ``keys`` the published lines, ``people`` the files of ``PEOPLE``.
    """

    reference: str
    log: str
    chain: UUID
    made_at: datetime
    leaves: Sequence[bytes]
    disclosed: Sequence[Disclosed]
    documents: Mapping[str, bytes]
    objects: Mapping[str, bytes]
    checkpoint: str
    keys: Sequence[str]
    people: Mapping[str, bytes]

    @property
    def name(self) -> str:
        """What the file is called."""
        return f"evidence-{self.reference}.zip"


def pack(bundle: Bundle) -> bytes:
    """The zip file of a bundle: the manifest first, then its files in the order of their names.

    Raises NoCheckpoint for a key that is none, NotCanonical for a ``made_at`` without its zone.
    """
    files = dict(sorted(_files(bundle)))
    listed = {name: sha256(data).hexdigest() for name, data in files.items()}
    manifest = {
        "v": FORMAT_VERSION,
        "reference": bundle.reference,
        "log": bundle.log,
        "chain": str(bundle.chain),
        "made_at": format_time(bundle.made_at),
        "disclosed": sorted(leaf.n for leaf in bundle.disclosed),
        "files": listed,
    }
    return zipped({"manifest.json": canonical(manifest), **files}, bundle.made_at)


def zipped(files: Mapping[str, bytes], at: datetime) -> bytes:
    """A zip file with these files in this order, all of this time (UTC, to two seconds).

    They are stored as they are: what a compressor makes of them depends on its version.
    """
    packed, time = BytesIO(), at.astimezone(UTC).timetuple()[:6]
    with ZipFile(packed, "w") as archive:
        for name, data in files.items():
            info = ZipInfo(name, time)
            info.create_system, info.external_attr = UNIX, ORDINARY_FILE
            archive.writestr(info, data)
    return packed.getvalue()


def _files(bundle: Bundle) -> Iterator[tuple[str, bytes]]:
    for n, leaf in enumerate(bundle.leaves):
        yield f"chain/{n:06d}.leaf", leaf
    for shown in bundle.disclosed:
        name = f"chain/{shown.n:06d}"
        yield f"{name}.payload.json", shown.payload
        yield f"{name}.salt", shown.salt.hex().encode()
        yield f"{name}.tlog-proof", shown.proof.encode()
    for digest, body in bundle.documents.items():
        yield f"documents/{digest}", body
    for digest, body in bundle.objects.items():
        yield f"objects/{digest}.json", body
    yield "checkpoint", bundle.checkpoint.encode()
    for line in bundle.keys:
        key = VerifierKey.parse(line)
        yield f"keys/{key.name}-{key.id.hex()}.vkey", f"{key.line}\n".encode()
    for name in PEOPLE:
        yield name, bundle.people[name]
