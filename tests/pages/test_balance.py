"""The balance is the menu: what is owed and why, and each way on, or why there is none."""

import gzip
from datetime import date

import pytest
from flask.testing import FlaskClient

from portal.config import Settings
from portal.db import PortalSession
from portal.domain.holds import HoldKind
from portal.domain.money import Cents
from portal.domain.statuses import AccountStatus
from portal.gateways.clock import SetClock
from portal.models import CollectorRole, EntryKind
from portal.services import evidence
from portal.services.arrangements import shorten_to_balance
from portal.services.ledger import lock_account, post
from portal.services.standing import set_hold
from tests.factories import make_account
from tests.pages.agreeing import enter, links, path
from tests.pages.debtors import Dana, make_visitor
from tests.pages.reading import heard, said, tree
from tests.sandbox.checked import CheckedStripe
from tests.services.paying import Till, make_plan
from tests.services.test_balance import counted


def test_the_balance_says_how_much_to_whom_and_what_can_be_done(
    http: FlaskClient, dana: Dana
) -> None:
    page = http.get(path(dana))
    words = said(page)
    assert words.startswith("You owe $1,240.00")
    assert "Northgate Energy" in words
    assert dana.account.reference in words
    menu = list(links(page))
    assert menu[0].startswith("Pay a bit each month")
    assert any(
        link.startswith("Pay $868.00 to close the account You save $372.00") for link in menu
    )
    assert any(link.startswith("Pay it all today $1,240.00") for link in menu)
    assert any(link.startswith("Pay part of it today") for link in menu)
    assert any(link.startswith("I need help or this is not right") for link in menu)
    assert any(link.startswith("Someone else will pay") for link in menu)


def test_the_itemization_sums_and_later_movements_follow_it(
    http: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
) -> None:
    """VN-02"""
    post(
        session,
        lock_account(session, dana.account.id),
        kind=EntryKind.PAYMENT,
        source="payment:1",
        amount_cents=Cents(-4_000),
        now=clock.now(),
    )
    session.commit()
    words = heard(http.get(path(dana)))
    assert words.startswith("You owe $1,200.00")
    for line in ("Interest since $0.00", "When we got the account $1,240.00"):
        assert line in words
    assert "Payment received, November 22, 2026 -$40.00" in words
    assert "We add no fees." in words


@pytest.mark.parametrize(
    ("role", "speaks"),
    [(CollectorRole.THIRD_PARTY_AGENCY, True), (CollectorRole.FIRST_PARTY_CREDITOR, False)],
)
def test_a_debt_collector_says_what_it_is_and_a_creditor_does_not(
    http: FlaskClient,
    session: PortalSession,
    settings: Settings,
    clock: SetClock,
    role: CollectorRole,
    speaks: bool,
) -> None:
    """TX-01"""
    line = "This communication is from a debt collector."
    visitor = enter(http, session, settings, clock, collector_role=role)
    assert (line in said(http.get(path(visitor)))) is speaks


def test_a_second_client_in_the_same_browser_gets_a_visit_of_its_own(
    http: FlaskClient, session: PortalSession, settings: Settings, clock: SetClock, dana: Dana
) -> None:
    other = enter(http, session, settings, clock)
    assert http.get(path(other)).status_code == 200
    assert http.get(path(dana)).status_code == 404


def test_a_disputed_account_offers_nothing_and_says_why(
    http: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
) -> None:
    """DH-01"""
    set_hold(
        session,
        dana.account,
        HoldKind.NOT_MY_DEBT,
        source="t",
        now=clock.now(),
        actor=evidence.SYSTEM,
    )
    session.commit()
    page = http.get(path(dana))
    words = said(page)
    assert words.startswith("Your account with Northgate Energy")
    assert "You do not need to pay while we check." in words
    menu = " ".join(links(page))
    assert "Pay" not in menu
    assert "I need help" in menu
    for closed in ("plan", "settle", "part"):
        assert http.get(f"{path(dana)}/{closed}").status_code == 409


def test_a_time_barred_account_offers_nothing_and_says_whom_to_call(
    http: FlaskClient, session: PortalSession, dana: Dana
) -> None:
    """TB-02"""
    dana.account.sol_expires_on = date(2026, 11, 22)
    session.commit()
    words = said(http.get(path(dana)))
    assert "This debt is old" in words
    assert "Pay it all" not in words


