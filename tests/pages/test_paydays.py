"""Plans on paydays: which days, in words that the review and staff repeat; closed days; by hand."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from portal.blueprints.debtor.words import on_days
from portal.db import PortalSession
from portal.domain import terms as wording
from portal.domain.policy import DueDays, SavedMethod
from portal.gateways.clock import SetClock
from portal.i18n import voice
from portal.models import Arrangement, Installment, Proposal
from portal.services.policies import live_policy, publish_policy
from portal.services.proposals import accept as grant
from tests.pages.agreeing import PLAN, accept, choose_plan, form, link, newest, path, send
from tests.pages.debtors import Dana, come_in
from tests.pages.reading import heard, said
from tests.sandbox.checked import CheckedStripe
from tests.services.test_help import sam

TWICE = {"frequency": "twice_a_month", "pair": "1-15", "start": "2026-12-01", "method": "manual"}
LAST = {"frequency": "monthly", "monthday": "last"}
MOVED = "We move a payment that falls on a weekend or holiday to the next working day."


def publish(session: PortalSession, dana: Dana, clock: SetClock, **plan: Any) -> None:
    live = live_policy(session, dana.client.id, clock.now()).policy
    assert live.plan is not None
    changed = replace(live, plan=replace(live.plan, **plan))
    publish_policy(session, dana.client.id, changed, by=None, now=clock.now())
    session.commit()


def ask(http: FlaskClient, dana: Dana, page: str = "plan", **typed: str) -> Any:
    to = f"{path(dana)}/{page}"
    return send(http, http.get(to), to, **typed)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({}, "$104.00 twice a month on the 1st and 15th, 11 times"),
        ({"pair": "15-31"}, "on the 15th and the last day"),
        ({"pair": "other", "first_day": "22", "second_day": "3"}, "on the 3rd and 22nd"),
        ({"pair": "", "first_day": "11", "second_day": " 31 "}, "on the 11th and the last day"),
        (
            {"frequency": "monthly", "monthday": "last", "start": "today"},
            "$104.00 a month on the last working day, 11 times",
        ),
        ({"frequency": "monthly", "monthday": "other", "own_day": "5"}, "a month on the 5th"),
        ({"frequency": "monthly", "monthday": "first"}, "$104.00 a month, 11 times"),
        ({"frequency": "weekly", "own_day": "99", "first_day": "x"}, "$104.00 every week, 11"),
    ],
)
def test_days_are_chosen_reviewed_and_filled_in_again(
    http: FlaskClient, dana: Dana, typed: dict[str, str], words: str
) -> None:
    page = choose_plan(http, dana, **(TWICE | typed))
    assert words in heard(page)
    again = form(http.get(link(page, "Change")))
    answered = http.post(f"{path(dana)}/plan", data=again)
    assert words in heard(http.get(answered.location))


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ({"pair": ""}, "Choose on which days."),
        ({"pair": "other"}, "Choose a day of the month from 1 to 31."),
        ({"pair": "other", "first_day": "3", "second_day": "7"}, "7 to 23 days apart"),
        ({"pair": "other", "first_day": "0", "second_day": "32"}, "from 1 to 31"),
        ({"frequency": "monthly", "monthday": "other"}, "from 1 to 31"),
        ({"frequency": "monthly", "monthday": "", "own_day": "0"}, "from 1 to 31"),
    ],
)
def test_days_that_no_month_has_are_asked_for_again(
    http: FlaskClient, dana: Dana, typed: dict[str, str], problem: str
) -> None:
    page = ask(http, dana, **(PLAN | TWICE | typed))
    assert page.status_code == 422
    assert problem in said(page)
    assert {name: form(page).get(name, "") for name in typed} == typed


def test_each_ready_made_amount_says_until_when_it_takes(http: FlaskClient, dana: Dana) -> None:
    words = said(http.get(f"{path(dana)}/plan"))
    assert "24 payments if you pay every month, until October 2028" in words
    assert "6 payments if you pay every month, until April 2027" in words


def test_a_moved_payment_is_said_where_the_client_moves_them(
    http: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock, stripe: CheckedStripe
) -> None:
    """Thanksgiving 2026 is November 26; January 1 and 15, 2027 are a holiday and a Friday."""
    assert MOVED not in said(choose_plan(http, dana, **TWICE))
    publish(session, dana, clock, due_days=DueDays.WORKING_DAYS)
    assert MOVED in said(http.get(f"{path(dana)}/plan"))
    page = choose_plan(http, dana, **TWICE)
    assert MOVED in said(page)
    assert "January 4, 2027" in said(page)
    accept(http, dana, page)
    assert "a little later than usual" in said(http.get(f"{path(dana)}/arrangement"))
    agreed = newest(session, Arrangement)
    rows = session.query(Installment).filter_by(arrangement_id=agreed.id).order_by(Installment.n)
    assert [str(row.due_on) for row in rows][:4] == [
        "2026-12-01",
        "2026-12-15",
        "2027-01-04",
        "2027-01-15",
    ]


def test_a_settlement_in_parts_keeps_to_days_too(http: FlaskClient, dana: Dana) -> None:
    typed = {"total": "settlement:8000:3@1", "parts": "3", "own": "", **TWICE}
    answered = ask(http, dana, "settle", **typed)
    assert "twice a month on the 1st and 15th" in heard(http.get(answered.location))
    once = ask(http, dana, "settle", **(typed | {"parts": "1", "pair": "other"}))
    late = ask(http, dana, "settle", **(typed | LAST))
    assert late.status_code == 422
    assert "The first payment can be on December 8, 2026 at the latest." in said(late)
    assert "When December 1, 2026" in heard(http.get(once.location)), "one payment has no days"


def test_payments_by_hand_only_are_not_asked_for_otherwise(
    http: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
) -> None:
    """PY-06"""
    publish(session, dana, clock, saved_method=SavedMethod.NOT_OFFERED)
    assert "Take each payment automatically" not in said(http.get(f"{path(dana)}/plan"))
    page = choose_plan(http, dana, **TWICE)
    assert "You make each payment yourself" in said(page)


def test_a_suggestion_on_paydays_that_was_granted_starts_on_the_next_one(
    http: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock, stripe: CheckedStripe
) -> None:
    asked = ask(http, dana, **(PLAN | TWICE | {"amount": "other", "own": "20"}))
    page = http.get(asked.location)
    assert "$20.00 twice a month on the 1st and 15th" in heard(page)
    until = clock.now().date() + timedelta(days=30)
    found = newest(session, Proposal)
    grant(session, found, staff=sam(session), valid_until=until, now=clock.now())
    session.commit()
    assert wording.from_dict(found.granted_terms).days == (1, 15)
    assert "from December 1, 2026" in said(http.get(f"{path(dana)}/proposal"))
    clock.advance(timedelta(days=12))
    come_in(http, session, dana)
    page = http.get(f"{path(dana)}/proposal")
    assert "from December 15, 2026" in said(page)
    reviewed = http.get(link(page, "See all of it"))
    assert "First payment December 15, 2026" in heard(reviewed)
    assert accept(http, dana, reviewed).status_code == 303
    assert (
        str(wording.from_dict(json.loads(newest(session, Arrangement).terms)).first_on)
        == "2026-12-15"
    )


def test_a_suggestion_is_refused_by_the_date_on_which_it_would_be_paid_first(
    http: FlaskClient, dana: Dana
) -> None:
    monthly = {"frequency": "monthly", "monthday": "other", "own_day": "20", "method": "manual"}
    start = {"start": "other", "on-month": "12", "on-day": "21", "on-year": "2026"}
    words = heard(http.get(ask(http, dana, **(PLAN | monthly | start)).location))
    assert "We cannot agree right away to wait until January 20, 2027." in words
    assert "First payment January 20, 2027" in words


@pytest.mark.parametrize(
    ("language", "days", "words"),
    [
        ("en", (2, 23), "on the 2nd and 23rd"),
        ("en", (12,), "on the 12th"),
        ("en", (31,), "on the last day"),
        ("en", (0,), "on the last working day"),
    ],
)
def test_days_of_the_month_in_words(language: str, days: tuple[int, ...], words: str) -> None:
    assert on_days(days, f"{language}_US") == words


def test_each_language_counts_days_in_its_own_way() -> None:
    assert [voice(f"{name}_US").ordinal(1) for name in ("en", "es", "fr")] == ["1st", "1", "1er"]
    assert [voice("en_US").ordinal(day) for day in (11, 21, 22, 30)] == [
        "11th",
        "21st",
        "22nd",
        "30th",
    ]
