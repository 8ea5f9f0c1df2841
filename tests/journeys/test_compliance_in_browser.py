"""Colin of compliance, on a phone and at a desk: find, read with a reason, show, export."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Download

from portal.models import Role
from portal.services.alarms import open_alarms, raise_alarms
from portal.services.verify import Broken
from tests.factories import NOW
from tests.journeys.people import DESK, Person
from tests.journeys.serving import Portal
from tests.journeys.test_plans import agree_to_plan

WHOLE = "a chain of leaves is whole"


def test_find_a_record_read_it_for_a_reason_and_export_it(
    portal: Portal, someone: Callable[..., Person], dana: Person
):
    guest = portal.invite(client={"trade_name": "Northgate Energy and Water Cooperative"})
    dana.open(guest.url).answer()
    agree_to_plan(dana, start="December 1, 2026", method="I make each payment myself")
    dana.tap("Agree to this plan. Nothing is taken today")
    staff = portal.hire(Role.COMPLIANCE, guest.client, name="Colin Webb")
    colin = someone().log_in(staff)
    assert colin.heading == "Is the record in order?"
    colin.tap("Find", within=colin.page.locator("nav"))
    colin.page.locator("main [name=q]").fill(guest.account.reference)
    colin.tap("Find", within=colin.page.locator("main"))
    colin.tap(guest.account.reference)
    assert "each entry holds the one before it" in colin.main
    assert export(colin).suggested_filename.startswith("evidence-")
    colin.tap("Agreed", within=colin.page.locator("main table"))
    colin.fill("Reason", "Asked by a court").tap("Show")
    assert '"accepted_at"' in colin.main
    assert "signed" in colin.main
    colin.tap("Show what was on the page")
    assert "as recorded" in colin.main
    colin.tap("Exports")
    assert "Colin Webb" in colin.main
    colin.tap("Compliance mailbox").tap("Change")
    colin.fill("E-mail address", "law@northgate.example.com").tap("Save")
    assert "law@northgate.example.com" in colin.main


def export(person: Person) -> Download:
    """Press the button and take the file."""
    with person.page.expect_download() as download:
        person.page.get_by_role("button", name="Export").click()
    assert Path(download.value.path()).stat().st_size > 10_000
    return download.value


def test_answer_for_an_alarm_at_a_desk(portal: Portal, someone: Callable[..., Person]):
    guest = portal.invite()
    place = f"leaf 2 of {guest.account.chain_id}: not the bytes that follow from the leaf before it"
    with portal.session(guest.client) as session:
        raise_alarms(session, guest.client.id, [Broken(WHOLE, place)], now=NOW)
        session.commit()
    staff = portal.hire(Role.COMPLIANCE, guest.client, name="Colin Webb")
    colin = someone(viewport=DESK).log_in(staff)
    assert WHOLE in colin.main
    colin.tap("Answer for it")
    colin.fill("What you found out, and what was done", "It was a test.")
    colin.tap("The alarm is dealt with")
    assert WHOLE not in colin.main
    with portal.session(guest.client) as session:
        assert not open_alarms(session, guest.client.id)
