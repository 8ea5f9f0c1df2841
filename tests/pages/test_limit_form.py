"""The form of offer limits: every limit can be written, and every mistake is told beside it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from sqlalchemy import func, select
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from portal.blueprints.client.limit_filling import changed, fields_of, usual
from portal.blueprints.client.limit_form import LimitForm
from portal.blueprints.client.limit_words import compare
from portal.db import PortalSession
from portal.domain import compiler
from portal.domain.debts import CollectorRole
from portal.domain.facts import PaymentHistory
from portal.domain.policy import (
    Answerer,
    Band,
    Concessions,
    DueDays,
    Keeping,
    PlanLimits,
    Policy,
    ProposalLimits,
    SavedMethod,
    Segment,
    Tier,
)
from portal.domain.schedules import Frequency
from portal.models import PolicyDraft
from portal.services.policies import Release, publish_policy
from tests.domain.policies import policies
from tests.factories import NOW, make_account, make_client, make_debtor, make_policy
from tests.pages.cleo import cleo, make_book, typed_on
from tests.pages.reading import heard, said, text_of, tree

EDIT, CHECK = "/client/offers/edit", "/client/offers/check"
ODD = Segment(
    "Old “loans”",
    ("Loans, old", 'the "gold" card', "Car"),
    ("CA", "NY"),
    (CollectorRole.DEBT_BUYER,),
    (PaymentHistory.NEVER_PAID, PaymentHistory.BROKE_PLAN),
)
EVERYTHING = Policy(
    version=1,
    currency="USD",
    bands=(
        Band(to_balance_cents=500_00, tiers=(Tier(80_00), Tier(pay_cents=499_00, max_parts=2))),
        Band(
            from_balance_cents=500_00, to_days=90, agree_settlement_bps=70_50, tiers=(Tier(75_00),)
        ),
        Band(from_balance_cents=500_00, from_days=90, tiers=(Tier(60_00, 4, 45),)),
        Band(segment=ODD.name),
    ),
    plan=PlanLimits(30_00, 24, tuple(Frequency), 5_00, 20, 2_50, 40, 700, DueDays.WORKING_DAYS),
    agree=ProposalLimits(60_00, 20_00, 30),
    review=ProposalLimits(40_00, 10_00, 60),
    answer_working_days=4,
    segments=(ODD,),
    concessions=Concessions(1, 2, 3),
    keeping=Keeping(4, 30, (1, 7), 48, 60),
    answered_by=Answerer.SUPERVISORS,
    closest_when_late=True,
    rounding_cents=500,
    paying_part_may_cost_more=True,
    from_on=date(2026, 12, 1),
    to_on=date(2027, 11, 30),
)


def posted(form: Any) -> Iterator[tuple[str, str]]:
    """The names and values that a browser would send of a form."""
    for field in form:
        if hasattr(field, "entries"):
            for entry in field.entries:
                yield from posted(entry.form)
        elif field.type == "BooleanField":
            yield from [(field.name, "y")] if field.data else []
        elif field.type == "SelectMultipleField":
            yield from ((field.name, one) for one in field.data or ())
        elif hasattr(field, "_value"):
            yield field.name, str(field._value() or "")
        else:
            yield field.name, field.data


def sorted_out(policy: Policy) -> Policy:
    """The same with what has no order in a fixed one, as the form's boxes have it."""
    order = list(Frequency)
    plan = policy.plan
    if plan is not None:
        plan = replace(plan, frequencies=tuple(sorted(plan.frequencies, key=order.index)))
    segments = tuple(
        replace(
            one,
            collector_roles=tuple(r for r in CollectorRole if r in one.collector_roles),
            histories=tuple(h for h in PaymentHistory if h in one.histories),
        )
        for one in policy.segments
    )
    return replace(policy, plan=plan, segments=segments, version=1)


def again(policy: Policy) -> LimitForm:
    """The form as its browser sends it back, checked."""
    shown = LimitForm(None, **fields_of(policy), base=0).for_currency(policy.currency)
    form = LimitForm(MultiDict(posted(shown))).for_currency(policy.currency)
    form.validate()
    return form


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(policies())
def test_every_policy_comes_out_of_the_form_as_it_went_in(app: Flask, policy: Policy):
    with app.test_request_context():
        form = again(policy)
        assert form.errors == {}
        assert sorted_out(form.found) == sorted_out(policy)  # type: ignore[arg-type]


