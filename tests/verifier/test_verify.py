"""The offline verifier: a whole bundle passes, and whatever was changed fails by name."""

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from portal import verifier
from portal.domain import bundles, evidence
from portal.domain.bundles import pack
from portal.domain.checkpoints import VerifierKey, parse, proof_text
from portal.verifier import verify
from tests.domain import test_checkpoints, test_evidence, test_merkle
from tests.verifier.made import (
    AGREEMENT,
    INTENT,
    KEY,
    LOG,
    PEOPLE,
    REFERENCE,
    REVIEW,
    SHOWN,
    STORY,
    TERMS,
    Files,
    bundle,
    changed,
    flipped,
    hex_of,
    packed,
    told_in,
    unpacked,
)

WHOLE = pack(bundle())
FILES = unpacked(WHOLE)
OTHER = Ed25519PrivateKey.from_private_bytes(b"\x08" * 32)
Change = Callable[[Files], object]


def failure(zipped: bytes, key: str = KEY.line) -> tuple[str, str]:
    """The step that fails, and what it says; empty where all hold."""
    results = list(verify.Bundle(zipped, key).steps())
    assert [step for step, _, _ in results] == verify.STEPS[: len(results)]
    assert all(passed for _, passed, _ in results[:-1])
    step, passed, text = results[-1]
    return ("", "") if passed else (step, text)


def with_files(change: Change, *, mend: bool = True) -> bytes:
    """The whole bundle after a change of its files, which may be in place."""
    files = dict(FILES)
    change(files)
    return packed(files, mend=mend)


def json_changed(name: str, **values: object) -> bytes:
    """A member's JSON object with other values, in canonical form."""
    return evidence.canonical({**json.loads(FILES[name]), **values})


def test_a_whole_bundle_passes_every_step() -> None:
    results = list(verify.Bundle(WHOLE, KEY.line).steps())
    assert [step for step, passed, _ in results if passed] == verify.STEPS
    assert failure(packed(FILES, mend=False)) == ("", ""), "whoever zipped it again"


def test_without_a_key_the_signer_is_unconfirmed_and_with_another_it_is_refused() -> None:
    said = {step: text for step, _, text in verify.Bundle(WHOLE).steps()}
    assert KEY.line in said["checkpoint"]
    assert "UNCONFIRMED" in said["checkpoint"]

    key = VerifierKey(LOG, OTHER.public_key().public_bytes_raw()).line
    step, text = failure(WHOLE, key)
    assert step == "checkpoint"
    assert "expected one of your keys" in text
    assert failure(WHOLE, f"{key}\n{KEY.line}\n") == ("", ""), "the history of keys"


def test_the_vector_of_the_format_as_a_bundle() -> None:
    vector = test_evidence
    others = [test_merkle.leaf(f"other-leaf-{n}".encode()) for n in range(4)]
    ours = [bytes.fromhex(one) for one in vector.HASHES]
    tree = test_merkle.Tree([others[0], ours[0], others[1], ours[1], *others[2:], ours[2]])
    checkpoint = parse(test_checkpoints.NOTE)
    places = {0: 1, 1: 3, 2: 6}
    made = replace(
        bundle(),
        leaves=vector.STORED,
        disclosed=[
            bundles.Disclosed(
                n,
                vector.PAYLOAD_BYTES[n].encode(),
                vector.salt(n),
                proof_text(at, test_merkle.merkle.inclusion(at, 7, tree.get), checkpoint),
            )
            for n, at in places.items()
        ],
        documents={},
        objects={},
        checkpoint=test_checkpoints.NOTE,
        keys=[test_checkpoints.VKEY],
    )
    step, text = failure(pack(made), test_checkpoints.VKEY)
    assert (step, text.partition(":")[0]) == ("documents", f"documents/{vector.REVIEW}"), (
        "the vector does not say what the page was"
    )
    without = replace(made, disclosed=[made.disclosed[0], made.disclosed[2]])
    assert failure(pack(without), test_checkpoints.VKEY) == ("", "")


