"""From the balance to a paid agreement: choose, review, agree, pay, and what stays in writing."""

import re
from datetime import date, timedelta

import pytest
from flask.testing import FlaskClient
from icalendar import Calendar
from sqlalchemy import func, select

from portal import __version__
from portal.config import Settings
from portal.db import PortalSession, set_tenant
from portal.domain.holds import HoldKind
from portal.domain.money import Cents
from portal.domain.statuses import ArrangementStatus, AuthorizationStatus, PaymentStatus
from portal.gateways.clock import SetClock
from portal.models import (
    Account,
    Arrangement,
    Authorization,
    EntryKind,
    Installment,
    Payment,
    PaymentPurpose,
)
from portal.sandbox import control
from portal.sandbox.faults import Fault
from portal.services import evidence
from portal.services.arrangements import expire_due
from portal.services.ledger import lock_account, post
from portal.services.standing import lift_hold, set_hold
from tests.pages.agreeing import (
    accept,
    agreed,
    choose_plan,
    form,
    link,
    links,
    main_of,
    newest,
    path,
    pay_at_stripe,
    review,
    send,
)
from tests.pages.debtors import Dana, come_in
from tests.pages.reading import heard, said, tree
from tests.sandbox.checked import CheckedStripe
from tests.services.test_balance import counted


def test_paying_in_full(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe
) -> None:
    page = review(http, dana, "Pay it all today")
    assert "Check before you pay" in said(page)
    assert "form-action 'self' http" in page.headers["Content-Security-Policy"]
    assert "Agree and pay $1,240.00 now" in said(page)
    assert "First owed to: Northgate Energy" in said(page), "PY-04"
    assert not [box for box in tree(page).iter("input") if box.get("type") == "checkbox"]
    answered = accept(http, dana, page)
    assert answered.status_code == 303
    assert answered.location.startswith("http://stripe.sandbox/")
    assert agreed(session).status is ArrangementStatus.AWAITING_FIRST_PAYMENT
    landed = http.get(pay_at_stripe(session, stripe))
    assert said(landed).startswith("Payment received")
    assert said(http.get(path(dana))).startswith("You owe nothing on this account")
    mine = http.get(f"{path(dana)}/arrangement")
    assert "My agreement" in said(mine)
    assert http.get(link(mine, "receipt")).status_code == 200


def test_a_settlement_at_once_closes_the_account(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe
) -> None:
    page = review(http, dana, "Pay $868.00 to close the account")
    words = heard(page)
    assert "You save $372.00" in words
    assert "You can choose this until December 8, 2026." in words
    accept(http, dana, page)
    assert said(http.get(pay_at_stripe(session, stripe))).startswith("Payment received")
    assert "You paid what we agreed." in said(http.get(path(dana)))


def test_what_is_owed_again_after_money_went_back_is_said_with_the_agreement(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe
) -> None:
    accept(http, dana, review(http, dana, "Pay it all today"))
    http.get(pay_at_stripe(session, stripe))
    account = lock_account(session, dana.account.id)
    now = stripe.clock.now
    back = Cents(40_00)
    post(session, account, kind=EntryKind.REFUND, source="t", amount_cents=back, now=now)
    session.commit()
    mine = said(http.get(f"{path(dana)}/arrangement"))
    assert "You made every payment, but money is owed again." in mine
    assert "$40.00 that you had paid went back (last on November 22, 2026)." in mine
    assert "You owe$40.00" in mine
    assert "Nothing" not in mine


def test_the_plans_review_adds_up_and_asks_for_one_tick(http: FlaskClient, dana: Dana) -> None:
    page = choose_plan(http, dana)
    words = heard(page)
    assert words.startswith("Back Check your plan before you agree")
    assert "$104.00 a month, 11 times, then $96.00" in words
    assert "Total you pay $1,240.00" in words
    assert "11 payments of $104.00, every month from November 22, 2026." in words
    assert "1 payment of $96.00 on October 22, 2027." in words
    assert "Permission for automatic payments" in words, "PY-05"
    assert "never more than $1,240.00 in all" in words
    boxes = [box for box in tree(page).iter("input") if box.get("type") == "checkbox"]
    assert len(boxes) == 1
    assert "checked" not in boxes[0].attrib
    rows = [row for row in tree(page).iter("tr") if row.find("td") is not None]
    assert len(rows) == 12


