"""Two members of staff on one account: the second is told who did what, and loses nothing typed."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal.db import PortalSession, set_tenant
from portal.domain.holds import HoldKind
from portal.domain.marks import Mark
from portal.models import (
    AccessLink,
    Account,
    Client,
    ContactStop,
    Debtor,
    Hold,
    Payment,
    Role,
    ThreadEntry,
)
from portal.services import evidence
from portal.services.dossier import reveal
from portal.services.marks import mark, marks_of, take_back
from portal.services.standing import lift_hold, set_hold
from portal.services.stops import lift_stop, stop_wrong_address
from portal.services.threads import reply
from tests.factories import (
    NOW,
    make_account,
    make_client,
    make_contact,
    make_debtor,
    make_link,
    make_payment,
)
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
    (seen,) = {
        one.get("value", "") for one in tree(page).iter("input") if one.get("name") == "seen"
    }
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


def acts_on_the_person(
    session: PortalSession, account: Account
) -> dict[str, tuple[str, str, dict[str, str]]]:
    """The same of what happened to them, and of their links and addresses."""
    mine, by = f"/support/accounts/{account.id}", maria(session, account)
    lawyer = {"name": "Ada Law", "address": "1 Main St", "from": "Her lawyer wrote"}
    marked = mark(session, account, Mark.ATTORNEY, lawyer, staff=by, now=NOW)
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    stop_wrong_address(session, make_contact(session, debtor), source="text", now=NOW)
    stop = session.scalars(select(ContactStop.id)).one()
    session.commit()
    return {
        act: (path, path, typed)
        for act, path, typed in (
            ("happened", f"{mine}/something/attorney", lawyer),
            ("take back", f"{mine}/marks/{marked}/take-back", {"reason": "Her lawyer wrote"}),
            ("revoke all", f"{mine}/revoke-links", {"reason": "lost"}),
            ("reopen", f"{mine}/stops/{stop}", {}),
        )
    }


@pytest.mark.parametrize("act", ["happened", "take back", "revoke all", "reopen"])
def test_the_second_is_told_of_what_happened_too(
    sam: FlaskClient, session: PortalSession, account: Account, act: str
):
    """CT-08, DH-06, EC-08: a mark, its end, all links, and an address that opens again."""
    told_first(sam, session, account, acts_on_the_person(session, account)[act])


@pytest.mark.parametrize(("act", "did"), [("take back", "mark"), ("reopen", "stop")])
def test_what_a_colleague_took_back_or_opened_is_said_and_not_missing(
    sam: FlaskClient, session: PortalSession, account: Account, act: str, did: str
):
    path, _, typed = acts_on_the_person(session, account)[act]
    before, by = hidden(sam.get(path)), maria(session, account)
    if did == "mark":
        (found,) = marks_of(session, account)
        take_back(session, account, found, reason="Case dismissed", staff=by, now=NOW)
    else:
        lift_stop(session, session.scalars(select(ContactStop)).one(), by=by.id, now=NOW)
    session.commit()
    told = sam.post(path, data=before | typed)
    assert told.status_code == 422
    assert "Maria Lopez" in heard(told)
    (seen,) = {
        one.get("value", "") for one in tree(told).iter("input") if one.get("name") == "seen"
    }
    again = sam.post(path, data={"seen": seen, "csrf_token": csrf_of(told)} | typed)
    assert again.status_code == (422 if did == "mark" else 303)
    if did == "mark":
        assert "taken back already" in heard(again)


@pytest.mark.parametrize("act", ["hold", "lift", "reply", "revoke", "refund"])
def test_the_second_is_told_who_did_what_and_may_do_it_all_the_same(
    sam: FlaskClient, session: PortalSession, account: Account, act: str
):
    move = acts(session, account)[act]
    told_first(sam, session, account, move, moves_money=act == "refund")


def told_first(
    sam: FlaskClient,
    session: PortalSession,
    account: Account,
    move: tuple[str, str, dict[str, str]],
    *,
    moves_money: bool = False,
) -> None:
    """A colleague writes meanwhile: it is said, nothing typed is lost, and it may be done."""
    page, path, typed = move
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
    (seen,) = {
        one.get("value", "") for one in tree(answer).iter("input") if one.get("name") == "seen"
    }
    again = {"seen": seen, "csrf_token": csrf_of(answer)} | typed
    done = move_money(sam, path, **again) if moves_money else sam.post(path, data=again)
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


@pytest.mark.parametrize("seen", ["abc", "9" * 40, "999999999"])
def test_a_page_that_names_no_place_of_the_record_counts_as_stale(
    sam: FlaskClient, session: PortalSession, account: Account, seen: str
):
    path = f"/support/accounts/{account.id}/hold"
    typed = {"kind": "attorney", "reason": "Her lawyer"}
    before = hidden(sam.get(f"{path}?kind=attorney"))
    refused = sam.post(path, data=before | typed | {"seen": seen})
    assert refused.status_code == 422
    assert "since you opened this page" in heard(refused)
    assert sam.post(path, data=hidden(refused) | typed).status_code == 303
