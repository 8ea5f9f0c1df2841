"""The tree over all leaves (RFC 6962): its root, and proofs of what is in it and how it grew.

Hashes are 32 bytes. A tree is kept as tiles would be: as the hashes of its complete subtrees, so
that roots and proofs need only a few of them. ``get(level, index)`` is the hash of the subtree of
``2**level`` leaves that begins at leaf ``index * 2**level``; it is asked for complete ones alone.
"""

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from typing import Final

from portal.domain import N_, DomainError

EMPTY: Final = sha256().digest()
"""The root of a tree without leaves."""

Node = Callable[[int, int], bytes]


class ProofBroken(DomainError):
    """A proof does not lead to the root that it should lead to."""

    message = N_("The proof does not lead to the root of the tree.")


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node over its two children."""
    return sha256(b"\x01" + left + right).digest()


def grown(size: int, leaves: Sequence[bytes], get: Node) -> Iterator[tuple[int, int, bytes]]:
    """The complete subtrees that come into being as leaves are added to a tree of ``size``.

    Each as (level, index, hash), a subtree after those that it is made of; leaves are level 0.
    """
    new: dict[tuple[int, int], bytes] = {}
    for at, leaf in enumerate(leaves, start=size):
        level, index, made = 0, at, leaf
        new[level, index] = made
        yield level, index, made
        while index % 2:
            before = (level, index - 1)
            made = node_hash(new[before] if before in new else get(*before), made)
            level, index = level + 1, index // 2
            new[level, index] = made
            yield level, index, made


def root(size: int, get: Node) -> bytes:
    """The root of the tree of the first ``size`` leaves."""
    return _hash(0, size, get) if size else EMPTY


def inclusion(index: int, size: int, get: Node) -> tuple[bytes, ...]:
    """The proof that leaf ``index`` is in the tree of ``size`` leaves, lowest hash first.

    Raises ValueError where there is no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    return tuple(_inclusion(index, 0, size, get))


def consistency(before: int, size: int, get: Node) -> tuple[bytes, ...]:
    """The proof that the tree of ``size`` leaves grew from that of the first ``before``.

    Raises ValueError where it cannot have.
    """
    if not 0 < before <= size:
        raise ValueError(f"a tree of {size} did not grow from one of {before}")
    return tuple(_consistency(before, 0, size, get, whole=True))


def check_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], expected: bytes
) -> None:
    """Follow a proof from a leaf to the root (RFC 9162, 2.1.3.2). Raises ProofBroken."""
    if not 0 <= index < size:
        raise ProofBroken
    made = leaf
    for other, is_left in _sides(index, size - 1, proof):
        made = node_hash(other, made) if is_left else node_hash(made, other)
    if made != expected:
        raise ProofBroken


def check_consistency(
    before: int, old_root: bytes, size: int, proof: Sequence[bytes], new_root: bytes
) -> None:
    """Follow a proof that one tree grew from another (RFC 9162, 2.1.4.2). Raises ProofBroken.

    Every tree grew from the empty one, and from itself, without a proof.
    """
    if before in (0, size):
        if proof or old_root != (new_root if before else EMPTY):
            raise ProofBroken
        return
    path = [old_root, *proof] if before & (before - 1) == 0 else list(proof)
    if not 0 < before < size or not path:
        raise ProofBroken
    node, last = before - 1, size - 1
    while node % 2:
        node, last = node >> 1, last >> 1
    old = new = path[0]
    for other, is_left in _sides(node, last, path[1:]):
        new = node_hash(other, new) if is_left else node_hash(new, other)
        old = node_hash(other, old) if is_left else old
    if (old, new) != (old_root, new_root):
        raise ProofBroken


def _sides(node: int, last: int, proof: Sequence[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Each hash of a proof, and whether it stands left; ``last`` is the last node of that level.

    Raises ProofBroken where there are more of them than levels, or fewer.
    """
    for other in proof:
        if last == 0:
            raise ProofBroken
        is_left = bool(node % 2) or node == last
        while is_left and not node % 2 and node:
            node, last = node >> 1, last >> 1
        yield other, is_left
        node, last = node >> 1, last >> 1
    if last:
        raise ProofBroken


def _split(size: int) -> int:
    """The largest power of two below a size: where its tree parts in two."""
    return 1 << (size - 1).bit_length() - 1


def _hash(start: int, size: int, get: Node) -> bytes:
    if size & (size - 1) == 0:
        return get(size.bit_length() - 1, start // size)
    half = _split(size)
    return node_hash(_hash(start, half, get), _hash(start + half, size - half, get))


def _inclusion(index: int, start: int, size: int, get: Node) -> Iterator[bytes]:
    if size == 1:
        return
    half = _split(size)
    if index < half:
        yield from _inclusion(index, start, half, get)
        yield _hash(start + half, size - half, get)
    else:
        yield from _inclusion(index - half, start + half, size - half, get)
        yield _hash(start, half, get)


def _consistency(before: int, start: int, size: int, get: Node, *, whole: bool) -> Iterator[bytes]:
    if before == size:
        if not whole:
            yield _hash(start, size, get)
        return
    half = _split(size)
    if before <= half:
        yield from _consistency(before, start, half, get, whole=whole)
        yield _hash(start + half, size - half, get)
    else:
        yield from _consistency(before - half, start + half, size - half, get, whole=False)
        yield _hash(start, half, get)
