"""A batch of letters as one file for a print house: a PDF each, and a manifest of all of them."""

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy.orm import Session

from portal.domain import labels
from portal.domain.codes import unbroken
from portal.domain.keys import Keys
from portal.domain.spreadsheets import guarded
from portal.models import AccessLink, Client, Letter, LetterBatch, Message, Staff
from portal.services import evidence
from portal.services.ledger import lock_account
from portal.services.letter_batches import DOWNLOADED, HIDDEN, file_of, forbidden_now, rows_of
from portal.services.links import code_of, url_of
from portal.services.messages import about

PACKED_AT = (1980, 1, 1, 0, 0, 0)
"""The time of every file in a package, so that the same letters make the same bytes."""
MANIFEST, TABLE = "manifest.json", "letters.csv"
ADDRESS = ("name", "address_1", "address_2", "address_3")


@dataclass(frozen=True, slots=True)
class Sheet:
    """One letter to be set: its page with the code in it, and the address that its square holds.

    ``enclosure`` is the document that goes along, as it was shown.
    """

    page: str = field(repr=False)
    url: str | None = field(repr=False)
    locale: str
    enclosure: str | None = None
    enclosure_is_html: bool = True


@dataclass(frozen=True, slots=True)
class Press:
    """How letters become PDFs, one for each sheet in its order, and whose keys open their pages."""

    set_letters: Callable[..., Sequence[bytes]]
    locale_of: Callable[[str, str], str]
    keys: Keys


def package(
    session: Session, batch: LetterBatch, press: Press, *, staff: Staff, now: datetime
) -> bytes:
    """A zip of the letters of a batch as PDFs, with a manifest and the addresses as a table.

    What may no longer be sent is left out, and the manifest names it without saying why (CT-08).
    The code and the square that a letter brings are in no table of ours: they are made again from
    the keys. Who took it, and the hash of each file, is on the record of the client. The same
    letters give the same bytes. The caller commits. Raises NotTypeset.
    """
    client = session.get_one(Client, batch.client_id)
    rows, withheld = _decided(session, batch, now)
    sheets = [_sheet(session, letter, message, client, press) for letter, message in rows]
    files = press.set_letters(sheets, made_at=batch.printed_at)
    entries = [_entry(*row, pdf) for row, pdf in zip(rows, files, strict=True)]
    kept_back = {"withheld": withheld} if withheld else {}
    evidence.record(
        session,
        client_id=client.id,
        chain_id=client.chain_id,
        type=DOWNLOADED,
        payload={
            "actor": evidence.staff(staff.id),
            "batch": batch.reference,
            "files": [{"name": one["file"], "sha256": one["sha256"]} for one in entries],
            **kept_back,
        },
        now=now,
    )
    return _packed(batch, entries, files, [one["name"] for one in withheld])


def _decided(
    session: Session, batch: LetterBatch, now: datetime
) -> tuple[list[tuple[Letter, Message]], list[dict[str, str]]]:
    """The letters that may go, and those that may not, each with its rule.

    Nobody sets a hold on one of their accounts until the transaction ends.
    """
    rows = [(row[0], row[1]) for row in session.execute(rows_of(batch))]
    for account_id in sorted({one.id for _, message in rows for one in about(session, message)}):
        lock_account(session, account_id)
    may_go, withheld = [], []
    for letter, message in rows:
        if rule := forbidden_now(session, letter, message, now=now):
            withheld.append({"name": file_of(letter), "rule": rule})
        else:
            may_go.append((letter, message))
    return may_go, withheld


def _packed(
    batch: LetterBatch,
    entries: Sequence[dict[str, Any]],
    files: Sequence[bytes],
    withheld: Sequence[str],
) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as into:
        for entry, pdf in zip(entries, files, strict=True):
            _put(into, entry["file"], pdf)
        table = _csv(list(_lines(entries)))
        _put(into, TABLE, table)
        manifest = {
            "batch": batch.reference,
            "printed_at": batch.printed_at.isoformat(),
            "count": len(entries),
            "letters": entries,
            **({"withheld": list(withheld)} if withheld else {}),
            "table": {"file": TABLE, "sha256": sha256(table).hexdigest()},
        }
        _put(into, MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=2).encode() + b"\n")
    return packed.getvalue()


def _entry(letter: Letter, message: Message, pdf: bytes) -> dict[str, Any]:
    """One letter as the manifest has it; the two hashes of ours name what the record keeps."""
    return {
        "file": file_of(letter),
        "sha256": sha256(pdf).hexdigest(),
        "page_sha256": letter.document_sha256.hex(),
        "enclosure_sha256": (letter.enclosure_sha256 or b"").hex(),
        "kind": labels.TEMPLATES.get(message.template, message.template),
        "address": letter.recipient.split("\n"),
    }


def _lines(entries: Sequence[dict[str, Any]]) -> Iterator[list[str]]:
    yield ["file", "sha256", "enclosure_sha256", "kind", *ADDRESS]
    for one in entries:
        address = [*one["address"], *[""] * len(ADDRESS)][: len(ADDRESS)]
        yield [one["file"], one["sha256"], one["enclosure_sha256"], one["kind"], *address]


def _sheet(
    session: Session, letter: Letter, message: Message, client: Client, press: Press
) -> Sheet:
    accounts = about(session, message)
    page = evidence.kept_with(session, accounts, letter.document_sha256.hex()).body.decode()
    url, code = None, HIDDEN
    if letter.link_id is not None:
        link = session.get_one(AccessLink, (letter.client_id, letter.link_id))
        code, url = unbroken(code_of(press.keys, link)), url_of(press.keys, link)
    enclosed = letter.enclosure_sha256 and evidence.kept_with(
        session, accounts, letter.enclosure_sha256.hex()
    )
    return Sheet(
        page=page.replace(HIDDEN, code),
        url=url if HIDDEN in page else None,
        locale=press.locale_of(message.locale, client.country),
        enclosure=enclosed.body.decode() if enclosed else None,
        enclosure_is_html=bool(enclosed and enclosed.media.startswith("text/html")),
    )


def _put(into: zipfile.ZipFile, name: str, body: bytes) -> None:
    into.writestr(zipfile.ZipInfo(name, PACKED_AT), body, zipfile.ZIP_DEFLATED)


def _csv(lines: Sequence[Sequence[str]]) -> bytes:
    written = io.StringIO()
    csv.writer(written).writerows([guarded(cell) for cell in line] for line in lines)
    return b"\xef\xbb\xbf" + written.getvalue().encode()
