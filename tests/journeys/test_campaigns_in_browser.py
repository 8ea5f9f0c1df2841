"""Cleo sends links to those who may have one, and sees who opened them and what came of it."""

from collections.abc import Callable
from datetime import timedelta

from portal.domain.holds import HoldKind
from portal.models import Account, Role
from portal.services.evidence import SYSTEM
from portal.services.standing import set_hold
from tests.factories import NOW
from tests.journeys.people import DESK, PHONE, Person
from tests.journeys.serving import Guest, Portal


def dispute(portal: Portal, guest: Guest) -> None:
    """The guest has said that the debt is not right."""
    with portal.session(guest.client) as session:
        account = session.get_one(Account, (guest.client.id, guest.account.id))
        set_hold(session, account, HoldKind.DISPUTE, source="staff", now=NOW, actor=SYSTEM)
        session.commit()


def test_a_campaign_goes_out_and_the_right_ones_are_held_back(
    someone: Callable[..., Person], portal: Portal
) -> None:
    """DH-01; journeys: each reason is shown, and what came of the links."""
    dana = portal.invite(issued_at=NOW - timedelta(days=30))
    disputing = portal.add_debtor(dana.client, issued_at=NOW - timedelta(days=30))
    dispute(portal, disputing)
    cleo = someone(viewport=PHONE).log_in(portal.hire(Role.CLIENT_ADMIN, dana.client))
    cleo.open("/client/campaigns").tap("New campaign")
    cleo.fill("Name", "Links in May").tap("Count and look").at_ease()
    assert "A hold on the account forbids it. (DH-01)" in cleo.main
    cleo.unfold("Accounts held back")
    assert disputing.account.reference in cleo.main
    assert "Tiene un mensaje privado" in cleo.main
    cleo.tap("Begin now")
    portal.work()
    cleo.tap("Refresh").at_ease()
    assert "Sent\n1" in cleo.main
    assert portal.newest_mail(disputing) == ""

    (link,) = (word for word in portal.newest_mail(dana).split() if "/l/" in word)
    reader = someone()
    reader.open(link)
    reader.answer()
    cleo.tap("Refresh")
    assert "Opened by a person\t1" in cleo.main
    assert "Proved who they are\t1" in cleo.main


def test_a_campaign_that_is_paused_and_stopped_sends_nothing_more(
    someone: Callable[..., Person], portal: Portal
) -> None:
    """RT-02"""
    dana = portal.invite(issued_at=NOW - timedelta(days=30))
    cleo = someone(viewport=DESK).log_in(portal.hire(Role.CLIENT_ADMIN, dana.client))
    cleo.open("/client/campaigns/new").fill("Name", "Links in May").tap("Count and look")
    cleo.tap("Begin now").tap("Pause")
    portal.work()
    assert portal.newest_mail(dana) == ""
    cleo.tap("Go on").tap("Stop for good").at_ease()
    portal.work()
    assert portal.newest_mail(dana) == ""
    assert "Stopped" in cleo.main
