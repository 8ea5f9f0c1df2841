"""The certificate: readable and tagged, in the debtor's language, and true to the record."""

import re
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from typing import Any

import pypdf
import pytest
from pypdf.generic import ArrayObject, DictionaryObject

from portal.certifying import certificate, spelled
from portal.domain.evidence import format_time
from portal.i18n import voice
from portal.services.certificates import Told, certificate_page
from portal.services.no_proof import RecordErased
from tests.certified import (
    AGREED_AT,
    ARRANGEMENT,
    COPY,
    OURS,
    PAID,
    VISA,
    hash_of,
    later,
    record,
    terms,
    told,
)

LOCALES = ("en_US", "es_US", "fr_CA")
QUESTIONS = (
    *("Who agreed", "What was agreed", "What was on the page", "When it happened"),
    *("How it happened", "How the choice was made", "Permission to charge", "Copies sent"),
    *("What came later", "How to check it"),
)


def opened(given: Told) -> pypdf.PdfReader:
    """The certificate as a reader of PDFs opens it."""
    return pypdf.PdfReader(BytesIO(certificate(given)))


def rightmost(page: pypdf.PageObject) -> float:
    """Where the last thing on a page begins, counted from its left edge."""
    begins: list[float] = []

    def see(text: str, _ctm: list[float], matrix: list[float], *_: object) -> None:
        if text.strip():
            begins.append(matrix[4])

    page.extract_text(visitor_text=see)
    return max(begins)


def words(given: Told) -> str:
    """All that a certificate says, on one line."""
    return " ".join(" ".join(page.extract_text() for page in opened(given).pages).split())


def squeezed(text: str) -> str:
    """Text without its spaces, which end of line and column put elsewhere."""
    return re.sub(r"\s", "", text)


def in_locale(locale: str) -> Told:
    """The usual acceptance in a language, of a client in the locale's country."""
    return told(record(locale=locale), country=locale[-2:])


