"""The evidence format's own vector, and what may not enter a payload (EV-03, EV-04)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.domain.evidence import (
    FIRST_PREV,
    ChainBroken,
    Leaf,
    NotCanonical,
    canonical,
    commitment,
    format_time,
    leaf_bytes,
    leaf_hash,
    next_leaf,
    parse_canonical,
    parse_leaf,
    parse_time,
    verify_chain,
    verify_payload,
)

LOG = "portal.example/evidence/agency-1"
CHAIN = UUID("01939f7e-0000-7000-8000-000000000001")
TERMS = "51d2361f4faea3bc8f9facdbc7d99abb555596a2e51f7b25fd3b41c93587e616"
REVIEW = "d3af4082740e2ab0fcc3cac13a9e7192f9b7a5ceab567e7e07b1594e499ac49a"

PAYLOADS = [
    {"v": 1, "type": "terms.reviewed", "terms_sha256": TERMS},
    {
        "v": 1,
        "type": "acceptance",
        "arrangement": "arr_0001",
        "currency": "USD",
        "total_cents": 24000,
        "name_typed": "José Ñandú 李 😀",
        "terms_sha256": TERMS,
        "disclosures": [{"doc_id": "review", "sha256": REVIEW}],
    },
    {"v": 1, "type": "payment.succeeded", "amount_cents": 24000},
]
PAYLOAD_BYTES = [
    f'{{"terms_sha256":"{TERMS}","type":"terms.reviewed","v":1}}',
    '{"arrangement":"arr_0001","currency":"USD","disclosures":[{"doc_id":"review","sha256":"'
    f'{REVIEW}"}}],"name_typed":"José Ñandú 李 😀","terms_sha256":"{TERMS}",'
    '"total_cents":24000,"type":"acceptance","v":1}',
    '{"amount_cents":24000,"type":"payment.succeeded","v":1}',
]
TIMES = ["2026-11-23T17:04:58.000Z", "2026-11-23T17:05:09.123Z", "2026-11-23T17:06:30.000Z"]
LEAVES = [
    '{"at":"2026-11-23T17:04:58.000Z","chain":"01939f7e-0000-7000-8000-000000000001",'
    '"commit":"6f44053f3c0b6b049574bce119d7b674ba269407cf38e5ecba2e361f0ba73586",'
    '"log":"portal.example/evidence/agency-1","n":0,'
    '"prev":"0000000000000000000000000000000000000000000000000000000000000000",'
    '"type":"terms.reviewed","v":1}',
    '{"at":"2026-11-23T17:05:09.123Z","chain":"01939f7e-0000-7000-8000-000000000001",'
    '"commit":"442d2df2248aeb9a4d72ee5f3b8ff1a6b35cc9374f1d06a3018881cb3e966546",'
    '"log":"portal.example/evidence/agency-1","n":1,'
    '"prev":"a9fd726abf46122e6e3807fef1f38822e03d87562f9a87fb930d12600b952e08",'
    '"type":"acceptance","v":1}',
    '{"at":"2026-11-23T17:06:30.000Z","chain":"01939f7e-0000-7000-8000-000000000001",'
    '"commit":"9f0a0d76e26123d2393a182dc6741df3d6176535f6371efbee710716e05dfe09",'
    '"log":"portal.example/evidence/agency-1","n":2,'
    '"prev":"78c9a7cbf83d258182f4f4127a205228e0854f1972fd792ec0cc5678d371967a",'
    '"type":"payment.succeeded","v":1}',
]
HASHES = [
    "a9fd726abf46122e6e3807fef1f38822e03d87562f9a87fb930d12600b952e08",
    "78c9a7cbf83d258182f4f4127a205228e0854f1972fd792ec0cc5678d371967a",
    "7e36e7d28259cb6f35d38112eb4d155fbec88e6a7e870fd0283d1b1c3d45653a",
]
STORED = [leaf.encode() for leaf in LEAVES]


def salt(n: int) -> bytes:
    return bytes((32 * n + i) % 256 for i in range(32))


def test_the_vector_of_the_format_byte_for_byte() -> None:
    previous = None
    for n, payload in enumerate(PAYLOADS):
        assert canonical(payload) == PAYLOAD_BYTES[n].encode()
        leaf = next_leaf(
            previous,
            log=LOG,
            chain=CHAIN,
            type=str(payload["type"]),
            at=TIMES[n],
            commit=commitment(salt(n), canonical(payload)),
        )
        previous = leaf_bytes(leaf)
        assert previous == STORED[n]
        assert leaf_hash(previous) == HASHES[n]
        assert parse_leaf(previous) == leaf
        assert verify_payload(leaf, salt(n), PAYLOAD_BYTES[n].encode()) == payload
    assert verify_chain(STORED) == 3
    assert verify_chain([]) == 0


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (1.0, "float"),
        (float("nan"), "float"),
        (None, "NoneType"),
        (2**53, "integer"),
        (-(2**53), "integer"),
        ("\ud800", "I-JSON"),
        ("\ufffe", "I-JSON"),
        ("\U0010ffff", "I-JSON"),
        (b"bytes", "bytes"),
        (datetime(2026, 1, 1, tzinfo=UTC), "datetime"),
        (CHAIN, "UUID"),
        ({1: "a"}, "int"),
        ({"\udfff": 1}, "I-JSON"),
    ],
)
def test_ev_03_refuses_what_i_json_or_we_do_not_know(value: object, why: str) -> None:
    for payload in ({"deep": [{"value": value}]}, {"value": (value,)}):
        with pytest.raises(NotCanonical, match=why):
            canonical(payload)


def test_ev_03_sorts_keys_as_utf_16() -> None:
    assert canonical({"\U0001f600": 1, "\ufb33": 2}) == '{"😀":1,"\ufb33":2}'.encode()
    assert canonical({"t": True, "n": 2**53 - 1}) == b'{"n":9007199254740991,"t":true}'


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":1,"a":1}',
        b'{"a": 1}',
        b'{"b":1,"a":2}',
        b'{"a":1.0}',
        b'{"a":NaN}',
        b'{"a":null}',
        b'{"a":"\\u0041"}',
        b'{"a":"\\ud800"}',
        b"[1]",
        b"1",
        b"",
        b"\xff",
        b"[" * 100_000,
        b'\xef\xbb\xbf{"a":1}',
        b'{"a":1}\n',
    ],
)
def test_stored_bytes_that_are_not_canonical_are_refused(data: bytes) -> None:
    with pytest.raises(NotCanonical):
        parse_canonical(data)


JSON = st.recursive(
    st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.dictionaries(st.text(), JSON))
def test_every_payload_that_is_taken_comes_back_the_same(payload: dict[str, object]) -> None:
    try:
        data = canonical(payload)
    except NotCanonical:
        return
    assert parse_canonical(data) == payload


def test_a_commitment_needs_a_whole_salt() -> None:
    with pytest.raises(NotCanonical):
        commitment(b"short", b"{}")


def test_a_payload_that_is_not_the_committed_one_is_found() -> None:
    leaf = parse_leaf(STORED[2])
    other = PAYLOAD_BYTES[2].replace("24000", "24001").encode()
    with pytest.raises(ChainBroken):
        verify_payload(leaf, salt(2), other)
    with pytest.raises(ChainBroken):
        verify_payload(leaf, salt(1), PAYLOAD_BYTES[2].encode())


@pytest.mark.parametrize(
    "leaves",
    [
        STORED[1:],
        [STORED[0], STORED[2]],
        [STORED[0], STORED[1], STORED[1]],
        [STORED[1], STORED[0]],
        [STORED[0], b"{}"],
        [STORED[0], STORED[1][:-1]],
    ],
    ids=["head cut", "gap", "twice", "swapped", "no leaf", "cut short"],
)
def test_ev_04_a_chain_with_a_missing_moved_or_changed_leaf_is_found(leaves: list[bytes]) -> None:
    with pytest.raises(ChainBroken):
        verify_chain(leaves)


@given(st.integers(0, 2), st.integers(0, 10_000), st.integers(1, 255))
def test_ev_04_any_flipped_byte_before_the_head_is_found(n: int, at: int, flip: int) -> None:
    changed = bytearray(STORED[n])
    changed[at % len(changed)] ^= flip
    leaves = [*STORED[:n], bytes(changed), *STORED[n + 1 :]]
    try:
        verify_chain(leaves)
    except ChainBroken:
        return
    assert n == 2, "the last leaf is held by the next one, or by a checkpoint"
    assert leaf_hash(leaves[2]) != HASHES[2]


@pytest.mark.parametrize(
    "change",
    [
        {"log": "other"},
        {"chain": UUID(int=7)},
        {"at": "2026-11-23T17:05:09.122Z"},
        {"n": 3},
        {"prev": FIRST_PREV},
        {"at": "2026-13-23T17:05:09.122Z"},
    ],
)
def test_ev_04_each_field_of_the_chain_is_checked(change: dict[str, object]) -> None:
    leaf = replace(parse_leaf(STORED[2]), **change)  # type: ignore[arg-type]
    with pytest.raises(ChainBroken) as caught:
        verify_chain([*STORED[:2], leaf_bytes(leaf)])
    assert caught.value.params["n"] == 2


@pytest.mark.parametrize(
    "change",
    [
        {"prev": "0" * 63},
        {"commit": "F" * 64},
        {"type": "Acceptance"},
        {"at": "2026-11-23T17:05:09Z"},
        {"n": True},
        {"n": -1},
        {"v": True},
        {"v": 2},
        {"chain": "{01939f7e-0000-7000-8000-000000000001}"},
        {"chain": 5},
        {"log": 5},
        {"more": 1},
    ],
)
def test_a_leaf_of_another_shape_is_refused(change: dict[str, object]) -> None:
    fields = parse_canonical(STORED[0]) | change
    with pytest.raises(NotCanonical):
        parse_leaf(canonical(fields))


def test_times_are_utc_cut_to_milliseconds() -> None:
    eastern = timezone(timedelta(hours=-5))
    at = datetime(2026, 11, 23, 12, 5, 9, 123_999, tzinfo=eastern)
    assert format_time(at) == "2026-11-23T17:05:09.123Z"
    assert parse_time("2026-11-23T17:05:09.123Z") == datetime(
        2026, 11, 23, 17, 5, 9, 123_000, tzinfo=UTC
    )
    with pytest.raises(NotCanonical):
        format_time(datetime(2026, 11, 23))  # noqa: DTZ001
    with pytest.raises(NotCanonical):
        parse_time("2026-02-30T00:00:00.000Z")


def test_a_leaf_begins_or_follows_a_chain() -> None:
    first = next_leaf(None, log=LOG, chain=CHAIN, type="export.made", at=TIMES[0], commit="a" * 64)
    assert first == Leaf(LOG, CHAIN, 0, FIRST_PREV, "export.made", TIMES[0], "a" * 64)
