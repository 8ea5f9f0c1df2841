"""The certificate of an acceptance as a PDF in the debtor's language (EV-02, AX-01)."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import get_timezone_name

from portal.domain import N_
from portal.domain.money import Money
from portal.gateways.typesetting import typeset
from portal.i18n import LANGUAGES, Voice, locale_for, voice
from portal.services.certificates import Told, certificate_page
from portal.services.certificates.parts import (
    Block,
    Exact,
    Method,
    Moment,
    Notes,
    Page,
    Row,
    Rows,
    Said,
    Steps,
    Table,
    Tongue,
    Utc,
    Zone,
)
from portal.services.timeline import Words
from portal.templating import TEMPLATES
from portal.writing import paid_with

TEMPLATE = TEMPLATES / "certificate" / "certificate.typ"
LETTER_COUNTRIES = ("US", "CA")

CALM = N_("This page is a record of what was agreed. It is not a bill and asks for nothing new.")
CODED = N_(
    "The long codes in small letters are fingerprints of texts, also called hashes."
    " If one letter of a text changes, its fingerprint changes too."
)
PAGE_OF = N_("Page %(page)s of %(pages)s")
UNCOMMON = N_(
    "A letter that this page cannot print stands as its Unicode number, like [U+674E]."
    " The record has the letter itself."
)


def certificate(told: Told) -> bytes:
    """The PDF/UA-1 certificate of an acceptance; the same facts give the same bytes.

    It speaks the language of the acceptance and writes amounts as the client's country does.
    Raises RecordErased, NotTypeset.
    """
    page = certificate_page(told)
    locale = locale_for(page.locale.partition("_")[0], told.country)
    return typeset(TEMPLATE, spelled(page, locale), made_at=page.made_at)


def spelled(page: Page, locale: str) -> dict[str, Any]:
    """A certificate as plain JSON in the language of a locale, amounts and times written out."""
    teller = _Teller(voice(locale), page.zone)
    said = teller.voice
    return {
        "language": said.language,
        "region": said.country,
        "paper": "us-letter" if said.country in LETTER_COUNTRIES else "a4",
        "title": teller.line(page.title)["text"],
        "reference": page.reference,
        "lead": [teller.line(line) for line in page.lead],
        "calm": said.gettext(CALM),
        "notes": said.gettext(CODED),
        "uncommon_note": said.gettext(UNCOMMON),
        "page_of": said.gettext(PAGE_OF, page="{page}", pages="{pages}"),
        "sections": [
            {
                "title": teller.text(section.title),
                "blocks": [teller.block(block) for block in section.blocks],
            }
            for section in page.sections
        ],
    }


class _Teller:
    """Says the parts of a certificate in one language and one time zone."""

    def __init__(self, said: Voice, zone: str) -> None:
        self.voice = said
        self.zone = zone

    def block(self, block: Block) -> dict[str, Any]:
        if isinstance(block, Rows):
            caption = self.text(block.caption)
            return {"kind": "rows", "caption": caption, "rows": self._rows(block.rows)}
        if isinstance(block, Notes):
            return {"kind": "notes", "lines": [self.line(line) for line in block.lines]}
        if isinstance(block, Steps):
            return {
                "kind": "steps",
                "lines": [self.line(line) for line in block.lines],
                "code": qr_code(block.code),
                "alt": self.text(block.alt),
            }
        return self._table(block)

    def _table(self, table: Table) -> dict[str, Any]:
        return {
            "kind": "table",
            "caption": self.text(table.caption),
            "head": [self.text(cell) for cell in table.head],
            "rows": [[self.line(cell, alone=False) for cell in row] for row in table.rows],
            "total": [self.line(cell) for cell in table.total],
            "amounts": table.amounts,
        }

    def _rows(self, rows: Iterable[Row]) -> list[dict[str, Any]]:
        return [
            {"label": self.text(row.label), "lines": [self.line(line) for line in row.lines]}
            for row in rows
        ]

    def line(self, said: Said, *, alone: bool = True) -> dict[str, Any]:
        """One line; a moment that stands alone has UTC beside it."""
        if isinstance(said, Exact | Utc):
            return {"text": self.text(said), "exact": True}
        beside = f"{utc_text(said.at)} UTC" if alone and isinstance(said, Moment) else ""
        return {"text": self.text(said), "utc": beside} if beside else {"text": self.text(said)}

    def text(self, said: object) -> str:
        """Anything that is said, as text."""
        if isinstance(said, Words):
            return self.voice.gettext(said.message, **self._params(said.params))
        if isinstance(said, Moment):
            return self.voice.datetime(said.at, self.zone)
        if isinstance(said, Utc):
            return utc_text(said.at)
        if isinstance(said, Exact):
            return said.text
        if isinstance(said, Money | date):
            return str(self.voice.spell(said))
        return self._named(said)

    def _named(self, said: object) -> str:
        if isinstance(said, Tongue):
            return LANGUAGES.get(said.locale.partition("_")[0], said.locale)
        if isinstance(said, Zone):
            return zone_text(self.voice, said.name)
        if isinstance(said, Method):
            return paid_with(self.voice, said.brand, said.last4)
        return self.voice.number(said) if isinstance(said, int) else str(said)

    def _params(self, params: Mapping[str, object]) -> dict[str, str]:
        return {name: self.text(value) for name, value in params.items()}


def utc_text(at: datetime) -> str:
    """An instant of UTC as the record has it, to the millisecond: 2026-11-23 17:05:09.123."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03}"


def zone_text(said: Voice, name: str) -> str:
    """A time zone as people call it, with its own name: Eastern Time (America/New_York)."""
    if "/" not in name or name.startswith("Etc/"):
        return name
    return f"{get_timezone_name(ZoneInfo(name), locale=said.formats)} ({name})"


def qr_code(text: str, *, fluid: bool = False) -> str:
    """A QR code as an SVG picture, without a border; ``fluid`` is as large as its place."""
    import segno  # noqa: PLC0415 - only who gets a certificate or a letter pays for it

    picture = BytesIO()
    code = segno.make(text, micro=False, error="m")
    code.save(picture, kind="svg", border=0, xmldecl=False, omitsize=fluid)
    return picture.getvalue().decode().strip()
