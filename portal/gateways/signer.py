"""Who signs checkpoints: holds the key, and remembers what it signed outside of the database."""

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from portal.domain import N_, DomainError
from portal.domain.checkpoints import Checkpoint, TreeHead, VerifierKey, parse
from portal.domain.merkle import ProofBroken, check_consistency

LINES = 5
"""A checkpoint has its log, size, root, an empty line and its signature."""

Consistency = Callable[[int], Sequence[bytes]]
"""The proof that the tree to sign grew from its first so many leaves."""


class SignerRefuses(DomainError):
    """The tree did not grow from what was signed last: it is not signed."""

    message = N_(
        "The log %(origin)s has %(size)s entries, which do not continue the %(seen)s that were "
        "signed last. The database may be an older copy. Nothing was signed."
    )


class Signer:
    """Signs the heads of trees that only ever grow; ``folder`` keeps every one that it signed."""

    def __init__(self, seed: bytes, folder: Path) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self._folder = folder

    def verifier_key(self, origin: str) -> VerifierKey:
        """The public key under which a log's checkpoints are verified."""
        return VerifierKey(origin, self._key.public_key().public_bytes_raw())

    def sign(self, head: TreeHead, consistency: Consistency, *, begun: int = 0) -> Checkpoint:
        """The signed head, kept before it is given away. Raises SignerRefuses, NoCheckpoint.

        The same head is signed again with the same bytes, and kept once. ``begun``: how many
        leaves were signed before, as the database has it; a signer that knows of none refuses.
        """
        with self._held(head.origin) as kept:
            last = _last(kept)
            if last is not None:
                _demand_growth(last.head, head, consistency)
            elif begun:
                raise SignerRefuses(origin=head.origin, size=head.size, seen=begun)
            key = self.verifier_key(head.origin)
            signed = Checkpoint(head, key.id, self._key.sign(head.body()))
            if signed != last:
                _append(kept, signed.note)
        return signed

    def seen(self, origin: str) -> Iterator[Checkpoint]:
        """Every checkpoint that was signed for a log, oldest first. Raises NoCheckpoint."""
        if (path := self._path(origin)).exists():
            yield from _checkpoints(path.read_text("utf-8"))

    def newest(self, origin: str) -> Checkpoint | None:
        """The head of a log that was signed last. Raises NoCheckpoint."""
        if not self._path(origin).exists():
            return None
        with self._held(origin) as kept:
            return _last(kept)

    def ever_seen(self, origin: str) -> Iterator[Checkpoint]:
        """The same, with what was set aside. Raises NoCheckpoint."""
        path = self._path(origin)
        for one in sorted(self._folder.glob(f"{path.stem}.*")):
            yield from _checkpoints(one.read_text("utf-8"))

    def set_aside(self, origin: str, name: str) -> Checkpoint | None:
        """Keep what was signed for a log under another name; its newest head, if there was one.

        The next head is signed as the first one.
        """
        path = self._path(origin)
        if not path.exists():
            return None
        with self._held(origin) as kept:
            last = _last(kept)
            path.rename(path.with_suffix(f".{name}"))
        return last

    def _path(self, origin: str) -> Path:
        return self._folder / f"{origin.replace('/', '_')}.checkpoints"

    @contextmanager
    def _held(self, origin: str) -> Iterator[int]:
        self._folder.mkdir(parents=True, exist_ok=True)
        file = os.open(self._path(origin), os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o640)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
        finally:
            os.close(file)


def _last(file: int) -> Checkpoint | None:
    """The newest checkpoint; what a crash left half written was never given away, and goes."""
    data = os.pread(file, os.fstat(file).st_size, 0)
    lines = data.splitlines(keepends=True)
    whole = len(lines) - (1 if lines and not lines[-1].endswith(b"\n") else 0)
    whole -= whole % LINES
    os.ftruncate(file, sum(map(len, lines[:whole])))
    return parse(b"".join(lines[whole - LINES : whole]).decode()) if whole else None


def _demand_growth(last: TreeHead, head: TreeHead, consistency: Consistency) -> None:
    refused = SignerRefuses(origin=head.origin, size=head.size, seen=last.size)
    if head.size < last.size:
        raise refused
    proof = consistency(last.size) if 0 < last.size < head.size else ()
    try:
        check_consistency(last.size, last.root, head.size, proof, head.root)
    except ProofBroken:
        raise refused from None


def _append(file: int, note: str) -> None:
    data = note.encode()
    if os.write(file, data) != len(data):
        raise OSError("the checkpoint was not written whole")
    os.fsync(file)


def _checkpoints(text: str) -> Iterator[Checkpoint]:
    lines = text.splitlines(keepends=True)
    for start in range(0, len(lines) - LINES + 1, LINES):
        yield parse("".join(lines[start : start + LINES]))
