"""Help: what each topic says before it is sent, what it holds, and where it leads."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from portal.config import Settings
from portal.db import PortalSession
from portal.domain.help import HELP_TOPICS, LONGEST_ANSWER
from portal.domain.holds import HoldKind
from portal.domain.hours import as_kept
from portal.domain.statuses import PaymentStatus
from portal.gateways.clock import SetClock
from portal.models import (
    Arrangement,
    CollectorRole,
    HelpRequest,
    HelpStatus,
    Hold,
    MoneyException,
    Staff,
    fresh_id,
)
from portal.services import charging, evidence, money_questions
from portal.services.help import answer_request
from portal.services.links import issue_link
from portal.services.standing import holds_in_force, set_hold, standing
from portal.services.threads import thread_of
from tests.factories import make_account, make_debtor, make_policy
from tests.pages.debtors import RIGHT, Dana, come_in, csrf_of, make_visitor, send
from tests.pages.reading import heard, said, spaced, tree
from tests.sandbox.checked import checked_stripe
from tests.services.paying import Till, first_payment, make_plan, parts_of, send_copy
from tests.services.test_help import sam

AGENCY = {"collector_role": CollectorRole.THIRD_PARTY_AGENCY}


@pytest.fixture
def dana(http: FlaskClient, session: PortalSession, settings: Settings, clock: SetClock) -> Dana:
    """Dana, who has passed the identity check."""
    return enter(http, session, settings, clock)


def enter(
    http: FlaskClient,
    session: PortalSession,
    settings: Settings,
    clock: SetClock,
    **given: Any,
) -> Dana:
    visitor = make_visitor(session, settings, clock.now(), **given)
    make_policy(session, visitor.client)
    session.commit()
    come_in(http, session, visitor)
    return visitor


@pytest.fixture
def plan(session: PortalSession, dana: Dana, clock: SetClock) -> Iterator[Till]:
    """Dana's plan of two parts, taken automatically; the first is paid."""
    with checked_stripe() as stripe:
        stripe.clock.now = clock.now()
        till = Till(session, stripe, dana.account)
        first_payment(till, make_plan(till, (620_00, 620_00)))
        send_copy(till)
        session.commit()
        yield till


def with_new_link(session: PortalSession, dana: Dana, settings: Settings, clock: SetClock) -> Dana:
    """Dana, who comes back by a new link on another day."""
    issued = issue_link(
        session, dana.debtor, keys=settings.keys, contact=dana.contact, now=clock.now()
    )
    session.commit()
    return replace(dana, issued=issued)


def write_to_who_acts(till: Till) -> None:
    """A person sends what is kept from a lawyer's client to the lawyer (CT-08, PY-07)."""
    for question in till.all(MoneyException):
        assert question.kind == "copy_kept_back"
        letter, _ = money_questions.options(till.session, question)
        staff = Staff(id=fresh_id(), name="Otto")
        money_questions.decide(
            till.session, question, letter.mark, "Sent.", staff=staff, now=till.now
        )


def at(dana: Dana, rest: str = "") -> str:
    return f"/account/{dana.account.id}{rest}"


def ask(http: FlaskClient, dana: Dana, topic: str, **typed: Any) -> Any:
    return send(http, at(dana, f"/help/{topic}"), typed, follow_redirects=True)


def holds(session: PortalSession, dana: Dana, clock: SetClock) -> list[str]:
    return [hold.kind for hold in holds_in_force(session, dana.account, clock.now())]


def main_of(page: Any) -> Element:
    main = tree(page).find(".//main")
    assert main is not None
    return main


def test_help_says_first_that_nothing_is_taken_and_names_seven_topics(
    http: FlaskClient, dana: Dana
) -> None:
    page = http.get(at(dana, "/help"))
    words = heard(page)
    assert words.index("Nothing will be taken from you today.") < words.index("not my debt")
    menu = next(one for one in main_of(page).iter("ul") if one.get("class") == "menu")
    assert len([item for item in menu if item.tag == "li"]) == len(HELP_TOPICS) == 7
    assert dana.client.phone in words
    assert dana.client.phone_hours in words
    assert "automatic payment" not in words