def test_an_automatic_plan_from_the_tick_to_the_stop(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe
) -> None:
    page = choose_plan(http, dana)
    untouched = accept(http, dana, page)
    assert untouched.status_code == 422
    assert "Check the box" in said(untouched)
    assert session.scalar(select(func.count(Arrangement.id))) == 0
    assert accept(http, dana, untouched, permission="y").status_code == 303
    http.get(pay_at_stripe(session, stripe))
    mine = http.get(f"{path(dana)}/arrangement")
    words = heard(mine)
    assert "$104.00 on December 22, 2026. We take it then from Visa ending 4242." in words
    assert "✓ Paid" in words
    told = heard(http.get(link(mine, "Read your permission")))
    assert "Visa ending 4242" in told
    assert "Never more than $1,240.00 in all, in USD." in told
    asking = http.get(link(mine, "Stop automatic payments"))
    assert "Your agreement stays." in said(asking)
    assert newest(session, Authorization).status is AuthorizationStatus.GRANTED
    stopped = send(http, asking, f"{path(dana)}/stop")
    after = heard(http.get(stopped.location))
    assert "Automatic payments are off." in after
    assert "You make this payment yourself." in after
    assert newest(session, Authorization).status is AuthorizationStatus.REVOKED
    assert agreed(session).status is ArrangementStatus.ACTIVE
    assert http.get(f"{path(dana)}/stop").status_code == 409


def test_a_later_start_saves_the_method_and_takes_nothing(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe
) -> None:
    page = choose_plan(http, dana, start="2026-12-01")
    assert "Agree and save my card. Nothing is taken today" in said(page)
    accept(http, dana, page, permission="y")
    payment = newest(session, Payment)
    assert (payment.purpose, payment.amount_cents) == (PaymentPurpose.METHOD, 0)
    waiting = heard(http.get(f"{path(dana)}/arrangement"))
    assert "Your card or bank account is not saved yet. Nothing was taken." in waiting
    assert "Nothing is due yet." in waiting
    left = heard(http.get(f"/payment/{payment.id}"))
    assert "Your card was not saved" in left
    assert "You have not paid" not in left
    http.get(pay_at_stripe(session, stripe))
    assert newest(session, Authorization).status is AuthorizationStatus.GRANTED
    assert control.payments(stripe.world) == []
    mine, first = heard(http.get(f"{path(dana)}/arrangement")), heard(http.get(path(dana)))
    assert "Your agreement is saved. Nothing is due yet." in mine
    assert "$104.00 on December 1, 2026. We take it then from Visa ending 4242." in mine
    assert "Your next payment is $104.00 on December 1, 2026." in first
    assert "waits for its first" not in first
    assert "We wait for" not in mine


def test_a_plan_by_hand_with_a_later_start_asks_for_no_card(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe
) -> None:
    page = choose_plan(http, dana, start="2026-12-01", method="manual")
    assert "Agree to this plan. Nothing is taken today" in said(page)
    answered = accept(http, dana, page)
    assert answered.location == f"{path(dana)}/arrangement"
    mine = http.get(answered.location)
    assert "You make this payment yourself." in said(mine)
    assert session.scalar(select(func.count(Payment.id))) == 0
    paying = send(http, mine, f"{path(dana)}/pay")
    assert paying.location.startswith("http://stripe.sandbox/")
    http.get(pay_at_stripe(session, stripe))
    assert agreed(session).status is ArrangementStatus.ACTIVE


