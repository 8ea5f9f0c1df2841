"""Checks and cash in the console: shown before, done once, and by two people above a limit."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from portal.app import create_app
from portal.db import PortalSession, Reader, make_sessions, set_tenant
from portal.gateways.clock import SetClock
from portal.models import Account, Client, LedgerEntry, Payment, Role, SecondLook, Staff
from portal.runtime import Runtime
from portal.services.evidence import chain_leaves
from tests.databases import Database, web_engine
from tests.factories import NOW, make_account, make_client, make_debtor, make_policy
from tests.pages.agreeing import accept, choose_plan, newest, pay_at_stripe, review
from tests.pages.debtors import Dana, csrf_of, send
from tests.pages.reading import heard, said, tree
from tests.pages.staff import enter, make_staff, move_money
from tests.sandbox.checked import CheckedStripe

PLACED = NOW - timedelta(days=9)
CHECK = {
    **{"came_as": "check", "number": "1017", "note": "by post"},
    **{"received-month": "11", "received-day": "20", "received-year": "2026"},
}


@pytest.fixture
def account(session: PortalSession) -> Account:
    """Dana owes $1,240.00."""
    client = make_client(session)
    make_policy(session, client)
    return make_account(session, make_debtor(session, client), placed_at=PLACED)


def member(session: PortalSession, account: Account, role: Role, name: str) -> Staff:
    """Somebody who works for the account's client."""
    return make_staff(session, role, session.get_one(Client, account.client_id), name=name)


def browser(app: Flask, session: PortalSession, staff: Staff) -> FlaskClient:
    """A browser of one's own, logged in."""
    return enter(app.test_client(), session, staff)


@pytest.fixture
def dana(dana: Dana) -> Dana:
    """Her account came before the check did."""
    dana.account.placed_at = PLACED
    return dana


def path_of(account: Account) -> str:
    return f"/support/accounts/{account.id}/record-payment"


def mark_of(http: FlaskClient, path: str) -> dict[str, str]:
    """The hidden fields of a page's form."""
    hidden = [one for one in tree(http.get(path)).iter("input") if one.get("type") == "hidden"]
    return {one.get("name", ""): one.get("value", "") for one in hidden}


def test_an_agent_sees_what_a_check_does_and_then_records_it(
    app: Flask, session: PortalSession, account: Account
) -> None:
    ann = browser(app, session, member(session, account, Role.AGENT, "Ann"))
    typed = {"csrf_token": csrf_of(ann.get(path_of(account))), "amount": "240", **CHECK}
    shown = ann.post(path_of(account), data=typed)
    assert shown.status_code == 200
    assert "Balance now $1,240.00 Balance then $1,000.00" in heard(shown)
    assert "The debtor is sent Receipt" in heard(shown)
    assert session.scalar(select(func.count()).select_from(Payment)) == 0
    assert move_money(ann, path_of(account), amount="240", **CHECK).status_code == 303
    words = said(ann.get(f"/support/accounts/{account.id}"))
    assert "The payment counts, and a receipt is on its way." in words
    assert "Check no. 1017" in words
    assert "$1,000.00" in words


def test_what_was_typed_stays_where_it_is_refused(
    app: Flask, session: PortalSession, account: Account
) -> None:
    ann = browser(app, session, member(session, account, Role.AGENT, "Ann"))
    refused = move_money(ann, path_of(account), amount="1240.01", **CHECK)
    assert refused.status_code == 422
    assert "At most $1,240.00 can be recorded on this account." in said(refused)
    assert 'value="1017"' in refused.get_data(as_text=True)
    nothing = send(ann, path_of(account), {})
    assert nothing.status_code == 422
    assert "Choose what came." in said(nothing)


