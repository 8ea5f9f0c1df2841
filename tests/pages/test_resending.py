"""Links are sent again to many: counted first, held back as one by one, and put on the record."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal.config import Settings
from portal.db import PortalSession, set_tenant
from portal.domain.deliveries import Fate
from portal.domain.holds import HoldKind
from portal.domain.statuses import MessageStatus
from portal.gateways.clock import SetClock
from portal.gateways.sms import OutboxTexter
from portal.models import Account, Campaign, Client, Contact, Debtor, Message, Role
from portal.runtime import Runtime
from portal.services import evidence, outbox
from portal.services.campaign_control import Plan, draw_up
from portal.services.campaigns import send_links
from portal.services.dispatch import dispatch
from portal.services.evidence import SYSTEM
from portal.services.standing import set_hold
from portal.writing import carriers_of
from tests.databases import acting_as
from tests.factories import make_account, make_client, make_contact, make_debtor, make_link
from tests.pages.debtors import csrf_of, send
from tests.pages.reading import heard
from tests.pages.staff import enter, make_staff
from tests.pages.test_support import act

RESEND = "/support/resend"


@pytest.fixture
def client(session: PortalSession) -> Client:
    return make_client(session)


@pytest.fixture
def sue(http: FlaskClient, session: PortalSession, client: Client) -> FlaskClient:
    return enter(http, session, make_staff(session, Role.SUPERVISOR, client))


def invited(session: PortalSession, settings: Settings, client: Client, **link: object) -> Account:
    """Somebody who owes and has a link that went to their e-mail address."""
    debtor = make_debtor(session, client)
    account = make_account(session, debtor)
    contact = make_contact(session, debtor)
    make_link(session, debtor, keys=settings.keys, contact=contact, **link)  # type: ignore[arg-type]
    return account


def look(http: FlaskClient, client: Client, **typed: str) -> tuple[str, str]:
    """Choose and count; the page's path, and what it says."""
    chosen = {"client": str(client.id), "state": "expired", "channel": "", "before": ""}
    answer = send(http, RESEND, chosen | typed)
    path = answer.headers["Location"]
    return path, heard(http.get(path))


def press(http: FlaskClient, path: str, what: str) -> TestResponse:
    token = csrf_of(http.get(path))
    return http.post(f"{path}/{what}", data={"csrf_token": token}, follow_redirects=True)


def test_who_gets_one_and_who_is_held_back_is_said_before_and_recorded_after(
    sue: FlaskClient,
    session: PortalSession,
    settings: Settings,
    client: Client,
    clock: SetClock,
):
    """RT-02: one leaf over a list that names each person with their link or the rule."""
    long_ago = clock.now() - timedelta(days=30)
    goes, disputed = (invited(session, settings, client, now=long_ago) for _ in range(2))
    fresh = invited(session, settings, client, now=clock.now())
    set_hold(session, disputed, HoldKind.DISPUTE, source="staff", now=clock.now(), actor=SYSTEM)
    session.commit()
    path, counted = look(sue, client)
    assert "Go out 1" in counted
    assert disputed.reference in counted
    assert "A hold on the account forbids it. (DH-01)" in counted
    assert fresh.reference not in counted
    set_tenant(session, client.id)
    assert session.scalars(select(Message)).all() == []
    assert "The links are being sent." in heard(press(sue, path, "begin"))
    set_tenant(session, client.id)
    campaign = session.scalars(select(Campaign)).one()
    with acting_as("portal_worker", session):
        send_links(session, campaign, keys=settings.keys, texter=OutboxTexter(), now=clock.now())
    assert "Waiting 1" in heard(sue.get(path))
    set_tenant(session, client.id)
    (message,) = session.scalars(select(Message).where(Message.status == MessageStatus.QUEUED))
    assert message.debtor_id == goes.debtor_id
    leaf = next(
        one
        for one in evidence.chain_leaves(session, client.id, client.chain_id)
        if one.type == "campaign.sent"
    )
    digest = leaf.payload["documents"][0]["sha256"]
    listed = evidence.document(session, client.id, client.chain_id, digest).body.decode()
    assert f"{goes.debtor_id} message {message.id} link {message.link_id}" in listed
    assert f"{disputed.debtor_id} held DH-01" in listed
    assert str(fresh.debtor_id) not in listed


def test_the_newest_link_decides_by_its_state_its_way_and_its_day(
    sue: FlaskClient,
    session: PortalSession,
    settings: Settings,
    client: Client,
    clock: SetClock,
):
    at = clock.now()
    invited(session, settings, client, now=at - timedelta(days=30))
    invited(session, settings, client, now=at - timedelta(days=2))
    replaced = invited(session, settings, client, now=at - timedelta(days=30))
    contact = session.scalars(select(Contact).where(Contact.debtor_id == replaced.debtor_id)).one()
    debtor = session.get_one(Debtor, (client.id, replaced.debtor_id))
    make_link(session, debtor, keys=settings.keys, contact=contact, now=at)
    session.commit()
    unopened, yesterday = {"state": "unopened"}, str((at - timedelta(days=1)).date())
    for typed, number in (
        ({}, 1),
        ({"channel": "sms"}, 0),
        (unopened, 2),
        ({**unopened, "before": yesterday}, 1),
        ({"state": "bounced"}, 0),
    ):
        _, counted = look(sue, client, **typed)
        assert f"Go out {number}" in counted, typed


def test_ec_09_who_is_looked_for_by_what_bounced_is_held_back_where_no_other_way_is_open(
    sue: FlaskClient,
    session: PortalSession,
    settings: Settings,
    client: Client,
    runtime: Runtime,
    clock: SetClock,
):
    account = invited(session, settings, client, now=clock.now() - timedelta(days=2))
    contact = session.scalars(select(Contact).where(Contact.debtor_id == account.debtor_id)).one()
    path = f"/support/accounts/{account.id}/link"
    assert act(sue, path, path, way=str(contact.id), asked="debtor") == 303
    set_tenant(session, client.id)
    message = session.scalars(select(Message)).one()
    carriers = carriers_of(runtime)
    dispatch(session, client.id, message.id, carriers=carriers, now=clock.now())
    outbox.let_become(session, message, Fate.BOUNCED, now=clock.now())
    session.commit()
    _, counted = look(sue, client, state="bounced")
    assert "Go out 0" in counted
    assert "Held back 1" in counted
    assert account.reference in counted


def test_what_was_not_begun_is_dropped_and_a_clients_own_campaign_is_not_found_here(
    sue: FlaskClient,
    session: PortalSession,
    settings: Settings,
    client: Client,
    clock: SetClock,
):
    invited(session, settings, client, now=clock.now() - timedelta(days=30))
    own = draw_up(session, client.id, Plan(name="May"), by=None, now=clock.now())
    session.commit()
    path, _ = look(sue, client)
    assert "Stopped. What was not sent is not sent." in heard(press(sue, path, "stop"))
    assert "That is no longer possible" in heard(refused(sue, path))
    assert sue.get(f"{RESEND}/{own.id}").status_code == 404


def refused(http: FlaskClient, path: str) -> TestResponse:
    """Somebody else has the page open still, and presses its button."""
    token = csrf_of(http.get(RESEND))
    return http.post(f"{path}/begin", data={"csrf_token": token}, follow_redirects=True)


def test_another_clients_sending_is_as_if_absent(
    sue: FlaskClient, http: FlaskClient, session: PortalSession, client: Client
):
    path, _ = look(sue, client)
    enter(http, session, make_staff(session, Role.SUPERVISOR, make_client(session)))
    assert http.get(path).status_code == 404
