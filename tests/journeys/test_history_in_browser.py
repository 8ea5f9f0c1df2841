"""What happened on your account, on a phone: found, read, leafed through without scripts."""

from collections.abc import Callable

from portal.models import Account
from portal.services import evidence
from tests.factories import NOW
from tests.journeys.people import Person
from tests.journeys.serving import Guest, Portal
from tests.journeys.test_paying import VISA
from tests.journeys.test_plans import agree_to_plan


def test_read_what_happened_from_my_plan(portal: Portal, dana: Person):
    dana.open(portal.invite().url).answer()
    agree_to_plan(dana, start="Today", method="Take each payment automatically")
    dana.choose("I allow").tap("Agree and pay $104.00 now").pay_with(VISA).tap("Go to my plan")
    portal.work()
    dana.tap("Stop automatic payments").tap("Stop automatic payments")
    dana.tap("What happened on your account")
    for said in (
        "You stopped automatic payments. Nothing more is taken without you.",
        "We sent you an email with a receipt.",
        "You allowed automatic payments from Visa ending 4242, at most $1,240.00 in all.",
        "After that, $1,136.00 was left.",
        "You agreed to pay $1,240.00 in 12 payments",
    ):
        assert said in dana.main


def test_leaf_through_a_long_history_without_scripts_in_spanish(
    portal: Portal, someone: Callable[..., Person]
):
    dana = someone(java_script_enabled=False, locale="es-US")
    guest = portal.invite(debtor={"language": "es"})
    write_often(portal, guest)
    dana.open(guest.url).answer()
    account = dana.account_id
    dana.tap("Lo que pasó en su cuenta")
    lines = dana.page.locator(".timeline li")
    assert lines.count() == 50
    dana.tap("Ver lo que pasó antes")
    assert lines.count() == 12
    assert dana.page.locator("a[rel=prev]").get_attribute("href") == f"/account/{account}/history"


def write_often(portal: Portal, guest: Guest) -> None:
    """Sixty messages of the debtor's in the thread."""
    with portal.session(guest.client) as session:
        account = session.get_one(Account, (guest.client.id, guest.account.id))
        for _ in range(60):
            evidence.record(
                session,
                client_id=account.client_id,
                chain_id=account.chain_id,
                type="thread.written",
                payload={"actor": evidence.debtor(account.debtor_id)},
                now=NOW,
            )
        session.commit()