@pytest.mark.parametrize("language", ["en", "es", "fr"])
@pytest.mark.parametrize("policy", [EVERYTHING, usual("USD"), usual("CAD")])
def test_amounts_names_with_commas_and_dates_come_back_too(
    app: Flask, policy: Policy, language: str
):
    assert compiler.check(policy) == []
    with app.test_request_context(f"/?lang={language}"):
        form = again(policy)
        assert form.errors == {}
        assert sorted_out(form.found) == sorted_out(policy)  # type: ignore[arg-type]


def opened(http: FlaskClient, session: PortalSession, policy: Policy | None) -> dict[str, Any]:
    """What the form of a client holds whose limits these are."""
    client = make_client(session)
    if policy is not None:
        begun = Release(live_from=NOW - timedelta(days=7))
        publish_policy(session, client.id, policy, by=None, now=NOW, release=begun)
    cleo(http, session, make_account(session, make_debtor(session, client)))
    return typed_on(http.get(EDIT))


def beside(page: TestResponse, field: str) -> str:
    """The sentence beside a field."""
    found = [one for one in tree(page).iter() if one.get("id") == f"{field}-problem"]
    return text_of(found[0]) if found else ""


def test_a_page_saved_as_it_came_changes_nothing(http: FlaskClient, session: PortalSession):
    values = opened(http, session, EVERYTHING)
    assert http.post(EDIT, data=values).status_code == 303
    words = heard(http.get("/client/offers/draft"))
    assert "changed" not in words
    for line in (
        'Segment Old “loans” Loans, old, the "gold" card, Car; CA, NY; Debt buyer',
        "$499.00 in up to 2 payments, for 30 days",
        "down to a multiple of $5.00",
        "$30.00, or 2.5% if that is more",
        "24 months; 40 payments; 700 days",
        "Proposals are answered by Supervisors only",
        "Offers end November 30, 2027",
    ):
        assert line in words


BAD = [
    ("segments-0-regions", "Atlantis, CA", "“Atlantis” is no state or province."),
    ("segments-0-name", "", "Give this segment a name."),
    ("segments-0-name", "x" * 61, "Use a shorter name."),
    ("rows-0-who", "7", "This segment has no name."),
    ("rows-0-who", "=", "No row stands above this one."),
    ("rows-0-share", "500", "Write 70% for a share or $500 for an amount."),
    ("rows-0-share", "$0", "Enter an amount above zero."),
    ("rows-0-share", "$0.10", "the smallest is $0.50"),
    ("rows-0-share", "59%", "below the lowest share that may be agreed, 60%"),
    ("rows-2-until", "500", "holds no balance"),
    ("rows-0-parts", "61", "1 to 60 parts"),
    ("rows-0-days", "0", "stands for 1 to 366 days"),
    ("rows-0-agree", "x", "Write a percentage with digits"),
    ("plan_minimum_share", "100", "%"),
    ("plan_payments", "0", "payment"),
    ("plan_longest_days", "-1", "day"),
    ("skips", "25", "24"),
    ("moves", "x", "Write a number with digits."),
    ("from_on", "31/12", "Choose a day, or write it like 2027-01-31."),
    ("to_on", "2026-01-01", "2026"),
    ("rounding", "7", "$10"),
    ("answer_days", "31", "1 to 30 working days"),
]


@pytest.mark.parametrize(("field", "value", "words"), BAD)
def test_every_mistake_is_told_beside_its_field_and_stays_typed(
    http: FlaskClient, session: PortalSession, field: str, value: str, words: str
):
    typed = opened(http, session, EVERYTHING) | {field: value}
    page = http.post(EDIT, data=typed)
    assert page.status_code == 422
    assert words in beside(page, field)
    own = {"csrf_token": "", "revision": ""}
    assert typed_on(page) | own == typed | own


def test_a_gap_is_told_with_an_account_and_marked_in_the_picture(
    http: FlaskClient, session: PortalSession
):
    typed = opened(http, session, EVERYTHING) | {"rows-0-until": "499.99"}
    page = http.post(EDIT, data=typed | {"check": "1"})
    assert page.status_code == 422
    assert "A balance of $499.99, 0 days after default" in beside(page, "rows-0-until")
    assert "$499.99 to $499.99, on every day: nothing" in heard(page)


