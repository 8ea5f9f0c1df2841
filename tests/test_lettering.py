"""Letters as PDFs: what shows through a window, what the square holds, what is heard (TX-05)."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any

import pypdfium2
import pytest
import zxingcpp
from pypdf import PdfReader

from portal.domain.pages import parts_of, text_of
from portal.i18n import locale_for
from portal.lettering import set_letters
from portal.models import Channel
from portal.services.letter_package import Sheet
from portal.services.message_facts import MessageFacts
from portal.services.printing import Recipient
from portal.writing import write_letter
from tests.services.test_writing import private_facts
from tests.test_certifying import tags

MADE_AT = datetime(2026, 11, 22, 17, tzinfo=UTC)
URL = "https://pay.example.com/l/Q0aZ8bT2xY1c.AbCdEfGhIjKlMQ"
CODE = "K7MP\u201142XD"
DPI = 150
POINTS = 72
LANGUAGES = [("en", "US"), ("es", "US"), ("fr", "CA")]
LONG = (
    "María Guadalupe Hernández-Montenegro de la Fuente y Sánchez-Villalobos",
    "12345 North Avenida de las Américas, Building 7, Apartment 1204, Rear Entrance",
    "San Antonio, TX 78205",
    "USA",
)

# In points from the top left of the sheet. A sheet of 8.5 by 11 inches folded in three has panels
# of 3.67 inches; in a #10 envelope (9.5 by 4.125 inches, US and Canadian) it can move one inch
# sideways and 0.46 inches up and down. SEEN is what any such position shows, ALWAYS what all show.
# The windows: 4.5 by 1.125 inches, 0.875 from the left and 0.5 from the bottom; above it 3.5 by
# 0.875 inches, 0.375 from the left and 2.375 from the bottom. The address also stands within the
# field of DIN 5008 form B, which is narrower on its right.
SEEN = {"address": (0, 147, 387, 261), "sender": (0, 30, 279, 126)}
ALWAYS = {"address": (63, 180, 298, 228), "sender": (27, 63, 207, 93)}
DIN_5008 = (57, 128, 298, 255)
FOLD = 264


def facts(language: str, country: str, **given: Any) -> MessageFacts:
    values: dict[str, Any] = {
        "template": "link",
        "channel": Channel.LETTER,
        "language": language,
        "country": country,
        "sender": "Harbor Services",
        "street_address": "12 Pier Road, Suite 400, Portland, OR 97201",
        "phone": "1-800-555-0100",
        "private": False,
        "link_url": URL,
        "link_code": "K7MP-42XD",
        "link_until": date(2026, 12, 20),
        "unsubscribe_url": None,
        "values": {},
    }
    return MessageFacts(**(values | given))


def sheet(
    language: str = "en",
    country: str = "US",
    to: tuple[str, ...] = LONG,
    enclosure: str | None = None,
    **given: Any,
) -> Sheet:
    page = write_letter(
        facts(language, country, **given),
        Recipient(to),
        date(2026, 11, 22),
        base_url="https://pay.example.com",
    )
    return Sheet(page, URL, locale_for(language, country), enclosure)


def words(pdf: bytes) -> str:
    found = " ".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages)
    return " ".join(found.split())


@pytest.fixture(scope="module")
def pdfs() -> dict[str, bytes]:
    """The same letter in each language."""
    made = set_letters([sheet(*one) for one in LANGUAGES], made_at=MADE_AT)
    return {language: pdf for (language, _), pdf in zip(LANGUAGES, made, strict=True)}


def picture(pdf: bytes) -> Any:
    """The first page as it looks, in gray."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        return document[0].render(scale=DPI / POINTS).to_pil().convert("L")
    finally:
        document.close()


def inked(image: Any, box: tuple[float, float, float, float]) -> bool:
    """Whether anything is printed within these points."""
    left, top, right, bottom = (round(one * DPI / POINTS) for one in box)
    return bool(image.crop((left, top, right, bottom)).getextrema()[0] < 200)


def around(
    outer: tuple[int, int, int, int], inner: tuple[int, int, int, int]
) -> Iterator[tuple[int, int, int, int]]:
    """The four stripes of a box that are not in another one within it."""
    left, top, right, bottom = outer
    yield left, top, right, inner[1]
    yield left, inner[3], right, bottom
    yield left, inner[1], inner[0], inner[3]
    yield inner[2], inner[1], right, inner[3]


@pytest.mark.parametrize("language", ["en", "es", "fr"])
def test_tx_05_the_square_is_inside_the_fold_and_opens_the_page_with_a_token_alone(
    pdfs: dict[str, bytes], language: str
):
    """TX-05: no account number, no name, and nowhere that a window could be."""
    (found,) = zxingcpp.read_barcodes(picture(pdfs[language]))
    assert found.text == URL
    corners = [
        getattr(found.position, f"{y}_{x}") for y in ("top", "bottom") for x in ("left", "right")
    ]
    top = min(corner.y for corner in corners) * POINTS / DPI
    assert top > FOLD + 36
    for _, _, _, bottom in (*SEEN.values(), DIN_5008):
        assert top > bottom


