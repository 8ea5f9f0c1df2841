"""Staff come in, on a phone of 360 px and at a desk: invited, set up, timed out, back again."""

import base64
import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from portal.domain import totp
from portal.models import Role
from tests.journeys.people import Person
from tests.journeys.serving import Portal

PASSWORD = "elf bicycle moon lamp"


@pytest.mark.parametrize("wide", [360, 1440])
def test_from_an_invitation_to_a_console(portal: Portal, someone: Callable[..., Person], wide: int):
    guest, size = portal.invite(), {"viewport": {"width": wide, "height": 800}}
    cleo = someone(**size).log_in(portal.hire(Role.CLIENT_ADMIN, guest.client, name="Cleo Marsh"))
    cleo.tap("Team").tap("Invite somebody")
    cleo.fill("E-mail address", f"nina{wide}@example.com").fill("Name", "Nina Park")
    cleo.page.get_by_label("Northgate Energy").check()
    cleo.tap("Send the invitation")
    link = cleo.page.get_by_role("link", name="Open the link (demo)").get_attribute("href")
    nina = someone(**size).open(str(link))
    nina.page.get_by_label("New password").fill(PASSWORD)
    nina.page.get_by_label("The same password again").fill(PASSWORD)
    nina.tap("Go on")
    plain = nina.page.locator("code.key").inner_text().replace(" ", "")
    nina.fill("Code that the app shows", code_now(portal, plain)).tap("Set it up")
    assert nina.heading == "Your recovery codes"
    nina.tap("I have kept them, go on").tap("Nina Park")
    assert "This one" in nina.main
    assert "Recovery codes left\n10" in nina.main
    cleo.tap("Team").tap("Nina Park")
    assert "Accepted the invitation" in cleo.main


def test_what_was_typed_is_there_after_a_long_break(portal: Portal, someone: Callable[..., Person]):
    """A session that ended mid-form keeps what was typed after logging in again."""
    guest = portal.invite()
    sam = portal.hire(Role.AGENT, guest.client)
    person = someone().log_in(sam)
    person.open(f"/support/accounts/{guest.account.id}/hold?kind=attorney")
    person.fill("Reason", "She moves house this week")
    portal.clock.advance(timedelta(minutes=31))
    person.tap(re.compile("^Hold$"), within=person.page.locator("main form"))
    person.tap("Carry on")
    person.log_in_here(sam)
    assert "It has NOT been sent yet" in person.main
    assert person.page.get_by_label("Reason").input_value() == "She moves house this week"


def code_now(portal: Portal, plain: str) -> str:
    secret = base64.b32decode(plain + "=" * (-len(plain) % 8))
    return totp.code_of(secret, totp.step_at(portal.clock.now()))
