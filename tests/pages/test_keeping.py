"""My plan when a payment failed or is missing: calm words, and ways to keep it by one tap."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.db import PortalSession, set_tenant
from portal.domain.statuses import ArrangementStatus, MessageStatus
from portal.gateways.clock import SetClock
from portal.models import (
    AccessLink,
    Amendment,
    Arrangement,
    Authorization,
    Installment,
    Message,
    Payment,
    fresh_id,
)
from portal.services import authorizations, breaking, charging
from tests.pages.agreeing import (
    accept,
    agreed,
    choose_plan,
    form,
    links,
    main_of,
    path,
    pay_at_stripe,
)
from tests.pages.debtors import Dana, come_in
from tests.pages.reading import heard, spaced
from tests.pages.test_changing import confirm
from tests.sandbox.checked import CheckedStripe
from tests.services.paying import Till, declining

Later = Callable[[int], None]


@pytest.fixture
def later(
    session: PortalSession, dana: Dana, stripe: CheckedStripe, clock: SetClock, http
) -> Later:
    """Days go by, on the last of which the jobs run; Dana comes in again."""

    def run(days: int) -> None:
        Till(session, stripe, dana.account).wait(days=days)
        clock.advance(stripe.clock.now - clock.now())
        set_tenant(session, dana.client.id)
        for copy in session.scalars(select(Message)):
            if copy.template in (authorizations.COPY, *breaking.TOLD):
                copy.status, copy.sent_at = MessageStatus.SENT, copy.sent_at or clock.now()
        session.commit()
        for one in charging.due_installments(session, dana.client.id, now=clock.now()):
            charging.charge_installment(session, stripe.gateway, one, now=clock.now())
        for one in breaking.late(session, dana.client.id, now=clock.now()):
            breaking.look_after(session, dana.client.id, one, now=clock.now())
        for link in session.scalars(select(AccessLink)):
            link.expires_at = clock.now() + timedelta(days=10)
        session.commit()
        come_in(http, session, dana)

    return run


def begin(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe, method: str
) -> None:
    """A plan of $104.00 a month whose first part is paid."""
    page = choose_plan(http, dana, method=method)
    ticked = {"permission": "y"} if method == "automatic" else {}
    assert accept(http, dana, page, **ticked).status_code == 303
    http.get(pay_at_stripe(session, stripe))
    for copy in session.scalars(select(Message)):
        if copy.template == authorizations.COPY:
            copy.status, copy.sent_at = MessageStatus.SENT, copy.created_at
    session.commit()


def mine(http: FlaskClient, dana: Dana) -> str:
    """What my plan says."""
    return heard(http.get(f"{path(dana)}/arrangement"))


def buttons(http: FlaskClient, dana: Dana) -> dict[str, str]:
    """The ways that the page offers, by their words."""
    main = main_of(http.get(f"{path(dana)}/arrangement"))
    days = {spaced(b): b.get("value", "") for b in main.iter("button") if b.get("name") == "to"}
    links = (one for one in main.iter("a") if one.get("class") == "btn alt")
    return days | {spaced(one): one.get("href", "") for one in links}


def choose(http: FlaskClient, dana: Dana, to: str):
    """Press one of them."""
    page = http.get(f"{path(dana)}/arrangement")
    return http.post(f"{path(dana)}/cure", data=form(page, "/cure") | {"to": to})


def second(session: PortalSession) -> Installment:
    """The second part."""
    session.expire_all()
    return session.scalars(select(Installment).where(Installment.n == 2)).one()


def test_a_soft_decline_says_when_we_try_again_and_how_to_keep_the_plan(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe, later: Later
) -> None:
    begin(http, session, dana, stripe, "automatic")
    with declining("insufficient_funds"):
        later(30)
    words = mine(http, dana)
    assert "Your December 22, 2026 payment did not go through. That happens." in words
    assert "We try again on December 28, 2026. You can also pay before." in words
    assert "Pay $104.00 by January 12, 2027 to keep your plan. We do not charge a fee." in words
    offered = buttons(http, dana)
    assert list(offered) == [
        *("December 28, 2026", "December 31, 2026", "January 4, 2027"),
        "Pay up to $114.40 each time",
    ]
    assert "I can't afford any of these" in words
    assert not {"default", "delinquent", "overdue"} & set(words.lower().split())
    stop = http.get(f"{path(dana)}/stop")
    assert http.post(f"{path(dana)}/stop", data=form(stop, "/stop")).status_code == 303
    words = mine(http, dana)
    assert "We try again" not in words
    assert "Pay $104.00 by January 12, 2027 to keep your plan." in words


def test_a_new_day_is_one_tap_and_twice_is_once(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe, later: Later
) -> None:
    begin(http, session, dana, stripe, "automatic")
    with declining("insufficient_funds"):
        later(30)
    said, day = list(buttons(http, dana).items())[2]
    answered = choose(http, dana, day)
    assert answered.status_code == 303
    words = heard(http.get(answered.location))
    assert "Your plan has changed." in words
    assert "did not go through" not in words
    assert f"$104.00 on {said}. We take it then from Visa ending 4242." in words
    assert second(session).due_on.isoformat() == day
    page = http.get(f"{path(dana)}/arrangement")
    again = http.post(f"{path(dana)}/cure", data=form(page, "/pay") | {"to": day})
    assert again.status_code == 303


@pytest.mark.parametrize("to", ["", "yesterday", "2026-12-22", "2030-01-01"])
def test_a_day_that_is_not_offered_changes_nothing(
    http: FlaskClient,
    session: PortalSession,
    dana: Dana,
    stripe: CheckedStripe,
    later: Later,
    to: str,
) -> None:
    begin(http, session, dana, stripe, "manual")
    later(31)
    answered = choose(http, dana, to)
    assert answered.status_code == 409
    assert "That is not possible any more." in heard(answered)
    assert second(session).late_since is None


def test_what_is_missing_is_added_to_the_later_payments(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe, later: Later
) -> None:
    begin(http, session, dana, stripe, "manual")
    later(31)
    words = mine(http, dana)
    assert "Your December 22, 2026 payment has not come yet. That happens." in words
    assert "We try again" not in words
    assert "Or add it to your 10 later payments:" in words
    review = http.get(list(buttons(http, dana).values())[-1], follow_redirects=True)
    words = heard(review)
    assert "Add what is missing to your later payments?" in words
    assert "automatic payments" not in words
    for _ in range(2):
        answered = confirm(http, dana, review)
        assert answered.status_code == 303
    assert "What was missing is now part of your later payments." in heard(
        http.get(answered.location)
    )
    assert "How to keep your plan" not in mine(http, dana)
    assert second(session).status == "canceled"
    assert len(session.scalars(select(Amendment)).all()) == 1


def test_py_05_larger_payments_are_asked_for_before_they_are_charged(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe, later: Later
) -> None:
    begin(http, session, dana, stripe, "automatic")
    with declining("insufficient_funds"):
        later(30)
    review = http.get(list(buttons(http, dana).values())[-1], follow_redirects=True)
    words = heard(review)
    assert "Changed permission for automatic payments" in words
    assert "If you do not check this box, automatic payments end." in words
    assert confirm(http, dana, review, permission="y").status_code == 303
    old, new = session.scalars(select(Authorization).order_by(Authorization.created_at))
    assert (old.status, new.status) == ("revoked", "granted")
    assert new.cap_cents == 1_136_00


def test_of_two_changes_at_once_the_second_is_told_how_the_plan_is_now(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe, later: Later
) -> None:
    begin(http, session, dana, stripe, "manual")
    later(31)
    review = http.get(list(buttons(http, dana).values())[-1], follow_redirects=True)
    day = next(iter(buttons(http, dana).values()))
    assert choose(http, dana, day).status_code == 303
    answered = confirm(http, dana, review)
    assert answered.status_code == 409
    assert "That is not possible any more." in heard(answered)
    assert http.get(f"{path(dana)}/change/spread").status_code == 409
    assert len(session.scalars(select(Amendment)).all()) == 1


def test_py_09_after_a_hard_decline_another_way_to_pay_is_asked_for(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe, later: Later
) -> None:
    begin(http, session, dana, stripe, "automatic")
    with declining("lost_card"):
        later(30)
    words = mine(http, dana)
    assert "We do not use this card or bank account again. Please choose another way" in words
    assert "We try again" not in words
    assert "We take it then" not in words
    assert "Use another card or bank account" in words
    assert "Pay $104.00 now" in words


def test_a_bank_that_asks_for_its_owner_is_answered_on_a_page(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe, later: Later
) -> None:
    begin(http, session, dana, stripe, "automatic")
    with declining("authentication_required"):
        later(30)
    assert "Your bank wants to check that it is you." in mine(http, dana)
    page = http.get(f"{path(dana)}/arrangement")
    left = http.post(f"{path(dana)}/pay", data=form(page, "/pay"))
    assert left.status_code == 303
    http.get(pay_at_stripe(session, stripe))
    assert "How to keep your plan" not in mine(http, dana)
    assert second(session).status == "paid"


@pytest.mark.parametrize("code", ["authentication_required", "insufficient_funds"])
def test_py_09_a_new_day_is_not_said_to_be_taken_where_nothing_is_taken_any_more(
    http: FlaskClient,
    session: PortalSession,
    dana: Dana,
    stripe: CheckedStripe,
    later: Later,
    code: str,
) -> None:
    """The bank wants its owner, or the bank debit was presented as often as it may be."""
    begin(http, session, dana, stripe, "automatic")
    with declining(code):
        later(30)
    if code == "insufficient_funds":
        failed = session.scalars(select(Payment).where(Payment.status == "failed")).one()
        session.scalars(select(Authorization)).one().method_funding = None
        for n in range(2):
            again = {c.key: getattr(failed, c.key) for c in Payment.__table__.columns}
            again |= {"id": fresh_id(), "reference": f"HR-AGAIN{n}", "idempotency_key": f"again{n}"}
            session.add(Payment(**again | {"intent_id": None}))
        session.commit()
    assert "Or pick a new day:" in mine(http, dana)
    day = next(iter(buttons(http, dana).values()))
    assert choose(http, dana, day).status_code == 303
    words = mine(http, dana)
    assert "We take it then" not in words
    assert "You make this payment yourself." in words
    taken = len(Till(session, stripe, dana.account).charges)
    later((second(session).due_on - stripe.clock.now.date()).days)
    assert len(Till(session, stripe, dana.account).charges) == taken


def test_on_the_last_day_the_page_says_today_and_after_it_what_is_possible(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe, later: Later
) -> None:
    begin(http, session, dana, stripe, "manual")
    later(31)
    later(20)
    words = mine(http, dana)
    assert "Pay $104.00 today to keep your plan." in words
    assert list(buttons(http, dana)) == ["Pay up to $115.55 each time"]
    later(1)
    assert agreed(session).status is ArrangementStatus.BROKEN
    words = mine(http, dana)
    assert "This has ended, because a payment was missing for too long." in words
    assert "You can choose a new plan, suggest what you can pay, or ask for help." in words
    assert "How to keep your plan" not in words
    menu = links(http.get(path(dana)))
    assert any("/plan" in to for to in menu.values()), "something can be chosen again"


def test_my_plan_offers_no_cure_while_it_waits_or_money_is_on_its_way(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe, later: Later
) -> None:
    begin(http, session, dana, stripe, "manual")
    later(31)
    page = http.get(f"{path(dana)}/arrangement")
    http.post(f"{path(dana)}/pay", data=form(page, "/pay"))
    http.get(pay_at_stripe(session, stripe, "bank_success"))
    words = mine(http, dana)
    assert "is on its way. You do not need to pay again." in words
    assert "How to keep your plan" not in words
    assert session.scalars(select(Arrangement)).one().status is ArrangementStatus.ACTIVE


def asked_to_stop(http: FlaskClient, dana: Dana) -> str:
    """What the page says that asks whether automatic payments shall stop."""
    return heard(http.get(f"{path(dana)}/stop"))


def another_card(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe
) -> str:
    """Save another card on my plan; what the page says where it leads."""
    page = http.get(f"{path(dana)}/arrangement")
    assert http.post(f"{path(dana)}/method", data=form(page, "/method")).status_code == 303
    return heard(http.get(pay_at_stripe(session, stripe, "mastercard")))


def test_while_a_payment_is_tried_again_every_page_names_that_day(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe, later: Later
) -> None:
    """PY-08: also the page that asks whether to stop, which says until when that keeps it back."""
    begin(http, session, dana, stripe, "automatic")
    with declining("insufficient_funds"):
        later(30)
    again_on = second(session).next_attempt_on
    assert again_on == date(2026, 12, 28)
    told = "Your next payment is $104.00 on December 28, 2026."
    assert told in heard(http.get(path(dana)))
    words = asked_to_stop(http, dana)
    assert "We try your payment of December 22, 2026 again on December 28, 2026." in words
    assert "We do not if you stop by December 27, 2026" in words
    assert "Your payment of January 22, 2027 is not taken if you stop by January 21" in words
    words = another_card(http, session, dana, stripe)
    assert f"{told} We take it then." in words
    assert "December 22" not in words


def test_what_is_not_tried_again_is_due_now_and_no_day_that_is_over(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe, later: Later
) -> None:
    begin(http, session, dana, stripe, "automatic")
    with declining("authentication_required"):
        later(30)
    later(1)
    words = heard(http.get(path(dana)))
    assert "$104.00 is due now." in words
    assert "Your next payment is" not in words
    words = asked_to_stop(http, dana)
    assert "December 22" not in words
    assert "Your payment of January 22, 2027 is not taken" in words
    words = another_card(http, session, dana, stripe)
    assert "$104.00 is due now. You make this payment yourself." in words
    assert "We take it" not in words


def test_on_its_day_a_payment_is_taken_today_and_a_stop_keeps_it_back(
    http: FlaskClient,
    session: PortalSession,
    dana: Dana,
    stripe: CheckedStripe,
    later: Later,
    clock: SetClock,
) -> None:
    """PY-08: before the job of that day."""
    begin(http, session, dana, stripe, "automatic")
    later(29)
    clock.advance(timedelta(days=1))
    stripe.clock.advance(days=1)
    come_in(http, session, dana)
    words = mine(http, dana)
    assert "$104.00 is due today. We take it today from Visa ending 4242." in words
    words = asked_to_stop(http, dana)
    assert "We have not taken your payment of December 22, 2026 yet." in words
    assert "Your payment of January 22, 2027 is not taken if you stop by January 21" in words
    assert "We take it today." in another_card(http, session, dana, stripe)


def test_a_first_debit_on_its_way_is_not_said_to_be_due_or_taken_again(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe
) -> None:
    page = choose_plan(http, dana, method="automatic")
    assert accept(http, dana, page, permission="y").status_code == 303
    http.get(pay_at_stripe(session, stripe, "bank_success"))
    words = mine(http, dana)
    assert "Your first payment is on its way." in words
    assert "$104.00. It is on its way." in words
    assert "We have not heard of a payment" not in words
    assert "due now" not in words
    assert "We take it" not in words
    assert "STRIPE TEST BANK" not in words