def test_the_layout_is_that_of_the_format() -> None:
    names = list(FILES)
    assert names[0] == "manifest.json"
    assert names[1:] == sorted(names[1:])
    assert set(names) == {
        "manifest.json",
        *(f"chain/{n:06d}.leaf" for n in range(len(STORY))),
        *(f"chain/{n:06d}{end}" for n in SHOWN for end in verify.DISCLOSED),
        *(f"documents/{one}" for one in bundle().documents),
        f"objects/{hex_of(INTENT)}.json",
        "checkpoint",
        f"keys/{LOG}-4cfa732c.vkey",
        *bundles.PEOPLE,
    }
    manifest = json.loads(FILES["manifest.json"])
    assert manifest.pop("files") == {name: hex_of(FILES[name]) for name in names[1:]}
    assert manifest == {
        "v": 1,
        "reference": REFERENCE,
        "log": LOG,
        "chain": "01939f7e-0000-7000-8000-000000000001",
        "made_at": "2026-11-24T09:30:15.250Z",
        "disclosed": list(SHOWN),
    }
    assert bundle().name == f"evidence-{REFERENCE}.zip"


def test_the_same_parts_make_the_same_bytes() -> None:
    made = bundle()
    turned = replace(
        made,
        disclosed=made.disclosed[::-1],
        documents=dict(reversed(list(made.documents.items()))),
        people=dict(reversed(list(PEOPLE.items()))),
    )
    assert pack(turned) == WHOLE
    assert pack(replace(made, made_at=made.made_at + timedelta(minutes=1))) != WHOLE
    with zipfile.ZipFile(BytesIO(WHOLE)) as archive:
        assert {one.date_time for one in archive.infolist()} == {(2026, 11, 24, 9, 30, 14)}


