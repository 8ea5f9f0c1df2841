"""Texts of law: versioned documents in each language, never gettext (AX-04).

``texts/<doc_id>/<version>/<language>.txt`` holds one block a line: ``# `` begins a heading, ``- ``
an item of a list, anything else is a paragraph. ``{name}`` is filled in; a line with a name that
has several values is repeated for each. A published version never changes: write the next one.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import TypeAlias

AUTHORITATIVE_LANGUAGE = "en"

Value: TypeAlias = str | Sequence[str]

_NAME = re.compile(r"\{([a-z_]+)\}")
_LINE_BREAKS = re.compile(r"[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029 ]+")


class BlockKind(StrEnum):
    """How a block of a document is set."""

    HEADING = "heading"
    ITEM = "item"
    PARAGRAPH = "paragraph"


_MARKS = {BlockKind.HEADING: "# ", BlockKind.ITEM: "- ", BlockKind.PARAGRAPH: ""}


class DocumentUnknown(LookupError):
    """There is no document of this id and version."""


class PlaceholderMissing(LookupError):
    """A document was asked for without a value for one of its names."""


@dataclass(frozen=True, slots=True)
class Block:
    """One heading, item or paragraph, as the person reads it."""

    kind: BlockKind
    text: str


@dataclass(frozen=True, slots=True)
class LegalText:
    """A document as it was shown. ``locale`` is the language it really has, which the page names.

    ``source_sha256`` is that of the published file, ``sha256`` that of ``text`` in UTF-8, both hex.
    """

    doc_id: str
    version: str
    locale: str
    source_sha256: str
    blocks: tuple[Block, ...]

    @property
    def text(self) -> str:
        """The whole text, one block a line, as it is stored and hashed."""
        return "".join(f"{_MARKS[block.kind]}{block.text}\n" for block in self.blocks)

    @property
    def sha256(self) -> str:
        """The hash for the evidence of what was shown."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class _Source:
    version: str
    locale: str
    sha256: str
    blocks: tuple[Block, ...]


def legal_text(
    doc_id: str, locale: str, *, version: str | None = None, **values: Value
) -> LegalText:
    """A document in a person's language, filled in; without ``version`` the newest one.

    ``values`` are as the person reads them (money, dates). A language that it lacks gives English.
    Raises DocumentUnknown, PlaceholderMissing.
    """
    source = _source(doc_id, version or versions(doc_id)[-1], locale)
    try:
        blocks = tuple(_filled(source.blocks, values))
    except KeyError as error:
        raise PlaceholderMissing(f"{doc_id} needs a value for {error}") from None
    return LegalText(doc_id, source.version, source.locale, source.sha256, blocks)


def document_ids() -> tuple[str, ...]:
    """Every document there is."""
    return tuple(sorted(folder.name for folder in _texts().iterdir() if folder.is_dir()))


@cache
def versions(doc_id: str) -> tuple[str, ...]:
    """The versions of a document, oldest first. Raises DocumentUnknown."""
    folder = _texts().joinpath(doc_id)
    if doc_id not in document_ids():
        raise DocumentUnknown(doc_id)
    return tuple(sorted((entry.name for entry in folder.iterdir()), key=int))


def placeholders(doc_id: str, locale: str = AUTHORITATIVE_LANGUAGE) -> frozenset[str]:
    """The names that the newest version of a document wants values for."""
    source = _source(doc_id, versions(doc_id)[-1], locale)
    return frozenset(name for block in source.blocks for name in _NAME.findall(block.text))


def _texts() -> Traversable:
    return files("portal.rules").joinpath("texts")


@cache
def _source(doc_id: str, version: str, locale: str) -> _Source:
    folder = _texts().joinpath(doc_id, version)
    for language in (locale.replace("_", "-").partition("-")[0].lower(), AUTHORITATIVE_LANGUAGE):
        path = folder.joinpath(f"{language}.txt")
        if language.isalpha() and path.is_file():
            data = path.read_bytes()
            blocks = tuple(_block(line) for line in data.decode("utf-8").split("\n") if line)
            return _Source(version, language, hashlib.sha256(data).hexdigest(), blocks)
    raise DocumentUnknown(f"{doc_id} version {version}")


def _block(line: str) -> Block:
    for kind, mark in _MARKS.items():
        if mark and line.startswith(mark):
            return Block(kind, line.removeprefix(mark))
    return Block(BlockKind.PARAGRAPH, line)


def _filled(blocks: Sequence[Block], values: Mapping[str, Value]) -> Iterator[Block]:
    for block in blocks:
        named = {name: values[name] for name in _NAME.findall(block.text)}
        several = [name for name, value in named.items() if not isinstance(value, str)]
        rows: Sequence[str] = named[several[0]] if several else [""]
        for row in rows:
            yield Block(block.kind, _fill(block.text, named | dict.fromkeys(several, row)))


def _fill(template: str, values: Mapping[str, Value]) -> str:
    return _NAME.sub(lambda found: _LINE_BREAKS.sub(" ", str(values[found[1]])).strip(), template)
