"""Typesetting: in a process of its own, which can reach nothing, and whose failures say why."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from portal.gateways.typesetting import LARGEST_BYTES, NotTypeset, typeset

MADE_AT = datetime(2026, 11, 23, 17, 5, 9, 123000, tzinfo=UTC)
SAYING = '#set document(title: "T")\n#set text(lang: "en")\n#json(bytes(sys.inputs.page)).text'


def template(folder: Path, source: str) -> Path:
    """A template of one file."""
    path = folder / "page.typ"
    path.write_text(source)
    return path


def test_the_same_page_makes_the_same_bytes(tmp_path: Path) -> None:
    page = {"text": "Hello"}
    made = [typeset(template(tmp_path, SAYING), page, made_at=MADE_AT) for _ in range(2)]
    assert made[0] == made[1]
    assert made[0].startswith(b"%PDF-")
    assert b"20261123170509" in made[0]


def test_the_process_that_asks_never_loads_typst(tmp_path: Path) -> None:
    """A worker of the web has 100 MB for everything."""
    typeset(template(tmp_path, SAYING), {"text": "Hello"}, made_at=MADE_AT)
    assert not [name for name in sys.modules if name.split(".")[0] == "typst"]


@pytest.mark.parametrize(
    "source",
    [
        '#read("page.typ")',
        '#read("/etc/hostname")',
        '#image("/etc/hostname")',
        '#import "@preview/cetz:0.3.4": canvas',
    ],
)
def test_a_template_reads_no_file_and_fetches_nothing(tmp_path: Path, source: str) -> None:
    with pytest.raises(NotTypeset):
        typeset(template(tmp_path, f"{SAYING}\n{source}"), {"text": "Hello"}, made_at=MADE_AT)


def test_a_wrong_template_says_where_it_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(NotTypeset, match="unknown variable: wrong"):
        typeset(template(tmp_path, f"{SAYING}\n#wrong"), {"text": "Hello"}, made_at=MADE_AT)


def test_a_page_without_a_title_is_refused_as_people_could_not_find_their_way(
    tmp_path: Path,
) -> None:
    """AX-01: what is not PDF/UA is never handed out."""
    with pytest.raises(NotTypeset, match="title"):
        typeset(template(tmp_path, "Hello"), {}, made_at=MADE_AT)


def test_a_page_that_is_too_large_or_too_slow_is_given_up(tmp_path: Path) -> None:
    with pytest.raises(NotTypeset, match="too many"):
        typeset(template(tmp_path, SAYING), {"text": "x" * LARGEST_BYTES}, made_at=MADE_AT)
    with pytest.raises(NotTypeset, match="not set within 0 seconds"):
        typeset(template(tmp_path, SAYING), {"text": "Hello"}, made_at=MADE_AT, timeout_s=0)


def test_letters_of_every_script_are_printed_or_numbered(tmp_path: Path) -> None:
    page = {"text": "Łódź Ђорђе Νίκος שלום ไทย हिन्दी 한 👨‍👩‍👧 e\u0301 \ud800 \u0378"}
    assert typeset(template(tmp_path, SAYING), page, made_at=MADE_AT).startswith(b"%PDF-")
