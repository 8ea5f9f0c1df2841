"""The bytes of the evidence log: payloads, commitments, leaves and chains (evidence format v1).

A leaf says nothing by itself: it commits to a payload with a salt that is kept elsewhere. Leaves of
one chain hold each other by ``prev``.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import rfc8785

from portal.domain import DomainError
from portal.domain.wording import IMPOSSIBLE

FORMAT_VERSION = 1
SALT_BYTES = 32
FIRST_PREV = "0" * 64
LARGEST_INTEGER = 2**53 - 1

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)
_TYPE = re.compile(r"[a-z]+(_[a-z]+)*(\.[a-z]+(_[a-z]+)*)*", re.ASCII)
_FIELDS = frozenset({"v", "log", "chain", "n", "prev", "type", "at", "commit"})


class NotCanonical(DomainError):
    """A value that has no place in an evidence payload; ``path`` and ``why`` say which."""

    message = "%(path)s: %(why)s"

    def __init__(self, path: str, why: str) -> None:
        super().__init__(path=path, why=why)


class ChainBroken(DomainError):
    """A chain does not hold; ``n`` is the leaf, ``why`` what was expected."""

    message = "leaf %(n)s: %(why)s"

    def __init__(self, n: int, why: str) -> None:
        super().__init__(n=n, why=why)


@dataclass(frozen=True, slots=True)
class Leaf:
    """One entry of a chain. ``at`` as ``format_time`` writes it, hashes as lower-case hex."""

    log: str
    chain: UUID
    n: int
    prev: str
    type: str
    at: str
    commit: str


def canonical(payload: dict[str, Any]) -> bytes:
    """The JCS bytes (RFC 8785) of an I-JSON payload with integers only (EV-03).

    Raises NotCanonical for a float, a null, an integer beyond 2^53-1, a surrogate or noncharacter,
    a key that is no string, or anything else that JSON does not know.
    """
    _check(payload, "payload")
    return rfc8785.dumps(payload)


def parse_canonical(data: bytes) -> dict[str, Any]:
    """The payload in stored bytes. Raises NotCanonical unless they are exactly its JCS bytes."""
    try:
        payload = json.loads(data.decode("utf-8"), object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise NotCanonical("payload", f"not JSON ({error})") from None
    if not isinstance(payload, dict):
        raise NotCanonical("payload", "not an object")
    if canonical(payload) != data:
        raise NotCanonical("payload", "not in canonical form")
    return payload


def commitment(salt: bytes, payload_bytes: bytes) -> str:
    """HMAC-SHA256 of the canonical payload under its own 32-byte salt, as hex (EV-04)."""
    if len(salt) != SALT_BYTES:
        raise NotCanonical("salt", f"must have {SALT_BYTES} bytes")
    return hmac.new(salt, payload_bytes, hashlib.sha256).hexdigest()


def leaf_bytes(leaf: Leaf) -> bytes:
    """The JCS bytes of a leaf: what is hashed, stored and exported."""
    fields = {
        "v": FORMAT_VERSION,
        "log": leaf.log,
        "chain": str(leaf.chain),
        "n": leaf.n,
        "prev": leaf.prev,
        "type": leaf.type,
        "at": leaf.at,
        "commit": leaf.commit,
    }
    return canonical(fields)


def leaf_hash(data: bytes) -> str:
    """SHA-256 over a zero byte and the leaf's bytes, as hex (RFC 6962 §2.1)."""
    return hashlib.sha256(b"\x00" + data).hexdigest()


def next_leaf(
    previous: bytes | None, *, log: str, chain: UUID, type: str, at: str, commit: str
) -> Leaf:  # noqa: A002
    """The leaf that follows the stored bytes of another, or begins a chain."""
    n, prev = (
        (0, FIRST_PREV) if previous is None else (parse_leaf(previous).n + 1, leaf_hash(previous))
    )
    return Leaf(log=log, chain=chain, n=n, prev=prev, type=type, at=at, commit=commit)


