"""Queues and the account's page as staff see and press them: narrow, wide, and without barriers."""

import pytest

from portal.models import Role
from tests.journeys.people import DESK
from tests.journeys.serving import Portal
from tests.journeys.test_talking import Meeting, suggest


@pytest.mark.parametrize("viewport", [DESK, {"width": 360, "height": 740}], ids=["wide", "narrow"])
def test_an_entry_is_taken_given_away_and_answered(
    portal: Portal, someone: Meeting, viewport: dict[str, int]
):
    guest, dana = portal.invite(), someone()
    suggest(dana.open(guest.url).answer())
    boss = someone(viewport=viewport).log_in(
        portal.hire(Role.SUPERVISOR, guest.client, name="Rosa Diaz")
    )
    sam = portal.hire(Role.AGENT, guest.client, name="Sam Field")
    boss.open("/support/queues/proposals").tap("Take the next one")
    assert "You have this until" in boss.main
    boss.open("/support")
    assert "You have" in boss.main
    boss.open("/support/queues/proposals")
    boss.page.locator("tbody th a").first.click()
    boss.tap("Give it to somebody, or take it over")
    boss.page.get_by_label("Who does it").select_option(label=sam.name)
    boss.tap("Give it to them")
    assert "This is assigned to Sam Field" in boss.main
    boss.tap("Decline", within=boss.page.locator("#declining"))
    assert "This is assigned to Sam Field" in boss.main


@pytest.mark.parametrize("viewport", [DESK, {"width": 360, "height": 740}], ids=["wide", "narrow"])
def test_the_accounts_page_has_its_parts_in_reach_and_its_past(
    portal: Portal, someone: Meeting, viewport: dict[str, int]
):
    guest, dana = portal.invite(), someone()
    suggest(dana.open(guest.url).answer())
    olga = portal.hire(Role.COMPLIANCE, guest.client, name="Olga")
    boss = someone(viewport=viewport).log_in(olga)
    boss.open(f"/support/accounts/{dana.account_id}")
    boss.page.locator("select[name=what]").select_option("proposals")
    boss.tap("Show", within=boss.page.locator("#happened"))
    assert "Proposal made" in boss.page.locator("#happened").inner_text()
    boss.page.locator("#on").fill("2026-11-22")
    boss.tap("Show", within=boss.page.locator("#owed"))
    assert "What account" in boss.heading