def test_a_payment_that_makes_the_rest_dearer_is_refused_beside_its_row_unless_it_is_chosen(
    http: FlaskClient, session: PortalSession
):
    typed = opened(http, session, EVERYTHING)
    chosen = typed.pop("part_dearer")
    page = http.post(EDIT, data=typed | {"check": "1"})
    assert page.status_code == 422
    told = beside(page, "rows-0-share")
    assert "Who owes $500.00 can close the account for $375.00; who pays $1.00 first has to" in told
    assert "tick “Who pays a part may have to pay more to close the rest”" in told
    page = http.post(EDIT, data=typed | {"part_dearer": chosen, "check": "1"})
    assert "who pays $1.00 first pays $396.00 in all." in heard(page)
    assert http.post(EDIT, data=typed | {"part_dearer": chosen}).status_code == 303
    approver = heard(http.get("/client/offers/draft"))
    assert "who pays $1.00 first pays $396.00 in all." in approver
    assert "Who pays a part may have to pay more to close the rest yes" in approver


def drafts_in(session: PortalSession) -> int | None:
    """How many drafts are kept."""
    return session.scalar(select(func.count()).select_from(PolicyDraft))


def test_checking_keeps_nothing_and_says_what_is_covered(http: FlaskClient, session: PortalSession):
    typed = opened(http, session, EVERYTHING)
    assert "No problem found" in heard(http.post(EDIT, data=typed | {"check": "1"}))
    page = http.post(CHECK, data=typed)
    assert "No problem found" in heard(page)
    assert "Old “loans” every balance on every day no settlement" in heard(page)
    page = http.post(CHECK, data=typed | {"rows-0-share": "abc", "plan_months": "900"})
    assert page.status_code == 200
    told = {one.get("data-beside"): text_of(one) for one in tree(page).iter("li")}
    assert told["rows-0-share"] == "Write 70% for a share or $500 for an amount."
    typed["plan_months"] = "900"
    told = {
        one.get("data-beside"): text_of(one)
        for one in tree(http.post(CHECK, data=typed)).iter("li")
    }
    assert "1 to 120 months" in told["plan_months"]
    assert drafts_in(session) == 0
    assert http.post(CHECK, data=typed | {"csrf_token": "x"}).status_code == 400
    assert http.get(CHECK).status_code == 405


def test_an_empty_policy_begins_from_a_usual_set_and_says_what_is_missing(
    http: FlaskClient, session: PortalSession
):
    typed = opened(http, session, None)
    assert typed["rows-0-share"] == ""
    page = http.post(EDIT, data=typed | {"usual": "1"})
    assert page.status_code == 200
    assert drafts_in(session) == 0
    filled = typed_on(page)
    assert [filled[f"rows-{n}-share"] for n in range(5)] == ["80%", "90%", "60%", "75%", ""]
    assert http.post(EDIT, data=filled | {"preview": "1"}).location.endswith("preview?of=draft")
    nothing = {name: value for name, value in typed.items() if name != "pay_in_full"}
    nothing.pop("plans", None)
    page = http.post(EDIT, data=nothing | {"revision": "1"})
    assert "nobody is offered anything" in beside(page, "pay_in_full")


def test_rows_are_added_copied_and_emptied_without_a_script(
    http: FlaskClient, session: PortalSession
):
    typed = opened(http, session, EVERYTHING)

    def shares(button: dict[str, str]) -> list[tuple[str, str]]:
        page = http.post(EDIT, data=typed | button)
        assert page.status_code == 200
        now = typed_on(page)
        assert now["segments-0-name"] == ODD.name
        rows = range(sum(name.endswith("-share") for name in now))
        return [
            (str(now[f"rows-{n}-until"]), str(now[f"rows-{n}-share"]))
            for n in rows
            if f"rows-{n}-share" in now
        ]

    before = [("500", "80%"), ("", "$499"), ("", "75%"), ("", "60%"), ("", "none"), ("", "")]
    assert shares({"copy-row": "0"}) == [before[0], *before]
    assert shares({"beside-row": "0"}) == [before[0], ("", ""), *before[1:]]
    assert shares({"more-row": "1"}) == [*before, ("", "")]
    assert shares({"clear-row": "3"}) == [*before[:3], ("", ""), *before[4:]]
    assert shares({"clear-row": "0"}) == [("", ""), ("500", "$499"), *before[2:]]
    page = http.post(EDIT, data=typed | {"more-segment": "1"})
    assert typed_on(page)["segments-2-name"] == ""
    assert drafts_in(session) == 0


@pytest.mark.parametrize("number", ["-1", "x", "9" * 5_000, "²", "99"])
def test_a_button_for_a_row_that_is_not_there_does_nothing(number: str):
    assert changed(MultiDict([("rows-0-share", "70"), ("copy-row", number)])) is None
    assert changed(MultiDict([(f"rows-{number}-share", "70"), ("copy-row", "5")])) is None


