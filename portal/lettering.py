"""Letters as PDFs for window envelopes, and pages of a debtor's as PDFs to keep (TX-05, AX-01).

The page that is kept says what is on paper; here it is set, with the square that opens the same
page. docs/decisions/0031-channels.md has the measures of the envelopes.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from portal.certifying import PAGE_OF, UNCOMMON, qr_code
from portal.domain import N_
from portal.domain.pages import Part, parts_of, text_of
from portal.gateways.typesetting import typeset_all
from portal.i18n import voice
from portal.services.letter_package import Sheet
from portal.templating import TEMPLATES

TEMPLATE = TEMPLATES / "letter" / "letter.typ"
AT_ONCE = 25
ALT = N_("QR code: opens your page")
RETURN_LINES = 2
"""Lines of the sender that show through a window: the neutral name and the address, no phone."""


def set_letters(sheets: Sequence[Sheet], *, made_at: datetime) -> list[bytes]:
    """A PDF/UA-1 of each letter, one after another; the same letters give the same bytes.

    Raises NotTypeset.
    """
    made: list[bytes] = []
    for at in range(0, len(sheets), AT_ONCE):
        pages = [spelled(sheet) for sheet in sheets[at : at + AT_ONCE]]
        made += typeset_all(TEMPLATE, pages, made_at=made_at)
    return made


def set_page(page: str, locale: str, *, made_at: datetime) -> bytes:
    """A page of ours, as HTML in the language of a locale, as a PDF/UA-1 with the same words.

    Raises NotTypeset.
    """
    (pdf,) = typeset_all(TEMPLATE, [_plain(locale, parts_of(page))], made_at=made_at)
    return pdf


def spelled(sheet: Sheet) -> dict[str, Any]:
    """A letter as plain JSON: what shows through a window, what says how to go on, and the rest."""
    parts = parts_of(sheet.page)
    placed = {name: _lines(parts, name) for name in ("from", "to", "date")}
    rest = [one for one in parts if _class(one) not in (*placed, "door")]
    doors = [one for one in parts if _class(one) == "door"]
    return _plain(sheet.locale, rest) | {
        "window": True,
        "sender": _returned(placed["from"][:RETURN_LINES]),
        "phone": placed["from"][RETURN_LINES:],
        "to": placed["to"],
        "date": placed["date"],
        "door": _in_lines(doors),
        "code": qr_code(sheet.url) if sheet.url and doors else "",
        "enclosure": _in_lines(_enclosed(sheet)),
    }


def _plain(locale: str, body: Sequence[Part]) -> dict[str, Any]:
    """Words as plain JSON on sheets that show nothing through a window."""
    said = voice(locale)
    title = next((text_of(one["runs"]) for one in body if one["kind"] == "heading"), "")
    return {
        "language": said.language,
        "region": said.country,
        "title": title,
        "window": False,
        "date": [],
        "body": _in_lines(body),
        "door": [],
        "code": "",
        "alt": said.gettext(ALT),
        "enclosure": [],
        "page_of": said.gettext(PAGE_OF, page="{page}", pages="{pages}"),
        "uncommon_note": said.gettext(UNCOMMON),
    }


def _enclosed(sheet: Sheet) -> list[Part]:
    if sheet.enclosure is None:
        return []
    if sheet.enclosure_is_html:
        return parts_of(sheet.enclosure)
    blocks = sheet.enclosure.replace("\r\n", "\n").split("\n\n")
    runs = [[{"text": block.strip("\n"), "strong": False}] for block in blocks if block.strip()]
    return [{"kind": "par", "class": "", "lang": None, "runs": one} for one in runs]


def _in_lines(value: Any) -> Any:
    """The same parts, with the lines of each run apart: what is set has no line ends of its own."""
    if isinstance(value, dict) and "text" in value:
        return {"strong": value["strong"], "lines": value["text"].split("\n")}
    if isinstance(value, dict):
        return {name: _in_lines(part) for name, part in value.items()}
    return [_in_lines(part) for part in value] if isinstance(value, list) else value


def _class(part: Part) -> str:
    return str(part.get("class", ""))


def _lines(parts: Sequence[Part], name: str) -> list[str]:
    found = [text_of(part["runs"]) for part in parts if _class(part) == name]
    return [line.strip() for text in found for line in text.split("\n") if line.strip()]


def _returned(lines: Sequence[str]) -> list[str]:
    """The sender as a window shows it: the name, the street, and the place on a line of its own."""
    name, *address = lines
    street, comma, place = ", ".join(address).partition(", ")
    return [line for line in (name, street, place if comma else "") if line]
