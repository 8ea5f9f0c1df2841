"""Checkpoints and proofs have the bytes of evidence format v1 and of C2SP."""

from base64 import b64decode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from portal.domain.checkpoints import (
    Checkpoint,
    NoCheckpoint,
    TreeHead,
    VerifierKey,
    parse,
    proof_text,
)

SIGNER = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
PUBLIC = SIGNER.public_key().public_bytes_raw()
ORIGIN = "portal.example/evidence/agency-1"
HEAD = TreeHead(ORIGIN, 7, b64decode("+dvh8t4Pg+v5ggNRk1rV+05zT/7+q9vJ2TXqZfdZNE0="))
VKEY = f"{ORIGIN}+4cfa732c+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs"
SIGNATURE = (
    "TPpzLD4HYNRD8h4a0rTlwc9ztimFblXKqi8f8DEzG/5yD8saF7Vxq3Da5LWwVjaGxLPbYQC16JQ5NujrPxCZPNSrwwY="
)
NOTE = f"{ORIGIN}\n7\n+dvh8t4Pg+v5ggNRk1rV+05zT/7+q9vJ2TXqZfdZNE0=\n\n\u2014 {ORIGIN} {SIGNATURE}\n"


def test_vector_of_the_format_is_signed_and_published_byte_for_byte():
    key = VerifierKey(ORIGIN, PUBLIC)
    checkpoint = Checkpoint(HEAD, key.id, SIGNER.sign(HEAD.body()))

    assert key.line == VKEY
    assert checkpoint.note == NOTE
    assert parse(NOTE) == checkpoint
    assert VerifierKey.parse(VKEY) == key


def test_proof_names_index_hashes_and_checkpoint():
    text = proof_text(3, [b"\x01" * 32, b"\x02" * 32], parse(NOTE))

    assert text == (
        "c2sp.org/tlog-proof@v1\nindex 3\n"
        "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n"
        "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=\n\n" + NOTE
    )


@pytest.mark.parametrize(
    "note",
    [
        "",
        NOTE[:-1],
        NOTE + "\u2014 other AAAA\n",
        NOTE.replace("\n7\n", "\n07\n"),
        NOTE.replace("\n7\n", "\n-7\n"),
        NOTE.replace("\n7\n", "\n7\n\n"),
        NOTE.replace(f"\u2014 {ORIGIN}", "\u2014 other"),
        NOTE.replace("NE0=", "NE=="),
        NOTE.replace(SIGNATURE, SIGNATURE[:40]),
    ],
)
def test_text_that_is_no_signed_checkpoint_is_refused(note):
    with pytest.raises(NoCheckpoint):
        parse(note)


@pytest.mark.parametrize(
    "line",
    [
        "",
        ORIGIN,
        VKEY.replace("4cfa732c", "4cfa732d"),
        VKEY.replace("+Aep", "+Bep"),
        VKEY[:-4],
    ],
)
def test_line_that_is_no_verifier_key_is_refused(line):
    with pytest.raises(NoCheckpoint):
        VerifierKey.parse(line)
