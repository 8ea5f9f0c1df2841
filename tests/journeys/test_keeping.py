"""A payment is missing: on a phone, by one tap it goes to another day, or it is paid."""

from datetime import date

from sqlalchemy import select

from portal.domain.statuses import InstallmentStatus
from portal.models import Installment
from tests.journeys.people import Person
from tests.journeys.serving import Guest, Portal
from tests.journeys.test_paying import VISA
from tests.journeys.test_plans import agree_to_plan


def miss(portal: Portal, guest: Guest) -> None:
    """The second payment does not go through."""
    with portal.session(guest.client) as session:
        part = session.scalars(select(Installment).where(Installment.n == 2)).one()
        part.status, part.told_on = InstallmentStatus.FAILED, date(2026, 11, 23)
        session.commit()


def test_a_missing_payment_is_moved_missed_again_and_paid(portal: Portal, dana: Person):
    guest = portal.invite()
    dana.open(guest.url).answer()
    agree_to_plan(dana, start="Today", method="I make each payment myself")
    dana.tap("Agree and pay").pay_with(VISA)
    miss(portal, guest)
    dana.tap("Go to my plan")
    assert "Your December 23, 2026 payment did not go through. That happens." in dana.main
    dana.tap("November 30, 2026")
    assert "Your plan has changed. Thank you for telling us." in dana.main
    assert "$104.00 on November 30, 2026. You make this payment yourself." in dana.main
    miss(portal, guest)
    dana.open(dana.page.url)
    dana.tap("Pay $104.00 now").pay_with(VISA)
    assert "You have $1,032.00 left to pay." in dana.main