def test_hours_are_said_in_the_language_of_the_page_before_identity_and_after(
    app: Flask, http: FlaskClient, session: PortalSession, dana: Dana
) -> None:
    hours = {"en": "Monday to Friday", "es": "De lunes a viernes"}
    dana.client.phone_hours = as_kept(hours)
    session.commit()
    for reader, page in ((http, at(dana, "/help")), (app.test_client(), dana.path)):
        for language, words in (("en", hours["en"]), ("es", hours["es"]), ("fr", hours["en"])):
            shown = reader.get(page, query_string={"lang": language})
            assert words in heard(shown), (page, language)
            assert "{" not in heard(shown)


@pytest.mark.parametrize(
    ("country", "known"),
    [("US", "Consumer Financial Protection Bureau"), ("CA", "Credit Counselling Canada")],
)
def test_independent_advice_is_that_of_the_country_and_learns_nothing_of_the_page(
    http: FlaskClient,
    session: PortalSession,
    settings: Settings,
    clock: SetClock,
    country: str,
    known: str,
) -> None:
    dana = enter(http, session, settings, clock, country=country)
    page = http.get(at(dana, "/help"))
    outside = [a for a in main_of(page).iter("a") if a.get("href", "").startswith("https://")]
    assert known in [spaced(a) for a in outside]
    assert {a.get("rel") for a in outside} == {"noreferrer"}
    assert not any("?" in a.get("href", "") for a in outside)
    language = "es" if country == "US" else "fr"
    own = http.get(at(dana, f"/help?lang={language}"))
    assert f"/{language}/" in "".join(a.get("href", "") for a in main_of(own).iter("a"))


@pytest.mark.parametrize(
    ("topic", "typed", "kinds"),
    [
        ("not-my-debt", {"options": "not-mine"}, [HoldKind.NOT_MY_DEBT]),
        ("not-my-debt", {"options": "identity-theft"}, [HoldKind.IDENTITY_THEFT]),
        ("amount-wrong", {"options": "amount"}, [HoldKind.AMOUNT_WRONG]),
        ("amount-wrong", {"options": "other", "details": "Both"}, [HoldKind.DISPUTE]),
        ("already-paid", {"details": "In May, to the shop"}, [HoldKind.ALREADY_PAID]),
        ("cannot-pay", {}, [HoldKind.HARDSHIP]),
        ("cannot-pay", {"options": "health"}, [HoldKind.HARDSHIP]),
        ("adviser", {"options": "lawyer"}, [HoldKind.ATTORNEY]),
        ("adviser", {"options": "debt-adviser"}, [HoldKind.DEBT_COUNSELLOR]),
        ("bankruptcy-or-death", {"options": "bankruptcy"}, [HoldKind.BANKRUPTCY]),
        ("bankruptcy-or-death", {"options": "death"}, [HoldKind.DECEASED]),
        ("contact", {"options": "stop"}, [HoldKind.CEASE_ALL]),
        ("contact", {"options": "change", "details": "By letter"}, []),
    ],
)
def test_each_topic_sets_its_hold_and_leads_to_its_status(
    http: FlaskClient,
    session: PortalSession,
    dana: Dana,
    clock: SetClock,
    *,
    topic: str,
    typed: dict[str, str],
    kinds: list[HoldKind],
) -> None:
    """DH-01, DH-02, DH-05, DH-06, CT-08"""
    page = ask(http, dana, topic, **typed)
    assert page.status_code == 200
    words = heard(page)
    assert words.startswith("Back We have your message")
    assert "A person answers by November 25, 2026." in words
    asked = session.scalars(select(HelpRequest)).one()
    assert page.request.path == at(dana, f"/requests/{asked.reference}")
    assert asked.reference in words
    assert asked.topic == topic
    assert holds(session, dana, clock) == kinds


