"""A client's limits in Chromium: from nothing to a draft, with the page's help."""

from collections.abc import Callable

from playwright.sync_api import expect

from portal.models import Client, Role
from tests.factories import make_client
from tests.journeys.people import DESK, PHONE, Person
from tests.journeys.serving import Portal


def new_client(portal: Portal) -> Client:
    """A client with three accounts that has published nothing."""
    with portal.runtime.sessions() as session:
        client = make_client(session)
        session.commit()
    portal.add_debtor(client, balances=(24_000, 99_000, 310_000))
    return client


def test_a_gap_is_shown_while_it_is_typed_and_goes_when_it_is_closed(
    someone: Callable[..., Person], portal: Portal
) -> None:
    cleo = someone(viewport=DESK).log_in(portal.hire(Role.CLIENT_ADMIN, new_client(portal)))
    cleo.open("/client/offers").tap("Write your limits")
    cleo.tap("Start from a usual set of limits")
    live, rows = cleo.page.locator("#live"), cleo.page.locator("#rows")
    rows.get_by_label("Row 1: Days since default, before").fill("90")
    expect(live).to_contain_text("every balance, day 90 to 179: nothing")
    expect(live).to_contain_text("90 days after default, is in no band")
    rows.get_by_label("Row 1: Pays").fill("abc")
    told = rows.locator("#row-0 + .told")
    expect(told).to_have_text("Pays: Write 70% for a share or $500 for an amount.")
    rows.get_by_label("Row 1: Pays").fill("80")
    expect(told).to_contain_text("is in no band")
    expect(told).not_to_contain_text("Pays")
    expect(rows.locator("#rows-0-share-note")).to_have_text("80%")
    rows.get_by_label("Row 3: Days since default, from").fill("90")
    expect(live).to_contain_text("No problem found")
    expect(told).to_be_hidden()
    cleo.tap("Keep and compare").at_ease()
    assert cleo.heading == "The draft of your limits"


def test_the_form_of_limits_fits_a_phone(someone: Callable[..., Person], portal: Portal) -> None:
    cleo = someone(viewport=PHONE).log_in(portal.hire(Role.CLIENT_ADMIN, new_client(portal)))
    cleo.open("/client/offers/edit").tap("Start from a usual set of limits")
    assert "Everybody else" in cleo.main


def test_limits_go_from_nothing_to_debtors_by_two_people(
    someone: Callable[..., Person], portal: Portal
) -> None:
    """PY-01"""
    client = new_client(portal)
    guest = portal.add_debtor(client)
    cleo = someone(viewport=DESK).log_in(portal.hire(Role.CLIENT_ADMIN, client))
    carl = someone(viewport=PHONE).log_in(portal.hire(Role.CLIENT_ADMIN, client, name="Carl Nunez"))
    cleo.open("/client/offers").tap("Write your limits").tap("Start from a usual set of limits")
    cleo.page.get_by_label("Row 1: Balance below").fill("500")
    cleo.tap("Keep and compare")
    assert "A balance of $500.00, 0 days after default, is in no band" in cleo.main
    assert "Kept as you typed it." in cleo.main
    cleo.page.get_by_label("Row 1: Balance below").fill("")
    cleo.tap("Keep and compare").tap("Rehearse it on all accounts")
    portal.work()
    cleo.open(cleo.page.url)  # by now it may have done so itself, as its header says
    assert "Nothing is in force yet, so nobody can lose anything." in cleo.main
    cleo.tap("Back")
    assert "Now somebody who wrote none of it must approve it: Carl Nunez." in cleo.main
    carl.open("/client/offers").tap("Look at the draft").tap("Read what the rehearsal found")
    carl.tap("Back").tap("Approve these limits")
    assert "In force: version 1" in carl.main
    dana = someone()
    dana.open(guest.url).answer()
    assert "Pay a bit each month" in dana.main