def test_back_from_checkout_unpaid_something_else_can_be_chosen(
    http: FlaskClient, session: PortalSession, dana: Dana
) -> None:
    accept(http, dana, review(http, dana, "Pay $868.00"))
    said_first = "waits for its first payment. We have not heard of a payment yet."
    assert said_first in said(http.get(path(dana))), "a Checkout is open: nobody here knows"
    mine = http.get(f"{path(dana)}/arrangement")
    assert "We wait for your first payment. We have not heard of a payment yet." in said(mine)
    answered = send(http, mine, f"{path(dana)}/withdraw")
    assert answered.location == path(dana)
    again = http.get(answered.location)
    assert link(again, "Pay $868.00 to close the account")
    assert link(again, "What we agreed before")
    assert agreed(session).status is ArrangementStatus.WITHDRAWN
    assert newest(session, Payment).status in (PaymentStatus.EXPIRED, PaymentStatus.CANCELED)
    assert accept(http, dana, review(http, dana, "Pay it all")).status_code == 303


def test_an_agreement_that_is_being_paid_is_not_taken_back(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe
) -> None:
    accept(http, dana, review(http, dana, "Pay $868.00"))
    mine = http.get(f"{path(dana)}/arrangement")
    pay_at_stripe(session, stripe)
    answered = send(http, mine, f"{path(dana)}/withdraw")
    assert "/payment/" in answered.location
    assert agreed(session).status is ArrangementStatus.COMPLETED


def test_pressing_twice_agrees_once(http: FlaskClient, session: PortalSession, dana: Dana) -> None:
    page = review(http, dana, "Pay it all")
    first, second = accept(http, dana, page), accept(http, dana, page)
    assert first.location == second.location
    assert session.scalar(select(func.count(Arrangement.id))) == 1
    assert session.scalar(select(func.count(Payment.id))) == 1


def test_a_review_opened_again_after_agreeing_leads_to_the_agreement(
    http: FlaskClient, dana: Dana
) -> None:
    chosen = link(http.get(path(dana)), "Pay it all")
    page = http.get(chosen)
    accept(http, dana, page)
    landed = http.get(chosen)
    assert landed.status_code == 303
    assert landed.location.startswith(f"{path(dana)}/arrangement")


def test_a_second_agreement_leads_to_the_first(
    http: FlaskClient, session: PortalSession, dana: Dana
) -> None:
    one, other = review(http, dana, "Pay it all"), review(http, dana, "Pay $868.00")
    accept(http, dana, one)
    landed = accept(http, dana, other).location
    assert landed.startswith(f"{path(dana)}/arrangement")
    assert "What you chose just now changed nothing." in said(http.get(landed))
    assert session.scalar(select(func.count(Arrangement.id))) == 1


def test_a_changed_balance_shows_a_fresh_page_that_says_so(
    http: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
) -> None:
    page = review(http, dana, "Pay it all")
    post(
        session,
        lock_account(session, dana.account.id),
        kind=EntryKind.ADJUSTED,
        source="placement:2",
        amount_cents=Cents(-4_000),
        now=clock.now(),
    )
    session.commit()
    answered = accept(http, dana, page)
    assert answered.status_code == 409
    assert "Your balance has changed to $1,200.00." in said(answered)
    assert link(answered, "Pay it all today $1,200.00")
    assert session.scalar(select(func.count(Arrangement.id))) == 0


def test_an_expired_offer_shows_what_can_be_chosen_now(
    http: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
) -> None:
    to = link(http.get(path(dana)), "Pay $868.00")
    clock.advance(timedelta(days=17))
    http.delete_cookie("visit")
    dana.issued.link.expires_at = clock.now() + timedelta(days=1)
    session.commit()
    come_in(http, session, dana)
    page = http.get(to)
    assert page.status_code == 409
    assert "This offer ended on December 8, 2026." in said(page)
    assert link(page, "Pay $868.00 to close the account")


