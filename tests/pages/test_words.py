"""Amounts, dates and messages in each locale, and the catalogues' tools; no database."""

import os
from datetime import UTC, date, datetime
from pathlib import Path

import polib
import pytest
from babel.numbers import format_currency
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from portal import i18n, templating
from portal.cli import translations
from portal.domain import Phrases

NB, NNB = "\u00a0", "\u202f"
PAIRS = [(language, country) for language in ("en", "es", "fr") for country in ("US", "CA")]


@pytest.mark.parametrize(
    ("language", "country", "currency", "written"),
    [
        ("en", "US", "USD", "$1,240.00"),
        ("en", "US", "CAD", "CA$1,240.00"),
        ("es", "US", "USD", "$1,240.00"),
        ("fr", "US", "USD", f"1{NB}240,00{NB}${NB}US"),
        ("en", "CA", "CAD", "$1,240.00"),
        ("en", "CA", "USD", "US$1,240.00"),
        ("es", "CA", "CAD", "$1,240.00"),
        ("fr", "CA", "CAD", f"1{NB}240,00{NB}$"),
    ],
)
def test_amounts_are_written_for_the_reader_and_the_creditors_country(
    language: str, country: str, currency: str, written: str
) -> None:
    voice = i18n.voice(i18n.locale_for(language, country))
    assert voice.money(124000, currency) == written
    assert voice.money(-124000, currency) == f"-{written}"


@given(
    st.integers(-(10**13), 10**13), st.sampled_from(PAIRS), st.sampled_from(["USD", "CAD", "JPY"])
)
def test_the_quick_way_to_write_an_amount_is_that_of_cldr(
    cents: int, pair: tuple[str, str], currency: str
) -> None:
    from decimal import Decimal

    voice = i18n.voice(i18n.locale_for(*pair))
    places = 0 if currency == "JPY" else 2
    expected = format_currency(Decimal(cents).scaleb(-places), currency, locale=voice.amounts)
    assert voice.money(cents, currency) == expected


@pytest.mark.parametrize(
    ("language", "written"),
    [("en", "December 4, 2026"), ("es", "4 de diciembre de 2026"), ("fr", "4 décembre 2026")],
)
def test_dates_are_written_in_full(language: str, written: str) -> None:
    assert i18n.voice(i18n.locale_for(language, "US")).date(date(2026, 12, 4)) == written


def test_the_first_of_a_month_is_an_ordinal_in_french() -> None:
    for country in ("US", "CA"):
        voice = i18n.voice(i18n.locale_for("fr", country))
        assert voice.date(date(2026, 12, 1)) == "1er décembre 2026"
        assert voice.date(date(2026, 12, 11)) == "11 décembre 2026"
        assert voice.date(date(2026, 12, 1), "medium").startswith("1er déc")


def test_an_instant_is_written_on_the_readers_clock() -> None:
    at = datetime(2026, 12, 5, 1, 42, tzinfo=UTC)
    voice = i18n.voice("en_US")
    assert voice.datetime(at, "America/New_York") == f"December 4, 2026, 8:42{NNB}PM"
    assert i18n.voice("fr_CA").time(at, "America/Toronto").replace(NB, " ") == "20 h 42"


def test_rates_and_numbers_have_the_digits_they_need() -> None:
    voice = i18n.voice("en_US")
    assert voice.number(12345) == "12,345"
    assert voice.percent(7000) == "70%"
    assert voice.percent(1225) == "12.25%"
    assert i18n.voice("fr_CA").percent(1225).replace(NB, " ") == "12,25 %"


def test_a_browsers_languages_are_weighed() -> None:
    assert i18n.best_language("fr-CA,en;q=0.8") == "fr"
    assert i18n.best_language("de,es;q=0.1") == "es"
    assert i18n.best_language("fr;q=0,en;q=0.2,es;q=0.1") == "en"
    assert i18n.best_language("zh") == "en"
    assert i18n.best_language(";;q=x,,") == "en"


