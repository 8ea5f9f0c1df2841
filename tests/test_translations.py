"""The words of the product: complete in every language, easy to read, and never a threat."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache

import polib
import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from click.testing import CliRunner

from portal import i18n
from portal.cli import translations
from portal.domain.sms import gsm7_length
from tests.readability import WORD, score, sentences, syllables

LANGUAGES = translations.SHIPPED
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]")

STAFF_ONLY = re.compile(
    r"portal/(cli|demo|sandbox|rules)/"
    r"|portal/(blueprints|templates)/(client|compliance|operator|outbox|staff|support)\b"
    r"|portal/blueprints/consoles|portal/templates/((layouts|macros)/console|macros/branding)"
    r"|portal/domain/(labels|outgoing|policy|svg)\.py|portal/domain/compiler/"
    r"|portal/security/members|portal/services/placements/"
    r"|portal/services/(approvals|branding|campaigns|cases|dossier|drafts|giving_back|logos|policies"
    r"|queues|reports|search|staff)\.py|portal/services/timeline/(client|compliance|staff)\.py"
)
"""Where nobody but staff reads; a message that stands anywhere else is for debtors."""

ALIKE = {
    "es": {"Error", "No", "Plan", "Stripe", "Supervisor", "Total", "no"},
    "fr": {
        *("Action", "Agent", "Client", "Code", "Console", "Date", "Documents", "Message", "Pages"),
        *("messages", "segment", "segments"),
        *("Plan", "Question", "Segment", "Segment %(n)s", "Stripe", "Total", "Type", "Version"),
        "Versions",
    },
}
"""Words that are the same as in English, placeholders and punctuation aside."""

GATES = {"en": (0.0, 5.0), "es": (75.0, 130.0), "fr": (70.0, 130.0)}
"""From what to what the words for debtors may score (reading age 9 to 11)."""

LONGEST_SENTENCE = {"en": 20, "es": 22, "fr": 24}

FORBIDDEN = {
    "en": (
        r"final notice|last (notice|chance|warning)|legal (action|proceedings)|lawsuit|sue[ds]?\b"
        r"|garnish|wage|seize|act (now|fast)|hurry|urgent|immediate(ly)?\b|limited time offer"
        r"|expires? (soon|today)|delinquen|default|failure to|overdue|past due|must pay"
        r"|credit (score|report|bureau)|serious(ly)?|penalt|consequence|invalid|remit\b"
        r"|transaction|authenticat|terms and conditions"
    ),
    "es": (
        r"(último|final) aviso|aviso final|última oportunidad|acci(ón|ones) legal|demandar?\b"
        r"|juicio|embarg|actúe (ya|ahora)|apúrese|dese prisa|urgente|por tiempo limitado|moros"
        r"|incumpl|vencid[oa]s?\b|debe pagar|historial de crédito|puntaje|sanci(ón|ones)|multa"
        r"|consecuencia|inválid|transacci|autentic|términos y condiciones|\btú\b|\btu\b|\btus\b"
    ),
    "fr": (
        r"dernier (avis|rappel)|avis final|dernière chance|mise en demeure|poursuites?\b"
        r"|(action|recours) en justice|tribunaux|saisi(e|r)\b|agissez|dépêchez|urgent|délinquant"
        r"|défaut|en souffrance|arriéré|devez payer|(cote|dossier|bureau) de crédit|pénalité"
        r"|sanction|conséquence|invalide|transaction|authentifi|\btu\b|\bton\b|\btes\b"
    ),
}
"""Threats, pressure and office words (journeys; 15 USC 1692e, TX-02)."""

GLOSSARY = [
    ("debt", "deuda", "dette"),
    ("receipt", "recibo", "reçu"),
    ("offer", "oferta|ofrece", "offre|offr"),
    ("suggestion", "propuesta", "proposition"),
    ("you owe", "debe", "vous (ne )?dev"),
    ("close (the|this|your) account", "cerrar (la|esta|su) cuenta", "solder (le|ce|votre) compte"),
    ("fee|fees", "cargos?", "frais"),
    ("this is not right", "esto no es correcto", "il y a une erreur"),
]
"""A word of ours in English, and what stands for it."""


@cache
def catalogue(language: str) -> tuple[polib.POEntry, ...]:
    """The messages of a language."""
    path = i18n.TRANSLATIONS / language / "LC_MESSAGES" / "messages.po"
    return tuple(entry for entry in polib.pofile(str(path)) if not entry.obsolete)


@cache
def sources() -> Mapping[str, set[str]]:
    """Each message in English, and the files that say it."""
    with (translations.PROJECT / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    keywords = {
        **dict.fromkeys(("_", "N_", "gettext"), None),
        **{"ngettext": (1, 2), "pgettext": ((1, "c"), 2), "npgettext": ((1, "c"), 2, 3)},
    }
    said: dict[str, set[str]] = {}
    folder = translations.PROJECT / "portal"
    inside = [(pattern.removeprefix("portal/"), method) for pattern, method in methods]
    of = {pattern.removeprefix("portal/"): value for pattern, value in options.items()}
    for path, _line, message, _comments, _context in extract_from_dir(
        str(folder), inside, of, keywords=keywords
    ):
        forms = (message,) if isinstance(message, str) else message
        said.setdefault(forms[0], set()).add(f"portal/{path}")
    return said


def for_debtors(english: str) -> bool:
    """Whether anybody but staff reads a message."""
    return any(not STAFF_ONLY.match(path) for path in sources().get(english, {"portal/"}))


def texts_for_debtors(language: str) -> Iterator[tuple[str, str]]:
    """(English, what debtors read of it in a language), each plural form by itself."""
    for entry in catalogue("es" if language == "en" else language):
        if for_debtors(entry.msgid):
            yield from ((entry.msgid, text) for text in _texts(entry, language))


def _texts(entry: polib.POEntry, language: str) -> list[str]:
    if language == "en":
        return [text for text in (entry.msgid, entry.msgid_plural) if text]
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


def plain(text: str) -> str:
    """A message as it sounds: each placeholder is a short word, no markup."""
    return re.sub(r"<[^>]+>", "", PLACEHOLDER.sub("10", text)).replace("%%", "%")


def test_every_message_is_translated_and_every_placeholder_kept() -> None:
    result = CliRunner().invoke(translations.translations, ["check"])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_catalogue_compiles(language: str) -> None:
    voice = i18n.Voice(i18n.locale_for(language, "CA"))
    assert voice.gettext("Private messages") != "Private messages"
    assert not i18n.stale_catalogues()


def test_messages_for_debtors_are_told_from_those_for_staff() -> None:
    assert for_debtors("Pay now")
    assert for_debtors("Your plan")
    assert not for_debtors("Log in")
    assert len([*texts_for_debtors("en")]) > 300


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_left_in_english(language: str) -> None:
    left = [
        entry.msgid
        for entry in catalogue(language)
        for text in _texts(entry, language)
        if text in (entry.msgid, entry.msgid_plural)
        and (words := " ".join(WORD.findall(PLACEHOLDER.sub("", text))))
        and words not in ALIKE[language]
    ]
    assert left == []


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_debtors_can_read_it_at_the_age_of_ten(language: str) -> None:
    low, high = GATES[language]
    reached = score((plain(text) for _english, text in texts_for_debtors(language)), language)
    assert low <= reached <= high, f"{language}: {reached:.1f}"


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_no_sentence_for_debtors_is_long(language: str) -> None:
    most = LONGEST_SENTENCE[language]
    long = [
        " ".join(words)
        for _english, text in texts_for_debtors(language)
        for words in sentences(plain(text))
        if len(words) > most
    ]
    assert long == []


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_no_word_threatens_or_presses_a_debtor(language: str) -> None:
    wrong = re.compile(rf"\b(?:{FORBIDDEN[language]})", re.IGNORECASE)
    found = [
        (m[0], text) for _english, text in texts_for_debtors(language) if (m := wrong.search(text))
    ]
    assert found == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_of_the_glossary_are_used(language: str) -> None:
    column = 1 if language == "es" else 2
    missed = [
        (english, text)
        for row in GLOSSARY
        for english, text in texts_for_debtors(language)
        if re.search(rf"\b(?:{row[0]})\b", english, re.IGNORECASE)
        and not re.search(rf"\b(?:{row[column]})", text, re.IGNORECASE)
    ]
    assert missed == []


def test_french_is_spaced_as_french_is() -> None:
    wrong = re.compile(r"(?<![\u202f])(?:[?;»]|(?<!^)!|:(?=\s|$))|«(?!\u202f)|'|(?<!\u00a0)%%")
    said = [text for entry in catalogue("fr") for text in _texts(entry, "fr")]
    assert [text for text in said if wrong.search(text) and not _is_sms(text)] == []


def _is_sms(text: str) -> bool:
    return gsm7_length(text) is not None and text.startswith("%(sender)s :")


def test_spanish_opens_its_questions() -> None:
    wrong = [
        text
        for entry in catalogue("es")
        for text in _texts(entry, "es")
        if text.count("?") != text.count("¿") or text.lstrip("! ").count("!") != text.count("¡")
    ]
    assert wrong == []


def test_no_spanish_sentence_ends_in_two_full_stops() -> None:
    said = [text for entry in catalogue("es") for text in _texts(entry, "es")]
    assert [text for text in said if re.search(r"%\((time|at)\)s\.", text)] == []  # 8:42 p.m.


@pytest.mark.parametrize("language", i18n.LANGUAGES)
def test_a_text_message_has_letters_that_every_phone_has(language: str) -> None:
    found = [
        text
        for entry in catalogue("es" if language == "en" else language)
        if entry.msgid in sources()
        and any("/templates/sms/" in path for path in sources()[entry.msgid])
        for text in _texts(entry, language)
    ]
    assert found
    assert [text for text in found if gsm7_length(text) is None] == []


@pytest.mark.parametrize(
    ("word", "language", "heard"),
    [
        ("payment", "en", 2),
        ("address", "en", 2),
        ("time", "en", 1),
        ("people", "en", 2),
        ("cuenta", "es", 2),
        ("guerra", "es", 2),
        ("día", "es", 2),
        ("código", "es", 3),
        ("paiement", "fr", 2),
        ("adresse", "fr", 2),
        ("compte", "fr", 1),
        ("réessayer", "fr", 3),
    ],
)
def test_syllables_are_counted(word: str, language: str, heard: int) -> None:
    assert syllables(word, language) == heard


def test_hard_words_score_worse() -> None:
    easy = score(["You can pay a bit each month."], "en")
    hard = score(["Remuneration obligations necessitate immediate satisfaction."], "en")
    assert easy < 3
    assert hard > 12
    for language in LANGUAGES:
        assert score(["no no no."], language) > score(["autorización autorización."], language)


def test_a_sentence_that_ends_with_a_time_of_day_has_one_full_stop():
    for locale in ("en_CA", "es_US"):
        said = i18n.voice(locale)
        time = said.time(datetime(2026, 11, 23, 17, 2, tzinfo=UTC))
        assert said.gettext("Leaves on %(at)s.", at=time).endswith("m.")
        assert not said.gettext("Leaves on %(at)s.", at=time).endswith("..")
        assert said.gettext("%(name)s wrote: hmm...", name="A").endswith("hmm...")