def test_a_page_of_another_visit_is_not_accepted(
    http: FlaskClient, session: PortalSession, settings: Settings, clock: SetClock, dana: Dana
) -> None:
    page = review(http, dana, "Pay it all")
    held = form(page, "/accept")
    http.delete_cookie("visit")
    come_in(http, session, dana)
    fresh = form(review(http, dana, "Pay it all"), "/accept")
    answered = http.post(f"{path(dana)}/accept", data=held | {"csrf_token": fresh["csrf_token"]})
    assert answered.status_code == 409
    assert "Please read it again." in said(answered)


@pytest.mark.parametrize("c", ["", "x", "eyJrIjoiZnVsbCJ9.AAAA", "ü", "a" * 9_000])
def test_a_broken_choice_gets_the_menu_and_a_sentence(
    http: FlaskClient, dana: Dana, c: str
) -> None:
    page = http.get(f"{path(dana)}/review", query_string={"c": c})
    assert page.status_code == 409
    assert "Please choose again." in said(page)


def test_a_hold_set_meanwhile_refuses_the_button(
    http: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
) -> None:
    """DH-01"""
    page = review(http, dana, "Pay it all")
    set_hold(
        session,
        dana.account,
        HoldKind.DISPUTE,
        source="t",
        now=clock.now(),
        actor=evidence.SYSTEM,
    )
    session.commit()
    answered = accept(http, dana, page)
    assert answered.status_code == 409
    assert "You do not need to pay while we check." in said(answered)
    assert session.scalar(select(func.count(Arrangement.id))) == 0


def test_without_stripe_the_agreement_stands_and_nothing_is_taken(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe
) -> None:
    page = review(http, dana, "Pay it all")
    stripe.world.faults.plan(Fault.DROP_BEFORE, times=9, method="POST", path="/v1")
    answered = accept(http, dana, page)
    assert answered.status_code == 503
    assert "Nothing was taken." in said(answered)
    assert agreed(session).status is ArrangementStatus.AWAITING_FIRST_PAYMENT
    stripe.world.faults.plans.clear()
    mine = http.get(f"{path(dana)}/arrangement")
    assert send(http, mine, f"{path(dana)}/pay").location.startswith("http://stripe.sandbox/")
    assert session.scalar(select(func.count(Payment.id))) == 1


def test_without_stripe_the_amount_that_was_typed_is_sent_again_by_one_tap(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe
) -> None:
    page = http.get(f"{path(dana)}/part")
    assert send(http, page, f"{path(dana)}/part", amount="60").status_code == 303
    stripe.world.faults.plan(Fault.DROP_BEFORE, times=99, path="/v1")
    away = send(http, page, f"{path(dana)}/part", amount="40.50")
    assert away.status_code == 503
    assert "Nothing was taken." in said(away)
    stripe.world.faults.plans.clear()
    assert http.post(f"{path(dana)}/part", data=form(away, "/part")).status_code == 303
    made = session.scalars(select(Payment).order_by(Payment.amount_cents))
    assert [(one.amount_cents, one.status) for one in made] == [
        (4_050, PaymentStatus.OPEN),
        (6_000, PaymentStatus.EXPIRED),
    ]


def test_without_stripe_an_agreement_is_not_taken_for_an_open_page_of_the_same_amount(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe
) -> None:
    page = http.get(f"{path(dana)}/part")
    assert send(http, page, f"{path(dana)}/part", amount="1240").status_code == 303
    review_page = review(http, dana, "Pay it all")
    stripe.world.faults.plan(Fault.DROP_BEFORE, times=99, path="/v1")
    away = accept(http, dana, review_page)
    assert away.status_code == 503
    assert "If you agreed to something, it is saved." in said(away)
    leads_to = [link.get("href") for link in main_of(away).iter("a")]
    assert f"{path(dana)}/arrangement" in leads_to