def test_several_answers_of_a_dispute_set_several_holds(
    http: FlaskClient,
    session: PortalSession,
    settings: Settings,
    clock: SetClock,
) -> None:
    """VN-05, DH-01, DH-02"""
    dana = enter(http, session, settings, clock, **AGENCY)
    page = http.get(at(dana, "/help/not-my-debt"))
    words = heard(page)
    assert "How do you want to respond?" in words
    assert "Check all that apply" in words
    assert "I want you to send me the name and address of the original creditor." in words
    boxes = [one for one in main_of(page).iter("input") if one.get("type") == "checkbox"]
    assert [one.get("value") for one in boxes if one.get("checked") is not None] == ["not-mine"]
    data = {"csrf_token": csrf_of(page), "options": ["not-mine", "original-creditor"]}
    said_now = heard(http.post(at(dana, "/help/not-my-debt"), data=data, follow_redirects=True))
    assert holds(session, dana, clock) == [
        HoldKind.NOT_MY_DEBT,
        HoldKind.ORIGINAL_CREDITOR_REQUEST,
    ]
    assert "This is not my debt" in said_now
    assert "name and address of the original creditor" in said_now


def test_only_a_debt_collector_is_asked_for_the_original_creditor(
    http: FlaskClient, session: PortalSession, dana: Dana
) -> None:
    page = http.get(at(dana, "/help/amount-wrong"))
    assert "original creditor" not in heard(page)
    again = send(http, at(dana, "/help/amount-wrong"), {"options": "original-creditor"})
    assert again.status_code == 422
    assert session.scalar(select(func.count(HelpRequest.id))) == 0


def test_not_my_debt_is_four_pages_and_eight_interactions(
    http: FlaskClient,
    session: PortalSession,
    settings: Settings,
    clock: SetClock,
) -> None:
    """The link's form: three boxes of a date, the ZIP code, Continue; then three taps."""
    dana = make_visitor(session, settings, clock.now(), **AGENCY)
    make_policy(session, dana.client)
    session.commit()
    first = http.get(dana.path)
    interactions = len(RIGHT) + 1
    second = http.post(
        dana.path, data={"csrf_token": csrf_of(first), **RIGHT}, follow_redirects=True
    )
    door = next(a for a in main_of(second).iter("a") if "not right" in spaced(a))
    third = http.get(door.get("href", ""))
    summary = next(s for s in main_of(third).iter("summary") if "not my debt" in spaced(s))
    form = next(f for f in main_of(third).iter("form") if "not my debt" in spaced(f))
    interactions += len([door, summary, form])
    data = {field.get("name"): field.get("value") for field in form.iter("input")}
    fourth = http.post(form.get("action", ""), data=data, follow_redirects=True)
    assert "We have your message" in heard(fourth)
    pages = [first, second, third, fourth]
    assert (len(pages), interactions) == (4, 8)
    assert standing(session, dana.account, clock.now()).pay.allowed is False


def test_the_day_that_is_promised_counts_the_client_s_working_days(
    http: FlaskClient,
    session: PortalSession,
    settings: Settings,
    clock: SetClock,
) -> None:
    """Three working days from a Tuesday before Thanksgiving, and around Boxing Day in Canada."""
    clock.at = datetime(2026, 11, 24, 17, 0, tzinfo=UTC)
    dana = enter(http, session, settings, clock)
    for words in (
        heard(http.get(at(dana, "/help/already-paid"))),
        heard(ask(http, dana, "already-paid")),
    ):
        assert "A person answers by November 30, 2026." in words
    clock.at = datetime(2026, 12, 23, 17, 0, tzinfo=UTC)
    canada = enter(http, session, settings, clock, country="CA", currency="CAD")
    assert "by December 30, 2026." in heard(ask(http, canada, "already-paid"))


def test_a_dispute_at_the_last_minute_of_the_period_is_in_time(
    http: FlaskClient,
    session: PortalSession,
    settings: Settings,
    clock: SetClock,
) -> None:
    """DH-01: 23:59 in New York, when the day is over in UTC; a minute later it is too late."""
    last_minute = datetime(2026, 12, 1, 4, 59, 30, tzinfo=UTC)
    in_time = []
    for moment in (last_minute, last_minute + timedelta(minutes=1)):
        clock.at = moment
        dana = enter(http, session, settings, clock, **AGENCY)
        dana.account.validation_ends_on = date(2026, 11, 30)
        session.commit()
        page = ask(http, dana, "not-my-debt", options="not-mine")
        leaves = evidence.account_leaves(session, dana.account)
        opened = next(leaf for leaf in leaves if leaf.type == "help.opened")
        in_time.append(opened.payload["in_time"])
        assert ("came in time" in heard(page)) is in_time[-1]
        assert holds(session, dana, clock) == [HoldKind.NOT_MY_DEBT]
    assert in_time == [True, False]


