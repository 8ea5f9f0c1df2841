"""What arrives as a placement file, and what is said to those that are not one."""

import time
from pathlib import Path

import pytest

from portal.db import PortalSession
from portal.domain import DomainError
from portal.models import Placement
from portal.services.placements.files import (
    FileEmpty,
    FileMissing,
    FileNotText,
    FileNotUtf8,
    HeaderTooWide,
    inspect_file,
)
from portal.services.placements.headers import FIELDS, ColumnDoubled, ColumnMissing
from tests.factories import make_client
from tests.services.placing import Placer, row, text_of

TWO = (row(account_number="NG-1"), row(account_number="NG-2"))


@pytest.fixture
def placer(session: PortalSession, tmp_path: Path) -> Placer:
    return Placer(session, make_client(session), tmp_path)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_every_separator_line_end_and_byte_order_mark_is_understood(
    placer: Placer, delimiter: str, bom: str, ending: str
) -> None:
    text = bom + text_of(*TWO, delimiter=delimiter).replace("\r\n", ending)
    assert placer.text(text).landed == 2


def test_a_missing_line_end_and_blank_lines_are_no_matter(placer: Placer) -> None:
    header, one, two = text_of(*TWO).splitlines()
    text = f"\n{header}\n\n{one}\n{',' * 25}\n  \n{two}"
    report = placer.text(text)
    assert (report.rows, report.landed) == (2, 2)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (text_of(*TWO).encode("utf-16"), "UTF-16"),
        (text_of(*TWO).encode("utf-16-le"), "UTF-16 or a binary file"),
        (text_of(*TWO).encode("utf-32"), "UTF-32"),
        (b"PK\x03\x04 and so on", "Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "old Excel"),
        (b"%PDF-1.7", "PDF"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"a,b\n\x00\x01", "binary"),
    ],
)
def test_what_is_not_text_is_named(placer: Placer, content: bytes, said: str) -> None:
    with pytest.raises(FileNotText, match=said):
        placer.text(content)


def test_another_encoding_is_refused_with_its_line_before_anything_lands(placer: Placer) -> None:
    text = text_of(*TWO, row(account_number="NG-3", first_name="José"))
    with pytest.raises(FileNotUtf8, match=r"Line 4 is not UTF-8.*Nothing was placed"):
        placer.text(text.encode("latin-1"))
    assert placer.session.query(Placement).count() == 0


def test_a_character_cut_off_at_the_end_of_the_file_is_refused(placer: Placer) -> None:
    with pytest.raises(FileNotUtf8, match="Line 4"):
        placer.text(text_of(*TWO).encode() + "é".encode()[:1])


