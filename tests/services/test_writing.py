"""What messages say in every language: neutral, whole, and with a way to stop (EC-04, EC-08)."""

import html
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import html5lib
import pytest

from portal.domain.disclosures import collector_line
from portal.domain.outgoing import TEMPLATES
from portal.domain.sms import sms_text_fits
from portal.i18n import LANGUAGES, compile_catalogues, locale_for, voice
from portal.models import Channel, CollectorRole
from portal.services.dispatch import NotWritten, Words
from portal.services.message_facts import Authorized, Copy, MessageFacts
from portal.writing import IDENTITY_METHODS, SUBJECTS, TEXTS, known_by, paid_with, write

compile_catalogues()

AGREED_AT = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
CREDITOR, COMPANY, PAYER = "Northgate Energy", "Northgate Collections", "Dana Reyes"
LINK = "https://go.example.com/l/0123456789ab.0123456789abcg"

PAID: dict[str, Any] = {
    "amount": (104_00, "USD"),
    "payment_reference": "PY-1",
    "account_reference": "NG-4471",
    "on": date(2026, 11, 23),
    "method_brand": "visa",
    "method_last4": "4242",
}
RECEIVED = PAID | {
    "at": AGREED_AT,
    "creditor": "Northgate Energy",
    "left": (936_00, "USD"),
    "agreement": "HR-7K2M-91",
    "permission": "0198c5a2",
    "payments": [(date(2026, 12, 23), (104_00, "USD"))],
}
COMING: dict[str, Any] = {
    "reference": "HR-7K2M-91",
    "account_reference": "NG-4471",
    "amount": (104_00, "USD"),
    "due_on": date(2026, 12, 23),
    "stop_until": date(2026, 12, 22),
    "taken": True,
    "payments": [(date(2026, 12, 23), (104_00, "USD"))],
    "by_hand": [(date(2026, 12, 28), (104_00, "USD"))],
    "method_brand": "visa",
    "method_last4": "4242",
}
SATISFIED = {
    "name": "Dana Reyes",
    "company": "Harbor Services LLC",
    "original_creditor": "Northgate Energy",
    "creditor": "Northgate Energy",
    "account_reference": "NG-4471",
    "agreement": "HR-7K2M-91",
    "settled": True,
    "paid": (868_00, "USD"),
    "forgiven": (372_00, "USD"),
    "paid_on": date(2026, 11, 23),
}
NAMES_THE_CREDITOR = ("authorization_copy", "receipt", "plan_accounting", "account_paid")
"""Copies of which the law says that they name the creditor (PY-05, PY-12)."""
ANSWERED = {"reference": "HR-7K2M-91", "answer_by": date(2026, 11, 27)}
CURE = {
    "late": (40_00, "USD"),
    "due_on": date(2026, 12, 4),
    "keep_until": date(2026, 12, 25),
    "again_on": date(2026, 12, 11),
    "days": (date(2026, 12, 11), date(2026, 12, 15)),
    "spreads": True,
    "many": False,
    "first_until": None,
}
VALUES: dict[str, dict[str, Any]] = {
    "one_time_code": {"code": "123456"},
    "payment_link": {"pay_url": "https://go.example.com/p/abc"},
    "receipt": RECEIVED,
    **dict.fromkeys(("payment_failed", "payment_processing", "refund_made"), PAID),
    **dict.fromkeys(
        ("arrangement_withdrawn", "automatic_stopped"),
        {"reference": "HR-7K2M-91", "why": "expired"},
    ),
    "agreement_copy": {"reference": "HR-7K2M-91", "undo_until": AGREED_AT},
    "rest_ends": {
        "until": date(2026, 12, 22),
        "next": (date(2026, 12, 23), (104_00, "USD")),
        "automatic": True,
        "account_reference": "NG-4021",
    },
    "arrangement_canceled": {"reference": "HR-7K2M-91", "owed": (10_00, "USD")},
    "plan_changed": {
        "reference": "HR-7K2M-91",
        "lines": [(date(2026, 12, 4), (104_00, "USD"))],
        "left": (104_00, "USD"),
    },
    "abandoned_checkout": {"kept_until": date(2026, 12, 13)},
    "charged_back": {
        "amount": (60_00, "USD"),
        "paid_on": date(2026, 12, 4),
        "owed": (214_66, "USD"),
        "account_reference": "NG-4471",
        "stopped": True,
        "letter": True,
    },
    "payment_returned": {
        "amount": (60_00, "USD"),
        "counter": ("check", "1017"),
        "paid_on": date(2026, 12, 4),
        "owed": (214_66, "USD"),
        "account_reference": "NG-4471",
        "letter": True,
    },
    "closing_notice": {"reference": "NG-4471", "wording": "remedy"},
    "payment_missed": {"cure": CURE, "account_reference": "NG-4471"},
    "plan_ended": {
        "reference": "HR-7K2M-91",
        "paid": (40_00, "USD"),
        "owed": (200_00, "USD"),
        "settled": True,
    },
    "plan_completed": {"reference": "HR-7K2M-91", "owed": (10_00, "USD"), "satisfied": None},
    "account_paid": {"satisfied": SATISFIED},
    "pre_debit_notice": COMING,
    "payment_reminder": COMING,
    "payment_waits": COMING | {"again_on": date(2027, 1, 6)},
    "payments_ahead": COMING,
    "plan_accounting": COMING
    | {
        "paid": (104_00, "USD"),
        "left": (936_00, "USD"),
        "left_payments": 9,
        "next_on": date(2026, 12, 23),
        "owed": (936_00, "USD"),
        "creditor": "Northgate Energy",
    },
    **dict.fromkeys(("proposal_received", "help_received"), ANSWERED),
    **dict.fromkeys(("proposal_accepted", "proposal_countered"), {"by_person": False}),
}
AUTHORIZED = Authorized(
    payer_name=PAYER,
    company=COMPANY,
    creditor=CREDITOR,
    reference="NG-4471",
    schedule=[(date(2026, 12, 4), 104_00), (date(2027, 1, 4), 96_00)],
    total_cents=200_00,
    currency="USD",
    method_brand="visa",
    method_last4="4242",
    agreed_at=AGREED_AT,
    identity_method="date_of_birth+postal_code",
    phone="1-800-555-0100",
    address="12 Pier Road",
)