def test_the_acceptance_says_where_this_very_request_came_from(
    http: FlaskClient, session: PortalSession, dana: Dana
) -> None:
    """EV-04: the check may have been made on another network, hours before."""
    page = review(http, dana, "Pay it all")
    moved = {"REMOTE_ADDR": "203.0.113.9", "HTTP_USER_AGENT": "Another browser"}
    to = f"{path(dana)}/accept"
    held = form(page, "/accept")
    assert http.post(to, data=held, environ_overrides=moved).status_code == 303
    leaf = next(
        one for one in evidence.account_leaves(session, dana.account) if one.type == "acceptance"
    )
    assert "203.0.113.9" in str(leaf.payload)
    assert "Another browser" in str(leaf.payload)
    assert leaf.payload["assent"]["build"] == __version__


def test_py_04_stands_before_every_button_that_leads_to_a_card(
    http: FlaskClient, session: PortalSession, dana: Dana
) -> None:
    """PY-04: on the way back from an unpaid page, too."""
    accept(http, dana, review(http, dana, "Pay it all"))
    payment: Payment = newest(session, Payment)
    page = said(http.get(f"/payment/{payment.id}"))
    assert "You have not paid" in page
    assert "First owed to" in page
    assert page.index("First owed to") < page.index("Pay now")


def test_without_stripe_an_agreement_is_not_taken_back(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe
) -> None:
    accept(http, dana, review(http, dana, "Pay it all"))
    mine = http.get(f"{path(dana)}/arrangement")
    stripe.world.faults.plan(Fault.DROP_BEFORE, times=99, path="/v1")
    unread = said(http.get(f"/payment/{newest(session, Payment).id}"))
    assert "We have not heard of a payment yet." in unread
    assert "Nothing was taken" not in unread
    answered = send(http, mine, f"{path(dana)}/withdraw")
    assert answered.status_code == 503
    assert "Try again in a few minutes." in said(answered)
    assert agreed(session).status is ArrangementStatus.AWAITING_FIRST_PAYMENT


def test_the_agreement_can_be_read_and_saved_as_it_was_agreed(
    http: FlaskClient, session: PortalSession, dana: Dana
) -> None:
    accept(http, dana, choose_plan(http, dana, method="manual"))
    page = http.get(f"{path(dana)}/agreement")
    words = heard(page)
    assert "Your agreement with Northgate Energy" in words
    assert f"Agreement: {agreed(session).reference}" in words
    assert "Agreed by: Dana Reyes" in words
    assert "October 22, 2027 $96.00" in words
    saved = http.get(f"{path(dana)}/agreement?save=1")
    assert "attachment" in saved.headers["Content-Disposition"]
    told = evidence.account_leaves(session, dana.account)[-1].payload
    chain = (dana.client.id, dana.account.chain_id)
    assert saved.data == evidence.document(session, *chain, told["documents"][0]["sha256"]).body


def test_the_evidence_holds_the_very_words_of_the_page(
    http: FlaskClient, session: PortalSession, dana: Dana
) -> None:
    """EV-02"""
    page = choose_plan(http, dana)
    accept(http, dana, page, permission="y")
    session.expire_all()
    account = session.get_one(Account, (dana.client.id, dana.account.id))
    told = next(
        leaf.payload
        for leaf in evidence.account_leaves(session, account)
        if leaf.type == "acceptance"
    )
    shown = {one["doc_id"]: one for one in told["disclosures"]}
    assert list(shown)[:3] == ["review", "terms-plan", "authorization"]
    kept = evidence.document(session, dana.client.id, account.chain_id, shown["review"]["sha256"])
    assert kept.body.decode() in page.get_data(as_text=True)
    assert shown["authorization"]["control_label"] in told["assent"]["ticked"]
    assert told["assent"]["control_label"] == "Agree and pay $104.00 now"
    assert told["visit"]["locale"] == "en_US"


def test_the_evidence_is_in_the_language_that_was_read(
    http: FlaskClient, session: PortalSession, dana: Dana
) -> None:
    to = link(http.get(path(dana)), "Pay it all")
    page = http.get(f"{to}&lang=es")
    accept(http, dana, page)
    session.expire_all()
    told = evidence.account_leaves(session, dana.account)[-1].payload
    locales = {one["locale"] for one in told["disclosures"]}
    assert locales == {"es", "es_US"}
    assert agreed(session).locale == "es_US"


