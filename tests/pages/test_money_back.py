"""Every page says the same of money: while a hold lets a plan wait, and after money went back."""

from flask.testing import FlaskClient

from portal.db import PortalSession
from portal.domain.holds import HoldKind
from portal.models import Account, Payment
from portal.sandbox import control
from portal.services import evidence
from portal.services.inbox import take_dispute, take_refund
from portal.services.standing import set_hold
from tests.pages.agreeing import (
    accept,
    choose_plan,
    newest,
    path,
    pay_at_stripe,
    review,
)
from tests.pages.debtors import Dana
from tests.pages.reading import heard
from tests.sandbox.checked import CheckedStripe


def test_while_a_hold_forbids_charging_the_plan_waits_on_every_page(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe
) -> None:
    """DH-08"""
    accept(http, dana, choose_plan(http, dana), permission="y")
    landing = pay_at_stripe(session, stripe)
    assert "We take it then." in heard(http.get(landing))
    now, who = stripe.clock.now, evidence.SYSTEM
    set_hold(session, dana.account, HoldKind.HARDSHIP, source="t", now=now, actor=who)
    session.commit()
    for page in (f"{path(dana)}/arrangement", path(dana), landing):
        words = heard(http.get(page))
        assert "Your plan waits. We take nothing, and nothing is due now." in words, page
        assert "We take it then" not in words, page
        assert "Your next payment is" not in words, page


def test_what_went_back_in_a_running_plan_is_owed_outside_it_on_every_page(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe
) -> None:
    accept(http, dana, choose_plan(http, dana, method="manual"))
    landing = pay_at_stripe(session, stripe)
    http.get(landing)
    payment: Payment = newest(session, Payment)
    made = control.refund(stripe.world, payment.intent_id or "", amount=10_00)
    take_refund(session, stripe.gateway, made["id"], payment.stripe_account, now=stripe.clock.now)
    assert session.get_one(Account, (dana.client.id, dana.account.id)).balance_cents == 1146_00
    mine = heard(http.get(f"{path(dana)}/arrangement"))
    assert "$10.00 that you had paid went back (last on November 22, 2026)." in mine
    assert "You owe $1,146.00 in all. $10.00 of it is outside this plan." in mine
    paid = heard(http.get(landing))
    assert "You paid $104.00 on November 22, 2026." in paid
    assert "$10.00 of this payment was sent back to you on November 22, 2026." in paid
    assert "You have $1,136.00 left to pay in your plan, and $10.00 outside it." in paid


def test_a_settlement_whose_payment_was_charged_back_says_what_went_back_and_why_it_is_owed(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe
) -> None:
    """PY-12: the receipt too."""
    accept(http, dana, review(http, dana, "Pay $868.00"))
    landing = pay_at_stripe(session, stripe)
    http.get(landing)
    payment: Payment = newest(session, Payment)
    made = control.dispute(stripe.world, payment.intent_id or "")
    take_dispute(session, stripe.gateway, made["id"], payment.stripe_account, now=stripe.clock.now)
    back = "The bank took $868.00 of this payment back on November 22, 2026."
    paid = heard(http.get(landing))
    assert paid.startswith("This payment went back")
    assert "Thank you" not in paid
    assert back in paid
    assert "Your agreement has ended, because money that you paid for it went back." in paid
    assert "You have $1,240.00 left to pay." in paid
    assert back in heard(http.get(f"/payment/{payment.id}/receipt"))
    mine = heard(http.get(f"{path(dana)}/arrangement"))
    assert "This has ended, because money that you paid for it went back." in mine
    assert "You owe $1,240.00" in mine
    assert "Paid so far $0.00" in mine
    letter = http.get(f"{path(dana)}/letter")
    assert letter.status_code == 404
    assert "There is no letter that you owe nothing: you owe $1,240.00 now." in heard(letter)
