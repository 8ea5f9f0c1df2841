"""Placement files as they arrive: is it text, what separates its cells, one record at a time.

Nothing here holds more than one record: a file may be larger than memory.
"""

import codecs
import csv
import hashlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path

from portal.domain import N_, DomainError

MOST_COLUMNS = 200
LONGEST_RECORD = 65_536
"""Characters; a real record has fewer than 1,000."""
MOST_LINES = 20
"""Lines that one record may span, through line breaks inside quotation marks."""
DELIMITERS = ",;\t"

_CHUNK = 1 << 20
_SIGNATURES = (
    (b"PK\x03\x04", "an Excel workbook or a ZIP archive"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)


class FileNotText(DomainError):
    message = N_("The file is %(kind)s, not text: save it as “CSV UTF-8” and place that file.")


class FileNotUtf8(DomainError):
    message = N_(
        "Line %(line)s is not UTF-8: save the file as “CSV UTF-8” and place it again."
        " Nothing was placed."
    )


class FileEmpty(DomainError):
    message = N_(
        "The file holds no rows: it needs a line with column names, and one for each account."
    )


class FileMissing(DomainError):
    message = N_("There is no readable file %(path)s (%(why)s).")


class HeaderTooWide(DomainError):
    message = N_(
        "The first line has more than %(most)s columns or %(longest)s characters:"
        " it should hold the names of the columns."
    )


@dataclass(frozen=True, slots=True)
class PlacementFile:
    """A file that was read once from end to end: text in UTF-8, with this hash and size."""

    path: Path
    sha256: bytes
    size: int


@dataclass(frozen=True, slots=True)
class Record:
    """The cells of one record and the line it begins on; ``problem`` says why it has none."""

    line: int
    cells: list[str]
    problem: str | None = None


def inspect_file(path: Path) -> PlacementFile:
    """Read the file once, so that a wrong encoding is found before anything is placed.

    Raises FileMissing, FileNotText, FileNotUtf8, FileEmpty.
    """
    digest, decoder, lines, size = hashlib.sha256(), codecs.getincrementaldecoder("utf-8")(), 1, 0
    try:
        with path.open("rb") as source:
            while chunk := source.read(_CHUNK):
                if not size:
                    _refuse_other_kinds(chunk)
                digest.update(chunk)
                _decode(decoder, chunk, lines)
                lines += chunk.count(b"\n")
                size += len(chunk)
    except OSError as error:
        raise FileMissing(path=path, why=error.strerror) from None
    _decode(decoder, b"", lines, final=True)
    if not size:
        raise FileEmpty
    return PlacementFile(path, digest.digest(), size)


def _refuse_other_kinds(start: bytes) -> None:
    for signature, kind in _SIGNATURES:
        if start.startswith(signature):
            raise FileNotText(kind=kind)
    if b"\x00" in start[:4096]:
        raise FileNotText(kind="UTF-16 or a binary file")


def _decode(
    decoder: codecs.IncrementalDecoder, chunk: bytes, lines: int, *, final: bool = False
) -> None:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError as error:
        line = lines + error.object[: error.start].count(b"\n")
        raise FileNotUtf8(line=line) from None


def records(file: PlacementFile, read: Callable[[int], None]) -> Iterator[Record]:
    """The records of a file, the header first; blank ones are left out.

    ``read`` hears how many bytes have been read. Raises FileEmpty, HeaderTooWide.
    """
    with file.path.open("rb") as raw:
        text = TextIOWrapper(raw, encoding="utf-8-sig", newline="")
        lines = _Lines(text)
        header = _header(lines)
        yield header[0]
        done = 0
        for record in _split(lines, header[1]):
            if record.problem or any(cell and not cell.isspace() for cell in record.cells):
                yield record
            if (at := raw.tell()) != done:
                read(at - done)
                done = at


class _Lines:
    """Physical lines with their numbers, which can be put back; too long ones are None."""

    def __init__(self, text: TextIOWrapper) -> None:
        self.text, self.number = text, 0
        self.waiting: deque[tuple[int, str | None]] = deque()

    def next(self) -> tuple[int, str | None] | None:
        """The next line, or None at the end."""
        if self.waiting:
            return self.waiting.popleft()
        line = self.text.readline(LONGEST_RECORD + 1)
        if not line:
            return None
        self.number += 1
        if len(line) <= LONGEST_RECORD:
            return self.number, line
        while line and not line.endswith(("\n", "\r")):
            line = self.text.readline(LONGEST_RECORD)
        return self.number, None


def _header(lines: _Lines) -> tuple[Record, str]:
    while (found := lines.next()) is not None:
        number, line = found
        if line is None or max(map(line.count, DELIMITERS)) >= MOST_COLUMNS:
            raise HeaderTooWide(most=MOST_COLUMNS, longest=LONGEST_RECORD)
        if line.strip(" \t\r\n,;"):
            delimiter = max(DELIMITERS, key=line.count)
            cells = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True))
            return Record(number, [cell.strip() for cell in cells]), delimiter
    raise FileEmpty


def _split(lines: _Lines, delimiter: str) -> Iterator[Record]:
    while (found := lines.next()) is not None:
        number, line = found
        if line is None:
            yield Record(number, [], "The line is too long: is a quotation mark missing?")
        else:
            yield _record(lines, number, line, delimiter)


def _record(lines: _Lines, number: int, line: str, delimiter: str) -> Record:
    """One record, with further lines as long as a quotation mark is open.

    Where it never closes, only the first line is lost: the others are put back.
    """
    parts, taken, size = [line], [], len(line)
    while True:
        try:
            rows = csv.reader(parts, delimiter=delimiter, strict=True, skipinitialspace=True)
            return Record(number, next(rows, []))
        except csv.Error as error:
            more = lines.next() if "unexpected end" in str(error) else None
        if more is not None:
            taken.append(more)
            size += len(more[1] or "")
        if more is None or more[1] is None or len(taken) >= MOST_LINES or size > LONGEST_RECORD:
            lines.waiting.extendleft(reversed(taken))
            return Record(number, [line.rstrip("\r\n")[:200]], QUOTES_OPEN)
        parts.append(more[1])


QUOTES_OPEN = (
    "The quotation marks do not pair up: close each one, and double those inside a quoted cell."
)
