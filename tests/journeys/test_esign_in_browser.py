"""Copies by e-mail only in Chromium: after paying, tried out, and ended by one button (ES-01)."""

import re
from collections.abc import Callable

import pytest
from sqlalchemy import select

from portal.models import EsignConsent, Role
from portal.services import evidence
from tests.journeys.people import DESK, Person
from tests.journeys.serving import Guest, Portal
from tests.journeys.test_paying import VISA

Meeting = Callable[..., Person]
WORDS = {
    "en": ("Get these copies by email only", "Send me the sample", "Yes, by email only"),
    "es": (
        "Recibir estas copias solo por correo electrónico",
        "Envíenme la muestra",
        "Sí, solo por correo electrónico",
    ),
}


def code_in_mail(portal: Portal, guest: Guest) -> str:
    """The code that stands in the file with the sample."""
    with portal.session(guest.client) as session:
        asked = session.scalars(select(EsignConsent)).one()
        body = evidence.kept_with(session, [guest.account], asked.sample_sha256.hex()).body
    return re.findall(r"[0-9A-Z]{4}-[0-9A-Z]{4}", body.decode())[0]


@pytest.mark.parametrize(("language", "scripts"), [("en", True), ("es", False)])
def test_es_01_copies_by_email_only_from_the_receipt_to_paper_again(
    portal: Portal, someone: Meeting, language: str, scripts: bool
) -> None:
    guest = portal.invite(debtor={"language": language})
    offer, ask, yes = WORDS[language]
    dana = someone(locale=f"{language}-US", java_script_enabled=scripts)
    dana.open(guest.url).answer().tap(re.compile("868")).tap(re.compile("868")).pay_with(VISA)
    dana.tap(offer).tap(ask)
    portal.work()
    field = dana.page.locator("input[name=code]")
    field.fill("K7MP-42XD")
    dana.tap(yes)
    assert dana.page.locator(".err").count() == 1, "nobody made the tick"
    field.fill(code_in_mail(portal, guest))
    dana.page.locator("input[name=agreed]").check()
    dana.tap(yes)
    assert dana.path == "/preferences"
    dana.page.locator("form[action$='/copies-by-email/stop'] button").click()
    dana.page.wait_for_load_state()
    assert dana.page.get_by_role("link", name=offer).count() == 1
    dana.at_ease()


def test_letters_are_printed_and_said_to_have_left(portal: Portal, someone: Meeting) -> None:
    guest, dana = portal.invite(), someone()
    dana.open(guest.url).answer().tap(re.compile("868")).tap(re.compile("868")).pay_with(VISA)
    portal.work()
    sam = someone(viewport=DESK).log_in(portal.hire(Role.AGENT, guest.client))
    sam.open("/support/letters").tap(re.compile("Print these letters"))
    assert "Which letters left?" in sam.main
    sam.tap("These letters left")
    assert "finished" in sam.main
