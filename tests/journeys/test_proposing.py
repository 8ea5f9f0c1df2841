"""A suggestion of one's own: what comes closest, at once, and agreed to in one go."""

from collections.abc import Callable

from portal.domain.policy import Band, PlanLimits, ProposalLimits, Tier
from portal.domain.schedules import Frequency
from tests.factories import make_policy
from tests.journeys.people import Person
from tests.journeys.serving import Portal

YEAR = {
    "bands": (Band(tiers=(Tier(80_00, max_parts=48),)),),
    "plan": PlanLimits(25_00, 12, tuple(Frequency)),
    "agree": ProposalLimits(60_00, 20_00, 12),
}
"""Plans of a year at most; whoever settles may do so in many payments."""


def test_forty_dollars_every_other_friday(portal: Portal, dana: Person) -> None:
    guest = portal.invite(balances=(200_000,))
    with portal.session(guest.client) as session:
        make_policy(session, guest.client, **YEAR)
        session.commit()
    dana.open(guest.url).answer().tap("Pay a bit each month")
    dana.choose("A different amount").fill("Your amount", "40").choose("Every 2 weeks")
    dana.choose("Another date")
    for box, value in (("Month", "12"), ("Day", "11"), ("Year", "2026")):
        dana.fill(box, value)
    dana.choose("I make each payment myself").tap("Continue")
    assert "With $40.00 each time it takes longer than we can agree to right away." in dana.main
    assert "A person answers by" in dana.main
    ways = dana.page.locator(".card")
    assert ways.count() > 1
    first = ways.first.inner_text()
    assert "every 2 weeks from December 11, 2026" in first, "a Friday"
    dana.tap("Choose this", within=ways.first)
    dana.tap("Agree to this plan. Nothing is taken today")
    assert dana.path.endswith("/arrangement")
    assert "December 11, 2026" in dana.main


def test_a_suggestion_is_changed_and_taken_back_without_javascript(
    portal: Portal, someone: Callable[..., Person]
) -> None:
    dana = someone(java_script_enabled=False)
    dana.open(portal.invite(debtor={"language": "es"}).url).answer().tap("Pagar un poco cada mes")
    dana.choose("Otro monto")
    dana.page.locator("#own").fill("20")
    dana.choose("Cada mes").choose("Hoy").choose("Yo hago cada pago")
    dana.tap("Continuar")
    assert "$20.00" in dana.main
    dana.tap("Cambiar mi propuesta")
    assert dana.page.locator("#own").input_value() == "20"
    dana.page.locator("#own").fill("30")
    dana.tap("Continuar")
    assert "$30.00" in dana.main
    dana.tap("Retirar mi propuesta")
    assert "Pagar un poco cada mes" in dana.main