@pytest.mark.parametrize("language", ["en", "es", "fr"])
@pytest.mark.parametrize("window", SEEN)
def test_tx_05_windows_show_the_address_whole_and_nothing_else(
    pdfs: dict[str, bytes], language: str, window: str
):
    """TX-05: #10 double-window, US and Canadian, however the sheet has slipped; DIN 5008 too."""
    image = picture(pdfs[language])
    assert inked(image, ALWAYS[window])
    assert not [part for part in around(SEEN[window], ALWAYS[window]) if inked(image, part)]
    assert not inked(image, (0, 126, 612, 147))
    assert not inked(image, (0, 261, 612, FOLD + 18))
    left, top, right, bottom = ALWAYS["address"]
    assert DIN_5008[0] < left < right <= DIN_5008[2]
    assert DIN_5008[1] < top < bottom < DIN_5008[3]


def test_the_code_can_be_typed_and_the_letter_says_where(pdfs: dict[str, bytes]):
    for language, said in (("en", "then this code"), ("es", "este código"), ("fr", "ce code")):
        text = words(pdfs[language])
        assert CODE in text
        assert "https://pay.example.com" in text
        assert said in text
        assert "/l/" not in text, "the address of the square is nothing to type"


def test_ax_01_who_listens_hears_title_language_and_what_the_square_is(pdfs: dict[str, bytes]):
    """AX-01: PDF/UA-1"""
    for language, region in LANGUAGES:
        document = PdfReader(BytesIO(pdfs[language]))
        root = document.trailer["/Root"]
        assert root["/Lang"] == f"{language}-{region}"
        assert b"pdfuaid:part" in root["/Metadata"].get_object().get_data()
        assert document.metadata is not None
        assert document.metadata.title
        found = [*tags(root["/StructTreeRoot"])]
        assert [tag["/S"] for tag in found].count("/H1") == 1
        (figure,) = [tag for tag in found if tag["/S"] == "/Figure"]
        assert figure["/Alt"]


ENCLOSED = """<html><head><title>T</title><style>p{}</style></head><body><h1>What we agreed</h1>
<ul><li>You pay <bdi>$600.00</bdi></li></ul><table><caption>All dates</caption><thead><tr>
<th scope="col">Date</th><th class="num">Amount</th></tr></thead><tbody><tr><td>December 1</td>
<td class="num">$100.00</td></tr></tbody></table><section lang="es"><p>Texto de ley &amp; más<br>
dos</p></section></body></html>"""


def test_py_12_a_copy_is_on_the_pages_that_follow_word_for_word():
    """PY-12, ES-02: nothing of the document that was shown is lost on paper."""
    (pdf,) = set_letters([sheet(enclosure=ENCLOSED)], made_at=MADE_AT)
    assert len(PdfReader(BytesIO(pdf)).pages) == 2
    text = words(pdf)
    for said in ("What we agreed", "You pay $600.00", "All dates", "Date", "Amount", "December 1"):
        assert said in text
    assert "Texto de ley & más dos" in text
    assert "Page 2 of 2" in text


@pytest.mark.parametrize(("language", "country"), LANGUAGES)
def test_tx_05_code_and_square_stand_on_the_first_page_of_a_letter_of_two(
    language: str, country: str
):
    """TX-05, PY-05: the copy of a permission is longer than a page."""
    told = private_facts(
        *("authorization_copy", language),
        country=country, channel=Channel.LETTER, link_url=URL, link_code=CODE,
        unsubscribe_url=None,
    )  # fmt: skip
    page = write_letter(
        told, Recipient(LONG), date(2026, 11, 22), base_url="https://pay.example.com"
    )
    (pdf,) = set_letters([Sheet(page, URL, locale_for(language, country))], made_at=MADE_AT)
    first, second = PdfReader(BytesIO(pdf)).pages
    assert CODE in first.extract_text()
    assert "1-800-555-0100" in second.extract_text(), "nothing of it is lost"
    (found,) = zxingcpp.read_barcodes(picture(pdf))
    assert found.text == URL
    assert found.position.top_left.y * POINTS / DPI > 2 * FOLD


def test_a_letter_to_whoever_acts_for_somebody_has_no_square():
    page = sheet().page.replace('class="door"', 'class="told"')
    (pdf,) = set_letters([Sheet(page, URL, "en_US")], made_at=MADE_AT)
    assert "/Figure" not in {
        tag["/S"] for tag in tags(PdfReader(BytesIO(pdf)).trailer["/Root"]["/StructTreeRoot"])
    }


def test_what_was_typed_by_strangers_is_never_markup():
    (pdf,) = set_letters([sheet(to=("#panic(1) *x* <b>", "$y$ //z", "Albany"))], made_at=MADE_AT)
    assert "#panic(1) *x* <b>" in words(pdf)


def test_the_same_letters_make_the_same_bytes():
    first, second = (set_letters([sheet()], made_at=MADE_AT) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    "page",
    [
        "<p>One <b>two</b> three</p>four<ul><li>five</li></ul>",
        "<table><td>one</td></table><p>two",
        "one<div><p>two</div><pre>three\n four</pre></ul></table>",
        "<section lang='es'><h2>one</h2></section><dl><dt>two</dt></dl>",
        "<script>no</script>one &lt;two&gt;<style>no</style>",
    ],
)
def test_no_word_of_a_page_is_lost_and_none_is_made_up(page: str):
    told: list[str] = []
    for part in parts_of(page):
        told += [text_of(part.get("runs", []))]
        told += [text_of(item) for item in part.get("items", [])]
        told += [text_of(cell["runs"]) for row in part.get("rows", []) for cell in row]
    plain = page.replace("<script>no</script>", "").replace("<style>no</style>", "")
    for said in ("one", "two", "three", "four", "five"):
        assert (said in " ".join(told).casefold()) == (said in plain.casefold())
    assert "no" not in " ".join(told).split()
