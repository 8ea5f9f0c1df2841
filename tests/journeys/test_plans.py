"""Plans: agreed to, paid by themselves or by hand, stopped, changed, read again."""

import re

from tests.journeys.people import Person
from tests.journeys.serving import Portal
from tests.journeys.test_paying import VISA


def agree_to_plan(dana: Person, *, start: str, method: str) -> Person:
    dana.tap("Pay a bit each month").choose("$104.00").choose("Every month")
    return dana.choose(start).choose(method).tap("Continue")


def test_a_plan_with_automatic_payments(portal: Portal, dana: Person):
    dana.open(portal.invite().url).answer()
    agree_to_plan(dana, start="Today", method="Take each payment automatically")
    dana.choose("I allow").tap("Agree and pay $104.00 now").pay_with(VISA)
    assert "You paid $104.00. You have $1,136.00 left to pay." in dana.main
    assert "Your next payment is $104.00 on December 23, 2026." in dana.main
    dana.stayed_within(pages=6, interactions=13)


def test_a_plan_paid_by_hand_that_starts_later(portal: Portal, dana: Person):
    dana.open(portal.invite().url).answer()
    agree_to_plan(dana, start="December 1, 2026", method="I make each payment myself")
    dana.tap("Agree to this plan. Nothing is taken today")
    assert "$104.00 on December 1, 2026." in dana.main
    dana.stayed_within(pages=5, interactions=12)


def test_a_plan_that_starts_later_saves_the_card_now(portal: Portal, dana: Person):
    dana.open(portal.invite().url).answer()
    agree_to_plan(dana, start="December 1, 2026", method="Take each payment automatically")
    dana.choose("I allow").tap("Agree and save my card").pay_with(VISA)
    assert "Nothing was taken today." in dana.main
    dana.stayed_within(pages=6, interactions=13)


def test_stop_automatic_payments(portal: Portal, dana: Person):
    dana.open(portal.invite().url).answer()
    agree_to_plan(dana, start="Today", method="Take each payment automatically")
    dana.choose("I allow").tap("Agree and pay").pay_with(VISA).tap("Go to my plan")
    assert "We take it then from Visa ending 4242." in dana.main
    dana.tap("Read your permission").back()
    dana.tap("Read, print or save your agreement").back()
    dana.tap("Stop automatic payments").tap("Stop automatic payments")
    assert "You make this payment yourself." in dana.main


def test_use_another_card(portal: Portal, dana: Person):
    dana.open(portal.invite().url).answer()
    agree_to_plan(dana, start="Today", method="Take each payment automatically")
    dana.choose("I allow").tap("Agree and pay").pay_with(VISA).tap("Go to my plan")
    dana.tap("Use another card or bank account").pay_with("5555555555554444").tap("Go to my plan")
    assert "We take it then from Mastercard ending 4444." in dana.main


def test_pay_the_next_part_from_a_reminder(portal: Portal, dana: Person):
    guest = portal.invite()
    dana.open(guest.url).answer()
    agree_to_plan(dana, start="Today", method="I make each payment myself")
    dana.tap("Agree and pay").pay_with(VISA).tap("Close this page")
    dana.start_again()
    dana.open(portal.send_link(guest)).answer().tap("Pay $104.00 now").pay_with(VISA)
    assert "You have $1,032.00 left to pay." in dana.main
    dana.stayed_within(pages=4, interactions=6)


def test_a_whole_plan_without_javascript(portal: Portal, someone):
    dana = someone(java_script_enabled=False)
    dana.open(portal.invite().url).answer()
    agree_to_plan(dana, start="Today", method="Take each payment automatically")
    dana.choose("I allow").tap("Agree and pay").pay_with(VISA)
    assert "Your next payment is $104.00 on December 23, 2026." in dana.main
    dana.tap("Go to my plan").tap("Stop automatic payments").tap("Stop automatic payments")
    assert "You make this payment yourself." in dana.main
    dana.tap("Close this page")


def test_what_is_missing_is_said_and_what_was_typed_stays(portal: Portal, dana: Person):
    dana.open(portal.invite().url).answer().tap("Pay a bit each month")
    dana.fill("Your amount", "80").choose("Every week").tap("Continue")
    assert dana.page.title().startswith("Problem:")
    assert "Choose when to start." in dana.main
    assert dana.page.locator("#own").input_value() == "80"
    dana.choose("Today").choose("I make each payment myself").tap("Continue")
    dana.tap(re.compile("Agree and pay \\$80.00 now"))
