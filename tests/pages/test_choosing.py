"""Choosing a plan, a settlement or a part: nothing is preselected, nothing typed is lost."""

from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from portal.db import PortalSession
from portal.domain import terms as wording
from portal.domain.statuses import ArrangementStatus, ProposalStatus
from portal.gateways.clock import SetClock
from portal.models import Arrangement, Client, Payment, PaymentPurpose, Proposal
from portal.services.policies import live_policy, publish_policy
from portal.services.proposals import accept as grant
from portal.services.proposals import counter, decline, wished_terms
from tests.pages.agreeing import (
    PLAN,
    accept,
    choose_plan,
    form,
    link,
    newest,
    path,
    pay_at_stripe,
    send,
)
from tests.pages.debtors import Dana, come_in, make_visitor
from tests.pages.reading import heard, said, tree
from tests.sandbox.checked import CheckedStripe
from tests.services.test_help import sam

LOW = {"amount": "other", "own": "40", "start": "2026-12-01", "method": "manual"}


def ask(http: FlaskClient, dana: Dana, page: str, **typed: str) -> Any:
    to = f"{path(dana)}/{page}"
    return send(http, http.get(to), to, **typed)


def suggest(http: FlaskClient, dana: Dana, **typed: str) -> Any:
    answered = ask(http, dana, "plan", **(PLAN | LOW | typed))
    assert answered.location == f"{path(dana)}/proposal"
    return http.get(answered.location)


@pytest.mark.parametrize("page", ["plan", "settle"])
def test_nothing_that_costs_money_is_preselected(http: FlaskClient, dana: Dana, page: str) -> None:
    fields = tree(http.get(f"{path(dana)}/{page}")).iter("input")
    assert not [field for field in fields if "checked" in field.attrib]


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ({"amount": ""}, "Choose an amount, or enter your own."),
        ({"amount": "other", "own": ""}, "Choose an amount, or enter your own."),
        ({"amount": "other", "own": "1.240"}, "Write the amount with digits"),
        ({"amount": "10400", "own": "80"}, "You chose one amount and typed another."),
        ({"frequency": ""}, "Choose how often."),
        ({"frequency": "daily"}, "Choose from the list."),
        ({"start": ""}, "Choose when to start."),
        ({"start": "other"}, "Enter the date of your first payment."),
        ({"start": "other", "on-month": "2", "on-day": "30", "on-year": "2027"}, "real date"),
        ({"start": "other", "on-month": "1", "on-day": "5", "on-year": "2026"}, "from November"),
        ({"method": ""}, "Choose if we take the payments"),
        ({"amount": "other", "own": "2000"}, "You owe $1,240.00. Enter that amount or less."),
    ],
)
def test_what_is_missing_is_said_and_what_was_typed_stays(
    http: FlaskClient, dana: Dana, typed: dict[str, str], problem: str
) -> None:
    page = ask(http, dana, "plan", **{**PLAN, "method": "manual", "own": "", **typed})
    assert page.status_code == 422
    assert problem in said(page)
    held = form(page)
    for name, value in typed.items():
        if value and value != "daily":
            assert held.get(name) == value, name


def test_an_amount_typed_alone_counts_as_chosen(http: FlaskClient, dana: Dana) -> None:
    page = choose_plan(http, dana, amount="", own="$80.50")
    assert "$80.50 a month, 15 times, then $32.50" in heard(page)


def test_a_date_of_ones_own(http: FlaskClient, dana: Dana) -> None:
    given = {"start": "other", "on-month": "12", "on-day": "15", "on-year": "2026"}
    assert "December 15, 2026" in heard(choose_plan(http, dana, **given))


def test_change_leads_back_with_everything_filled_in(http: FlaskClient, dana: Dana) -> None:
    page = choose_plan(http, dana, amount="other", own="80", start="2026-12-01")
    again = http.get(link(page, "Change"))
    held = form(again)
    assert held["own"] == "80"
    assert [held[name] for name in ("amount", "start", "frequency", "method")] == [
        "other",
        "2026-12-01",
        "monthly",
        "automatic",
    ]


def test_switching_the_language_keeps_what_was_typed(http: FlaskClient, dana: Dana) -> None:
    to = f"{path(dana)}/plan"
    held = form(http.get(to)) | {"amount": "other", "own": "81", "keep": "1"}
    page = http.post(f"{to}?lang=fr", data=held)
    assert (page.status_code, tree(page).get("lang")) == (200, "fr")
    assert form(page)["own"] == "81"