def test_the_dates_are_neutral_and_keep_their_identifiers(http: FlaskClient, dana: Dana) -> None:
    accept(http, dana, choose_plan(http, dana, method="manual", start="2026-12-01"))
    first, second = (http.get(f"{path(dana)}/dates.ics") for _ in range(2))
    assert first.mimetype == "text/calendar"
    text = first.get_data(as_text=True)
    assert not re.search(r"northgate|\$|104|HR-|debt", text, re.IGNORECASE)
    events = Calendar.from_ical(text).walk("VEVENT")
    assert len(events) == 12
    assert str(events[0]["SUMMARY"]) == "Payment reminder"
    assert events[0]["DTSTART"].dt.isoformat() == "2026-12-01"
    assert "VALARM" not in text
    uids = [
        [str(event["UID"]) for event in Calendar.from_ical(page.data).walk("VEVENT")]
        for page in (first, second)
    ]
    assert uids[0] == uids[1]
    assert len(set(uids[0])) == 12


def test_my_plan_reads_twice_and_writes_nothing(http: FlaskClient, dana: Dana) -> None:
    accept(http, dana, choose_plan(http, dana, method="manual"))
    for page in ("arrangement", "agreement", "dates.ics", "plan"):
        with counted() as selects:
            http.get(f"{path(dana)}/{page}")
        assert len(selects) <= 2, (page, selects)


def test_a_review_reads_twice_and_writes_nothing(http: FlaskClient, dana: Dana) -> None:
    to = link(http.get(path(dana)), "Pay it all today")
    with counted() as selects:
        assert http.get(to).status_code == 200
    assert len(selects) <= 2, selects


def test_an_account_without_an_agreement_has_no_plan_page(http: FlaskClient, dana: Dana) -> None:
    for page in ("arrangement", "agreement", "authorization", "dates.ics", "stop", "proposal"):
        assert http.get(f"{path(dana)}/{page}").status_code == 404


def test_only_links_that_work(http: FlaskClient, dana: Dana, session: PortalSession) -> None:
    accept(http, dana, choose_plan(http, dana), permission="y")
    for start in (path(dana), f"{path(dana)}/arrangement"):
        for words, to in links(http.get(start)).items():
            assert http.get(to).status_code == 200, (words, to)


def test_what_stands_against_a_payment_is_said_on_a_fresh_balance(
    http: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
) -> None:
    accept(http, dana, choose_plan(http, dana, method="manual", start="2026-12-01"))
    mine = http.get(f"{path(dana)}/arrangement")
    agreed(session).valid_until = date(2026, 11, 21)
    session.scalars(select(Installment).order_by(Installment.n)).first().due_on = date(2026, 11, 20)
    session.commit()
    late = send(http, mine, f"{path(dana)}/pay")
    assert late.status_code == 409
    assert "This offer ended on November 21, 2026." in heard(late)
    assert "You owe $1,240.00" in heard(late)
    assert "Pay it all today" in " ".join(links(late)), "what can be chosen now is there to choose"
    assert agreed(session).ended_reason == "expired"
    assert "no first payment came in time" in said(http.get(f"{path(dana)}/arrangement"))