@pytest.mark.parametrize(
    ("topic", "typed", "charged"),
    [
        ("not-my-debt", {"options": "not-mine"}, False),
        ("amount-wrong", {"options": "amount"}, False),
        ("already-paid", {}, False),
        ("adviser", {"options": "lawyer"}, True),
        ("bankruptcy-or-death", {"options": "bankruptcy"}, False),
        ("contact", {"options": "stop"}, True),
    ],
)
def test_what_is_said_of_automatic_payments_is_what_the_charge_does(
    http: FlaskClient,
    dana: Dana,
    plan: Till,
    clock: SetClock,
    *,
    topic: str,
    typed: dict[str, str],
    charged: bool,
) -> None:
    """DH-01, DH-08"""
    words = heard(http.get(at(dana, f"/help/{topic}")))
    stops = "We take no automatic payment before we have answered."
    goes_on = "Your automatic payments go on. The next one is $620.00 on December 22, 2026."
    assert (goes_on in words) is charged
    assert (stops in words) is not charged
    ask(http, dana, topic, **typed)
    plan.wait(days=17)
    write_to_who_acts(plan)
    plan.wait(days=13)
    clock.advance(timedelta(days=30))
    second = parts_of(plan, plan.all(Arrangement)[0])[1]
    made = charging.charge_installment(plan.session, plan.gateway, second.id, now=plan.now)
    assert (made is not None) is charged
    assert len(plan.charges) == (2 if charged else 1)


def test_who_cannot_pay_now_is_told_until_when_nothing_is_taken(
    http: FlaskClient, dana: Dana, plan: Till
) -> None:
    """DH-08: a rest ends on its day, answered or not."""
    words = heard(http.get(at(dana, "/help/cannot-pay")))
    assert "We take no automatic payment before December 22, 2026." in words
    assert "The next one is $620.00 on December 22, 2026." in words
    assert "before we have answered" not in words


def test_the_help_page_says_what_an_automatic_plan_takes_next(
    http: FlaskClient, session: PortalSession, dana: Dana, plan: Till, settings, clock: SetClock
) -> None:
    words = heard(http.get(at(dana, "/help")))
    assert "Nothing will be taken from you today. Your next automatic payment is $620.00" in words
    clock.advance(timedelta(days=30))
    come_in(http, session, with_new_link(session, dana, settings, clock))
    words = heard(http.get(at(dana, "/help")))
    assert "Nothing will be taken" not in words
    assert "A payment of $620.00 is due, and we may take it today." in words


def test_a_payment_on_its_way_is_said_before_and_after(
    http: FlaskClient, session: PortalSession, dana: Dana, plan: Till
) -> None:
    payment = plan.start(50_00)
    payment.status = PaymentStatus.PROCESSING
    session.commit()
    sentence = "A payment of $50.00 is already on its way. Your bank may still take it."
    for path in (at(dana, "/help"), at(dana, "/help/cannot-pay")):
        words = heard(http.get(path))
        assert sentence in words
        assert "Nothing will be taken" not in words
    assert sentence in heard(ask(http, dana, "cannot-pay"))