def test_above_the_limit_a_supervisor_other_than_who_asked_decides(
    app: Flask, session: PortalSession, account: Account
) -> None:
    sue = browser(app, session, member(session, account, Role.SUPERVISOR, "Sue"))
    otto = browser(app, session, member(session, account, Role.SUPERVISOR, "Otto"))
    ann = browser(app, session, member(session, account, Role.AGENT, "Ann"))
    assert move_money(sue, path_of(account), amount="600", **CHECK).status_code == 303
    queue = said(otto.get("/support/queues/second-looks"))
    assert "Record a payment" in queue
    assert "Sue" in queue
    look = session.scalars(select(SecondLook)).one()
    path = f"/support/second-looks/{look.id}"
    assert "You asked for this, so another person must decide it." in said(sue.get(path))
    assert "A supervisor or an operator decides it." in said(ann.get(path))
    second = send(ann, path_of(account), {"amount": "5"} | CHECK)
    assert "Something that Sue asked for on this account waits" in said(second)
    hidden = mark_of(otto, path)
    mine = {"csrf_token": csrf_of(sue.get(path)), "mark": hidden["mark"], "decision": "approve"}
    own = sue.post(path, data=mine)
    assert own.status_code == 422
    assert "There is a problem You asked for this" in heard(own)
    assert ann.post(path, data=hidden | {"decision": "approve"}).status_code == 403
    assert otto.post(path, data=hidden | {"decision": "approve"}).status_code == 303
    assert "Nothing waits." in said(otto.get("/support/queues/second-looks"))
    again = otto.post(path, data=hidden | {"decision": "approve"})
    assert again.status_code == 422
    assert "Otto has approved this already." in said(again)
    set_tenant(session, account.client_id)
    session.refresh(account)
    assert account.balance_cents == 640_00


def test_it_is_declined_with_a_reason_and_taken_back_by_who_asked(
    app: Flask, session: PortalSession, account: Account
) -> None:
    ann = browser(app, session, member(session, account, Role.AGENT, "Ann"))
    otto = browser(app, session, member(session, account, Role.SUPERVISOR, "Otto"))
    move_money(ann, path_of(account), amount="600", **CHECK)
    first = session.scalars(select(SecondLook)).one()
    path = f"/support/second-looks/{first.id}"
    assert send(otto, path, {"decision": "decline", "reason": ""}).status_code == 422
    assert send(otto, path, {"decision": "decline", "reason": "Not ours"}).status_code == 303
    assert "Not ours" in said(ann.get(path))
    move_money(ann, path_of(account), amount="600", **CHECK)
    set_tenant(session, account.client_id)
    second = session.scalars(select(SecondLook).where(SecondLook.outcome == "waits")).one()
    path = f"/support/second-looks/{second.id}"
    token = {"csrf_token": csrf_of(ann.get(path))}
    assert ann.post(f"{path}/withdraw", data=token).status_code == 303
    assert "Taken back" in said(otto.get(path))


def test_another_clients_money_is_as_if_absent(
    app: Flask, session: PortalSession, account: Account
) -> None:
    ann = browser(app, session, member(session, account, Role.AGENT, "Ann"))
    move_money(ann, path_of(account), amount="600", **CHECK)
    set_tenant(session, account.client_id)
    look = session.scalars(select(SecondLook)).one()
    stranger = make_staff(session, Role.SUPERVISOR, make_client(session))
    away = browser(app, session, stranger)
    for path in (path_of(account), f"/support/second-looks/{look.id}"):
        assert away.get(path).status_code == 404
    assert "Nothing waits" in said(away.get("/support/queues/second-looks"))


def test_a_check_that_came_back_is_told_on_every_page(
    http: FlaskClient, app: Flask, session: PortalSession, dana: Dana, stripe: CheckedStripe
) -> None:
    """PY-12: the receipt too."""
    ann = browser(app, session, member(session, dana.account, Role.AGENT, "Ann"))
    account_id = dana.account.id
    move_money(ann, path_of(dana.account), amount="240", **CHECK)
    set_tenant(session, dana.client.id)
    paid = session.scalars(select(Payment)).one()
    receipt = f"/payment/{paid.id}/receipt"
    words = heard(http.get(receipt))
    assert "Check no. 1017" in words
    assert "November 20, 2026" in words
    back = f"/support/payments/{paid.id}/returned"
    assert move_money(ann, back, why="returned", reason="No funds").status_code == 303
    assert "It does not count any more." in heard(http.get(receipt))
    assert "This payment went back" in heard(http.get(f"/payment/{paid.id}"))
    assert "does not count any more" in heard(http.get(f"/account/{account_id}/history"))
    assert "Came back" in said(ann.get(f"/support/accounts/{account_id}"))


def test_the_page_that_a_debtor_could_pay_on_is_closed_first(
    http: FlaskClient, app: Flask, session: PortalSession, dana: Dana, stripe: CheckedStripe
) -> None:
    """At most one payment of an account is open, and money is never doubled."""
    accept(http, dana, choose_plan(http, dana, method="manual"))
    ann = browser(app, session, member(session, dana.account, Role.AGENT, "Ann"))
    opened = newest(session, Payment)
    assert opened.status == "open"
    assert move_money(ann, path_of(dana.account), amount="104", **CHECK).status_code == 303
    session.refresh(opened)
    assert opened.status == "expired"
    assert "Running" in said(ann.get(f"/support/accounts/{dana.account.id}"))


