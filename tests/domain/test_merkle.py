"""The tree over all leaves: by the vectors of RFC 6962, and against its definition."""

from base64 import b64decode, b64encode
from hashlib import sha256

import pymerkle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain import merkle
from portal.domain.merkle import ProofBroken

# The leaves and roots of the reference implementation of Certificate Transparency.
DATA = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    b"\x50\x51\x52\x53\x54\x55\x56\x57",
    b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


class Tree:
    """A tree kept as the hashes of its complete subtrees, grown a batch at a time."""

    def __init__(self, *batches: list[bytes]) -> None:
        self.nodes: dict[tuple[int, int], bytes] = {}
        self.size = 0
        for batch in batches:
            self.add(batch)

    def add(self, leaves: list[bytes]) -> None:
        for level, index, made in merkle.grown(self.size, leaves, self.get):
            assert (level, index) not in self.nodes, "a hash is written once"
            self.nodes[level, index] = made
        self.size += len(leaves)

    def get(self, level: int, index: int) -> bytes:
        return self.nodes[level, index]


def leaf(data: bytes) -> bytes:
    return sha256(b"\x00" + data).digest()


def defined(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, 2.1."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256().digest()
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return sha256(b"\x01" + defined(leaves[:k]) + defined(leaves[k:])).digest()


def some(number: int) -> list[bytes]:
    return [leaf(str(n).encode()) for n in range(number)]


def test_roots_are_those_of_the_rfc() -> None:
    tree = Tree([leaf(data) for data in DATA])
    assert merkle.root(0, tree.get) == merkle.EMPTY
    assert [merkle.root(n, tree.get).hex() for n in range(1, 9)] == ROOTS


def test_the_vector_of_the_format() -> None:
    others = [leaf(f"other-leaf-{n}".encode()) for n in range(4)]
    ours = [
        bytes.fromhex("a9fd726abf46122e6e3807fef1f38822e03d87562f9a87fb930d12600b952e08"),
        bytes.fromhex("78c9a7cbf83d258182f4f4127a205228e0854f1972fd792ec0cc5678d371967a"),
        bytes.fromhex("7e36e7d28259cb6f35d38112eb4d155fbec88e6a7e870fd0283d1b1c3d45653a"),
    ]
    leaves = [others[0], ours[0], others[1], ours[1], others[2], others[3], ours[2]]
    tree = Tree(leaves)
    root = merkle.root(7, tree.get)
    assert b64encode(root) == b"+dvh8t4Pg+v5ggNRk1rV+05zT/7+q9vJ2TXqZfdZNE0="
    proof = merkle.inclusion(3, 7, tree.get)
    assert [b64encode(one).decode() for one in proof] == [
        "M//lVfHfXU+Wi4eVfTnYwEBUg7yGzenaQ9O49RhdU6w=",
        "SzwQh7rAR3H+ufTQrMq9FX4jzap23hHkfnHwgCCO5DI=",
        "ikK+lcgHfVU8zEeNydBGyJMNJCmNUNR3BZGSz0VvwpA=",
    ]
    merkle.check_inclusion(
        ours[1], 3, 7, proof, b64decode("+dvh8t4Pg+v5ggNRk1rV+05zT/7+q9vJ2TXqZfdZNE0=")
    )


@given(st.lists(st.integers(0, 9), max_size=6))
def test_however_it_grew_a_tree_is_what_its_definition_says(batches: list[int]) -> None:
    leaves, rest = some(sum(batches)), list(some(sum(batches)))
    tree = Tree()
    for number in batches:
        tree.add(rest[:number])
        del rest[:number]
    for size in range(len(leaves) + 1):
        assert merkle.root(size, tree.get) == defined(leaves[:size])


@given(st.integers(1, 40), st.data())
def test_every_proof_of_inclusion_leads_to_the_root_and_no_other_does(
    size: int, data: st.DataObject
) -> None:
    leaves = some(size)
    tree, index = Tree(leaves), data.draw(st.integers(0, size - 1))
    root, proof = merkle.root(size, tree.get), merkle.inclusion(index, size, tree.get)
    merkle.check_inclusion(leaves[index], index, size, proof, root)
    other = data.draw(st.integers(0, size).filter(lambda n: n != index))
    wrong = [
        (leaf(b"another"), index, size, proof),
        (leaves[index], other, size, proof),
        (leaves[index], index, size, (*proof, root)),
        *((leaves[index], index, size, proof[:-1]) for _ in proof[:1]),
    ]
    for given_leaf, at, of, by in wrong:
        with pytest.raises(ProofBroken):
            merkle.check_inclusion(given_leaf, at, of, by, root)


@given(st.integers(1, 40), st.data())
def test_a_tree_that_grew_is_proved_to_have_and_one_that_was_changed_is_not(
    size: int, data: st.DataObject
) -> None:
    leaves, before = some(size), data.draw(st.integers(1, size))
    tree = Tree(leaves)
    old, new = merkle.root(before, tree.get), merkle.root(size, tree.get)
    proof = merkle.consistency(before, size, tree.get)
    merkle.check_consistency(before, old, size, proof, new)
    merkle.check_consistency(0, merkle.EMPTY, size, (), new)
    changed = [leaf(b"changed"), *leaves[1:]]
    forged = merkle.root(size, Tree(changed).get)
    for by in (proof, merkle.consistency(before, size, Tree(changed).get)):
        with pytest.raises(ProofBroken):
            merkle.check_consistency(before, old, size, by, forged)


def test_what_no_tree_holds_has_no_proof() -> None:
    tree = Tree(some(3))
    for index in (-1, 3):
        with pytest.raises(ValueError, match="not in a tree of 3"):
            merkle.inclusion(index, 3, tree.get)
    for before in (0, 4):
        with pytest.raises(ValueError, match="did not grow"):
            merkle.consistency(before, 3, tree.get)


@given(st.integers(1, 40), st.data())
def test_a_second_implementation_sees_the_same_tree_and_proofs(
    size: int, data: st.DataObject
) -> None:
    entries = [str(n).encode() for n in range(size)]
    tree, second = Tree([leaf(one) for one in entries]), pymerkle.InmemoryTree(algorithm="sha256")
    second.append_entries(entries)
    root = merkle.root(size, tree.get)
    assert root == second.get_root()

    index, before = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    theirs = second.prove_inclusion(index + 1, size)
    pymerkle.verify_inclusion(leaf(entries[index]), root, theirs)
    merkle.check_inclusion(leaf(entries[index]), index, size, theirs.path[1:], root)
    assert merkle.inclusion(index, size, tree.get) == tuple(theirs.path[1:])

    old = merkle.root(before, tree.get)
    grown = second.prove_consistency(before, size)
    pymerkle.verify_consistency(old, root, grown)