@pytest.mark.parametrize(
    ("topic", "typed", "problem"),
    [
        ("adviser", {"details": "Ms. Ortiz, 503 226 0100"}, "Choose what fits best."),
        ("contact", {}, "Choose what fits best."),
        ("contact", {"options": "lawyer", "details": "x"}, "Choose one of the answers."),
        ("not-my-debt", {"details": "Never heard of it"}, "Choose what fits best."),
        ("already-paid", {"details": "with 4242 4242 4242 4242"}, "take out the card number"),
        ("already-paid", {"details": "x" * 2_001}, "Please write at most 2000 characters."),
    ],
)
def test_what_is_not_clear_is_asked_again_and_nothing_is_lost(
    http: FlaskClient,
    session: PortalSession,
    dana: Dana,
    topic: str,
    typed: dict[str, str],
    problem: str,
) -> None:
    """PC-01"""
    page = send(http, at(dana, f"/help/{topic}"), typed)
    assert page.status_code == 422
    assert problem in heard(page)
    area = next(main_of(page).iter("textarea"))
    assert (area.text or "").strip() == typed.get("details", "")
    assert session.scalar(select(func.count(HelpRequest.id))) == 0
    assert session.scalar(select(func.count(Hold.id))) == 0


def test_the_counter_says_how_much_was_written(http: FlaskClient, dana: Dana) -> None:
    path = at(dana, "/help/cannot-pay")
    assert "Up to 2,000 characters." in heard(http.get(path))
    page = send(http, path, {"details": "é" * (LONGEST_ANSWER + 317)})
    assert "You wrote 2,317 characters. The most is 2,000." in heard(page)
    exactly = send(http, path, {"details": "line\r\n" * 400})
    assert exactly.status_code == 303


def test_a_switch_of_language_keeps_the_words_and_sends_nothing(
    http: FlaskClient, session: PortalSession, dana: Dana
) -> None:
    path = at(dana, "/help/adviser")
    typed = {"keep": "1", "options": "lawyer", "details": "Ms. Ortiz"}
    page = send(http, path, typed, query_string={"lang": "fr"})
    assert page.status_code == 200
    assert tree(page).get("lang") == "fr"
    assert "Ms. Ortiz" in heard(page)
    assert [
        one.get("value") for one in main_of(page).iter("input") if one.get("checked") is not None
    ] == ["lawyer"]
    assert session.scalar(select(func.count(HelpRequest.id))) == 0


@pytest.mark.parametrize("topic", ["question", "call_back", "nonsense", "not_my_debt", "%00"])
def test_an_unknown_topic_is_not_found(http: FlaskClient, dana: Dana, topic: str) -> None:
    assert http.get(at(dana, f"/help/{topic}")).status_code == 404


def test_another_debtor_s_account_and_request_are_not_found(
    http: FlaskClient,
    session: PortalSession,
    settings: Settings,
    clock: SetClock,
    dana: Dana,
) -> None:
    ask(http, dana, "amount-wrong", options="amount")
    reference = session.scalars(select(HelpRequest.reference)).one()
    other = make_account(session, make_debtor(session, dana.client, first_name="Noor"))
    session.commit()
    token = csrf_of(http.get(at(dana, "/help/contact")))
    for rest in ("/help", "/help/amount-wrong", "/messages", f"/requests/{reference}"):
        assert http.get(f"/account/{other.id}{rest}").status_code == 404
        data = {"csrf_token": token, "options": "amount", "body": "x", "details": "x"}
        if rest != "/help":
            assert http.post(f"/account/{other.id}{rest}", data=data).status_code == 404
    withdraw = f"/account/{other.id}/requests/{reference}/withdraw"
    assert http.post(withdraw, data={"csrf_token": token}).status_code == 404
    for wrong in ("HR-0000-00", "%00", "%ff", "x" * 5_000, "../.."):
        assert http.get(at(dana, f"/requests/{wrong}")).status_code == 404
    assert http.get(f"/account/{other.id}/help").status_code == 404


def test_without_a_visit_every_page_is_closed(
    http: FlaskClient, session: PortalSession, dana: Dana
) -> None:
    http.delete_cookie("visit")
    for rest in ("/help", "/help/contact", "/requests/HR-1111-11", "/messages"):
        assert http.get(at(dana, rest)).status_code == 403


@pytest.mark.parametrize("kind", [HoldKind.BANKRUPTCY, HoldKind.DECEASED, HoldKind.UNDER_REVIEW])
def test_help_works_where_the_debt_may_not_be_shown(
    http: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock, kind: HoldKind
) -> None:
    """DH-06"""
    set_hold(session, dana.account, kind, source="staff", now=clock.now(), actor=evidence.SYSTEM)
    session.commit()
    for rest in ("/help", "/help/cannot-pay", "/messages"):
        page = http.get(at(dana, rest))
        assert page.status_code == 200
        assert "Northgate" not in said(page) or rest == "/messages"
        assert "$" not in said(page)
    page = ask(http, dana, "not-my-debt", options="not-mine", details="I never lived there.")
    assert "We have your message" in heard(page)
    assert "I never lived there." in heard(page)