def test_parameters_are_escaped_in_pages_and_plain_in_text() -> None:
    page = templating.environment("en_US").from_string('{{ _("To %(name)s", name=name) }}')
    assert page.render(name="<b>&") == "To &lt;b&gt;&amp;"
    text = templating.environment("en_US", html=False).from_string(
        '{{ _("To %(name)s", name=name) }}'
    )
    assert text.render(name="<b>&") == "To <b>&"


def test_blocks_and_plurals_speak_through_the_catalogue() -> None:
    template = templating.environment("en_US").from_string(
        "{% trans count=n, name=name %}\n  {{ count }} payment to {{ name }}\n{% pluralize %}"
        "{{ count }} payments to {{ name }}{% endtrans %}"
    )
    assert template.render(n=1, name="<i>") == "1 payment to &lt;i&gt;"
    assert template.render(n=0, name="A & B") == "0 payments to A &amp; B"


def test_a_name_that_was_not_passed_is_a_fault_not_a_gap() -> None:
    with pytest.raises(Exception, match="'balance' is undefined"):
        templating.environment("en_US").from_string("You owe {{ balance }}").render()


def _catalogue(folder: Path, body: str) -> Path:
    po = folder / "es" / "LC_MESSAGES" / "messages.po"
    po.parent.mkdir(parents=True)
    head = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n'
    po.write_text(head + '"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n' + body)
    return po


def test_a_catalogue_is_compiled_when_it_is_older_than_its_words(tmp_path: Path) -> None:
    po = _catalogue(tmp_path, 'msgid "Pay"\nmsgstr "Pagar"\n')
    [mo] = i18n.compile_catalogues(tmp_path)
    assert polib.mofile(str(mo)).find("Pay").msgstr == "Pagar"
    assert i18n.compile_catalogues(tmp_path) == []
    later = mo.stat().st_mtime + 5
    os.utime(po, (later, later))
    assert i18n.compile_catalogues(tmp_path) == [mo]


def test_a_wrong_placeholder_stops_the_start(tmp_path: Path) -> None:
    body = '#, python-format\nmsgid "Pay %(amount)s"\nmsgstr "Pagar %(importe)s"\n'
    _catalogue(tmp_path, body)
    with pytest.raises(i18n.CatalogueBroken, match=r"messages\.po:\d+"):
        i18n.compile_catalogues(tmp_path)


def test_a_language_without_a_catalogue_is_never_english_by_accident(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(i18n, "TRANSLATIONS", tmp_path)
    with pytest.raises(i18n.CatalogueMissing, match="portal translations compile"):
        i18n.Voice("es_US")


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ('msgid "Pay"\nmsgstr ""\n', "missing"),
        ('#, fuzzy\nmsgid "Pay"\nmsgstr "Paga"\n', "fuzzy"),
        ('msgid "Pay"\nmsgstr "Paga <b>"\n', "placeholders differ"),
        ('msgid "Other"\nmsgstr "Otro"\n', "absent"),
        ('msgid "Pay"\nmsgstr "Pagar"\n', None),
    ],
)
def test_the_check_finds_what_is_wrong(tmp_path: Path, body: str, problem: str | None) -> None:
    po = polib.pofile(str(_catalogue(tmp_path, body)))
    found = list(translations.check_catalogue(po, {(None, "Pay", "")}, "es"))
    assert found == ([f"es: {problem}: 'Pay'"] if problem else [])


def test_the_check_counts_plural_forms(tmp_path: Path) -> None:
    body = 'msgid "%(num)d day"\nmsgid_plural "%(num)d days"\nmsgstr[0] "%(num)d día"\n'
    po = polib.pofile(str(_catalogue(tmp_path, body)))
    key = (None, "%(num)d day", "%(num)d days")
    assert list(translations.check_catalogue(po, {key}, "es")) == [
        "es: 1 plural forms instead of 2: '%(num)d day'"
    ]


def test_words_that_were_never_marked_are_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        '<h1>{{ _("Marked") }}</h1><p>Not marked</p><img alt="Nor this">'
        "{% trans %}Marked too{% endtrans %}<b>{{ name }}</b><style>b{color:red}</style>"
    )
    assert list(translations.hard_coded(tmp_path)) == ["a.html: Not marked", "a.html: Nor this"]