@pytest.mark.parametrize("name", FILES)
def test_ev_06_one_changed_byte_in_any_file_fails_by_name(name: str) -> None:
    for at in (0, len(FILES[name]) // 2, -1):
        step, text = failure(changed(name, lambda data, at=at: flipped(data, at), mend=False))
        assert step == "manifest"
        wrong = "" if name == "manifest.json" else name
        assert text.startswith(wrong)


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_gone_fails_by_name(name: str) -> None:
    step, text = failure(with_files(lambda files: files.pop(name), mend=False))
    assert (step, text.partition(":")[0]) == ("manifest", name)


def steps_of(name: str) -> set[str]:
    """Where a change of a file is found although the manifest was mended to match."""
    ends = {".leaf": {"chain", "commit", "proof"}, ".salt": {"commit"}, ".json": {"commit"}}
    folders = {"documents": {"documents"}, "objects": {"objects"}, "keys": {"checkpoint"}}
    if name.endswith(".tlog-proof"):
        return {"proof"}
    if name == "checkpoint":
        return {"checkpoint"}
    return folders.get(name.partition("/")[0]) or ends[Path(name).suffix]


UNSIGNED = {"manifest.json", *bundles.PEOPLE, "chain/000005.leaf"}


@pytest.mark.parametrize("name", [name for name in FILES if name not in UNSIGNED])
def test_whatever_byte_is_changed_under_a_mended_manifest_its_own_step_finds_it(name: str) -> None:
    for at in {*range(0, len(FILES[name]), 7), len(FILES[name]) - 1}:
        step, text = failure(changed(name, lambda data, at=at: flipped(data, at)))
        assert step in steps_of(name), (at, text)


def test_files_for_people_and_leaves_after_the_last_disclosed_are_held_by_the_manifest_alone() -> (
    None
):
    """VERIFY.md says so: nobody signs the manifest."""
    assert failure(changed("certificate.pdf", lambda data: data + b" ")) == ("", "")
    other = json_changed("chain/000005.leaf", type="message.sent")
    assert failure(changed("chain/000005.leaf", lambda _: other)) == ("", "")
    text = verifier.for_people()["VERIFY.md"].decode()
    assert "certificate.pdf" in text
    assert "after the last disclosed leaf" in " ".join(text.split())


def test_ev_06_a_cent_in_the_payload_fails_at_its_commitment() -> None:
    name = "chain/000002.payload.json"
    step, text = failure(changed(name, lambda data: data.replace(b"24000", b"24001")))
    assert (step, text) == ("commit", f"{name}: expected what leaf 2 commits to, under its salt")


def test_a_cent_with_a_leaf_and_a_chain_made_to_match_fails_at_the_proof() -> None:
    story = [dict(one) for one in STORY]
    story[2]["total_cents"] = 24001
    forged = unpacked(pack(bundle(tuple(story))))
    own = [name for name in forged if name.endswith((".leaf", ".json"))]
    step, text = failure(with_files(lambda files: files.update({n: forged[n] for n in own})))
    assert (step, text.partition(":")[0]) == ("proof", "chain/000002.tlog-proof")


def test_a_whole_log_made_by_somebody_else_fails_at_the_key() -> None:
    forged = pack(bundle(signer=OTHER))
    assert failure(forged, "") == ("", "")
    step, text = failure(forged)
    assert (step, "your keys" in text) == ("checkpoint", True)

    def take_the_key(files: Files) -> None:
        files.update(unpacked(forged))
        del files[next(name for name in files if name.startswith("keys/"))]
        files[f"keys/{LOG}-4cfa732c.vkey"] = FILES[f"keys/{LOG}-4cfa732c.vkey"]

    assert failure(with_files(take_the_key))[0] == "checkpoint"


def resigned(data: bytes) -> bytes:
    """A checkpoint or proof whose signature is somebody else's under the true key's id."""
    note = FILES["checkpoint"].decode()
    sealed = parse(note)
    forged = replace(sealed, signature=OTHER.sign(sealed.head.body())).note
    return data.replace(note.encode(), forged.encode())


def test_a_signature_that_is_not_the_keys_fails() -> None:
    def resign(files: Files) -> None:
        for name, data in files.items():
            files[name] = resigned(data)

    step, text = failure(with_files(resign))
    assert (step, text) == ("checkpoint", "checkpoint: expected no InvalidSignature()")


def proofs_over_another(files: Files) -> None:
    other = unpacked(pack(bundle(signer=OTHER)))
    files["chain/000003.tlog-proof"] = other["chain/000003.tlog-proof"]


def without_leaf(n: int, *ends: str) -> Change:
    def remove(files: Files) -> None:
        for end in ends:
            files.pop(f"chain/{n:06d}{end}")

    return remove


def hidden(*disclosed: int) -> Change:
    """No longer disclosed, and the manifest says so."""

    def hide(files: Files) -> None:
        left = [n for n in SHOWN if n not in disclosed]
        files["manifest.json"] = json_changed("manifest.json", disclosed=left)
        for n in disclosed:
            without_leaf(n, *verify.DISCLOSED)(files)

    return hide


def cut(files: Files) -> None:
    """The chain ends before its last disclosed leaf."""
    without_leaf(5, ".leaf")(files)
    without_leaf(4, ".leaf")(files)


def manifest_with(**values: object) -> Change:
    return lambda files: files.update({"manifest.json": json_changed("manifest.json", **values)})


def leaf_with(which: int, /, **values: object) -> Change:
    name = f"chain/{which:06d}.leaf"
    return lambda files: files.update({name: json_changed(name, **values)})


def named(name: str, data: bytes = b"x") -> Change:
    return lambda files: files.update({name: data})


DIGEST = hex_of(b"x")


@pytest.mark.parametrize(
    ("change", "step", "file"),
    [
        (named("extra.txt"), "manifest", "extra.txt"),
        (named("chain/000000.salt"), "manifest", "chain/000000.salt"),
        (named("chain/000006.payload.json"), "manifest", "chain/000006.payload.json"),
        (named("documents/review.html"), "manifest", "documents/review.html"),
        (named(f"documents/{DIGEST}"), "documents", f"documents/{DIGEST}"),
        (named(f"objects/{DIGEST}.json"), "objects", f"objects/{DIGEST}.json"),
        (lambda files: files.pop(f"documents/{hex_of(REVIEW)}"), "documents", "documents/"),
        (lambda files: files.pop(f"objects/{hex_of(INTENT)}.json"), "objects", "objects/"),
        (named(f"documents/{hex_of(REVIEW)}", AGREEMENT), "documents", "documents/"),
        (lambda files: files.pop("certificate.pdf"), "manifest", "certificate.pdf"),
        (lambda files: files.pop("checkpoint"), "manifest", "checkpoint"),
        (lambda files: files.pop(f"keys/{LOG}-4cfa732c.vkey"), "checkpoint", "checkpoint"),
        (without_leaf(0, ".leaf"), "chain", "chain/000000.leaf"),
        (without_leaf(2, ".leaf"), "chain", "chain/000002.leaf"),
        (without_leaf(2, ".salt"), "manifest", "chain/000002.salt"),
        (without_leaf(2, ".tlog-proof"), "manifest", "chain/000002.tlog-proof"),
        (cut, "chain", "chain/000004.leaf"),
        (leaf_with(0, n=1), "chain", "chain/000000.leaf"),
        (leaf_with(0, v=True), "chain", "chain/000000.leaf"),
        (leaf_with(0, at="2026-11-23T17:00:09Z"), "chain", "chain/000000.leaf"),
        (leaf_with(5, at="2026-11-23T17:04:09.122Z"), "chain", "chain/000005.leaf"),
        (leaf_with(5, chain="01939f7e-0000-7000-8000-000000000002"), "chain", "chain/000005"),
        (leaf_with(5, log="portal.example/evidence/agency-2"), "chain", "chain/000005.leaf"),
        (leaf_with(5, prev="0" * 64), "chain", "chain/000005.leaf"),
        (leaf_with(5, more=1), "chain", "chain/000005.leaf"),
        (proofs_over_another, "proof", "chain/000003.tlog-proof"),
        (manifest_with(disclosed=[1, 2, 3]), "manifest", "chain/000004"),
        (manifest_with(disclosed=[]), "manifest", "manifest.json"),
        (manifest_with(disclosed=[2, 1, 3, 4]), "manifest", "manifest.json"),
        (manifest_with(disclosed=[1, 2, 3, 4, 10**15]), "manifest", "chain/1000"),
        (manifest_with(disclosed=[True, 2, 3, 4]), "manifest", "manifest.json"),
        (manifest_with(v=2), "manifest", "manifest.json"),
        (manifest_with(v=True), "manifest", "manifest.json"),
        (manifest_with(made_at="yesterday"), "manifest", "manifest.json"),
        (manifest_with(more=1), "manifest", "manifest.json"),
        (manifest_with(log="portal.example/evidence/agency-2"), "chain", "chain/000000.leaf"),
        (manifest_with(chain="01939f7e-0000-7000-8000-000000000002"), "chain", "chain/000000"),
        (manifest_with(reference="HR-7K2M-92"), "commit", "manifest.json"),
        (hidden(1), "order", "chain/000002.payload.json"),
    ],
)
def test_what_was_added_removed_or_moved_fails_by_name(
    change: Change, step: str, file: str
) -> None:
    failed, text = failure(with_files(change))
    assert failed == step, text
    assert text.startswith(file)


@pytest.mark.parametrize(
    ("name", "data", "step"),
    [
        ("chain/000001.payload.json", b'{"v": 1}', "commit"),
        ("chain/000001.payload.json", b'{"v":1.0}', "commit"),
        ("chain/000001.payload.json", b'{"v":NaN}', "commit"),
        ("chain/000001.payload.json", b'{"v":1,"v":1}', "commit"),
        ("chain/000001.payload.json", b'{"v":9007199254740992}', "commit"),
        ("chain/000001.payload.json", b"[" * 100_000, "commit"),
        ("chain/000001.payload.json", b"\xff\xfe", "commit"),
        ("chain/000001.payload.json", b"[]", "commit"),
        ("chain/000001.salt", b"", "commit"),
        ("chain/000001.salt", b"0" * 63 + b"\n", "commit"),
        ("chain/000000.leaf", b"null", "chain"),
        ("chain/000001.tlog-proof", b"", "proof"),
        ("chain/000001.tlog-proof", b"c2sp.org/tlog-proof@v1\nindex x\n\n\n", "proof"),
        ("chain/000001.tlog-proof", b"c2sp.org/tlog-proof@v1\nindex 3\n\nlog\n0\nx\n", "proof"),
        ("checkpoint", b"", "checkpoint"),
        (f"keys/{LOG}-4cfa732c.vkey", b"", "checkpoint"),
        (f"keys/{LOG}-4cfa732c.vkey", KEY.line.replace("+Aep", "+Bep").encode(), "checkpoint"),
        (f"keys/{LOG}-00000000.vkey", KEY.line.encode(), "checkpoint"),
    ],
)
def test_nonsense_in_a_file_is_a_failure_with_a_name(name: str, data: bytes, step: str) -> None:
    failed, text = failure(with_files(named(name, data)))
    assert (failed, text.partition(":")[0]) == (step, name)


@pytest.mark.parametrize(
    "value", [b"1.0", b"1e3", b"NaN", b"-Infinity", b"-0", b'"\\u0041"', b" 1"]
)
def test_ev_03_a_payload_in_another_form_fails_although_it_was_committed_to(value: bytes) -> None:
    """As if the operator had sealed it so."""
    data = b'{"type":"link.issued","x":%b}' % value
    sealed = [{"type": "link.issued"}]
    made = bundle(tuple(sealed), (0,))
    leaf = evidence.next_leaf(
        None,
        log=LOG,
        chain=made.chain,
        type="link.issued",
        at="2026-11-23T17:00:09.123Z",
        commit=evidence.commitment(made.disclosed[0].salt, data),
    )
    shown = replace(made.disclosed[0], payload=data)
    step, text = failure(pack(replace(made, leaves=[evidence.leaf_bytes(leaf)], disclosed=[shown])))
    assert step == "commit"
    assert "leaf 0 commits to" not in text


@pytest.mark.parametrize(
    "manifest", [b"", b"{}", b"[]", b"null", b'{"v":1,"v":1}', b"{" * 9, b"[" * 100_000, b"\xff"]
)
def test_a_manifest_that_is_none_fails(manifest: bytes) -> None:
    step, text = failure(with_files(named("manifest.json", manifest), mend=False))
    assert (step, text.partition(":")[0]) == ("manifest", "manifest.json")


def test_a_manifest_in_which_a_file_stands_twice_fails() -> None:
    twice = FILES["manifest.json"].replace(b'"files":{', b'"files":{"checkpoint":"00",')
    assert failure(with_files(named("manifest.json", twice), mend=False))[0] == "manifest"


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "/evil",
        "a/../../evil",
        "a//b",
        "./a",
        "C:/evil",
        "a\\b",
        "a/..",
        ".",
        "ñ",
        "a b",
        "a\nb",
    ],
)
def test_a_name_that_leads_out_of_the_folder_fails_at_the_archive(name: str) -> None:
    step, text = failure(with_files(named(name)))
    assert step == "archive"
    assert "a plain name" in text


