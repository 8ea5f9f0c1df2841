"""A batch of letters as one file to take along: the pages to print, and the addresses."""

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from portal.domain import labels
from portal.domain.codes import unbroken
from portal.domain.keys import Keys
from portal.domain.spreadsheets import guarded
from portal.models import AccessLink, Client, Letter, LetterBatch, Message, Staff
from portal.services import evidence
from portal.services.letter_batches import HIDDEN, rows_of
from portal.services.links import code_of
from portal.services.messages import about

PACKED_AT = (1980, 1, 1, 0, 0, 0)
"""The time of every file in a package, so that the same letters make the same bytes."""


def package(
    session: Session, batch: LetterBatch, *, keys: Keys, staff: Staff, now: datetime
) -> bytes:
    """A zip of every letter of a batch as it was printed, with the addresses as ``letters.csv``.

    The code that a letter brings is in no table: it is made again from the keys.

    Who took it is on the record of the client. The caller commits.
    """
    client = session.get_one(Client, batch.client_id)
    evidence.record(
        session,
        client_id=client.id,
        chain_id=client.chain_id,
        type="letters.downloaded",
        payload={"actor": evidence.staff(staff.id), "batch": batch.reference},
        now=now,
    )
    rows = session.execute(rows_of(batch)).all()
    lines = [["file", "enclosure", "kind", "name", "address_1", "address_2", "address_3"]]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as into:
        for letter, message, _, _ in rows:
            names = [*_files(session, letter, _code(session, letter, keys), into)]
            kind = labels.TEMPLATES.get(message.template, message.template)
            lines.append([*names, kind, *letter.recipient.split("\n")])
        _put(into, "letters.csv", _csv(lines))
    return packed.getvalue()


def _code(session: Session, letter: Letter, keys: Keys) -> str:
    if letter.link_id is None:
        return HIDDEN
    link = session.get_one(AccessLink, (letter.client_id, letter.link_id))
    return unbroken(code_of(keys, link))


def _files(session: Session, letter: Letter, code: str, into: zipfile.ZipFile) -> Iterator[str]:
    """Put a letter's files into a package; the name of each, empty where there is none."""
    accounts = about(session, session.get_one(Message, (letter.client_id, letter.message_id)))
    for what, digest in (
        ("letter", letter.document_sha256),
        ("enclosure", letter.enclosure_sha256),
    ):
        if digest is None:
            yield ""
            continue
        document = evidence.kept_with(session, accounts, digest.hex())
        ending = "html" if document.media.startswith("text/html") else "txt"
        name = f"{letter.n:03}-{what}.{ending}"
        body = document.body
        exact = body.replace(HIDDEN.encode(), code.encode()) if what == "letter" else body
        _put(into, name, exact)
        yield name


def _put(into: zipfile.ZipFile, name: str, body: bytes) -> None:
    into.writestr(zipfile.ZipInfo(name, PACKED_AT), body, zipfile.ZIP_DEFLATED)


def _csv(lines: Sequence[Sequence[str]]) -> bytes:
    written = io.StringIO()
    csv.writer(written).writerows([guarded(cell) for cell in line] for line in lines)
    return b"\xef\xbb\xbf" + written.getvalue().encode()
