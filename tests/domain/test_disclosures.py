"""Texts of law: AX-04, TX-01, PY-04, PY-05."""

import hashlib
import re
from pathlib import Path

import pytest

from portal.domain.debts import CollectorRole, Country
from portal.domain.disclosures import (
    AGREEMENT_HEADING,
    AUTHORIZATION_COPY,
    CARD_DISCLOSURE,
    collector_line,
    review_documents,
)
from portal.rules import disclosures
from portal.rules.disclosures import (
    BlockKind,
    DocumentUnknown,
    PlaceholderMissing,
    document_ids,
    legal_text,
    placeholders,
    versions,
)

TEXTS = Path(disclosures.__file__).parent / "texts"
FILES = sorted(TEXTS.glob("*/*/*.txt"))
LANGUAGES = ("en", "es", "fr")


def filled(doc_id: str, locale: str = "en", **given: object) -> disclosures.LegalText:
    values: dict[str, object] = {name: f"<{name}>" for name in placeholders(doc_id, locale)}
    return legal_text(doc_id, locale, **values | given)  # type: ignore[arg-type]


def test_a_published_text_never_changes() -> None:
    """A changed text is a new version: write it beside the old one and add its line to the list."""
    published = dict(
        reversed(line.split("  ", 1))
        for line in (TEXTS / "published.sha256").read_text().splitlines()
    )
    now = {
        path.relative_to(TEXTS).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in FILES
    }
    assert now == published


@pytest.mark.parametrize("doc_id", document_ids())
def test_ax_04_every_document_stands_in_every_language_with_the_same_names(doc_id: str) -> None:
    shapes = set()
    for language in LANGUAGES:
        text = filled(doc_id, language)
        assert text.locale == language
        assert placeholders(doc_id, language) == placeholders(doc_id)
        assert "{" not in text.text
        shapes.add(tuple(block.kind for block in text.blocks))
    assert len(shapes) == 1


def test_what_is_shown_is_hashed_as_it_is_shown() -> None:
    text = filled("terms-full", total="$868.00")
    assert "$868.00" in text.text
    assert text.sha256 == hashlib.sha256(text.text.encode()).hexdigest()
    assert text.version == versions("terms-full")[-1]
    source = TEXTS / "terms-full" / text.version / "en.txt"
    assert text.source_sha256 == hashlib.sha256(source.read_bytes()).hexdigest()
    assert filled("terms-full", total="$868.01").sha256 != text.sha256


def test_a_list_has_a_line_for_each_of_its_values() -> None:
    text = filled("terms-plan", schedule=["December 4: $104.00", "January 4: $96.00"])
    items = [block.text for block in text.blocks if block.kind is BlockKind.ITEM]
    assert items[1:3] == ["December 4: $104.00", "January 4: $96.00"]


def test_a_value_cannot_write_lines_or_names_of_its_own() -> None:
    plain = filled("terms-full")
    text = filled("terms-full", company="Acme\n# Pay now {total}\u2028- x")
    assert len(text.blocks) == len(plain.blocks)
    assert "Acme # Pay now {total} - x" in text.text


def test_a_narrow_space_in_an_amount_is_kept() -> None:
    assert "1\u202f240,00\u00a0$" in filled("terms-full", "fr", total="1\u202f240,00\u00a0$").text


@pytest.mark.parametrize("locale", ["fr-CA", "fr_CA", "fr", "FR"])
def test_a_regional_language_reads_its_language(locale: str) -> None:
    assert filled("terms-full", locale).locale == "fr"


@pytest.mark.parametrize("locale", ["de", "", "../en", "x/y"])
def test_ax_04_a_missing_language_gives_the_authoritative_one_and_says_so(locale: str) -> None:
    assert filled("terms-full", locale).locale == "en"


def test_an_unknown_document_version_or_missing_value_is_an_error() -> None:
    with pytest.raises(DocumentUnknown):
        legal_text("nothing", "en")
    with pytest.raises(DocumentUnknown):
        legal_text("../regions", "en")
    with pytest.raises(DocumentUnknown):
        legal_text("pad-rights", "en", version="99")
    with pytest.raises(PlaceholderMissing, match="total"):
        legal_text("terms-full", "en", company="A", reference="R", creditor="C")


