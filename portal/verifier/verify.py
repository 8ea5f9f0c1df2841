"""Check an evidence bundle (format v1) offline. Exit code 0: all holds; 1: not; 2: not checked."""

import argparse
import hmac
import json
import re
import zipfile
from base64 import b64decode, b64encode
from collections.abc import Iterator
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

STEPS = "archive manifest chain commit documents objects proof checkpoint order".split()
MOST_BYTES, MOST_PARSED, MOST_MEMBERS = 200 * 2**20, 8 * 2**20, 20_000
MODES = (0, 0o600 << 16, 0o100600 << 16, 0o100644 << 16, 0o100664 << 16, 0x41ED0010, 0x41FD0010)
MANIFEST = {"v", "reference", "log", "chain", "made_at", "disclosed", "files"}
LEAF = {"v", "log", "chain", "n", "prev", "type", "at", "commit"}
ALWAYS = {"checkpoint", "certificate.pdf", "VERIFY.md", "verify.py"}
DISCLOSED = (".payload.json", ".salt", ".tlog-proof")
PLACE = r"chain/[0-9]+\.leaf|documents/[0-9a-f]{64}|objects/[0-9a-f]{64}\.json|keys/.+\.vkey"
NAMES = {"disclosures": "documents/%s", "documents": "documents/%s", "objects": "objects/%s.json"}
TIME = re.compile(r"[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z")


