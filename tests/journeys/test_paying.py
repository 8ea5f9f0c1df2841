"""Paying it all, closing the account for less, and what may happen at Stripe."""

import re

from tests.journeys.people import Person
from tests.journeys.serving import Portal

VISA, DECLINED, BANK = "4242424242424242", "4000000000000002", "6789"


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
    dana.open(f"/account/{dana.account_id}")
    assert dana.heading == "You owe nothing on this account"


def test_settle_in_parts(portal: Portal, dana: Person):
    dana.open(portal.invite().url).answer()
    dana.tap("Close the account in parts").choose("$992.00").choose("3 payments")
    dana.choose("Every month").choose("Today").choose("I make each payment myself")
    dana.tap("Continue").tap(re.compile(r"Agree and pay \$330\.6\d now")).pay_with(VISA)
    assert "You have $661.3" in dana.main


def test_pay_part_of_it(portal: Portal, dana: Person):
    dana.open(portal.invite().url).answer().tap("Pay part of it today")
    dana.fill("Amount", "40.50").tap("Pay this amount now").pay_with(VISA)
    assert "You paid $40.50. You have $1,199.50 left to pay." in dana.main


def test_a_declined_card_then_another_one(portal: Portal, dana: Person):
    dana.open(portal.invite().url).answer()
    dana.tap("Pay it all today").tap("Agree and pay").pay_with(DECLINED)
    assert "Your card was declined." in dana.main
    dana.pay_with(VISA)
    assert "Payment received" in dana.heading


def test_back_from_stripe_without_paying_then_pay(portal: Portal, dana: Person):
    dana.open(portal.invite().url).answer()
    dana.tap("Pay $868.00 to close the account").tap("Agree and pay").tap("Back, without paying")
    assert dana.heading == "You have not paid"
    assert "Nothing was taken." in dana.main
    dana.tap("Pay now").pay_with(VISA)
    assert "Payment received" in dana.heading


def test_back_from_stripe_without_paying_then_choose_again(portal: Portal, dana: Person):
    dana.open(portal.invite().url).answer()
    dana.tap("Pay $868.00 to close the account").tap("Agree and pay").tap("Back, without paying")
    dana.tap("Choose something else").tap("Choose something else")
    assert dana.heading == "You owe $1,240.00"
    dana.tap("Pay $868.00 to close the account")  # the offer stays
    assert "$868.00" in dana.main


def test_the_browsers_back_button_from_stripe_leads_to_the_agreement(portal: Portal, dana: Person):
    dana.open(portal.invite().url).answer()
    dana.tap("Pay it all today").tap("Agree and pay").back()
    assert "You had agreed to this before." in dana.main
    assert "We wait for your first payment" in dana.main


def test_a_bank_debit_is_on_its_way_for_days(portal: Portal, dana: Person):
    dana.open(portal.invite().url).answer()
    dana.tap("Pay it all today").tap("Agree and pay").pay_with(BANK)
    assert dana.heading == "Your bank payment has started"
    landing = dana.page.url
    dana.open(f"/account/{dana.account_id}")
    assert "Your payment of $1,240.00 is on its way. You do not need to pay again." in dana.main
    dana.tap("My agreement Dates")
    assert "is on its way" in dana.main
    portal.finish_debits()
    dana.open(landing)
    assert "Payment received" in dana.heading