PRIVATE = [name for name, template in TEMPLATES.items() if template.private]
SAYS_TOO_MUCH = {
    "en": r"\bdebts?\b|\bow(e|ed|ing)\b|collect|creditor|balance|\bsettle|past due|\bpay|amount",
    "es": r"deuda|adeud|cobr|acreedor|saldo|\bpag[aáou]|\bmonto",
    "fr": r"dette|créanci|recouvr|\bsolde|paiement|\bpay[eé]|montant",
}
MONEY = re.compile(r"[$€]|\d[.,]\d\d")
LOADS = re.compile(
    r"url\(|@import|\b(?:src|srcset|background|poster|data)=|<(?:img|link|iframe)", re.IGNORECASE
)


def facts(name: str, language: str = "en", **given: Any) -> MessageFacts:
    door = TEMPLATES[name].door
    values: dict[str, Any] = {
        "template": name,
        "channel": Channel.EMAIL,
        "language": language,
        "country": "US",
        "sender": "Harbor Services",
        "street_address": "12 Pier Road, Portland, OR 97201",
        "phone": "1-800-555-0100",
        "private": False,
        "link_url": LINK if door else None,
        "link_until": date(2026, 12, 7) if door else None,
        "unsubscribe_url": "https://go.example.com/unsubscribe/abc",
        "values": VALUES.get(name, {}),
        "zone": "America/New_York",
    }
    return MessageFacts(**(values | given))


def private_facts(name: str, language: str = "en", **given: Any) -> MessageFacts:
    authorized = AUTHORIZED if name == "authorization_copy" else None
    return facts(name, language, **({"private": True, "authorized": authorized} | given))


def read(words: Words) -> str:
    """What a person reads in the HTML, without its styles."""
    parser = html5lib.HTMLParser(namespaceHTMLElements=False, strict=True)
    document = parser.parse(words.html)
    assert len(list(document.iter("h1"))) == 1
    return " ".join("".join(document.find("body").itertext()).split())


