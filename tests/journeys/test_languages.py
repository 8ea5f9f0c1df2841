"""Spanish and French all the way, and how little the first pages weigh."""

from collections.abc import Callable

import pytest

from tests.journeys.people import Person
from tests.journeys.serving import Portal
from tests.journeys.test_paying import VISA

Meeting = Callable[..., Person]
SMALL, LIMIT = 7 * 1024, 14_600


def test_settle_in_spanish(portal: Portal, someone: Meeting):
    dana = someone(locale="es-US")
    dana.open(portal.invite(debtor={"language": "es"}).url).answer()
    assert dana.heading == "Usted debe $1,240.00"
    dana.tap("$868.00 para cerrar la cuenta").tap("$868.00").pay_with(VISA)
    assert "Pago recibido" in dana.heading
    dana.stayed_within(pages=5, interactions=7)
    assert dana.page.evaluate("document.documentElement.lang").startswith("es")


def test_canadian_french(portal: Portal, someone: Meeting):
    guest = portal.invite(
        client={
            "country": "CA",
            "currency": "CAD",
            "time_zone": "America/Toronto",
            "languages": ["en", "fr"],
            "brand_color": "#ffc400",
        },
        debtor={"language": "fr", "region": "QC", "city": "Montréal"},
    )
    dana = someone(locale="fr-CA")
    dana.open(guest.url).answer()
    assert dana.heading.startswith("Vous devez 1")
    assert "240,00" in dana.heading
    assert dana.page.evaluate("document.documentElement.lang").startswith("fr")


@pytest.mark.parametrize("which", ["identity", "balance"])
def test_the_first_view_is_small(portal: Portal, someone: Meeting, which: str):
    """Everything a phone loads for it, headers and files included, with nothing kept before."""
    dana, guest = someone(), portal.invite()
    dana.open(guest.url)
    if which == "balance":
        dana.answer()
    here = dana.page.url
    dana.page.wait_for_load_state("networkidle")
    wire = dana.page.context.new_cdp_session(dana.page)
    got: list[float] = []
    wire.send("Network.enable")
    wire.send("Network.setCacheDisabled", {"cacheDisabled": True})
    wire.on("Network.loadingFinished", lambda one: got.append(one["encodedDataLength"]))
    dana.page.goto(here, wait_until="networkidle")
    assert len(got) <= 4
    assert sum(got) <= SMALL < LIMIT, f"{which}: {got} bytes"
