"""Somebody else pays: what the debtor passes on, and how little its holder ever sees (PR-05)."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal.app import create_app
from portal.config import Settings
from portal.db import PortalSession, set_tenant
from portal.domain.holds import HoldKind
from portal.domain.money import Cents
from portal.gateways.clock import SetClock
from portal.models import EntryKind, PayerLink, Payment
from portal.runtime import Runtime
from portal.sandbox import control
from portal.services import evidence
from portal.services.ledger import lock_account, post
from portal.services.links import token_of
from portal.services.payer_links import payer_url
from portal.services.standing import set_hold
from portal.services.verify import verify_client
from tests.pages.agreeing import accept, choose_plan, form, link, newest, path, send
from tests.pages.debtors import Dana
from tests.pages.reading import said
from tests.sandbox.checked import CheckedStripe


@pytest.fixture
def payer(settings: Settings, runtime: Runtime) -> FlaskClient:
    """The browser of somebody whom Dana asked."""
    app = create_app(settings, runtime)
    app.testing = True
    return app.test_client()


def ask(http: FlaskClient, dana: Dana, **typed: str) -> TestResponse:
    """Make a link on the page behind the menu."""
    to = link(http.get(path(dana)), "Somebody else will pay")
    return send(http, http.get(to), to, **typed)


def asked(session: PortalSession, settings: Settings) -> tuple[PayerLink, str]:
    """The newest link and its path."""
    found = newest(session, PayerLink)
    return found, urlsplit(payer_url(settings.keys, found)).path


def pay(
    payer: FlaskClient, session: PortalSession, stripe: CheckedStripe, dana: Dana, at: str
) -> TestResponse:
    """Press the payer's button, pay at Stripe with a card, and come back."""
    left = payer.post(at, data=form(payer.get(at)))
    assert left.status_code == 303, said(left)
    set_tenant(session, dana.client.id)
    payment: Payment = newest(session, Payment)
    control.pay(stripe.world, payment.checkout_id or "", "visa")
    return payer.get(f"{at}/payment/{payment.id}?session_id={payment.checkout_id}")


def types(session: PortalSession, dana: Dana) -> list[str]:
    set_tenant(session, dana.client.id)
    return [one.type for one in evidence.account_leaves(session, dana.account)]


def test_the_holder_sees_an_amount_a_reference_and_a_neutral_sender(
    http: FlaskClient, payer: FlaskClient, session: PortalSession, settings: Settings, dana: Dana
):
    made = ask(http, dana, amount="other", own="60")
    assert made.status_code == 303
    found, at = asked(session, settings)
    page = payer.get(at)
    words = said(page)
    assert "You were asked to pay $60.00" in words
    assert found.reference in words
    assert dana.client.sender_name in words
    whole = page.get_data(as_text=True)
    for secret in (
        dana.debtor.first_name,
        dana.debtor.last_name,
        dana.account.current_creditor,
        dana.account.reference,
        dana.client.trade_name,
        str(dana.account.id),
        "1,240",
        "debt",
    ):
        assert secret not in whole
    assert "Set-Cookie" not in page.headers
    assert 'content="noindex' in whole


def test_what_they_pay_arrives_once_and_is_told_on_both_sides(
    http: FlaskClient,
    payer: FlaskClient,
    session: PortalSession,
    settings: Settings,
    stripe: CheckedStripe,
    dana: Dana,
):
    ask(http, dana, amount="other", own="60")
    _, at = asked(session, settings)
    held = form(payer.get(at))
    thanks = pay(payer, session, stripe, dana, at)
    assert "Thank you. $60.00 was paid." in said(thanks)
    assert "1,180" not in thanks.get_data(as_text=True)
    assert "Thank you" in said(payer.get(at))
    assert "Thank you" in said(payer.post(at, data=held))
    assert said(http.get(path(dana))).startswith("You owe $1,180.00")
    payment: Payment = newest(session, Payment)
    receipt = said(http.get(f"/payment/{payment.id}/receipt"))
    assert "Somebody you asked" in receipt
    assert "4242" not in receipt
    assert types(session, dana)[-2:] == ["payer_link.issued", "payment.succeeded"]
    assert not list(verify_client(session, dana.client.id))


def test_a_part_of_a_plan_is_paid_like_by_the_debtor(
    http: FlaskClient,
    payer: FlaskClient,
    session: PortalSession,
    settings: Settings,
    stripe: CheckedStripe,
    dana: Dana,
):
    accept(http, dana, choose_plan(http, dana, method="manual"))
    ask(http, dana)
    found, at = asked(session, settings)
    assert found.amount_cents == 10_400
    pay(payer, session, stripe, dana, at)
    plan = said(http.get(f"{path(dana)}/arrangement"))
    assert "You have paid $104.00. $1,136.00 is left." in plan
    assert not list(verify_client(session, dana.client.id))


def test_the_first_payment_of_an_automatic_plan_stays_the_debtors(
    http: FlaskClient, session: PortalSession, dana: Dana
):
    accept(http, dana, choose_plan(http, dana, method="automatic"), permission="y")
    page = http.get(f"{path(dana)}/someone-else")
    assert page.status_code == 409
    assert "saves a card for the next ones" in said(page)
    assert session.scalars(select(PayerLink)).all() == []