def test_too_little_goes_to_a_person_who_answers_by_a_day(
    http: FlaskClient, session: PortalSession, dana: Dana
) -> None:
    """PY-02"""
    page = suggest(http, dana)
    words = heard(page)
    proposal = newest(session, Proposal)
    assert words.startswith("Back We have your suggestion")
    assert "A person answers by November 25, 2026. You do not need to pay now." in words
    assert proposal.reference in words
    assert "$40.00 a month" in words
    assert "If you do not want to wait" in words
    assert session.scalar(select(func.count(Arrangement.id))) == 0
    assert "A person answers by" in said(http.get(path(dana)))


def test_one_of_the_alternatives_can_be_agreed_to_at_once(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe
) -> None:
    page = suggest(http, dana)
    reviewed = http.get(link(page, "Choose this"))
    assert reviewed.status_code == 200
    assert accept(http, dana, reviewed).status_code == 303


def test_a_suggestion_is_taken_back(http: FlaskClient, session: PortalSession, dana: Dana) -> None:
    page = suggest(http, dana)
    answered = send(http, page, f"{path(dana)}/proposal/withdraw")
    assert answered.location == path(dana)
    assert newest(session, Proposal).status is ProposalStatus.WITHDRAWN
    assert "You took your suggestion back" in said(http.get(f"{path(dana)}/proposal"))


def test_a_suggestion_is_closed_by_another_agreement_and_says_so(
    http: FlaskClient, dana: Dana, stripe: CheckedStripe
) -> None:
    suggest(http, dana)
    accept(http, dana, http.get(link(http.get(path(dana)), "Pay $868.00")))
    words = "You agreed to something else, so nobody needs to answer it."
    page = heard(http.get(f"{path(dana)}/proposal"))
    assert "Your suggestion is closed" in page
    assert words in page
    assert words in said(http.get(f"{path(dana)}/messages"))
    assert "A person answers by" not in said(http.get(path(dana)))


def test_a_counter_is_read_reviewed_and_agreed_to(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe, clock: SetClock
) -> None:
    suggest(http, dana)
    proposal = newest(session, Proposal)
    other = wished_terms(session, proposal, clock.now()).starting(clock.now().date())
    until = wording.from_dict(wording.to_dict(other)).last_on
    counter(session, proposal, other, staff=sam(session), valid_until=until, now=clock.now())
    session.commit()
    assert "We answered your suggestion" in said(http.get(path(dana)))
    page = http.get(f"{path(dana)}/proposal")
    assert "We suggest something else" in said(page)
    reviewed = http.get(link(page, "See all of it"))
    assert "Check your plan before you agree" in said(reviewed)
    accept(http, dana, reviewed)
    http.get(pay_at_stripe(session, stripe))
    agreed = newest(session, Arrangement)
    assert (agreed.status, agreed.proposal_id) == (ArrangementStatus.ACTIVE, proposal.id)
    assert newest(session, Proposal).status is ProposalStatus.AGREED


def test_a_yes_and_a_no_are_told_as_they_are(
    http: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
) -> None:
    suggest(http, dana)
    until = clock.now().date().replace(day=30)
    grant(
        session,
        newest(session, Proposal),
        staff=sam(session),
        valid_until=until,
        now=clock.now(),
    )
    session.commit()
    page = heard(http.get(f"{path(dana)}/proposal"))
    assert "We say yes to your suggestion" in page
    assert "You can choose this until November 30, 2026." in page


def test_a_no_says_why(
    http: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
) -> None:
    suggest(http, dana)
    decline(
        session,
        newest(session, Proposal),
        reason="The plan would take too long.",
        staff=sam(session),
        now=clock.now(),
    )
    session.commit()
    page = http.get(f"{path(dana)}/proposal")
    assert "The plan would take too long." in said(page)
    assert link(page, "See what you can choose now") == path(dana)


def test_a_settlement_in_parts(http: FlaskClient, dana: Dana) -> None:
    typed = {
        "total": "settlement:8000:3@1",
        "parts": "3",
        "frequency": "monthly",
        "start": "today",
        "method": "manual",
    }
    answered = ask(http, dana, "settle", **typed)
    page = http.get(answered.location)
    words = heard(page)
    assert "You save $248.00" in words
    assert "2 payments of $330.66" in words
    assert "1 payment of $330.68" in words
    again = form(http.get(link(page, "Change")))
    assert {name: again[name] for name in typed} == typed


def test_one_payment_asks_neither_how_often_nor_by_whom(http: FlaskClient, dana: Dana) -> None:
    answered = ask(
        http, dana, "settle", total="settlement:7000:1@1", parts="1", start="today", own=""
    )
    assert "Agree and pay $868.00 now" in said(http.get(answered.location))


def test_too_many_parts_are_refused_in_words(http: FlaskClient, dana: Dana) -> None:
    typed = {"parts": "3", "frequency": "monthly", "start": "today", "method": "manual"}
    answered = ask(http, dana, "settle", total="settlement:7000:1@1", **typed)
    page = http.get(answered.location) if answered.status_code == 303 else answered
    assert page.status_code in (409, 422)
    assert "This offer is for one payment." in said(page)


