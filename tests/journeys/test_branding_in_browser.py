"""Cleo chooses colors in her browser, and sees at once what debtors will be able to read."""

from collections.abc import Callable

from playwright.sync_api import expect

from portal.models import Role
from tests.journeys.people import DESK, Person
from tests.journeys.serving import Portal


def test_the_report_follows_what_is_typed_and_picked(
    someone: Callable[..., Person], portal: Portal
):
    guest = portal.invite(client={"brand_color": "#0b6e4f", "license_line": "License 12-345"})
    cleo = someone(viewport=DESK).log_in(portal.hire(Role.CLIENT_ADMIN, guest.client))
    cleo.open("/client/branding")
    report, page = cleo.page.locator("#verdict"), cleo.page
    expect(report).to_contain_text("#0b6e4f would have 2.5:1")
    cleo.fill("Color of links and buttons", "#ffc400")
    expect(report).to_contain_text("#ffc400 would have 1.4:1")
    page.get_by_label("Pick: Brand color").fill("#ffee00")
    expect(page.get_by_role("textbox", name="Brand color", exact=True)).to_have_value("#ffee00")
    expect(page.locator("#pictures .page").first.locator("rect").nth(1)).to_have_attribute(
        "fill", "#ffee00"
    )
    cleo.tap("Save")
    assert "Saved." in cleo.main
    dana = someone()
    dana.open(guest.url)
    dana.answer()
    bar = dana.page.locator(".top").evaluate("bar => getComputedStyle(bar).backgroundColor")
    assert bar == "rgb(255, 238, 0)"