@pytest.mark.parametrize("role", CollectorRole)
@pytest.mark.parametrize("language", LANGUAGES)
def test_tx_01_only_a_debt_collector_says_that_it_is_one(
    role: CollectorRole, language: str
) -> None:
    first, later = collector_line(role, first=True), collector_line(role, first=False)
    if role in (CollectorRole.FIRST_PARTY_CREDITOR, CollectorRole.SERVICER_CURRENT):
        assert first is None
        assert later is None
        return
    assert first
    assert later
    words = {"en": "debt collector", "es": "cobrador de deudas", "fr": "agent de recouvrement"}
    purpose = {"en": "any information", "es": "cualquier información", "fr": "renseignements"}
    assert words[language] in filled(first, language).text
    assert purpose[language] in filled(first, language).text
    assert words[language] in filled(later, language).text


@pytest.mark.parametrize("kind", ["full", "settlement", "plan"])
@pytest.mark.parametrize("automatic", [True, False])
@pytest.mark.parametrize("country", Country)
def test_a_review_shows_its_documents(kind: str, automatic: bool, country: Country) -> None:
    shown = review_documents(kind, country=country, automatic=automatic, expiring=True)
    assert set(shown) <= set(document_ids())
    assert shown[0] == f"terms-{kind}"
    assert CARD_DISCLOSURE in shown
    assert "electronic-copy" in shown
    assert ("authorization" in shown) is automatic
    assert ("pad-rights" in shown) is (automatic and country is Country.CA)
    assert ("paying-by-hand" in shown) is (kind == "plan" and not automatic)
    assert "offer-renewal" in shown


def test_py_04_the_disclosure_names_creditor_reference_and_where_to_learn_more() -> None:
    assert {"original_creditor", "reference", "phone", "address"} <= placeholders(CARD_DISCLOSURE)


@pytest.mark.parametrize("doc_id", ["authorization", AUTHORIZATION_COPY])
def test_py_05_a_permission_names_who_what_when_how_much_and_how_to_stop(doc_id: str) -> None:
    assert {"payer_name", "company", "creditor", "reference", "schedule"} <= placeholders(doc_id)
    assert {"total", "currency", "first_on", "last_on", "phone", "address"} <= placeholders(doc_id)
    text = filled(doc_id).text
    assert "You can stop at any time" in text
    assert "Never more than <total>" in text
    assert "10 days before" in text


def test_py_05_the_copy_names_the_method_the_time_and_how_we_knew_who_it_was() -> None:
    assert {"method", "agreed_at", "identity_method"} <= placeholders(AUTHORIZATION_COPY)
    assert {"agreement_reference", "agreed_at"} <= placeholders(AGREEMENT_HEADING)


FORBIDDEN = re.compile(
    r"final notice|last chance|act now|lawsuit|\bsue\b|garnish|\bcourt\b|credit (score|report)"
    r"|i owe|acknowledge (the|this|my) debt|waive|\{[^a-z]",
    re.IGNORECASE,
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(TEXTS).as_posix())
def test_tx_02_and_tb_03_no_text_threatens_hurries_or_admits(path: Path) -> None:
    if path.parts[-3] != "ny-exempt-income":  # 23 NYCRR 1.5 prescribes it, with its courts
        assert not FORBIDDEN.search(path.read_text("utf-8"))


PRESCRIBED = {"pad-rights", "debt-collector-initial", "ny-exempt-income"}


@pytest.mark.parametrize("doc_id", sorted(set(document_ids()) - PRESCRIBED))
def test_ax_04_sentences_are_short_where_no_rule_prescribes_them(doc_id: str) -> None:
    for block in filled(doc_id).blocks:
        for sentence in re.split(r"[.:] ", block.text):
            assert len(sentence.split()) <= 25, sentence


@pytest.mark.parametrize("doc_id", ["terms-plan", "terms-settlement"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_terms_promise_no_new_days_and_no_other_amounts(doc_id: str, language: str) -> None:
    said = filled(doc_id, language).text
    for promise in (
        "pick a new day",
        "otro día",
        "autre jour",
        "pay more",
        "pagar más",
        "payer plus ou",
    ):
        assert promise not in said
