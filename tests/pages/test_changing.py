"""A running plan in its debtor's hands: each change from its page to what it did."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from icalendar import Calendar
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal.config import Settings
from portal.db import PortalSession
from portal.domain.policy import Concessions
from portal.domain.statuses import ArrangementStatus, AuthorizationStatus
from portal.gateways.clock import SetClock
from portal.models import Amendment, Authorization, Installment, Message, Payment
from portal.services.verify import verify_client
from tests.factories import make_policy
from tests.pages.agreeing import (
    accept,
    agreed,
    choose_plan,
    link,
    links,
    main_of,
    newest,
    path,
    pay_at_stripe,
    review,
    send,
)
from tests.pages.debtors import Dana, come_in, make_visitor
from tests.pages.reading import heard, said
from tests.sandbox.checked import CheckedStripe

GIVEN = Concessions(skips=1, moves=1, pauses=1)


@pytest.fixture
def dana(http: FlaskClient, session: PortalSession, settings: Settings, clock: SetClock) -> Dana:
    """Dana, whose client lets her change a plan."""
    visitor = make_visitor(session, settings, clock.now())
    make_policy(session, visitor.client, concessions=GIVEN)
    session.commit()
    come_in(http, session, visitor)
    return visitor


@pytest.fixture
def plan(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe
) -> TestResponse:
    """The page of her plan of $104.00 a month from a saved card, the first payment made."""
    accept(http, dana, choose_plan(http, dana), permission="y")
    http.get(pay_at_stripe(session, stripe))
    return mine(http, dana)


def mine(http: FlaskClient, dana: Dana) -> TestResponse:
    return http.get(f"{path(dana)}/arrangement")


def confirm(http: FlaskClient, dana: Dana, page: TestResponse, **typed: str) -> TestResponse:
    """Press the button of the review of a change."""
    return send(http, page, f"{path(dana)}/change", **typed)


def reviewed(http: FlaskClient, page: TestResponse, to: str, **typed: str) -> TestResponse:
    """Fill in the page of a change and go on to its review."""
    answered = send(http, page, to, **typed)
    assert answered.status_code == 303, said(answered)
    return http.get(answered.location)


def holds(session: PortalSession, dana: Dana) -> None:
    session.flush()
    assert list(verify_client(session, dana.client.id)) == []


def dates(session: PortalSession) -> list[str]:
    session.expire_all()
    rows = session.scalars(select(Installment).order_by(Installment.n))
    return [part.due_on.isoformat() for part in rows]


def test_my_plan_lists_the_changes_that_work_and_until_when(
    http: FlaskClient, dana: Dana, plan: TestResponse, clock: SetClock
) -> None:
    words = heard(plan)
    assert (
        "You can change your payment of December 22, 2026 until December 21, 2026, 11:59" in words
    )
    offered = [words for words, to in links(plan).items() if "/change/" in to or "/end" in to]
    assert offered == [
        *("Pay all that is left", "Pay extra", "Move a payment to another day"),
        *("Skip a payment", "Let the plan rest once", "Change how much or how often I pay"),
        "End this agreement",
    ]


def test_a_payment_is_moved(
    http: FlaskClient, session: PortalSession, dana: Dana, plan: TestResponse
) -> None:
    to = link(plan, "Move a payment")
    asking = http.get(to)
    assert "Your payment of $104.00 is due on December 22, 2026." in heard(asking)
    assert "Choose a date." in said(send(http, asking, to))
    page = reviewed(http, asking, to, day="2026-12-29")
    words = heard(page)
    assert "This payment Now: $104.00 on Dec 22, 2026 After this: $104.00 on Dec 29, 2026" in words
    assert "We take each payment from Visa ending 4242 on its date, as you allowed." in words
    assert "This is the last payment that you can move alone." in words
    assert "Move my payment to December 29, 2026" in words
    again = http.get(confirm(http, dana, page).location)
    assert "Done. Your payment has its new date." in said(again)
    assert "$104.00 on December 29, 2026." in heard(again)
    assert "Move a payment" not in said(again)
    assert dates(session)[1] == "2026-12-29"
    assert "plan_changed" in set(session.scalars(select(Message.template)))
    holds(session, dana)
    assert http.get(to).status_code == 409, "it has been used up"


def test_another_payment_and_another_date(
    http: FlaskClient, dana: Dana, plan: TestResponse
) -> None:
    other = http.get(link(http.get(link(plan, "Move a payment")), "January 22, 2027"))
    assert "due on January 22, 2027" in heard(other)
    to = f"{path(dana)}/change/move?due=2027-01-22"
    late = {"on-month": "2", "on-day": "22", "on-year": "2027", "day": "other"}
    refused = send(http, other, to, **late)
    assert "Choose a date from January 23, 2027 to February 21, 2027." in said(refused)
    page = reviewed(http, other, to, **(late | {"on-day": "3"}))
    assert "$104.00 on Feb 3, 2027" in heard(page)


def test_a_page_sent_twice_is_one_change_and_an_older_page_is_told_of_it(
    http: FlaskClient, session: PortalSession, dana: Dana, plan: TestResponse
) -> None:
    resting = http.get(http.get(link(plan, "Let the plan rest")).location)
    to = link(plan, "Move a payment")
    moving = reviewed(http, http.get(to), to, day="2026-12-29")
    assert confirm(http, dana, moving).status_code == 303
    assert confirm(http, dana, moving).status_code == 303
    assert len(session.scalars(select(Amendment)).all()) == 1
    late = confirm(http, dana, resting)
    assert late.status_code == 409
    assert "Your plan has changed since you opened this page" in said(late)
    assert "$104.00 on December 29, 2026." in heard(late)


def test_a_payment_is_skipped_and_the_plan_rests(
    http: FlaskClient, session: PortalSession, dana: Dana, plan: TestResponse
) -> None:
    page = http.get(http.get(link(plan, "Skip a payment")).location)
    words = heard(page)
    assert "That payment comes at the end instead." in words
    assert "Last payment Now: $96.00 on Oct 22, 2027 After this: $104.00 on Nov 22, 2027" in words
    confirm(http, dana, page)
    resting = http.get(http.get(f"{path(dana)}/change/pause").location)
    assert "Let your plan rest once, on January 22, 2027?" in said(resting)
    confirm(http, dana, resting)
    assert (dates(session)[1], dates(session)[-1]) == ("2027-02-22", "2027-12-22")
    holds(session, dana)
    assert "/change/skip" not in str(links(mine(http, dana)))
    used = http.get(http.get(f"{path(dana)}/change/skip").location)
    assert used.status_code == 409
    assert "You have used all the changes of this kind" in said(used)


def test_another_amount_and_rhythm_asks_for_the_changed_permission(
    http: FlaskClient, session: PortalSession, dana: Dana, plan: TestResponse
) -> None:
    """PY-05, PY-07"""
    to = link(plan, "Change how much")
    asking = http.get(to)
    assert "Now you pay $104.00 a month." in heard(asking)
    refused = send(http, asking, to, amount="5", frequency="weekly")
    assert "Each payment must be at least" in said(refused)
    page = reviewed(http, asking, to, amount="40", frequency="weekly")
    words = heard(page)
    assert "You pay Now: $104.00 a month After this: $40.00 every week" in words
    assert "Changed permission for automatic payments" in words
    assert "to take these payments from Visa ending 4242." in words
    assert "never more than $1,136.00 in all" in words
    assert "If you do not check this box, automatic payments end." in words
    confirm(http, dana, page, permission="y")
    assert newest(session, Authorization).status is AuthorizationStatus.GRANTED
    assert newest(session, Authorization).cap_cents == 1_136_00
    holds(session, dana)


def test_without_the_tick_the_changed_plan_is_paid_by_hand(
    http: FlaskClient, session: PortalSession, dana: Dana, plan: TestResponse
) -> None:
    to = link(plan, "Change how much")
    confirm(http, dana, reviewed(http, http.get(to), to, amount="150", frequency="monthly"))
    assert "You make this payment yourself." in said(mine(http, dana))
    assert newest(session, Authorization).status is AuthorizationStatus.REVOKED
    holds(session, dana)


def test_a_calendar_that_has_the_old_dates_loses_those_that_are_gone(
    http: FlaskClient, session: PortalSession, dana: Dana, plan: TestResponse
) -> None:
    def events() -> dict[str, str]:
        file = http.get(f"{path(dana)}/dates.ics").data
        found = Calendar.from_ical(file).walk("VEVENT")
        return {str(event["UID"]): str(event.get("STATUS", "")) for event in found}

    before, to = events(), link(plan, "Change how much")
    assert set(before.values()) == {""}
    confirm(http, dana, reviewed(http, http.get(to), to, amount="150", frequency="monthly"))
    after = events()
    gone = {uid for uid, status in after.items() if status == "CANCELLED"}
    assert len(before) == 11
    assert gone < set(before)
    assert len(after) - len(gone) == 8


def test_an_extra_payment_lowers_the_rest_once_it_is_there(
    http: FlaskClient, session: PortalSession, dana: Dana, plan: TestResponse, stripe: CheckedStripe
) -> None:
    to = link(plan, "Pay extra")
    asking = http.get(to)
    assert "Choose what it should do." in said(send(http, asking, to, amount="110"))
    page = reviewed(http, asking, to, amount="110", effect="lower")
    words = heard(page)
    assert "Left to pay Now: $1,136.00 After this: $1,026.00" in words
    assert "First owed to: Northgate Energy" in words, "PY-04"
    answered = confirm(http, dana, page)
    assert answered.location.startswith("http://stripe.sandbox/")
    assert session.scalars(select(Amendment)).all() == []
    http.get(pay_at_stripe(session, stripe))
    again = heard(mine(http, dana))
    assert "Left to pay $1,026.00 in 11 payments" in again
    assert "$93.27 on December 22, 2026." in again
    holds(session, dana)


def test_all_that_is_left_is_paid_at_once(
    http: FlaskClient, session: PortalSession, dana: Dana, plan: TestResponse, stripe: CheckedStripe
) -> None:
    to = link(plan, "Pay all that is left")
    page = http.get(to)
    assert "$1,136.00 is all that is left of what we agreed" in heard(page)
    assert "When you have paid this, you owe nothing on this account." in said(page)
    send(http, page, to)
    http.get(pay_at_stripe(session, stripe))
    assert agreed(session).status is ArrangementStatus.COMPLETED
    holds(session, dana)
    over = newest(session, Authorization)
    assert (over.status, over.revoked_reason) == (AuthorizationStatus.REVOKED, "paid"), "PY-05"
    done = mine(http, dana)
    assert "Paid so far $1,240.00" in heard(done)
    assert "Stop automatic payments" not in links(done)
    assert "It ended on" in heard(http.get(f"{path(dana)}/authorization"))


def test_while_a_payment_is_on_its_way_nothing_is_changed(
    http: FlaskClient, session: PortalSession, dana: Dana, plan: TestResponse, stripe: CheckedStripe
) -> None:
    skipping = http.get(http.get(link(plan, "Skip a payment")).location)
    send(http, plan, f"{path(dana)}/pay")
    pay_at_stripe(session, stripe, "bank_success")
    landed = confirm(http, dana, skipping)
    assert landed.location.startswith(f"/payment/{newest(session, Payment).id}")
    assert "/change/" not in str(links(mine(http, dana)))


def settlement(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe
) -> TestResponse:
    """The page of a settlement of $992.00 in three payments, the first of them made."""
    to = f"{path(dana)}/settle"
    asking = http.get(to)
    chosen = next(v for v in said_values(asking) if v.startswith("settlement:8000"))
    typed = {"total": chosen, "parts": "3", "frequency": "monthly", "start": "today"}
    page = reviewed(http, asking, to, **typed, method="manual")
    accept(http, dana, page)
    http.get(pay_at_stripe(session, stripe))
    return mine(http, dana)


def said_values(page: TestResponse) -> list[str]:
    return [field.get("value", "") for field in main_of(page).iter("input")]


def test_what_a_settlement_loses_is_said_in_money_before_it_ends(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe
) -> None:
    page = settlement(http, session, dana, stripe)
    assert "Skip a payment" not in said(page), "three payments are the most that it has"
    assert "Change how much" not in said(page)
    off = heard(http.get(link(page, "Pay all that is left")))
    assert "You do not have to pay the other $248.00." in off
    to = link(page, "End this agreement")
    asking = http.get(to)
    assert (
        "If you keep it, you pay $661.34 more and then owe nothing. If you end it, you owe $909.34."
        " That is $248.00 more." in heard(asking)
    )
    ended = http.get(send(http, asking, to).location)
    assert "This agreement has ended. Nothing more is taken for it." in said(ended)
    assert agreed(session).status is ArrangementStatus.CANCELED
    assert "arrangement_canceled" in set(session.scalars(select(Message.template)))
    assert "You ended your agreement" in said(http.get(f"{path(dana)}/history"))
    holds(session, dana)


def test_an_acceptance_can_be_taken_back_within_the_clients_time(
    http: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
) -> None:
    accept(http, dana, review(http, dana, "Pay it all today"))
    until = "Monday, November 23, 2026, 12:00"
    assert f"You can take this back until {until}" in heard(mine(http, dana))
    clock.advance(timedelta(hours=25))
    come_in(http, session, dana)
    later = said(mine(http, dana))
    assert "You can take this back" not in later
    assert "You could take this back until" in later
    late = send(http, mine(http, dana), f"{path(dana)}/withdraw")
    assert late.status_code == 409
    assert "It is too late to take this back." in said(late)
    assert agreed(session).status is ArrangementStatus.AWAITING_FIRST_PAYMENT
    asking = http.get(link(late, "End this agreement and choose something else"))
    assert "You cannot undo this." in said(asking)
    holds(session, dana)


def test_stopping_says_which_payment_it_still_reaches(
    http: FlaskClient, dana: Dana, plan: TestResponse
) -> None:
    """PY-08"""
    asking = heard(http.get(link(plan, "Stop automatic payments")))
    assert (
        "Your payment of December 22, 2026 is not taken if you stop by December 21, 2026" in asking
    )


def test_before_a_first_payment_there_is_nothing_to_end_or_pay_extra(
    http: FlaskClient, dana: Dana
) -> None:
    accept(http, dana, review(http, dana, "Pay it all today"))
    for to in ("change/extra", "change/all", "end"):
        page = http.get(f"{path(dana)}/{to}")
        assert page.status_code in (409, 422), to