def test_the_same_topic_again_joins_the_open_request(
    http: FlaskClient, session: PortalSession, dana: Dana
) -> None:
    for words in ("I owe half.", "I owe half.", "I have the letter."):
        page = ask(http, dana, "amount-wrong", options="amount", details=words)
    assert session.scalar(select(func.count(HelpRequest.id))) == 1
    assert [e.body for e in thread_of(session, dana.account)] == [
        "I owe half.",
        "I have the letter.",
    ]
    assert "I have the letter." in heard(page)
    assert "We answer by" in heard(http.get(at(dana, "/help")))


def test_our_answer_stands_on_the_status_page_and_more_can_be_said(
    http: FlaskClient, session: PortalSession, settings: Settings, dana: Dana, clock: SetClock
) -> None:
    page = ask(http, dana, "amount-wrong", options="amount", details="I owe half.")
    path = page.request.path
    asked = session.scalars(select(HelpRequest)).one()
    answer_request(
        session,
        asked,
        "You are right.",
        staff=sam(session),
        now=clock.now(),
        lift="corrected",
    )
    session.commit()
    words = heard(http.get(path))
    assert words.startswith("Back We answered you")
    assert "You are right." in words
    assert "Sam" not in words
    assert "You do not need to pay while we check." not in words
    clock.advance(timedelta(days=1))
    come_in(http, session, with_new_link(session, dana, settings, clock))
    again = send(http, path, {"body": "Not yet."}, follow_redirects=True)
    assert heard(again).startswith("Back We have your message")
    session.refresh(asked)
    assert (asked.status, asked.promised_on) == (HelpStatus.OPENED, date(2026, 11, 27))
    empty = send(http, path, {"body": " "})
    assert empty.status_code == 422
    assert "Write a message first." in heard(empty)


def test_a_request_that_is_taken_back_holds_nothing_any_more(
    http: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
) -> None:
    page = ask(http, dana, "cannot-pay", details="I lost my job.")
    path = page.request.path
    token = csrf_of(page)
    for _ in range(2):
        done = http.post(f"{path}/withdraw", data={"csrf_token": token}, follow_redirects=True)
        assert heard(done).startswith("Back This is closed")
    assert holds(session, dana, clock) == []
    types = [leaf.type for leaf in evidence.account_leaves(session, dana.account)]
    assert types.count("help.withdrawn") == types.count("hold.lifted") == 1
    lifted = next(
        leaf
        for leaf in evidence.account_leaves(session, dana.account)
        if leaf.type == "hold.lifted"
    )
    assert lifted.payload["actor"]["kind"] == "debtor"
    assert http.get(f"{path}/withdraw").status_code == 405


@pytest.mark.parametrize(
    ("topic", "option"), [("bankruptcy-or-death", "bankruptcy"), ("not-my-debt", "identity-theft")]
)
def test_what_a_person_must_look_at_is_not_taken_back_by_a_button(
    http: FlaskClient,
    session: PortalSession,
    dana: Dana,
    clock: SetClock,
    topic: str,
    option: str,
) -> None:
    """DH-05, DH-06"""
    page = ask(http, dana, topic, options=option)
    assert "take this back" not in heard(page)
    path = page.request.path
    refused = http.post(f"{path}/withdraw", data={"csrf_token": csrf_of(page)})
    assert refused.status_code == 409
    assert len(holds(session, dana, clock)) == 1


def test_a_form_from_elsewhere_is_refused(
    http: FlaskClient, session: PortalSession, dana: Dana
) -> None:
    for rest in ("/help/cannot-pay", "/messages"):
        assert http.post(at(dana, rest), data={"details": "x", "body": "x"}).status_code == 400
    assert session.scalar(select(func.count(HelpRequest.id))) == 0
