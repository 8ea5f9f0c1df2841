"""A debtor on a phone moves a payment, skips one, pays extra and pays off, without a call."""

from portal.domain.policy import Concessions
from tests.journeys.people import Person
from tests.journeys.serving import Portal
from tests.journeys.test_paying import VISA
from tests.journeys.test_plans import agree_to_plan

GIVEN = {"concessions": Concessions(skips=1, moves=2, pauses=1)}
PHONE = {"width": 360, "height": 740}


def running(portal: Portal, dana: Person) -> Person:
    """Her plan of $104.00 a month from a saved card, the first payment made."""
    dana.open(portal.invite(limits=GIVEN).url).answer()
    agree_to_plan(dana, start="Today", method="Take each payment automatically")
    return dana.choose("I allow").tap("Agree and pay").pay_with(VISA).tap("Go to my plan")


def test_move_skip_pay_extra_and_pay_off(portal: Portal, someone):
    dana = running(portal, someone(viewport=PHONE))
    dana.tap("Move a payment to another day").choose("December 30, 2026").tap("Continue")
    dana.tap("Move my payment to December 30, 2026")
    assert "Done. Your payment has its new date." in dana.main
    dana.tap("Skip a payment").tap("Skip my payment of December 30, 2026")
    assert "$104.00 on January 23, 2027." in dana.main
    dana.tap("Pay extra").fill("How much extra do you want to pay?", "200")
    dana.choose("Make my payments smaller.").tap("Continue").tap("Pay $200.00 now").pay_with(VISA)
    dana.tap("Go to my plan")
    dana.tap("Pay all that is left").tap("Pay $936.00 now").pay_with(VISA)
    assert "Payment received" in dana.heading


def test_every_change_without_javascript(portal: Portal, someone):
    dana = running(portal, someone(viewport=PHONE, java_script_enabled=False))
    dana.tap("Let the plan rest once").tap("Let my plan rest once")
    dana.tap("Change how much or how often I pay").fill("How much can you pay each time?", "40")
    dana.choose("Every week").tap("Continue").choose("I allow").tap("Change my plan to this")
    assert "Done. This is your plan from now on." in dana.main
    dana.tap("End this agreement").tap("End this agreement")
    assert "This agreement has ended. Nothing more is taken for it." in dana.main
