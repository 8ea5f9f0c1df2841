"""Two members of staff on one account: the second is told who did what, and loses nothing typed."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal.db import PortalSession, set_tenant
from portal.domain.holds import HoldKind
from portal.models import AccessLink, Account, Client, Debtor, Hold, Payment, Role, ThreadEntry
from portal.services import evidence
from portal.services.dossier import reveal
from portal.services.standing import lift_hold, set_hold
from portal.services.threads import reply
from tests.factories import NOW, make_account, make_client, make_debtor, make_link, make_payment
from tests.pages.debtors import csrf_of
from tests.pages.reading import heard, said, tree
from tests.pages.staff import enter, make_staff, move_money


@pytest.fixture
def account(session: PortalSession) -> Account:
    """An account with a payment and a hold."""
    account = make_account(session, make_debtor(session, make_client(session)))
    make_payment(session, account, settled_at=NOW)
    make_link(session, session.get_one(Debtor, (account.client_id, account.debtor_id)))
    set_hold(session, account, HoldKind.BANKRUPTCY, source="staff", now=NOW, actor=evidence.SYSTEM)
    return account


@pytest.fixture
def sam(app: Flask, session: PortalSession, account: Account) -> FlaskClient:
    client = session.get_one(Client, account.client_id)
    return enter(app.test_client(), session, make_staff(session, Role.SUPERVISOR, client))


def maria(session: PortalSession, account: Account):
    set_tenant(session, account.client_id)
    client = session.get_one(Client, account.client_id)
    return make_staff(session, Role.AGENT, client, name="Maria Lopez")


def hidden(page: TestResponse) -> dict[str, str]:
    """What the form of a page carries unseen."""
    (seen,) = [
        one.get("value", "") for one in tree(page).iter("input") if one.get("name") == "seen"
    ]
    return {"seen": seen, "csrf_token": csrf_of(page)}


def acts(session: PortalSession, account: Account) -> dict[str, tuple[str, str, dict[str, str]]]:
    """For each act its page, where its form goes, and what is typed."""
    mine = f"/support/accounts/{account.id}"
    hold = session.scalars(select(Hold)).one()
    lift = f"/support/holds/{hold.id}/lift"
    revoke = f"/support/links/{session.scalars(select(AccessLink.id)).one()}/revoke"
    refund = f"/support/payments/{session.scalars(select(Payment.id)).one()}/refund"
    return {
        "revoke": (revoke, revoke, {"reason": "lost"}),
        "refund": (refund, refund, {"amount": "5", "reason": "Her lawyer wrote"}),
        "hold": (
            f"{mine}/hold?kind=attorney",
            f"{mine}/hold",
            {"kind": "attorney", "reason": "Her lawyer"},
        ),
        "lift": (lift, lift, {"reason": "Her lawyer wrote"}),
        "reply": (mine, f"{mine}/reply", {"body": "Her lawyer wrote"}),
    }


@pytest.mark.parametrize("act", ["hold", "lift", "reply", "revoke", "refund"])
def test_the_second_is_told_who_did_what_and_may_do_it_all_the_same(
    sam: FlaskClient, session: PortalSession, account: Account, act: str
):
    page, path, typed = acts(session, account)[act]
    before = hidden(sam.get(page))
    reply(session, account, "We look into it.", staff=maria(session, account), now=NOW)
    session.commit()
    answer = sam.post(path, data=before | typed)
    assert answer.status_code == 422
    told = heard(answer)
    assert "A colleague worked on this account since you opened this page." in told
    assert "Maria Lopez Message in the thread “We look into it.”" in told
    for words in typed.values():
        assert words in answer.get_data(as_text=True), "nothing that was typed is lost"
    (seen,) = [
        one.get("value", "") for one in tree(answer).iter("input") if one.get("name") == "seen"
    ]
    again = {"seen": seen, "csrf_token": csrf_of(answer)} | typed
    done = move_money(sam, path, **again) if act == "refund" else sam.post(path, data=again)
    assert done.status_code == 303


def test_looking_and_ones_own_acts_are_no_surprise(
    sam: FlaskClient, session: PortalSession, account: Account
):
    page, path, typed = acts(session, account)["hold"]
    before = hidden(sam.get(page))
    reveal(session, account, reason="They called", staff=maria(session, account), now=NOW)
    session.commit()
    assert sam.post(path, data=before | typed).status_code == 303
    mine = f"/support/accounts/{account.id}"
    written = {"body": "Hello", "csrf_token": before["csrf_token"], "seen": before["seen"]}
    assert sam.post(f"{mine}/reply", data=written).status_code == 303
    set_tenant(session, account.client_id)
    assert "Hello" in session.scalars(select(ThreadEntry.body)).all()


def test_what_a_colleague_lifted_is_not_lifted_unseen(
    sam: FlaskClient, session: PortalSession, account: Account
):
    page, path, typed = acts(session, account)["lift"]
    before = hidden(sam.get(page))
    hold = session.scalars(select(Hold)).one()
    by = maria(session, account)
    lift_hold(session, hold, reason="Case dismissed", by=by.id, now=NOW)
    session.commit()
    told = sam.post(path, data=before | typed)
    assert told.status_code == 422
    assert "Case dismissed" in said(told)