def all_words(words: Words) -> str:
    return " ".join([words.subject, words.text, read(words)])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", TEMPLATES)
def test_ec_08_an_email_says_nothing_of_a_debt(name: str, language: str):
    """EC-08"""
    said = all_words(write(facts(name, language)))
    for spoken in {language, "en"}:
        assert not re.search(SAYS_TOO_MUCH[spoken], said, re.IGNORECASE), said
    assert not MONEY.search(said), said
    assert "NG-4471" not in said
    assert "HR-7K2M" not in said


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", TEMPLATES)
def test_ec_08_a_text_says_nothing_of_a_debt(name: str, language: str):
    """EC-08, EC-07: the sender, the purpose, where help is, and how to stop."""
    text = write(facts(name, language, channel=Channel.SMS, private=False)).text
    for spoken in {language, "en"}:
        assert not re.search(SAYS_TOO_MUCH[spoken], text, re.IGNORECASE), text
    assert not MONEY.search(text)
    for needed in ("Harbor Services", "1-800-555-0100", "STOP"):
        assert needed in text
    assert (LINK in text) is TEMPLATES[name].door
    assert "\n" not in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PRIVATE)
def test_ec_08_what_a_proven_address_reads_names_no_creditor(name: str, language: str):
    """EC-08: the subject stays neutral, and the body speaks of what the person did."""
    words = write(private_facts(name, language))
    for spoken in {language, "en"}:
        assert not re.search(SAYS_TOO_MUCH[spoken], words.subject, re.IGNORECASE)
    assert not MONEY.search(words.subject)
    if name not in NAMES_THE_CREDITOR:
        assert CREDITOR not in all_words(words)
        assert not re.search(r"\bdebts?\b|dette|deuda", all_words(words), re.IGNORECASE)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("make", [facts, private_facts])
def test_ec_04_every_email_can_be_stopped_and_says_who_wrote(make: Any, name: str, language: str):
    """EC-04, CA-06"""
    words = write(make(name, language))
    given = facts(name)
    assert str(given.unsubscribe_url) in words.text
    assert f'href="{given.unsubscribe_url}"' in words.html
    for needed in (given.sender, given.street_address, given.phone):
        assert needed in words.text
        assert needed in html.unescape(words.html)
    if TEMPLATES[name].door:
        assert LINK in words.text
        assert f'href="{LINK}"' in words.html
    assert not re.search(r"<(img|script|link|iframe)|(?<!LINK)\bsrc=|http-equiv", words.html)


def sentences(words: str) -> set[str]:
    parts = re.split(r"\s*[\n:•|]\s*|(?<=[.?!])\s+", words)
    return {" ".join(part.split()) for part in parts if len(part) > 3}


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("make", [facts, private_facts])
def test_both_parts_of_an_email_say_the_same(make: Any, name: str):
    words = write(make(name, collector_line="debt-collector-subsequent"))
    shown = read(words)
    missing = [
        said
        for said in sentences(words.text)
        if said not in shown and "http" not in said and "//go.example.com" not in said
    ]
    assert missing == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("role", CollectorRole)
def test_tx_01_the_collectors_line_stands_where_the_debt_is_spoken_of(
    role: CollectorRole, language: str
):
    """TX-01: by role, in the language of the message; first parties never show it."""
    line = collector_line(role, first=False)
    words = write(private_facts("receipt", language, collector_line=line))
    spoken = {"en": "debt collector", "es": "cobrador", "fr": "recouvrement"}[language]
    assert (spoken in words.text) is (spoken in words.html) is (line is not None)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", TEMPLATES)
def test_reading_an_email_loads_nothing_from_anywhere(name: str, language: str):
    """No tracking pixel: nobody learns that, when or where somebody read it."""
    for words in (write(facts(name, language)), write(private_facts(name, language))):
        assert LOADS.findall(words.html) == []