def test_a_link_taken_back_or_too_old_opens_no_payment(
    http: FlaskClient,
    payer: FlaskClient,
    session: PortalSession,
    settings: Settings,
    clock: SetClock,
    dana: Dana,
):
    ask(http, dana, amount="all")
    _, at = asked(session, settings)
    page = payer.get(at)
    held = form(page)
    to = f"{path(dana)}/someone-else"
    http.post(f"{to}/close", data=form(http.get(to), "/close"))
    for answer in (payer.get(at), payer.post(at, data=held)):
        assert answer.status_code == 410
        assert "Nothing was taken." in said(answer)
    set_tenant(session, dana.client.id)
    assert session.scalars(select(Payment)).all() == []
    assert types(session, dana)[-1] == "payer_link.closed"
    ask(http, dana, amount="all")
    _, fresh = asked(session, settings)
    clock.advance(timedelta(days=7))
    assert payer.get(fresh).status_code == 410


def test_asking_anew_closes_what_was_asked_before(
    http: FlaskClient, payer: FlaskClient, session: PortalSession, settings: Settings, dana: Dana
):
    ask(http, dana, amount="other", own="60")
    _, first = asked(session, settings)
    to = f"{path(dana)}/someone-else"
    http.post(f"{to}/close", data=form(http.get(to), "/close"))
    ask(http, dana, amount="other", own="70")
    _, second = asked(session, settings)
    assert payer.get(first).status_code == 410
    assert "$70.00" in said(payer.get(second))


def test_what_is_no_longer_owed_cannot_be_paid(
    http: FlaskClient,
    payer: FlaskClient,
    session: PortalSession,
    settings: Settings,
    clock: SetClock,
    dana: Dana,
):
    ask(http, dana, amount="all")
    _, at = asked(session, settings)
    held = form(payer.get(at))
    set_tenant(session, dana.client.id)
    account = lock_account(session, dana.account.id)
    change = {"kind": EntryKind.ADJUSTED, "source": "test", "amount_cents": Cents(-100)}
    post(session, account, **change, now=clock.now())
    session.commit()
    answer = payer.post(at, data=held)
    assert answer.status_code == 409
    assert "This can’t be paid now." in said(answer)
    set_tenant(session, dana.client.id)
    assert session.scalars(select(Payment)).all() == []


def test_a_hold_that_forbids_paying_forbids_it_to_everybody(
    http: FlaskClient,
    payer: FlaskClient,
    session: PortalSession,
    settings: Settings,
    clock: SetClock,
    dana: Dana,
):
    ask(http, dana, amount="all")
    _, at = asked(session, settings)
    held = form(payer.get(at))
    set_tenant(session, dana.client.id)
    set_hold(
        session,
        dana.account,
        HoldKind.BANKRUPTCY,
        source="staff",
        now=clock.now(),
        actor=evidence.SYSTEM,
    )
    session.commit()
    assert payer.post(at, data=held).status_code == 409
    set_tenant(session, dana.client.id)
    assert session.scalars(select(Payment)).all() == []


def test_while_the_debtor_pays_nobody_else_does(
    http: FlaskClient,
    payer: FlaskClient,
    session: PortalSession,
    settings: Settings,
    dana: Dana,
):
    ask(http, dana, amount="other", own="60")
    _, at = asked(session, settings)
    held = form(payer.get(at))
    to = f"{path(dana)}/part"
    assert send(http, http.get(to), to, amount="40").status_code == 303
    answer = payer.post(at, data=held)
    assert answer.status_code == 409
    assert "Please try again in an hour." in said(answer)
    set_tenant(session, dana.client.id)
    assert len(session.scalars(select(Payment)).all()) == 1


def test_no_token_of_another_kind_opens_it_and_it_opens_nothing_else(
    http: FlaskClient, payer: FlaskClient, session: PortalSession, settings: Settings, dana: Dana
):
    ask(http, dana, amount="all")
    _, at = asked(session, settings)
    set_tenant(session, dana.client.id)
    theirs = token_of(settings.keys, dana.issued.link)
    for address in (f"/p/{theirs}", at[:-1] + "x", "/p/é", at.replace("/p/", "/l/")):
        answer = payer.get(address)
        assert answer.status_code == 404
        assert "60" not in said(answer)
    assert payer.get(f"{at}/payment/{dana.account.id}").status_code == 404


def test_looking_changes_nothing(
    http: FlaskClient, payer: FlaskClient, session: PortalSession, settings: Settings, dana: Dana
):
    ask(http, dana, amount="all")
    _, at = asked(session, settings)
    before = len(types(session, dana))
    for method in ("get", "head", "options"):
        for _ in range(3):
            getattr(payer, method)(at)
    assert len(types(session, dana)) == before
    set_tenant(session, dana.client.id)
    assert session.scalars(select(Payment)).all() == []


@pytest.mark.parametrize("own", ["0", "0.20", "1240.01", "1239.80", "abc"])
def test_an_amount_that_cannot_be_asked_for_is_explained(
    http: FlaskClient, session: PortalSession, dana: Dana, own: str
):
    page = ask(http, dana, amount="other", own=own)
    assert page.status_code == 422
    assert "Problem:" in page.get_data(as_text=True)
    assert session.scalars(select(PayerLink)).all() == []