@pytest.mark.parametrize("kind", [HoldKind.BANKRUPTCY, HoldKind.DECEASED])
def test_a_protected_account_is_not_shown_at_all(
    http: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock, kind: HoldKind
) -> None:
    """DH-06"""
    dana.client.phone_hours = "8 a.m. to 6 p.m."
    set_hold(session, dana.account, kind, source="t", now=clock.now(), actor=evidence.SYSTEM)
    session.commit()
    words = said(http.get(path(dana)))
    assert words.startswith("We cannot show this account now")
    assert "$" not in words
    assert "Northgate" not in words
    assert "8 a.m. to 6 p.m. " in words


def test_a_paid_account_owes_nothing(http: FlaskClient, session: PortalSession, dana: Dana) -> None:
    dana.account.status, dana.account.balance_cents = AccountStatus.PAID, Cents(0)
    session.commit()
    words = said(http.get(path(dana)))
    assert words.startswith("You owe nothing on this account")
    assert "You do not need to do anything." in words


def test_a_rest_that_cannot_be_charged_is_no_dead_end(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe, clock: SetClock
) -> None:
    """PY-01: what Stripe takes no payment for is not asked for, in a plan either."""
    till = Till(session, stripe, dana.account)
    make_plan(till, (1_239_70, 30), method="manual", status="active")
    locked = lock_account(session, dana.account.id)
    post(
        session,
        locked,
        kind=EntryKind.ADJUSTED,
        source="placement:1",
        amount_cents=Cents(30 - 1_240_00),
        now=clock.now(),
    )
    shorten_to_balance(session, locked, clock.now())
    session.commit()
    why = "What is left is too little to pay by card or from a bank."
    page, plan = http.get(path(dana)), http.get(f"{path(dana)}/arrangement")
    menu = " ".join(links(page))
    assert "The amount on file is $0.30." in said(page)
    assert "I need help" in menu
    for one in (page, plan):
        assert why in said(one)
        assert "next payment" not in said(one)
        assert "ay $0.30" not in said(one)
        assert "Someone else will pay" not in said(one)


def test_a_recalled_account_says_that_it_left(
    http: FlaskClient, session: PortalSession, dana: Dana
) -> None:
    dana.account.status = AccountStatus.RECALLED
    session.commit()
    assert "This account is no longer with us." in said(http.get(path(dana)))


def test_several_accounts_are_listed_and_handled_one_at_a_time(
    http: FlaskClient, session: PortalSession, dana: Dana
) -> None:
    second = make_account(session, dana.debtor, balance_cents=5_000)
    session.commit()
    page = http.get("/accounts")
    words = said(page)
    assert words.startswith("Your accounts")
    assert "You owe $50.00" in words
    assert f"/account/{second.id}" in links(page).values()
    assert links(http.get(path(dana)))["Back"] == "/accounts"


def test_one_account_needs_no_list(http: FlaskClient, dana: Dana) -> None:
    assert http.get("/accounts").location == path(dana)


def test_nobody_sees_the_account_of_somebody_else(
    http: FlaskClient, session: PortalSession, settings: Settings, clock: SetClock, dana: Dana
) -> None:
    other = make_visitor(session, settings, clock.now())
    session.commit()
    assert http.get(path(other)).status_code == 404
    assert http.get(f"/account/{dana.account.id}/plan").status_code == 200


def test_without_a_visit_the_account_stays_closed(http: FlaskClient, dana: Dana) -> None:
    http.delete_cookie("visit")
    page = http.get(path(dana))
    assert page.status_code == 403
    assert "1,240" not in page.get_data(as_text=True)


def test_a_page_reads_twice_and_writes_nothing(http: FlaskClient, dana: Dana) -> None:
    http.get(path(dana))
    with counted() as selects:
        http.get(path(dana))
    assert len(selects) <= 2, selects


def test_the_balance_speaks_spanish(http: FlaskClient, dana: Dana) -> None:
    page = http.get(f"{path(dana)}?lang=es")
    assert tree(page).get("lang") == "es"
    assert "$1,240.00" in said(page)


def test_paper_opens_what_is_folded(http: FlaskClient, dana: Dana) -> None:
    folded = tree(http.get(f"{path(dana)}?print=1")).find(".//details")
    assert folded is not None
    assert "open" in folded.attrib


def test_the_first_view_is_small(http: FlaskClient, dana: Dana) -> None:

    page = gzip.compress(http.get(path(dana)).data)
    assert len(page) < 7_000


def test_movements_have_the_day_where_the_debtor_is(
    http: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
) -> None:
    """VN-02: 10:30 in the evening in New York is the next day in UTC."""
    late = clock.now().replace(hour=3, minute=30)
    post(
        session,
        lock_account(session, dana.account.id),
        kind=EntryKind.PAYMENT,
        source="payment:1",
        amount_cents=Cents(-4_000),
        now=late,
    )
    session.commit()
    assert "Payment received, November 21, 2026 -$40.00" in heard(http.get(path(dana)))
