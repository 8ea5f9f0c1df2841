"""Signed tree heads and proofs as C2SP writes them: tlog-checkpoint, signed note, tlog-proof.

Keys are Ed25519; the 32 bytes of a public key and the 64 of a signature are made elsewhere.
"""

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Self

from portal.domain import N_, DomainError

ED25519: Final = b"\x01"
MARK: Final = "\N{EM DASH} "
PROOF_HEAD: Final = "c2sp.org/tlog-proof@v1"


class NoCheckpoint(DomainError):
    """A text that is not a signed checkpoint."""

    message = N_("This is not a signed checkpoint: %(why)s.")

    def __init__(self, why: str) -> None:
        super().__init__(why=why)


@dataclass(frozen=True, slots=True)
class TreeHead:
    """What a checkpoint says: the log, how many leaves, and the root over them (32 bytes)."""

    origin: str
    size: int
    root: bytes

    def body(self) -> bytes:
        """The bytes that are signed: three lines, each with its end."""
        return f"{self.origin}\n{self.size}\n{_text(self.root)}\n".encode()


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key under the name of its log; ``line`` is how it is published."""

    name: str
    public: bytes

    @property
    def id(self) -> bytes:
        """Four bytes that tell which key signed."""
        return sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:4]

    @property
    def line(self) -> str:
        """``name+id+key`` without an end of line."""
        return f"{self.name}+{self.id.hex()}+{_text(ED25519 + self.public)}"

    @classmethod
    def parse(cls, line: str) -> Self:
        """The key in a published line. Raises NoCheckpoint."""
        parts = line.strip().split("+", 2)  # base64 may have a plus of its own
        if len(parts) != 3:
            raise NoCheckpoint("a verifier key has a name, an id and a key")
        packed = _bytes(parts[2])
        key = cls(parts[0], packed[1:])
        if packed[:1] != ED25519 or len(key.public) != 32 or key.id.hex() != parts[1]:
            raise NoCheckpoint("the key is not the one that its id names")
        return key


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head with the key that signed it, by its id, and the signature; ``note`` is all."""

    head: TreeHead
    key_id: bytes
    signature: bytes

    @property
    def note(self) -> str:
        """The signed note: the head's lines, an empty one, and the signature's."""
        signed = _text(self.key_id + self.signature)
        return f"{self.head.body().decode()}\n{MARK}{self.head.origin} {signed}\n"


def parse(note: str) -> Checkpoint:
    """The checkpoint in a signed note with one signature of its own log. Raises NoCheckpoint.

    The signature is not checked here.
    """
    body, _, signatures = note.partition("\n\n")
    lines = body.split("\n")
    if len(lines) != 3 or not lines[1].isascii() or not lines[1].isdigit():
        raise NoCheckpoint("it has no log, size and root")
    head = TreeHead(lines[0], int(lines[1]), _bytes(lines[2]))
    begin = f"{MARK}{head.origin} "
    if not signatures.startswith(begin) or signatures.count("\n") != 1:
        raise NoCheckpoint("its log has not signed it")
    packed = _bytes(signatures[len(begin) : -1])
    checkpoint = Checkpoint(head, packed[:4], packed[4:])
    if len(head.root) != 32 or len(packed) != 68 or checkpoint.note != note:
        raise NoCheckpoint("its root or signature has the wrong length or form")
    return checkpoint


def proof_text(index: int, proof: Sequence[bytes], checkpoint: Checkpoint) -> str:
    """That a leaf is in the tree of a checkpoint: index, hashes lowest first, and the note."""
    hashes = "".join(f"{_text(one)}\n" for one in proof)
    return f"{PROOF_HEAD}\nindex {index}\n{hashes}\n{checkpoint.note}"


def _text(data: bytes) -> str:
    return b64encode(data).decode()


def _bytes(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (NotBase64, ValueError):
        raise NoCheckpoint("it is not base64") from None