def test_a_dispute_costs_no_day_of_an_accepted_settlement(
    http: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock, stripe: CheckedStripe
) -> None:
    """DH-08: good until December 8, held from the 6th to the 21st; a week is left then."""
    accept(http, dana, review(http, dana, "Pay $868.00"))
    mine = f"{path(dana)}/arrangement"
    keeps = "We keep this agreement for you until"
    found = agreed(session)
    assert found.valid_until == date(2026, 12, 8)
    first = session.scalars(select(Installment)).one()
    first.due_on = date(2026, 12, 5)
    session.commit()
    clock.advance(timedelta(days=14))
    stay(http, session, dana, clock)
    who = evidence.SYSTEM
    hold = set_hold(session, dana.account, HoldKind.DISPUTE, source="t", now=clock.now(), actor=who)
    session.commit()
    clock.advance(timedelta(days=15))
    stay(http, session, dana, clock)
    assert keeps not in said(http.get(mine))
    assert not expire_due(session, dana.client.id, found.id, now=clock.now())
    lift_hold(session, hold, reason="checked", now=clock.now())
    session.commit()
    clock.advance(timedelta(days=7))
    stay(http, session, dana, clock)
    page = http.get(mine)
    assert f"{keeps} December 28, 2026. It ends then if no payment came." in said(page)
    stripe.clock.advance(days=36)
    paying = send(http, page, f"{path(dana)}/pay")
    assert (paying.status_code, (paying.location or "")[:22]) == (303, "http://stripe.sandbox/")


def stay(http: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock) -> None:
    """Come in again by the same link, some days later."""
    http.delete_cookie("visit")
    set_tenant(session, dana.client.id)
    dana.issued.link.expires_at = clock.now() + timedelta(days=1)
    session.commit()
    come_in(http, session, dana)


def test_a_hold_against_a_payment_is_said_on_a_fresh_balance(
    http: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
) -> None:
    accept(http, dana, choose_plan(http, dana, method="manual", start="2026-12-01"))
    mine = http.get(f"{path(dana)}/arrangement")
    who = evidence.SYSTEM
    set_hold(session, dana.account, HoldKind.DISPUTE, source="t", now=clock.now(), actor=who)
    session.commit()
    held = send(http, mine, f"{path(dana)}/pay")
    assert held.status_code == 409
    assert "You do not need to pay while we check." in heard(held)


@pytest.mark.parametrize("kind", [HoldKind.BANKRUPTCY, HoldKind.DECEASED, HoldKind.MINOR])
def test_py_08_automatic_payments_stop_where_the_debt_is_not_shown(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe, kind: HoldKind
) -> None:
    accept(http, dana, choose_plan(http, dana), permission="y")
    http.get(pay_at_stripe(session, stripe))
    now = stripe.clock.now
    set_hold(session, dana.account, kind, source="t", now=now, actor=evidence.SYSTEM)
    session.commit()
    hidden = http.get(f"{path(dana)}/arrangement")
    asking = http.get(link(hidden, "Stop automatic payments"))
    assert "$" not in said(asking)
    stopped = send(http, asking, f"{path(dana)}/stop")
    after = http.get(stopped.location)
    assert "Automatic payments are off." in said(after)
    assert "$" not in said(after)
    assert newest(session, Authorization).status is AuthorizationStatus.REVOKED
    assert "Stop automatic" not in said(http.get(f"{path(dana)}/arrangement"))


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        (HoldKind.BANKRUPTCY, True),
        (HoldKind.DECEASED, False),
        (HoldKind.MINOR, False),
        (HoldKind.WRONG_PERSON, False),
    ],
)
def test_copies_stay_readable_unless_somebody_else_may_be_reading(
    http: FlaskClient,
    session: PortalSession,
    dana: Dana,
    stripe: CheckedStripe,
    kind: HoldKind,
    shown: bool,
) -> None:
    """PY-05, PY-12, DH-06"""
    accept(http, dana, choose_plan(http, dana), permission="y")
    paid = pay_at_stripe(session, stripe)
    http.get(paid)
    now = stripe.clock.now
    set_hold(session, dana.account, kind, source="t", now=now, actor=evidence.SYSTEM)
    session.commit()
    copies = [paid, paid.partition("?")[0] + "/receipt"]
    for page in (*copies, f"{path(dana)}/agreement", f"{path(dana)}/authorization"):
        words = said(http.get(page))
        assert ("$104.00" in words or "$1,240.00" in words) is shown, page
        assert words.startswith("We cannot show this account now") is not shown, page
    saved = http.get(f"{path(dana)}/agreement?save=1")
    assert ("attachment" in saved.headers.get("Content-Disposition", "")) is shown
