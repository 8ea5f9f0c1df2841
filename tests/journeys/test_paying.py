"""Paying it all, closing the account for less, and what may happen at Stripe."""

from tests.journeys.people import Person
from tests.journeys.serving import Portal

VISA, DECLINED = "4242424242424242", "4000000000000002"


def test_pay_in_full(portal: Portal, dana: Person):
    dana.open(portal.invite().url).answer()
    assert dana.heading == "You owe $1,240.00"
    dana.tap("Pay it all today").tap("Agree and pay $1,240.00 now").pay_with(VISA)
    assert "Payment received" in dana.heading
    assert "You owe nothing more on this account" in dana.main
    dana.stayed_within(pages=5, interactions=7)
    dana.tap("View or print receipt")
    assert "Visa ending 4242" in dana.main


def test_settle_at_once(portal: Portal, dana: Person):
    dana.open(portal.invite().url).answer()
    dana.tap("Pay $868.00 to close the account").tap("Agree and pay $868.00 now").pay_with(VISA)
    assert "This account is closed. You owe nothing more on it." in dana.main
    dana.stayed_within(pages=5, interactions=7)


def test_a_declined_card_then_another_one(portal: Portal, dana: Person):
    dana.open(portal.invite().url).answer()
    dana.tap("Pay it all today").tap("Agree and pay").pay_with(DECLINED)
    assert "Your card was declined." in dana.main
    dana.pay_with(VISA)
    assert "Payment received" in dana.heading