def parse_leaf(data: bytes) -> Leaf:
    """The leaf in stored bytes. Raises NotCanonical unless they are exactly a leaf's."""
    fields = parse_canonical(data)
    if fields.keys() != _FIELDS:
        raise NotCanonical("leaf", "not the fields of a version 1 leaf")
    if type(fields["v"]) is not int or fields["v"] != FORMAT_VERSION:
        raise NotCanonical("leaf.v", f"must be {FORMAT_VERSION}")
    if type(fields["n"]) is not int or fields["n"] < 0:
        raise NotCanonical("leaf.n", "must be an integer from 0")
    _demand("leaf.prev", fields["prev"], _HASH)
    _demand("leaf.commit", fields["commit"], _HASH)
    _demand("leaf.type", fields["type"], _TYPE)
    _demand("leaf.at", fields["at"], _TIME)
    try:
        chain = UUID(fields["chain"])
    except (ValueError, AttributeError, TypeError):
        raise NotCanonical("leaf.chain", "must be a UUID") from None
    if str(chain) != fields["chain"] or not isinstance(fields["log"], str):
        raise NotCanonical("leaf.chain", "must be a UUID in lower case, beside the log's name")
    names = ("log", "n", "prev", "type", "at", "commit")
    return Leaf(chain=chain, **{name: fields[name] for name in names})


def format_time(at: datetime) -> str:
    """An aware time as ``2026-11-23T17:05:09.123Z``: UTC, cut to milliseconds."""
    if at.tzinfo is None:
        raise NotCanonical("at", "a time without its zone")
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_time(text: str) -> datetime:
    """The aware UTC time that ``format_time`` wrote. Raises NotCanonical."""
    _demand("at", text, _TIME)
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise NotCanonical("at", str(error)) from None


def verify_chain(leaves: Iterable[bytes]) -> int:
    """Check that stored leaves are one whole chain from n = 0; return how many there are.

    Same log and chain, n without a gap, each ``prev`` the hash before it, times never going back.
    Raises ChainBroken.
    """
    before: Leaf | None = None
    prev, count = FIRST_PREV, 0
    for count, data in enumerate(leaves, start=1):
        try:
            leaf = parse_leaf(data)
            parse_time(leaf.at)
        except NotCanonical as error:
            raise ChainBroken(count - 1, str(error)) from None
        for why in _breaks(leaf, before, n=count - 1, prev=prev):
            raise ChainBroken(count - 1, why)
        before, prev = leaf, leaf_hash(data)
    return count


def verify_payload(leaf: Leaf, salt: bytes, payload_bytes: bytes) -> dict[str, Any]:
    """The payload a leaf commits to. Raises ChainBroken where it does not, NotCanonical."""
    payload = parse_canonical(payload_bytes)
    if not hmac.compare_digest(commitment(salt, payload_bytes), leaf.commit):
        raise ChainBroken(leaf.n, "its commitment is not to this payload and salt")
    return payload


def _breaks(leaf: Leaf, before: Leaf | None, *, n: int, prev: str) -> Iterator[str]:
    if leaf.n != n:
        yield f"n is {leaf.n}, expected {n}"
    if leaf.prev != prev:
        yield f"prev is {leaf.prev}, expected {prev}"
    if before is None:
        return
    if (leaf.log, leaf.chain) != (before.log, before.chain):
        yield f"log and chain are not those of leaf {n - 1}"
    if leaf.at < before.at:
        yield f"at is {leaf.at}, earlier than {before.at}"


def _demand(path: str, value: object, form: re.Pattern[str]) -> None:
    if not isinstance(value, str) or not form.fullmatch(value):
        raise NotCanonical(path, f"not in the form {form.pattern}")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _check(value: object, path: str) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            _check_text(key, f"{path} key")
            _check(inner, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            _check(inner, f"{path}[{index}]")
    elif isinstance(value, int):
        if abs(value) > LARGEST_INTEGER:
            raise NotCanonical(path, "an integer beyond 2^53-1")
    else:
        _check_text(value, path)


def _check_text(value: object, path: str) -> None:
    if not isinstance(value, str):
        raise NotCanonical(path, f"{type(value).__name__} has no place here")
    if IMPOSSIBLE.search(value):
        raise NotCanonical(path, "a character that I-JSON forbids")