def test_py_12_a_receipt_says_how_much_when_with_what_to_whom_and_what_comes():
    """PY-12: amount, time, last digits, creditor, what is left, the schedule, the permission."""
    words = write(private_facts("receipt"))
    for needed in (
        *("$104.00", "November 23, 2026", "12:00", "Visa ending in 4242", "PY-1", "NG-4471"),
        *("Northgate Energy", "$936.00", "December 23, 2026", "HR-7K2M-91", "0198c5a2"),
    ):
        assert needed in words.text
        assert needed in html.unescape(words.html)
    bare = RECEIVED | {"method_brand": None, "method_last4": None}
    assert "Paid with" not in write(private_facts("receipt", values=bare)).text


@pytest.mark.parametrize("template", ["receipt", "payment_failed", "payment_processing"])
def test_what_somebody_else_paid_is_told_as_theirs(template: str):
    words = write(private_facts(template, values=RECEIVED | {"by_payer": True}))
    for text in (words.text, html.unescape(words.html)):
        assert "Somebody you asked" in text
        assert "our payment did not" not in text


@pytest.mark.parametrize(
    ("language", "country", "currency", "amount"),
    [
        ("es", "US", "USD", "$104.00"),
        ("fr", "CA", "CAD", "104,00\u00a0$"),
        ("en", "CA", "CAD", "$104.00"),
    ],
)
def test_amounts_are_written_as_the_creditors_country_does(
    language: str, country: str, currency: str, amount: str
):
    values = RECEIVED | {"amount": (104_00, currency)}
    words = write(private_facts("receipt", language, country=country, values=values))
    assert amount in words.text


def test_the_copy_of_a_permission_holds_all_that_the_law_wants():
    """PY-05"""
    words = write(private_facts("authorization_copy"))
    for needed in (
        *(PAYER, COMPANY, CREDITOR, "NG-4471", "Visa ending in 4242", "your date of birth"),
        *("$200.00", "December 4, 2026: $104.00", "January 4, 2027: $96.00", "at any time"),
    ):
        assert needed in words.text
        assert needed in read(words)


def test_the_copy_of_an_agreement_goes_along():
    copy = Copy("copy.html", "text/html", b"<p>")
    assert "the file with this email" in write(private_facts("agreement_copy", copy=copy)).text
    assert "the file with this email" not in write(private_facts("agreement_copy")).text


def test_without_a_link_the_way_on_is_a_call():
    for channel in (Channel.EMAIL, Channel.SMS):
        words = write(facts("thread_reply", channel=channel, link_url=None, link_until=None))
        assert "call" in words.text
        assert "http" not in words.text.partition("Stop these")[0]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("sender", ["Harbor Services", "Maple Ridge Accounts", "Blue Lake Care"])
@pytest.mark.parametrize("name", [*TEXTS, "thread_reply"])
def test_a_text_is_one_segment(name: str, sender: str, language: str):
    for address in ("https://go.example.com", "http://127.0.0.1:8000"):
        url = LINK.replace("https://go.example.com", address)
        given = facts(name, language, channel=Channel.SMS, sender=sender)
        text = write(replace(given, link_url=given.link_url and url)).text
        assert sms_text_fits(text), (len(text), text)


def test_names_from_data_are_never_markup():
    words = write(facts("link", sender="<b>Tom & Co</b>"))
    assert "<b>Tom" not in words.html.replace("<p><b>&lt;b&gt;Tom", "")
    assert "<b>Tom & Co</b>" in words.text


def test_a_code_stands_in_neither_subject_nor_link():
    words = write(facts("one_time_code"))
    assert "123456" in words.text
    assert "123456" not in words.subject


def test_facts_that_are_missing_are_said_so_and_not_sent_half():
    with pytest.raises(NotWritten, match="receipt"):
        write(private_facts("receipt", values={}))
    with pytest.raises(NotWritten):
        write(facts("one_time_code", values={}))


def test_every_kind_of_message_has_its_words():
    assert set(SUBJECTS) == set(TEMPLATES)


def test_ways_to_prove_oneself_are_told_in_words():
    said = voice(locale_for("en"))
    for method in IDENTITY_METHODS:
        assert known_by(said, method) != method
    assert known_by(said, "code:sms+last_four").count(",") == 1
    assert paid_with(said, "us_bank_account", "6789") == "Bank account ending in 6789"
    assert paid_with(said, "american_express", "0005") == "American Express ending in 0005"
    assert paid_with(said, None, None) == ""
