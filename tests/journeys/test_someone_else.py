"""Somebody else pays: Dana shares a link, her mother opens it in Spanish."""

from collections.abc import Callable

from tests.journeys.people import Person
from tests.journeys.serving import Portal
from tests.journeys.test_paying import VISA

Meeting = Callable[..., Person]


def test_somebody_else_pays_in_spanish(portal: Portal, someone: Meeting):
    dana = someone()
    dana.open(portal.invite().url).answer().tap("Someone else will pay")
    dana.choose("A different amount").fill("Your amount", "50").tap("Make the link")
    assert "They see nothing else" in dana.main
    shared = dana.page.inner_text(".copy")

    mother = someone(locale="es-US")
    mother.open(shared)
    assert "$50.00" in mother.heading
    assert not [word for word in ("Northgate", "deuda", "debe", "Dana") if word in mother.main]
    mother.tap("Pagar $50.00 ahora").pay_with(VISA)
    assert "Pago recibido" in mother.heading
    assert "$50.00" in mother.main
    assert mother.page.evaluate("document.documentElement.lang").startswith("es")
    mother.tap("Ver o imprimir el recibo")
    mother.stayed_within(pages=4, interactions=2)

    dana.open(f"/account/{dana.account_id}")
    assert dana.heading == "You owe $1,190.00"
    dana.tap("Someone else will pay").tap("by somebody you asked")
    assert "Somebody you asked" in dana.main
    dana.at_ease()
