"""A link is looked at before it is sent, followed afterwards, and read exactly as it went."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.config import Settings
from portal.db import PortalSession, set_tenant
from portal.domain.codes import ALPHABET, aloud
from portal.domain.permissions import Basis
from portal.domain.sms import segments
from portal.gateways.clock import SetClock
from portal.models import AccessLink, Message, Role
from portal.runtime import Runtime
from portal.services import evidence
from portal.services.dispatch import dispatch
from portal.services.permissions import record_permission
from portal.writing import carriers_of
from tests.factories import NOW, make_account, make_client, make_contact, make_debtor
from tests.pages.debtors import RIGHT, WRONG, Dana, csrf_of, make_visitor, send
from tests.pages.reading import heard
from tests.pages.staff import enter, make_staff
from tests.pages.test_support import act

PHONE = "+15185550142"
READER = {"User-Agent": "Mozilla/5.0 (iPhone)"}


@pytest.fixture
def dana(session: PortalSession, settings: Settings, clock: SetClock) -> Dana:
    return make_visitor(session, settings, clock.now(), sms_enabled=True)


@pytest.fixture
def sam(http: FlaskClient, session: PortalSession, dana: Dana) -> FlaskClient:
    return enter(http, session, make_staff(session, Role.AGENT, dana.client))


def page_of(dana: Dana) -> str:
    return f"/support/accounts/{dana.account.id}"


def newest(session: PortalSession, dana: Dana) -> Message:
    set_tenant(session, dana.client.id)
    return session.scalars(select(Message).order_by(Message.id.desc()).limit(1)).one()


def carry(session: PortalSession, runtime: Runtime, dana: Dana, clock: SetClock) -> Message:
    """The job that sends the newest message."""
    message = newest(session, dana)
    carriers = carriers_of(runtime)
    dispatch(session, dana.client.id, message.id, carriers=carriers, now=clock.now())
    return message


def test_a_link_is_sent_from_the_accounts_page_the_way_that_was_used_last(
    sam: FlaskClient, session: PortalSession, runtime: Runtime, dana: Dana, clock: SetClock
):
    second = make_contact(session, dana.debtor, address="dana@example.org")
    path = f"{page_of(dana)}/link"
    assert act(sam, page_of(dana), path, way=str(second.id), asked="debtor") == 303
    carry(session, runtime, dana, clock)
    shown = heard(sam.get(page_of(dana)))
    assert "Send link E-mail: d•••@example.org · Last sent:" in shown


def test_the_page_shows_consent_window_cap_and_the_exact_words(
    sam: FlaskClient, session: PortalSession, runtime: Runtime, dana: Dana, clock: SetClock
):
    """EC-02, CT-01, CT-05: what is previewed is what leaves, but for what opens the link."""
    phone = make_contact(session, dana.debtor, channel="sms", address=PHONE)
    record_permission(session, phone, Basis.DIRECT_CONSENT, source="phone", at=clock.now())
    path = f"{page_of(dana)}/link"
    shown = heard(sam.get(path))
    assert "Permitted: The person told us to use it (the telephone, Nov 22, 2026)" in shown
    assert "New York 12:00" in shown
    assert "We may write first at this hour." in shown
    assert "Contacts in seven days: 0 of 3" in shown
    assert newest_or_none(session, dana) is None
    assert act(sam, path, path, way=str(phone.id), asked="debtor") == 303
    message = carry(session, runtime, dana, clock)
    assert message.segments == segments(message.body or "") == 1
    assert "1 segment" in shown
    whole = (message.body or "").split("/l/")
    assert f"{whole[0]}/l/..." in shown
    assert whole[1].partition(" ")[2] in shown


def newest_or_none(session: PortalSession, dana: Dana) -> Message | None:
    set_tenant(session, dana.client.id)
    return session.scalars(select(Message).limit(1)).first()


def test_a_message_is_read_as_it_was_sent_without_what_opens_its_link(
    sam: FlaskClient,
    app: Flask,
    session: PortalSession,
    runtime: Runtime,
    dana: Dana,
    clock: SetClock,
):
    path = f"{page_of(dana)}/link"
    assert act(sam, path, path, way=str(dana.contact.id), asked="debtor") == 303
    message = carry(session, runtime, dana, clock)
    page, html = sam.get(f"/support/messages/{message.id}"), f"/support/messages/{message.id}/html"
    assert "Your new link" in heard(page)
    assert "List-Unsubscribe" in heard(page)
    plain = enter(FlaskClient(app), session, make_staff(session, Role.AGENT, dana.client))
    framed = plain.get(html)
    assert "sandbox" in framed.headers["Content-Security-Policy"]
    link = session.scalars(select(AccessLink).order_by(AccessLink.id.desc()).limit(1)).one()
    for answer in (page, framed):
        assert link.public_id not in answer.get_data(as_text=True)
        assert "/unsubscribe/..." in answer.get_data(as_text=True)


def test_whom_a_message_went_to_shows_only_for_a_reason(
    sam: FlaskClient,
    app: Flask,
    session: PortalSession,
    runtime: Runtime,
    dana: Dana,
    clock: SetClock,
):
    path = f"{page_of(dana)}/link"
    assert act(sam, path, path, way=str(dana.contact.id), asked="debtor") == 303
    message = carry(session, runtime, dana, clock)
    message.body = f"Dear Dana REYES, of 4 Elm Street\n{message.body}"
    message.headers = {**(message.headers or {}), "To": f"Dana Reyes <{dana.contact.address}>"}
    session.commit()
    shown = f"/support/messages/{message.id}"
    plain = enter(FlaskClient(app), session, make_staff(session, Role.AGENT, dana.client))
    for page in (sam.get(page_of(dana)), sam.get(shown), plain.get(f"{shown}/html")):
        html = page.get_data(as_text=True)
        for hidden in (dana.contact.address, "Dana", "REYES", "Reyes", "Elm Street"):
            assert hidden not in html, page.request.path
    assert "D••• R••• <d•••@" in heard(sam.get(shown))
    asked = {"reason": "They say it never came", "message": str(message.id)}
    answer = sam.post(
        f"{page_of(dana)}/reveal", data=asked | {"csrf_token": csrf_of(sam.get(shown))}
    )
    assert answer.headers["Location"] == shown
    assert f"Dana Reyes <{dana.contact.address}>" in heard(sam.get(shown))
    set_tenant(session, dana.client.id)
    told = evidence.account_leaves(session, dana.account)[-1]
    assert (told.type, told.payload["reason"]) == ("staff.revealed", "They say it never came")


def test_another_clients_message_and_progress_are_as_if_absent(
    sam: FlaskClient, session: PortalSession, dana: Dana
):
    theirs = make_account(session, make_debtor(session, make_client(session)))
    assert sam.get(f"/support/accounts/{theirs.id}/progress").status_code == 404
    assert sam.get(f"/support/messages/{theirs.id}").status_code == 404
    assert sam.get(f"/support/messages/{theirs.id}/html").status_code == 404


def test_how_far_somebody_came_tells_a_scanner_from_a_person_and_where_they_are_stuck(
    sam: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
):
    """PR-03: what a scanner opened was opened by nobody."""
    path = f"{page_of(dana)}/progress"
    assert "Opened by a person: waiting for this" in heard(sam.get(path))
    sam.get(dana.path, headers={"User-Agent": "Barracuda scanner"})
    shown = heard(sam.get(path))
    assert "A program opened it 1 time" in shown
    assert "Opened by a person: waiting for this" in shown
    clock.advance(timedelta(minutes=1))
    send(sam, dana.path, WRONG)
    shown = heard(sam.get(path))
    assert "1 identity check failed." in shown
    assert "saw the debt and the offers: waiting for this" in shown
    send(sam, dana.path, RIGHT)
    shown = heard(sam.get(path))
    assert "saw the debt and the offers: Nov 22, 2026" in shown
    assert "Agreed: waiting for this" in shown


def test_asking_again_by_itself_keeps_no_log_in_alive(
    sam: FlaskClient, dana: Dana, clock: SetClock
):
    path = f"{page_of(dana)}/progress"
    for _ in range(3):
        clock.advance(timedelta(minutes=10, seconds=1))
        answer = sam.get(path, headers={"X-By-Itself": "1"})
    assert answer.status_code == 303


def test_a_code_is_spelled_so_that_no_letter_is_taken_for_another(
    sam: FlaskClient, session: PortalSession, dana: Dana
):
    path = f"{page_of(dana)}/link"
    assert act(sam, path, path, way="aloud", asked="debtor") == 303
    set_tenant(session, dana.client.id)
    link = session.scalars(select(AccessLink).order_by(AccessLink.id.desc()).limit(1)).one()
    shown = heard(sam.get(f"/support/links/{link.id}/code"))
    assert " as in " in shown
    words = [word for _, word in map(aloud, ALPHABET) if word]
    assert len(set(words)) == len([one for one in ALPHABET if one.isalpha()])
    assert all(word[0] == symbol for symbol, word in map(aloud, ALPHABET) if word)


def test_nobody_reads_the_code_of_a_colleagues_link_or_of_a_letter(
    sam: FlaskClient, session: PortalSession, dana: Dana
):
    """What opens a debtor's pages is shown to whoever reads it aloud, and to nobody else."""
    path = f"{page_of(dana)}/link"
    assert act(sam, path, path, way="aloud", asked="debtor") == 303
    set_tenant(session, dana.client.id)
    link = session.scalars(select(AccessLink).order_by(AccessLink.id.desc()).limit(1)).one()
    page = f"/support/links/{link.id}/code"
    assert sam.get(page).status_code == 200
    colleague = enter(
        sam.application.test_client(), session, make_staff(session, Role.SUPERVISOR, dana.client)
    )
    assert colleague.get(page).status_code == 404
    assert "Read the code" in heard(sam.get(page_of(dana)))
    assert "Read the code" not in heard(colleague.get(page_of(dana)))
    set_tenant(session, dana.client.id)
    about = {"client_id": link.client_id, "debtor_id": link.debtor_id, "link_id": link.id}
    words = {"channel": "letter", "template": "link", "context": {}, "locale": "en"}
    letter = Message(
        **about, **words, dedupe_key="a", status="sent", created_at=NOW, send_at=NOW, sent_at=NOW
    )
    session.add(letter)
    session.commit()
    assert sam.get(page).status_code == 404


def test_all_hours_of_the_link_page_are_those_of_one_named_city(
    http: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
):
    """CT-01: the hour from which we may write is said in the client's zone, wherever they are."""
    dana.debtor.time_zone = "America/Los_Angeles"
    phone = make_contact(session, dana.debtor, channel="sms", address=PHONE)
    record_permission(session, phone, Basis.DIRECT_CONSENT, source="phone", at=clock.now())
    session.commit()
    clock.advance(timedelta(hours=15))
    sam = enter(http, session, make_staff(session, Role.AGENT, dana.client))
    shown = heard(sam.get(f"{page_of(dana)}/link"))
    assert "Days and times are those of New York." in shown
    (first,) = re.findall(r"We may write first from (.*?M)", shown)
    assert first in re.findall(r"until (.*?M)", shown)