def texts(value: Any) -> Iterator[str]:
    """Every text in a page that was spelled out, but for what only a machine reads."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        unsaid = ("language", "region", "paper", "kind", "code", "alt", "page_of", "uncommon_note")
        yield from (text for name in value if name not in unsaid for text in texts(value[name]))
    elif isinstance(value, list):
        yield from (text for part in value for text in texts(part))


def tags(node: Any) -> Iterator[DictionaryObject]:
    """The elements of the structure tree, in reading order."""
    found = node.get_object() if hasattr(node, "get_object") else node
    if isinstance(found, ArrayObject):
        for child in found:
            yield from tags(child)
    elif isinstance(found, DictionaryObject):
        if "/S" in found:
            yield found
        yield from tags(found.get("/K"))


@pytest.mark.parametrize("locale", LOCALES)
def test_every_word_of_every_section_is_in_the_text_of_the_pdf(locale: str) -> None:
    given, said = in_locale(locale), voice(locale)
    page, text = spelled(certificate_page(given), locale), squeezed(words(given))
    assert [section["title"] for section in page["sections"]] == [*map(said.gettext, QUESTIONS)]
    assert [one for one in texts(page) if squeezed(one) not in text] == []


def test_it_says_who_what_when_how_and_by_which_act() -> None:
    """EV-02: nobody has to open another file to know what was agreed."""
    text = words(told())
    for fact in (
        "José Ñandú agreed to pay $240.00 to Harbor Recovery Services LLC.",
        "There are 3 payments, from November 23, 2026 to January 23, 2027.",
        "Once that is paid, the other $160.00 is forgiven.",
        "Agreed: November 23, 2026, 12:05 PM (2026-11-23 17:05:09.123 UTC)",
        "California license 10123-99 · New York City license 2098765-DCA",
        "Date of birth Postal code Passed at the first try",
        "Internet address: 203.0.113.24",
        "When it was written off, October 3, 2025 $450.00",
        "Owed at the moment of agreeing $400.00",
        "2 December 23, 2026 $80.00",
        "Local times: Eastern Time (America/New_York)",
        "“Agree and pay $80.00 today”",
        "A name was typed in, and the button was pressed.",
        "Nothing was ticked or filled in before.",
        "Never more than $240.00 in all",
        "Visa ending in 4242",
    ):
        assert fact in text, fact
    for digest in ("policy", "terms", "authorization", "review", "agreement", "leaf"):
        assert hash_of(digest) in text, digest


def test_what_came_later_has_a_line_each() -> None:
    text = words(told())
    for line in (
        "Copy of the permission to charge E-mail: not delivered",
        "$80.00 was paid, payment PAY-1",
        "$10.00 was paid back",
        "The plan became shorter, because less is owed",
        "The permission to charge ended",
        "Reason: Stopped",
    ):
        assert line in text, line


def test_without_permission_and_with_nothing_sent_yet_it_says_so_plainly() -> None:
    bare = record(parts=1)
    del bare["authorization"], bare["assent"]["typed"], bare["party"]["identity"]["attempts"]
    bare["assent"] |= {"ticked": [], "act": "click"}
    bare["terms"]["method"] = "manual"
    text = words(told(bare, []))
    for line in (
        "No permission to charge was given. Nothing is taken automatically.",
        "No copy had been sent yet when this page was made.",
        "Nothing more had happened when this page was made.",
        "There was nothing to tick.",
        "There was nothing to type.",
        "It is one payment, due on November 23, 2026.",
    ):
        assert line in text, line


def test_a_permission_without_a_saved_card_says_so() -> None:
    assert "None was saved when this page was made." in words(told(entries=[]))


def test_what_belongs_to_another_agreement_of_the_account_is_left_out() -> None:
    """A copy that was written before this acceptance, and all after the one that replaced it."""
    other = {"arrangement": "another", "currency": "USD"}
    earlier = format_time(AGREED_AT - timedelta(days=3))
    entries = later(
        ("message.sent", {**COPY, "queued_at": earlier}),
        ("payment.succeeded", {**PAID, **other, "reference": "PAY-OTHER"}),
        ("acceptance", {**other, "reference": "NEXT-1", "supersedes": ARRANGEMENT}),
        ("message.sent", {**COPY, "queued_at": format_time(AGREED_AT + timedelta(hours=3))}),
        ("payment.refunded", {**PAID, "amount_cents": 700}),
    )
    text = words(told(entries=entries))
    assert "No copy had been sent yet when this page was made." in text
    assert "PAY-OTHER" not in text
    assert "A new agreement took its place: NEXT-1" in text
    assert "$7.00 was paid back" in text


def test_what_was_paid_before_and_counts_for_the_offer_is_told() -> None:
    counted = record()
    counted["offer"]["counted_cents"] = 6_000
    assert "$60.00 that was paid before counts too" in words(told(counted))


def test_an_agreement_that_is_over_says_so_at_the_top() -> None:
    """Nobody reads four pages to learn that nothing is asked any more."""
    ended = later(("arrangement.withdrawn", {**OURS, "reference": "K7MP-42XD"}))
    top = opened(told(entries=ended)).pages[0].extract_text()
    line = "Later: The agreement was taken back before a payment, November 23, 2026, 1:05"
    assert line in top
    assert top.index(line) < top.index("Who agreed")
    assert "Later:" not in words(told())


def test_a_reason_that_staff_wrote_for_each_other_stays_in_the_record() -> None:
    ended = {**OURS, "authorization": "a", "method": VISA, "reason": "he was rude on the phone"}
    text = words(told(entries=later(("authorization.revoked", ended))))
    assert "The permission to charge ended" in text
    assert "rude" not in text


def test_an_erased_record_has_no_certificate() -> None:
    with pytest.raises(RecordErased):
        certificate(told({}))


@pytest.mark.parametrize("locale", LOCALES)
def test_assistive_technology_finds_title_language_headings_tables_and_the_code(
    locale: str,
) -> None:
    """AX-01: PDF/UA-1, in which the QR code says what it is."""
    pdf = opened(in_locale(locale))
    root = pdf.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == locale.replace("_", "-")
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert pdf.metadata.title == voice(locale).gettext(
        "Certificate of agreement %(reference)s", reference="K7MP-42XD"
    )
    assert b"pdfuaid:part" in root["/Metadata"].get_object().get_data()
    found = [*tags(root["/StructTreeRoot"])]
    names = [tag["/S"] for tag in found]
    assert (names.count("/H1"), names.count("/H2")) == (1, len(QUESTIONS))
    assert names.count("/Table") == 5
    assert {"/TH", "/TD", "/L", "/LI"} <= {*names}
    (figure,) = [tag for tag in found if tag["/S"] == "/Figure"]
    assert "https://pay.example.com/verify" in figure["/Alt"]


@pytest.mark.parametrize("typed", ["#panic(1) *x* $y$ José Ñandú", '"]#read("/etc/passwd")', "//x"])
def test_markup_in_a_name_stands_as_it_was_typed_and_runs_nothing(typed: str) -> None:
    text = words(told(record(name=typed)))
    assert f"{typed} agreed to pay $240.00" in text
    assert f"“{typed}”" in text


def test_a_letter_that_no_font_has_stands_as_its_number_and_the_page_says_so() -> None:
    note = "A letter that this page cannot print stands as its Unicode number"
    text = words(told(record(name="José Ñandú 李 😀")))
    assert "José Ñandú [U+674E] [U+1F600] agreed to pay" in text
    assert note in text
    assert note not in words(told())


def test_letters_that_turn_or_hide_a_text_are_shown() -> None:
    text = words(told(record(name="Ann\u202eLee\u200b\n\x07")))
    assert "Ann[U+202E]Lee[U+200B][U+000A][U+0007] agreed" in text


def test_a_word_longer_than_a_line_is_kept_whole_on_the_page() -> None:
    """Every letter of it is within the margins, and copied text has no letter more."""
    pdf = opened(told(record(name="W" * 300)))
    assert "W" * 300 in squeezed("".join(page.extract_text() for page in pdf.pages))
    assert all(rightmost(page) < float(page.mediabox.width) - 60 for page in pdf.pages)


def test_a_long_schedule_goes_on_over_pages_with_its_head_again() -> None:
    pages = [page.extract_text() for page in opened(told(record(parts=60))).pages]
    heads = [text for text in pages if re.search(r"Number\s+Date\s+Amount", text)]
    assert len(heads) == 2
    last = terms(60)["schedule"][-1]["due_on"]
    assert last == "2031-10-23"
    assert "October 23, 2031" in heads[-1]
    assert "Page 1 of 6" in pages[0]


@pytest.mark.parametrize(
    ("country", "size"), [("US", (612, 792)), ("CA", (612, 792)), ("GB", (595, 841))]
)
def test_the_paper_is_what_the_country_prints_on(country: str, size: tuple[int, int]) -> None:
    box = opened(told(country=country)).pages[0].mediabox
    assert (int(box.width), int(box.height)) == size


def test_the_same_record_makes_the_same_bytes() -> None:
    assert certificate(told()) == certificate(told())


def test_the_code_leads_to_the_page_that_verifies_and_sends_no_hash_to_it() -> None:
    """What follows # stays in the browser."""
    sections = certificate_page(told()).sections
    assert sections[-1].blocks[0].code == f"https://pay.example.com/verify#{hash_of('leaf')}"