def test_ones_own_total_is_agreed_or_goes_to_a_person(
    http: FlaskClient, session: PortalSession, dana: Dana
) -> None:
    typed = {"total": "other", "parts": "1", "start": "today"}
    agreed = ask(http, dana, "settle", own="820", **typed)
    assert "Agree and pay $820.00 now" in said(http.get(agreed.location))
    answered = ask(http, dana, "settle", own="500", **typed)
    assert answered.location == f"{path(dana)}/proposal"
    assert "$500.00" in said(http.get(answered.location))


def test_a_part_is_paid_today_without_an_agreement(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe
) -> None:
    assert "First owed to: Northgate Energy" in said(http.get(f"{path(dana)}/part")), "PY-04"
    answered = ask(http, dana, "part", amount="60")
    assert answered.location.startswith("http://stripe.sandbox/")
    assert newest(session, Payment).purpose is PaymentPurpose.ONE_OFF
    http.get(pay_at_stripe(session, stripe))
    assert said(http.get(path(dana))).startswith("You owe $1,180.00")


def test_a_part_that_was_paid_counts_towards_the_offer_that_was_shown(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe
) -> None:
    words = said(http.get(f"{path(dana)}/part"))
    assert "counts towards our offer to close your account for $868.00" in words
    assert "The rest stays as it is." not in words
    ask(http, dana, "part", amount="60")
    http.get(pay_at_stripe(session, stripe))
    typed = {"total": "settlement:7000:1@1", "parts": "1", "start": "today"}
    answered = ask(http, dana, "settle", **typed)
    assert "close your account for $808.00" in said(http.get(f"{path(dana)}/part"))
    page = http.get(answered.location)
    assert "Agree and pay $808.00 now" in said(page)
    accept(http, dana, page)
    agreed = newest(session, Arrangement)
    assert (agreed.total_cents, agreed.counted_cents, agreed.paid_before_cents) == (
        808_00,
        60_00,
        0,
    )
    http.get(pay_at_stripe(session, stripe))
    session.refresh(agreed)
    assert agreed.status is ArrangementStatus.COMPLETED


def test_who_would_pay_enough_to_close_the_account_is_led_to_that(
    http: FlaskClient, dana: Dana
) -> None:
    answered = ask(http, dana, "part", amount="868")
    assert answered.status_code == 422
    assert "That is enough to close your account. Choose that instead." in said(answered)


@pytest.mark.parametrize(
    ("amount", "problem"),
    [
        ("0.20", "The smallest payment we can take is $0.50."),
        ("1,239.80", "too small to pay later"),
        ("5000", "Enter that amount or less."),
        ("", "Enter an amount."),
        ("-1", "Enter an amount above zero."),
        ("0", "Enter an amount above zero."),
        ("1" + "0" * 20, "That amount is too large."),
        *((unclear, "Write the amount with digits") for unclear in ("1,00", "1e3", "NaN", "inf")),
        *((unclear, "Write the amount with digits") for unclear in ("8 0", "1'000", "\u0663")),
    ],
)
def test_a_part_that_cannot_be_taken_is_refused_in_words(
    http: FlaskClient, session: PortalSession, dana: Dana, amount: str, problem: str
) -> None:
    """M-9: an amount that can be read in two ways, or in none, is asked for again."""
    page = ask(http, dana, "part", amount=amount)
    assert page.status_code == 422
    assert problem in said(page)
    assert session.scalar(select(func.count(Payment.id))) == 0


def test_a_client_without_plans_shows_none_and_keeps_the_settlements_that_were_shown(
    http: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
) -> None:
    client = session.get_one(Client, dana.client.id)
    bare = replace(live_policy(session, client.id, clock.now()).policy, plan=None, bands=())
    publish_policy(session, client.id, bare, by=None, now=clock.now())
    session.commit()
    words = said(http.get(path(dana)))
    assert "Pay a bit each month" not in words
    assert "Pay it all today" in words
    assert http.get(f"{path(dana)}/plan").status_code == 409
    assert "$868.00" in said(http.get(f"{path(dana)}/settle"))


def test_a_client_without_a_policy_still_takes_a_part(
    http: FlaskClient, session: PortalSession, settings: Any, clock: SetClock
) -> None:
    visitor = make_visitor(session, settings, clock.now())
    session.commit()
    come_in(http, session, visitor)
    words = said(http.get(path(visitor)))
    assert "Pay part of it today" in words
    assert "Pay it all today" not in words
    assert http.get(f"{path(visitor)}/plan").status_code == 409