def test_a_member_that_is_there_twice_fails_at_the_archive() -> None:
    made = BytesIO(WHOLE)
    with zipfile.ZipFile(made, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("checkpoint", b"another")
    assert failure(made.getvalue())[0] == "archive"


def test_folders_of_a_zip_that_was_packed_again_do_not_matter_unless_they_hold_something() -> None:
    made = BytesIO(packed(FILES, mend=False))
    with zipfile.ZipFile(made, "a") as archive:
        archive.mkdir("objects", 0o755)
    assert failure(made.getvalue()) == ("", "")
    assert failure(with_files(named("a/"))) == ("manifest", "a/: expected no such file")


def test_the_order_in_the_zip_does_not_matter() -> None:
    turned = dict(reversed(list(FILES.items())))
    assert failure(packed(turned, mend=False)) == ("", "")


def test_a_zip_bomb_stops_at_the_limit_whatever_its_header_says() -> None:
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for n in range(4):
            with archive.open(f"documents/{n}", "w") as member:
                for _ in range(52):
                    member.write(bytes(2**20))
    assert len(made.getvalue()) < 2**20
    step, text = failure(made.getvalue())
    assert (step, text) == (
        "archive",
        "documents/3: expected at most 209715200 bytes unpacked in all",
    )


def test_text_is_parsed_up_to_a_limit() -> None:
    step, text = failure(with_files(named("chain/000001.payload.json", bytes(9 * 2**20))))
    assert (step, "bytes to be parsed" in text) == ("commit", True)


def test_a_zip_of_very_many_members_fails() -> None:
    made = BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for n in range(20_001):
            archive.writestr(zipfile.ZipInfo(f"{n}"), b"")
    assert failure(made.getvalue()) == ("archive", "the archive: expected at most 20000 members")


@pytest.mark.parametrize("data", [b"", b"x", b"%PDF-1.7", WHOLE[:-1], WHOLE[:5000], bytes(10**6)])
def test_what_is_no_zip_fails_at_the_archive(data: bytes) -> None:
    assert failure(data)[0] == "archive"


def test_an_encrypted_or_exotic_member_fails_at_the_archive() -> None:
    at = WHOLE.index(b"PK\x01\x02")
    for offset, value in ((8, 1), (10, 99)):
        made = bytearray(WHOLE)
        made[at + offset] = value
        assert failure(bytes(made))[0] == "archive"
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        heavy = BytesIO()
        with zipfile.ZipFile(heavy, "w", method) as archive:
            archive.writestr("checkpoint", b"x")
        step, text = failure(heavy.getvalue())
        assert (step, text) == ("archive", "checkpoint: expected a plain file, as listed")
    lying = bytearray(WHOLE)
    lying[at + 24 : at + 28] = b"\xff\xff\xff\x7f"
    assert failure(bytes(lying))[0] == "archive"


@given(st.binary(max_size=200), st.integers(0, 2**20))
def test_no_bytes_at_all_end_in_a_traceback(data: bytes, at: int) -> None:
    place = at % len(WHOLE)
    assert failure(data)[0] == "archive"
    assert failure(WHOLE[:place] + data + WHOLE[place:])[0] in ("", *verify.STEPS)


ACCEPTED = {"type": "acceptance", "arrangement": "a1", "terms_sha256": TERMS}
REVIEWED = {"type": "terms.reviewed", "terms_sha256": TERMS}
GRANTED = {
    "type": "authorization.granted",
    "arrangement": "a1",
    "method": {"payment_method": "pm_1"},
}
PAID = {"type": "payment.succeeded", "arrangement": "a1"}
CHARGED = {**PAID, "saved_method": "pm_1"}


@pytest.mark.parametrize(
    ("story", "wrong"),
    [
        ([REVIEWED, ACCEPTED, PAID], None),
        ([REVIEWED, ACCEPTED, GRANTED, CHARGED], None),
        ([{"type": "payment.succeeded", "amount_cents": 1}], None),
        ([REVIEWED, ACCEPTED, {**PAID, "type": "payment.refunded"}], None),
        ([ACCEPTED, REVIEWED], 0),
        ([{**REVIEWED, "terms_sha256": hex_of(b"other")}, ACCEPTED], 1),
        ([{"type": "terms.reviewed"}, {"type": "acceptance", "arrangement": "a1"}], 0),
        ([REVIEWED, {"type": "acceptance", "arrangement": "a1"}], 1),
        ([REVIEWED, PAID, ACCEPTED], 1),
        ([REVIEWED, {**PAID, "type": "payment.failed"}, ACCEPTED], 1),
        ([REVIEWED, ACCEPTED, {**PAID, "arrangement": "a2"}], 2),
        ([REVIEWED, ACCEPTED, CHARGED, GRANTED], 2),
        ([REVIEWED, ACCEPTED, GRANTED, {**CHARGED, "saved_method": "pm_2"}], 3),
        ([REVIEWED, ACCEPTED, {**GRANTED, "arrangement": "a2"}, CHARGED], 3),
    ],
)
def test_acceptance_follows_its_review_and_money_follows_both(
    story: list[dict[str, object]], wrong: int | None
) -> None:
    step, text = failure(pack(told_in(*story)))
    if wrong is None:
        assert (step, text) == ("", "")
    else:
        assert (step, text.partition(":")[0]) == ("order", f"chain/{wrong:06d}.payload.json")


@given(st.dictionaries(st.text(), st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text()))
def test_the_verifier_knows_the_canonical_form_as_the_log_does(payload: dict[str, object]) -> None:
    try:
        evidence.canonical(payload)
    except evidence.NotCanonical:
        return
    assert failure(pack(told_in({**payload, "type": "link.issued"}))) == ("", "")


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The bundle's own script, with nothing of the project in reach."""
    return subprocess.run(
        [sys.executable, "-I", "verify.py", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_ev_06_the_script_in_the_bundle_runs_alone_in_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "verify.py").write_bytes(FILES["verify.py"])
    (tmp_path / "whole.zip").write_bytes(WHOLE)
    (tmp_path / "log.vkey").write_text(f"{KEY.line}\n")
    forged = changed("chain/000002.payload.json", lambda data: data.replace(b"24000", b"24001"))
    (tmp_path / "forged.zip").write_bytes(forged)

    unconfirmed = run(tmp_path, "whole.zip")
    assert (unconfirmed.returncode, unconfirmed.stderr) == (0, "")
    told = unconfirmed.stdout.splitlines()
    assert [line.split()[0] for line in told] == [*verify.STEPS, "RESULT"]
    assert "SIGNER UNCONFIRMED" in unconfirmed.stdout
    assert told[-1] == "RESULT     whole, but BY WHOM IS UNCONFIRMED: give --key"
    for key in (KEY.line, "log.vkey"):
        confirmed = run(tmp_path, "whole.zip", "--key", key)
        assert (confirmed.returncode, "UNCONFIRMED" in confirmed.stdout) == (0, False)
        last = confirmed.stdout.splitlines()[-1]
        assert last == "RESULT     whole, signed by a key that you gave"

    failed = run(tmp_path, "forged.zip", "--key", "log.vkey")
    assert failed.returncode == 1
    step, last = failed.stdout.splitlines()[-2:]
    assert re.match(r"commit +FAILED chain/000002\.payload\.json: expected ", step)
    assert last == "RESULT     NOT WHOLE: commit does not hold"
    (tmp_path / "empty.vkey").write_text("\n")
    for nothing in (("gone.zip",), (".",), ("whole.zip", "--key", "empty.vkey")):
        done = run(tmp_path, *nothing)
        assert (done.returncode, done.stderr) == (1, "")
    for unreadable in ("gone.vkey", ".", "whole.zip"):
        done = run(tmp_path, "whole.zip", "--key", unreadable)
        assert (done.returncode, done.stdout) == (2, "")
        assert "nothing was checked, no key can be read" in done.stderr


@pytest.mark.parametrize("language", verifier.TOLD_IN)
def test_how_to_check_it_begins_in_the_debtors_language_and_quotes_the_script(
    language: str,
) -> None:
    english, told = (verifier.for_people(one)["VERIFY.md"].decode() for one in ("en", language))
    own = told.removesuffix(english)
    assert own.startswith("# C")
    for said in ("signed by a key that you gave", "BY WHOM IS UNCONFIRMED", "NOT WHOLE"):
        assert said in own
        assert said in FILES["verify.py"].decode()


def test_the_script_is_short_and_needs_nothing_but_python_and_cryptography() -> None:
    script = FILES["verify.py"].decode()
    assert len(script.splitlines()) < 200
    imports = set(re.findall(r"^ *(?:from|import) ([a-z0-9_]+)", script, re.M))
    assert imports - {"cryptography"} <= sys.stdlib_module_names
    assert "portal" not in imports