def test_what_was_paid_at_stripe_meanwhile_counts_first(
    http: FlaskClient, app: Flask, session: PortalSession, dana: Dana, stripe: CheckedStripe
) -> None:
    """Money is never doubled: the check is held against what is owed then."""
    accept(http, dana, review(http, dana, "Pay $868.00"))
    ann = browser(app, session, member(session, dana.account, Role.AGENT, "Ann"))
    pay_at_stripe(session, stripe)
    refused = move_money(ann, path_of(dana.account), amount="500", **CHECK)
    assert refused.status_code == 422
    assert session.scalar(select(func.count()).select_from(LedgerEntry)) == 3


def test_a_client_admin_sets_the_limits_on_the_record(
    app: Flask, session: PortalSession, account: Account
) -> None:
    client_id = account.client_id
    cora = browser(app, session, member(session, account, Role.CLIENT_ADMIN, "Cora"))
    path = "/client/money/limits"
    assert path in cora.get("/client/money").get_data(as_text=True)
    assert send(cora, path, {"counter": "-1", "refund": "5"}).status_code == 422
    assert send(cora, path, {"counter": "9000000", "refund": "5"}).status_code == 422
    assert send(cora, path, {"counter": "0", "refund": "75.50"}).status_code == 303
    set_tenant(session, client_id)
    client = session.get_one(Client, client_id)
    session.refresh(client)
    assert (client.counter_limit_cents, client.refund_limit_cents) == (0, 75_50)
    (leaf,) = [
        one
        for one in chain_leaves(session, client_id, client.chain_id)
        if one.type == "client.limits_changed"
    ]
    assert leaf.payload["before"] == {"counter_limit_cents": 50000, "refund_limit_cents": 50000}


def test_of_two_who_approve_at_once_one_wins_and_the_other_is_told_who(
    fresh_db: Database, clock: SetClock, runtime: Runtime
) -> None:
    engine = web_engine(fresh_db)
    live = dataclasses.replace(
        runtime,
        settings=fresh_db.settings,
        sessions=make_sessions(engine),
        read=Reader(fresh_db.settings.database_url),
    )
    app = create_app(fresh_db.settings, live)
    with live.sessions() as session:
        client = make_client(session)
        make_policy(session, client)
        account = make_account(session, make_debtor(session, client), placed_at=PLACED)
        client_id, path = client.id, path_of(account)
        names = ("Ann", "Otto", "Olga")
        ann, *both = (
            browser(app, session, member(session, account, Role.SUPERVISOR, name)) for name in names
        )
        session.commit()
    assert move_money(ann, path, amount="600", **CHECK).status_code == 303
    with live.sessions() as session:
        set_tenant(session, client_id)
        path = f"/support/second-looks/{session.scalars(select(SecondLook.id)).one()}"
    forms = [mark_of(one, path) | {"decision": "approve"} for one in both]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda n: both[n].post(path, data=forms[n]), range(2)))
    assert sorted(one.status_code for one in answers) == [303, 422]
    told = said(next(one for one in answers if one.status_code == 422))
    assert "Otto has approved this already." in told or "Olga has approved this already." in told
    with live.sessions() as session:
        set_tenant(session, client_id)
        kinds = list(session.scalars(select(LedgerEntry.kind).order_by(LedgerEntry.id)))
        assert kinds.count("payment") == 1
    engine.dispose()


def test_why_it_is_refused_is_said_once(
    app: Flask, session: PortalSession, account: Account
) -> None:
    ann = browser(app, session, member(session, account, Role.AGENT, "Ann"))
    typed = mark_of(ann, path_of(account)) | {"amount": "240", **CHECK}
    shown = ann.post(path_of(account), data=typed)
    mark = next(
        one.get("value", "") for one in tree(shown).iter("input") if one.get("name") == "mark"
    )
    assert move_money(ann, path_of(account), amount="240", **CHECK).status_code == 303
    seen = mark_of(ann, path_of(account))
    again = ann.post(path_of(account), data=typed | seen | {"mark": mark})
    assert again.status_code == 422
    assert said(again).count("is recorded on this account already") == 1