class Bundle:
    """A bundle that is being checked; each step is a method that raises where it does not hold."""

    def __init__(self, source: str | bytes, key: str = "") -> None:
        self.source, self.key, self.file, self.room = source, key, "the archive", MOST_PARSED
        self.sums, self.named, self.note = dict[str, str](), dict[str, int](), b""  # named: by n
        self.leaves, self.payloads = list[dict[str, Any]](), dict[str, dict[str, Any]]()

    def want(self, holds: object, expected: str, file: str = "") -> None:
        self.file = file or self.file
        if not holds:
            raise AssertionError(f"expected {expected}")

    def read(self, file: str) -> bytes:
        self.want(file in self.sums, "to be in the bundle", file)
        self.data = self.zip.open(file).read(self.room + 1)
        self.room -= len(self.data)
        self.want(self.room >= 0, f"at most {MOST_PARSED} bytes to be parsed in all")
        return self.data

    def parse(self, file: str, fields: set[str] | None = None) -> Any:
        found = json.loads(
            self.read(file),
            object_pairs_hook=lambda p: dict(sorted(p, key=lambda x: x[0].encode("utf-16-be"))),
            parse_float=int,
        )
        exact = json.dumps(found, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        self.want(exact.encode() == self.data or file == "manifest.json", "the form of RFC 8785")
        self.want(found.keys() == (fields or found.keys()), f"the fields {fields}")
        return found

    def archive(self, _step: str) -> None:
        """A sane zip: plain names that stay inside, none twice, at most 200 MB unpacked."""
        data = Path(self.source).read_bytes() if isinstance(self.source, str) else self.source
        self.zip, total, at = zipfile.ZipFile(BytesIO(data)), 0, 0
        self.want(len(self.zip.filelist) <= MOST_MEMBERS, f"at most {MOST_MEMBERS} members")
        for info in self.zip.filelist:
            name, digest, member = info.orig_filename, sha256(), self.zip.open(info)
            bad = re.search(r"[^!-\[\]-~]|^[^/]*:|(^|/)(\.{0,2}/|\.{1,2}$)|^$", name)
            self.want(not bad and name not in self.sums, "a plain name, inside, once", name)
            head = data[at : at + 30]
            same = head[:26] == info.FileHeader()[:26] and at == info.header_offset
            plain = info.external_attr in MODES and info.internal_attr < 2 and not info.volume
            self.want(same and plain and info.compress_type in (0, 8), "a plain file, as listed")
            at += 30 + head[26] + 256 * head[27] + head[28] + 256 * head[29] + info.compress_size
            while piece := member.read(2**16):
                total += len(piece)
                digest.update(piece)
                self.want(total <= MOST_BYTES, f"at most {MOST_BYTES} bytes unpacked in all")
            if name[-1] != "/" or info.file_size:
                self.sums[name] = digest.hexdigest()
        whole = at == self.zip.start_dir and data[-18:-14] + data[-2:] == bytes(6)
        self.want(whole, "members, then their list, and no more", "the archive")

    def manifest(self, _step: str) -> None:
        """The manifest lists every other member with its SHA-256, and nothing else is there."""
        self.about = self.parse("manifest.json", MANIFEST)
        files, told = self.about["files"], self.about["disclosed"]
        self.want(len(re.findall(rb'"\s*:', self.data)) == len(MANIFEST | {*files}), "no key twice")
        sane = told and told == sorted({n for n in told if type(n) is int and n >= 0})
        self.want(sane and repr(self.about["v"]) == "1", "v 1, and disclosed leaves in order")
        self.want(TIME.fullmatch(self.about["made_at"]), "a time in made_at")
        must = {f"chain/{n:06d}{part}" for n in told for part in DISCLOSED} | ALWAYS
        for name in sorted({*files, *self.sums, *must} - {"manifest.json"}):
            self.want(name in self.sums, "to be in the bundle", name)
            self.want(name in files and (name in must or re.fullmatch(PLACE, name)), "no such file")
            self.want(self.sums[name] == files[name], f"SHA-256 {files[name]!a:.66}")

    def chain(self, _step: str) -> None:
        """Leaves from n = 0 without a gap, each with the hash of the one before, times in order."""
        prev, at, same = "0" * 64, "", {"log": self.about["log"], "chain": self.about["chain"]}
        for n in range(max(self.about["disclosed"][-1] + 1, sum(".leaf" in x for x in self.sums))):
            leaf = self.parse(f"chain/{n:06d}.leaf", LEAF)
            for field, value in {**same, "v": 1, "n": n, "prev": prev}.items():
                self.want(repr(leaf[field]) == repr(value), f"{field} {value!a:.99}")
            self.want(TIME.fullmatch(leaf["at"]) and leaf["at"] >= at, f"a time not before {at}")
            prev, at = sha256(b"\0" + self.data).hexdigest(), leaf["at"]
            self.leaves.append({**leaf, "hash": prev})

    def commit(self, _step: str) -> None:
        """Each disclosed payload, under its salt, is what its leaf commits to."""
        for n in self.about["disclosed"]:
            leaf, salt = self.leaves[n], self.read(f"chain/{n:06d}.salt")
            self.want(re.fullmatch(b"[0-9a-f]{64}", salt), "64 hex digits")
            told = self.payloads[self.file] = self.parse(f"chain/{n:06d}.payload.json")
            made = hmac.digest(bytes.fromhex(salt.decode()), self.data, "sha256").hex()
            self.want(made == leaf["commit"], f"what leaf {n} commits to, under its salt")
            self.want(told["type"] == leaf["type"], f"type {leaf['type']!a:.66}")
            for field, path in NAMES.items():
                self.named |= {path % x["sha256"]: n for x in told.get(field, []) if "sha256" in x}
        ref = [p.get("reference") for p in self.payloads.values() if p["type"] == "acceptance"]
        self.want(not any(ref) or self.about["reference"] in ref, f"{ref}"[:99], "manifest.json")

    def documents(self, step: str) -> None:
        """All that disclosed payloads name by its SHA-256 is there, byte for byte, and no more."""
        for name in sorted(name for name in {*self.named, *self.sums} if name.startswith(step)):
            self.want(name in self.sums and name in self.named, "to be there and named", name)
            self.want(self.sums[name] in name, "the bytes of this SHA-256")

    def proof(self, _step: str) -> None:
        """Each disclosed leaf, and so all before it, is under the root of the one checkpoint."""
        for n in self.about["disclosed"]:
            proof, _, note = self.read(f"chain/{n:06d}.tlog-proof").partition(b"\n\n")
            self.note = self.note or note
            index, *path = [int(proof.split()[2]), *map(b64decode, proof.split()[3:])]
            form = [b"c2sp.org/tlog-proof@v1", b"index %d" % index, *map(b64encode, path), b""]
            self.want(self.data == b"\n".join([*form, self.note]), "a proof over one checkpoint")
            size, root = int(note.split(b"\n")[1]), note.split(b"\n")[2].decode()
            low, top = (index ^ size - 1).bit_length(), bytes.fromhex(self.leaves[n]["hash"])
            self.want(n <= index < size and len(path) == low + (index >> low).bit_count(), "a path")
            for i, x in enumerate(path):  # RFC 9162, 2.1.3.2: a hash from the left or the right
                top = sha256(b"\1" + (x + top if i >= low or index >> i & 1 else top + x)).digest()
            self.want(b64encode(top).decode() == root, f"to lead to the root {root!a:.66}")

    def checkpoint(self, _step: str) -> str:
        """The root is signed by a key that was given; the bundle's own copy only tells which."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey as Key

        log, lines = self.about["log"], dict[str, str]()
        for file in filter(re.compile("keys/").match, self.sums):
            line = self.read(file).decode().removesuffix("\n")
            mark = sha256(f"{log}\n".encode() + b64decode(line[-44:])).hexdigest()[:8]
            lines[mark] = f"{log}+{mark}+{line[-44:]}"
            self.want((file, line) == (f"keys/{log}-{mark}.vkey", lines[mark]), "a key of this log")
        self.want(self.read("checkpoint") == self.note, "the checkpoint of the proofs")
        sign, (body, _, signed) = b64decode(self.note[-93:]), self.note.partition(b"\n\n")
        form = f"{log}\n\u2014 {log} ".encode() + b64encode(sign) + b"\n"
        self.want(body.split(b"\n")[0] + b"\n" + signed == form, f"the signature of {log!a:.99}")
        self.signer = by = lines.get(sign[:4].hex(), "")
        self.want(by in (self.key or by).split(), f"one of your keys, and of keys/, not {by}")
        Key.from_public_bytes(b64decode(by[-44:])[1:]).verify(sign[4:], body + b"\n")
        return f"Signed by {by}" + ("" if self.key else "; SIGNER UNCONFIRMED: give --key")

    def order(self, _step: str) -> None:
        """Terms were reviewed, then accepted, then paid; a charged method was allowed before."""
        seen, payloads = set[Any](), self.payloads
        for self.file, told in payloads.items():
            kind, agreed, saved = told["type"], told.get("arrangement"), told.get("saved_method")
            if kind == "terms.reviewed":
                seen.add(told["terms_sha256"])
            elif kind == "acceptance":
                self.want(told["terms_sha256"] in seen, "an earlier terms.reviewed of its terms")
                seen.add(agreed)
            elif kind == "authorization.granted":
                seen.add((agreed, told.get("method", {}).get("payment_method")))
            elif kind.startswith("payment.") and agreed:
                self.want(agreed in seen, f"an earlier acceptance of {agreed!a:.66}")
                self.want(not saved or (agreed, saved) in seen, "an earlier authorization.granted")

    def steps(self) -> Iterator[tuple[str, bool, str]]:
        """Each step (objects as documents), whether it holds, what was checked or else expected."""
        for step in STEPS:
            try:
                do = getattr(self, step, self.documents)
                yield step, True, do(step) or str(do.__doc__)
            except Exception as error:  # whatever a file holds, it fails the step that reads it
                return (yield step, False, f"{self.file}: {str(error) or f'expected no {error!r}'}")


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("source", metavar="BUNDLE")
    options.add_argument("--key", default="", help="a line of evidence.vkey, or a file of them")
    given = options.parse_args()
    try:
        lines = given.key if "+" in (given.key or "+") else f"{Path(given.key).read_text()}\n"
    except (OSError, ValueError) as error:
        options.error(f"nothing was checked, no key can be read: {error}")
    for step, passed, text in Bundle(given.source, lines).steps():
        print(ascii(f"{step:<10} {'ok' if passed else 'FAILED':<6} {text}")[1:-1])
    signed = "signed by a key that you gave" if lines else "but BY WHOM IS UNCONFIRMED: give --key"
    print("RESULT    ", f"whole, {signed}" if passed else f"NOT WHOLE: {step} does not hold")
    raise SystemExit(not passed)