def test_a_row_number_that_is_none_is_no_fault_of_ours(http: FlaskClient, session: PortalSession):
    typed = opened(http, session, EVERYTHING)
    for number in ("9" * 5_000, "²", "x"):
        assert http.post(CHECK, data=typed | {f"rows-{number}-share": "70"}).status_code == 200


CHANGES: list[dict[str, Any]] = [
    {"pay_in_full": False},
    {"segments": (replace(ODD, regions=("TX",)),)},
    {"bands": (*EVERYTHING.bands[:3], Band(segment=ODD.name, tiers=(Tier(70_00),)))},
    {"rounding_cents": 1},
    {"answered_by": Answerer.STAFF},
    {"closest_when_late": False},
    {"paying_part_may_cost_more": False},
    {"answer_working_days": 5},
    {"from_on": None},
    {"to_on": date(2028, 1, 1)},
    *(
        {"concessions": replace(EVERYTHING.concessions, **{n: 0})}
        for n in ("skips", "moves", "pauses")
    ),
    *(
        {"keeping": replace(EVERYTHING.keeping, **change)}  # type: ignore[arg-type]
        for change in (
            {"failures": 1},
            {"grace_days": 5},
            {"extra_reminders": ()},
            {"undo_hours": 0},
            {"pause_days": 14},
        )
    ),
    *(
        {"plan": replace(EVERYTHING.plan, **change)}  # type: ignore[type-var]
        for change in (
            {"minimum_installment_cents": 1_00},
            {"minimum_installment_bps": 0},
            {"maximum_months": 12},
            {"maximum_installments": None},
            {"maximum_days": 100},
            {"frequencies": (Frequency.WEEKLY,)},
            {"due_days": DueDays.ANY_DAY},
            {"saved_method": SavedMethod.NOT_OFFERED},
            {"down_payment_bps": 0},
            {"first_payment_within_days": 7},
        )
    ),
    *({"agree": replace(EVERYTHING.agree, **{n: 1})} for n in ("settlement_bps", "maximum_months")),
    {"review": replace(EVERYTHING.review, minimum_installment_cents=1_00)},
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda one: next(iter(one)))
def test_no_change_goes_without_words(app: Flask, change: dict[str, Any]):
    with app.test_request_context():
        told = [one for one in compare(EVERYTHING, replace(EVERYTHING, **change)) if one.changed]
    assert told
    assert "%(" not in f"{told[0].what} {told[0].before} {told[0].after}"


def test_the_clients_own_products_and_regions_are_suggested(
    http: FlaskClient, session: PortalSession
):
    account = make_book(session)
    other = make_debtor(session, make_client(session))
    make_account(session, other, product="secret")
    cleo(http, session, account)
    page = http.get(EDIT)
    assert "electricity (1); NY (1)" in said(page)
    suggested = [one.get("value") for one in tree(page).iter("option")]
    assert "electricity" in suggested
    assert "secret" not in page.get_data(as_text=True)


def test_a_preview_goes_from_sample_to_sample_and_leads_nowhere(
    http: FlaskClient, session: PortalSession
):
    client = make_client(session)
    make_policy(session, client)
    debtor = make_debtor(session, client)
    known = [
        make_account(session, debtor, balance_cents=cents, default_on=on)
        for cents, on in (
            (40_00, date(2026, 11, 1)),
            (90_00, date(2024, 1, 1)),
            (7_000_00, date(2026, 11, 10)),
            (8_000_00, date(2023, 1, 1)),
        )
    ]
    small, large = known[0], known[-1]
    cleo(http, session, small)
    page = http.get(f"/client/offers/preview?account={small.reference}&lang=es")
    assert page.status_code == 200
    banner = next(tree(page).iter("aside"))
    assert "$40.00" in text_of(banner)
    after = [one.get("href", "") for one in banner.iter("a")][3]
    assert "lang=es" in after
    seen = set()
    for _ in known:
        banner = next(tree(http.get(after)).iter("aside"))
        after = [one.get("href", "") for one in banner.iter("a")][3]
        seen |= {one.reference for one in known if one.reference in text_of(banner)}
    assert seen == {one.reference for one in known}
    english = http.get(f"/client/offers/preview?account={large.reference}&page=plan")
    assert "a large old debt ($8,000.00, " in text_of(next(tree(english).iter("aside")))
    assert "Links lead nowhere here" in text_of(next(tree(english).iter("aside")))
    away = [
        href
        for one in tree(english).iter("a")
        if not (href := one.get("href", "")).startswith(("#", "?", "/client/offers"))
    ]
    assert away == []