def test_no_page_has_words_that_were_never_marked() -> None:
    assert list(translations.hard_coded()) == []


def test_the_test_language_shows_every_marked_word(tmp_path: Path) -> None:
    pot = tmp_path / "messages.pot"
    head = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'
    pot.write_text(head + 'msgid "Pay %(amount)s"\nmsgstr ""\n')
    disguise = translations.DISGUISES["eo"]
    translations.write_pseudo(pot, tmp_path / "eo", "eo", disguise)
    po = polib.pofile(str(tmp_path / "eo" / "LC_MESSAGES" / "messages.po"))
    assert po.find("Pay %(amount)s").msgstr == "[Páý %(amount)s ~~~~~]"


@pytest.fixture(scope="module")
def pseudo_catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Catalogues in which every marked word stands in brackets."""
    folder = tmp_path_factory.mktemp("translations")
    translations.collect(folder / "messages.pot")
    disguise = translations.DISGUISES["eo"]
    translations.write_pseudo(folder / "messages.pot", folder / "eo", "eo", disguise)
    return folder


@pytest.mark.parametrize("path", ["/help", "/privacy", "/accessibility", "/closed", "/nothing"])
def test_a_page_in_the_test_language_has_no_other_words(
    app: Flask, pseudo_catalogue: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(i18n, "TRANSLATIONS", pseudo_catalogue)
    app.config["LANGUAGES"] = i18n.LANGUAGES | i18n.PSEUDO
    reader = translations.WordsOfPage()
    reader.feed(app.test_client().get(path, query_string={"lang": "eo"}).get_data(as_text=True))
    assert [word for word in reader.words if "~]" not in word] == ["English", "Español", "Français"]


def test_test_languages_are_never_offered(app: Flask) -> None:
    page = app.test_client().get("/help?lang=eo").get_data(as_text=True)
    assert '<html lang="en"' in page
    assert "lang=eo" not in page


@pytest.mark.parametrize("name", ["layouts/email.html", "layouts/email.txt"])
def test_a_message_names_its_sender_and_how_to_stop(name: str) -> None:
    page = templating.environment("en_US", html=name.endswith("html")).from_string(
        f'{{% extends "{name}" %}}{{% block title %}}Your receipt{{% endblock %}}'
        "{% block content %}Paid by {{ who }}.{% endblock %}"
    )
    given = {
        "sender": "Harbor Services",
        "street_address": "1 Pier Road",
        "phone": "1-800-555-0100",
    }
    text = page.render(who="D & E", unsubscribe_url="https://pay.example.com/u/1", **given)
    assert ("Paid by D &amp; E." if name.endswith("html") else "Paid by D & E.") in text
    for part in (*given.values(), "https://pay.example.com/u/1"):
        assert part in text
    assert "/u/1" not in page.render(who="D", unsubscribe_url=None, **given)


def test_a_block_can_be_read_on_its_own() -> None:
    assert templating.render_block("en_US", "public/help.html", "title") == "Ways to contact us"


def test_a_name_that_a_template_gives_is_its_own() -> None:
    """Words of the locale are called directly, unless the template means something else by them."""
    env = templating.environment("en_US")
    macro = "{% macro money(x) %}M{{ x }}{% endmacro %}{{ money(cents) }}"
    assert env.from_string(macro).render(cents=300) == "M300"
    loop = "{% for date in days %}{{ date(cents) }}{% endfor %}"
    assert env.from_string(loop).render(days=[str], cents=300) == "300"
    assert env.from_string('{{ money(cents, "USD") }}').render(cents=300) == "$3.00"


@pytest.mark.parametrize("language", ["en", "es", "fr"])
def test_phrases_inside_a_sentence_are_told_in_its_language(language: str) -> None:
    locale = i18n.locale_for(language, "US")
    phrases = Phrases((("Pay now", {}), ("Your plan", {})))
    said = i18n.translate(locale, "%(what)s!", {"what": phrases})
    each = [i18n.translate(locale, text) for text, _ in phrases.parts]
    assert said == f"{', '.join(each)}!"
    assert (said == f"{phrases}!") == (language == "en")