@pytest.mark.parametrize("content", [b"", b"\n\n  \n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_refused(placer: Placer, content: bytes) -> None:
    with pytest.raises(FileEmpty):
        placer.text(content)


def test_a_header_without_rows_is_refused(placer: Placer) -> None:
    with pytest.raises(FileEmpty):
        placer.text(text_of(*TWO).splitlines()[0] + "\n\n")


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(FileMissing, match="No such file"):
        inspect_file(tmp_path / "none.csv")


def test_ten_thousand_columns_are_refused_at_once(placer: Placer) -> None:
    started = time.monotonic()
    with pytest.raises(HeaderTooWide, match="more than 200 columns"):
        placer.text(",".join(f"c{n}" for n in range(10_000)) + "\n")
    with pytest.raises(HeaderTooWide):
        placer.text("x" * 1_000_000 + "\n")
    assert time.monotonic() - started < 2


def test_a_cell_of_a_megabyte_costs_its_line_only(placer: Placer) -> None:
    big = row(account_number="NG-9", city="x" * 1_000_000)
    report = placer.rows(TWO[0], big, TWO[1])
    assert (report.landed, report.refused) == (2, 1)
    assert (placer.refusals[0].line, placer.refusals[0].reason) == (
        3,
        "The line is too long: is a quotation mark missing?",
    )


def test_a_long_cell_is_refused_by_name(placer: Placer) -> None:
    refusal = placer.why(city="x" * 5_000)
    assert refusal.column == "city"
    assert "more than 200 characters" in refusal.reason


def test_ten_thousand_cells_in_one_line_are_refused(placer: Placer) -> None:
    header, one, two = text_of(*TWO).splitlines()
    placer.text("\n".join([header, "x," * 10_000, two]))
    assert [(r.line, r.reason[:28]) for r in placer.refusals] == [
        (2, "The line has 10001 cells and")
    ]


def test_a_line_with_a_cell_too_few_says_how_many_there_should_be(placer: Placer) -> None:
    header, one, _ = text_of(*TWO).splitlines()
    placer.text(f"{header}\n{one.rpartition(',')[0]}\n")
    assert "The line has 25 cells and the first line 26" in placer.refusals[0].reason


def test_empty_cells_beyond_the_last_column_are_no_matter(placer: Placer) -> None:
    header, one, two = text_of(*TWO).splitlines()
    assert placer.text(f"{header}\n{one},,,\n{two}\n").landed == 2


def test_a_line_break_inside_quotation_marks_belongs_to_the_cell(placer: Placer) -> None:
    report = placer.rows(row(address_1='4 Elm Street\nApt. "5", rear'), TWO[1])
    assert report.landed == 2


def test_a_quotation_mark_that_never_closes_costs_its_own_line_only(placer: Placer) -> None:
    header, one, two = text_of(*TWO).splitlines()
    broken = one.replace("Dana", '"Dana')
    others = [two.replace("NG-2", f"NG-{n}") for n in range(10, 60)]
    report = placer.text("\n".join([header, broken, *others]))
    assert (report.landed, report.refused) == (50, 1)
    assert placer.refusals[0].line == 2
    assert "quotation marks do not pair up" in placer.refusals[0].reason


def test_text_after_a_closing_quotation_mark_is_refused(placer: Placer) -> None:
    header, one, two = text_of(*TWO).splitlines()
    report = placer.text("\n".join([header, one.replace("Dana", '"Dana" X'), two]))
    assert (report.landed, report.refused) == (1, 1)


def test_headers_are_known_by_many_names_and_the_clients_own(session, tmp_path) -> None:  # type: ignore[no-untyped-def]
    client = make_client(session, header_synonyms={"Kundennummer": "reference"})
    placer = Placer(session, client, tmp_path)
    text = text_of(row(), delimiter=";")
    text = text.replace("account_number", "KUNDENNUMMER").replace("region", "État/Province Code")
    text = text.replace("État/Province Code", "State / Province").replace("postal_code", "Zip Code")
    assert placer.text(text).landed == 1


def test_every_synonym_belongs_to_one_field() -> None:
    names = [name for field, others in FIELDS.items() for name in (field, *others.split())]
    assert sorted(names) == sorted(set(names))


def test_a_missing_column_is_named_with_what_is_there(placer: Placer) -> None:
    text = text_of(row()).replace("account_number", "Konto").replace("current_balance", "Rest")
    with pytest.raises(ColumnMissing) as refused:
        placer.text(text)
    assert "no column for reference, balance" in str(refused.value)
    assert "Konto" in str(refused.value)
    assert placer.session.query(Placement).count() == 0


def test_two_columns_for_one_field_are_refused(placer: Placer) -> None:
    placer.client.header_synonyms = {"city": "phone"}
    with pytest.raises(ColumnDoubled, match="“phone” and “city” both hold the phone"):
        placer.rows(row())


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x81\x82",
        b'"',
        b'a,b\n"',
        b"sep=;\n",
        b"=cmd|' /C calc'!A0\n1\n",
        b"\xef\xbb\xbf\xef\xbb\xbf",
        "账号,余额\n1,2\n".encode(),
    ],
)
def test_nonsense_is_refused_in_one_line(placer: Placer, content: bytes) -> None:
    with pytest.raises(DomainError) as refused:
        placer.text(content)
    assert len(str(refused.value).splitlines()) == 1
    assert "%(" not in str(refused.value)
