"""A payment while the debtor is on the line: the page goes to them, and staff type no card."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.config import Settings
from portal.db import PortalSession, set_tenant
from portal.gateways.clock import SetClock
from portal.models import Message, PayerLink, Payment, Role
from portal.services import evidence, payer_links
from portal.services.verify import verify_client
from tests.factories import make_policy
from tests.pages.agreeing import newest, pay_at_stripe
from tests.pages.debtors import RIGHT, Dana, make_visitor, send
from tests.pages.reading import said, tree
from tests.pages.staff import enter, make_staff
from tests.pages.test_callers import LINE, pick_up
from tests.sandbox.checked import CheckedStripe


@pytest.fixture
def dana(session: PortalSession, settings: Settings, clock: SetClock) -> Dana:
    visitor = make_visitor(session, settings, clock.now())
    make_policy(session, visitor.client)
    return visitor


@pytest.fixture
def sam(http: FlaskClient, session: PortalSession, dana: Dana) -> FlaskClient:
    """An agent on the line with Dana, who answered rightly."""
    enter(http, session, make_staff(session, Role.AGENT, dana.client))
    session.commit()
    pick_up(http, dana)
    assert send(http, LINE, RIGHT).status_code == 303
    return http


def page_of(dana: Dana) -> str:
    return f"/support/accounts/{dana.account.id}/payment-link"


def way_of(sam: FlaskClient, dana: Dana) -> str:
    """The e-mail address, as the form names it."""
    inputs = tree(sam.get(page_of(dana))).iter("input")
    return next(one.get("value", "") for one in inputs if one.get("name") == "way")


def sent(sam: FlaskClient, session: PortalSession, dana: Dana, **typed: str) -> str:
    """Send the page by e-mail; the address of how far they are."""
    answer = send(sam, page_of(dana), {"what": "all", "way": way_of(sam, dana)} | typed)
    assert answer.status_code == 303, said(answer)
    set_tenant(session, dana.client.id)
    session.expire_all()
    return answer.headers["Location"]


def test_pc_01_the_debtor_pays_on_their_own_page_while_staff_watch(
    app: Flask,
    sam: FlaskClient,
    session: PortalSession,
    settings: Settings,
    stripe: CheckedStripe,
    dana: Dana,
):
    """PC-01, PR-05: no field for a card, no debt on the page, and each step is seen."""
    names = {one.get("name") for one in tree(sam.get(page_of(dana))).iter("input")}
    assert not any("card" in (name or "") for name in names)
    watched = sent(sam, session, dana, what="other", own="50.00")
    link = session.scalars(select(PayerLink)).one()
    message = session.scalars(select(Message).where(Message.template == "payment_link")).one()
    assert (message.contact_id, message.asked_for) == (dana.contact.id, True)
    assert "have not opened the payment page" in said(sam.get(watched))
    browser = app.test_client()
    address = payer_links.url_of(settings.keys, link).removeprefix(settings.base_url)
    shown = browser.get(address)
    assert "$50.00" in said(shown)
    assert send(browser, address, {"amount": "5000"}).status_code == 303
    assert "They are at the payment page." in said(sam.get(watched))
    pay_at_stripe(session, stripe)
    browser.get(f"{address}/{newest(session, Payment).id}")
    assert "Paid." in said(sam.get(watched))
    set_tenant(session, dana.client.id)
    session.expire_all()
    paid = session.scalars(select(Payment)).one()
    assert (paid.amount_cents, paid.payer_link_id) == (50_00, link.id)
    assert list(verify_client(session, dana.client.id)) == []


def test_a_second_page_closes_the_first_and_both_are_staffs_on_the_record(
    sam: FlaskClient, session: PortalSession, dana: Dana
):
    sent(sam, session, dana, what="other", own="50.00")
    sent(sam, session, dana)
    links = session.scalars(select(PayerLink).order_by(PayerLink.id)).all()
    assert [one.revoked_at is None for one in links] == [False, True]
    told = [
        one.payload["actor"]["kind"]
        for one in evidence.account_leaves(session, dana.account)
        if one.type.startswith("payer_link.")
    ]
    assert told == ["staff", "staff", "staff"]


@pytest.mark.parametrize("own", ["", "0.10", "999999"])
def test_the_debtors_own_limits_hold(
    sam: FlaskClient, session: PortalSession, dana: Dana, own: str
):
    answer = send(sam, page_of(dana), {"what": "other", "own": own, "way": way_of(sam, dana)})
    assert answer.status_code == 422
    set_tenant(session, dana.client.id)
    assert session.scalars(select(PayerLink)).all() == []


def test_pr_01_nothing_is_sent_for_who_is_not_known(
    http: FlaskClient, session: PortalSession, dana: Dana
):
    """PR-01"""
    enter(http, session, make_staff(session, Role.AGENT, dana.client))
    assert http.get(page_of(dana)).headers["Location"].endswith("/caller")
