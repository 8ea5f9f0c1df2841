"""What staff typed is kept over the end of a log-in and over a proof, for them alone."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal.config import Settings
from portal.db import PortalSession, set_staff
from portal.gateways.clock import SetClock
from portal.models import HeldForm, Hold, Payment, Refund, Role
from portal.services.held_forms import forget_old, take_back
from tests.databases import acting_as
from tests.factories import make_account, make_client, make_debtor, make_payment, make_policy
from tests.pages.debtors import csrf_of, send
from tests.pages.reading import said
from tests.pages.staff import PASSWORD, enter, log_in, make_staff
from tests.pages.test_sign_in import hidden

TYPED = {"kind": "attorney", "reason": "She moves house <this> week, call after"}


class Desk:
    """A supervisor, and a page of theirs with a form half written."""

    def __init__(self, http: FlaskClient, session: PortalSession) -> None:
        self.client = make_client(session)
        make_policy(session, self.client)
        account = make_account(session, make_debtor(session, self.client))
        self.payment: Payment = make_payment(session, account, status="succeeded")
        self.sue = make_staff(session, Role.SUPERVISOR, self.client)
        self.http, self.session = http, session
        self.page = f"/support/accounts/{account.id}/hold"
        self.refund = f"/support/payments/{self.payment.id}/refund"


@pytest.fixture
def desk(http: FlaskClient, session: PortalSession) -> Desk:
    return Desk(http, session)


def carry_on(page: TestResponse) -> str:
    text = page.get_data(as_text=True)
    at = text.index("/log-in?")
    return text[at:].partition('"')[0].replace("&amp;", "&")


def late(desk: Desk, clock: SetClock, typed: dict[str, str] = TYPED) -> TestResponse:
    """Type, go away for an hour, and send."""
    enter(desk.http, desk.session, desk.sue)
    token = csrf_of(desk.http.get(desk.page))
    clock.advance(timedelta(hours=1))
    return desk.http.post(desk.page, data={"csrf_token": token, **typed})


def test_what_was_typed_stands_in_the_form_after_logging_in_again(
    desk: Desk, clock: SetClock, session: PortalSession
):
    closed = late(desk, clock)
    assert closed.status_code == 403
    back = log_in(desk.http, desk.sue, carry_on(closed)).headers["Location"]
    page = desk.http.get(back)
    assert "She moves house &lt;this&gt; week, call after" in page.get_data(as_text=True)
    assert "It has NOT been sent yet" in page.get_data(as_text=True)
    assert session.query(Hold).count() == 0


def test_a_log_in_ended_from_elsewhere_keeps_it_too(desk: Desk, app: Flask, session: PortalSession):
    """A session revoked mid-form keeps what was typed after signing in again."""
    http, other = desk.http, app.test_client()
    enter(http, session, desk.sue)
    token = csrf_of(http.get(desk.page))
    enter(other, session, desk.sue)
    given = {"csrf_token": csrf_of(other.get("/your-sign-in"))}
    assert other.post("/your-sign-in/log-ins/end-others", data=given).status_code == 303
    closed = http.post(desk.page, data={"csrf_token": token, **TYPED})
    back = log_in(http, desk.sue, carry_on(closed)).headers["Location"]
    assert "She moves house" in http.get(back).get_data(as_text=True)


def test_nobody_else_gets_it(desk: Desk, clock: SetClock, session: PortalSession):
    closed = late(desk, clock)
    otto = make_staff(session, Role.OPERATOR)
    back = log_in(desk.http, otto, carry_on(closed)).headers["Location"]
    page = desk.http.get(back).get_data(as_text=True)
    assert "She moves house" not in page
    assert "NOT been sent" not in page


def test_it_is_there_for_an_hour(desk: Desk, clock: SetClock):
    closed = late(desk, clock)
    back = log_in(desk.http, desk.sue, carry_on(closed)).headers["Location"]
    for _ in range(3):
        clock.advance(timedelta(minutes=20))
        page = desk.http.get(back)
    assert "She moves house" not in page.get_data(as_text=True)


def test_what_nobody_took_back_is_deleted_when_its_hour_is_over(
    desk: Desk, clock: SetClock, session: PortalSession
):
    """Whoever does not log in again leaves nothing behind."""
    late(desk, clock)

    def left(at: timedelta) -> int:
        with acting_as("portal_worker", session):
            forget_old(session, now=clock.now() + at)
        set_staff(session, desk.sue.id)
        return session.query(HeldForm).count()

    assert left(timedelta(hours=1)) == 1
    assert left(timedelta(hours=1, seconds=1)) == 0


def test_a_form_that_is_not_of_our_page_is_not_kept(
    desk: Desk, clock: SetClock, session: PortalSession
):
    enter(desk.http, session, desk.sue)
    clock.advance(timedelta(hours=1))
    closed = desk.http.post(desk.page, data={"csrf_token": "forged", **TYPED})
    assert "held=" not in closed.get_data(as_text=True)
    set_staff(session, desk.sue.id)
    assert session.query(HeldForm).count() == 0


def test_what_is_kept_is_sealed_small_and_without_secrets(
    desk: Desk, clock: SetClock, session: PortalSession
):
    late(desk, clock, TYPED | {"password": PASSWORD, "reason": "x" * 30})
    set_staff(session, desk.sue.id)
    (kept,) = session.query(HeldForm).all()
    assert b"xxxx" not in kept.sealed
    closed = late(desk, clock, TYPED | {"reason": "y" * 200_000})
    assert "held=" not in closed.get_data(as_text=True)
    enter(desk.http, session, desk.sue)
    token = csrf_of(desk.http.get(desk.page))
    clock.advance(timedelta(hours=1))
    for _ in range(7):
        assert desk.http.post(desk.page, data={"csrf_token": token, **TYPED}).status_code == 403
    set_staff(session, desk.sue.id)
    assert session.query(HeldForm).count() == 5


def test_a_refund_asks_again_who_one_is_and_keeps_what_was_typed(
    desk: Desk, clock: SetClock, session: PortalSession
):
    http = enter(desk.http, session, desk.sue)
    clock.advance(timedelta(minutes=6))
    typed = {"amount": "3.21", "reason": "Paid twice by mistake"}
    asked = send(http, desk.refund, typed)
    assert asked.headers["Location"].startswith("/confirm?")
    assert "Nothing has been done yet" in said(http.get(asked.headers["Location"]))
    wrong = send(http, asked.headers["Location"], {"proof": "wrong"})
    assert wrong.status_code == 422
    back = send(http, asked.headers["Location"], {"proof": PASSWORD}).headers["Location"]
    page = http.get(back)
    assert 'value="3.21"' in page.get_data(as_text=True)
    assert "Paid twice by mistake" in page.get_data(as_text=True)
    assert session.query(Refund).count() == 0
    sent = http.post(
        desk.refund, data={"csrf_token": csrf_of(page), "left": hidden(page, "left"), **typed}
    )
    assert "/confirm" not in sent.headers.get("Location", "")


def test_a_proof_holds_for_five_minutes(desk: Desk, clock: SetClock, session: PortalSession):
    http = enter(desk.http, session, desk.sue)
    clock.advance(timedelta(minutes=5))
    asked = send(http, "/your-sign-in/recovery-codes", {})
    send(http, asked.headers["Location"], {"proof": PASSWORD})
    clock.advance(timedelta(minutes=4, seconds=59))
    assert send(http, "/your-sign-in/recovery-codes", {}).status_code == 200
    clock.advance(timedelta(seconds=1))
    assert send(http, "/your-sign-in/recovery-codes", {}).status_code == 303


def test_five_wrong_proofs_are_enough(desk: Desk, clock: SetClock, session: PortalSession):
    http = enter(desk.http, session, desk.sue)
    for _ in range(5):
        assert send(http, "/confirm", {"proof": "wrong"}).status_code == 422
    assert send(http, "/confirm", {"proof": PASSWORD}).status_code == 422


def test_a_list_of_everybody_is_downloaded_after_a_proof(
    http: FlaskClient, session: PortalSession, clock: SetClock
):
    client = make_client(session)
    make_policy(session, client)
    enter(http, session, make_staff(session, Role.CLIENT_ADMIN, client))
    assert http.get("/client/accounts.csv").status_code == 200
    clock.advance(timedelta(minutes=5))
    asked = http.get("/client/accounts.csv")
    assert asked.headers["Location"].startswith("/confirm?next=/client/accounts.csv")
    back = send(http, asked.headers["Location"], {"proof": PASSWORD})
    assert back.headers["Location"] == "/client/accounts.csv"
    assert http.get("/client/accounts.csv").mimetype == "text/csv"


def test_a_download_for_some_days_is_the_same_one_after_a_proof(
    http: FlaskClient, session: PortalSession, clock: SetClock
):
    client = make_client(session)
    make_policy(session, client)
    enter(http, session, make_staff(session, Role.CLIENT_ADMIN, client))
    clock.advance(timedelta(minutes=5))
    wanted = "/client/money.csv?first=2026-11-01&last=2026-11-30"
    asked = http.get(wanted).headers["Location"]
    assert send(http, asked, {"proof": "wrong"}).status_code == 422
    assert send(http, asked, {"proof": PASSWORD}).headers["Location"] == wanted


MOVES_MONEY = {
    *("support.refund", "support.decide_look", "support.question"),
    *("support.record_payment", "support.returned", "operator.retry", "operator.stripe_account"),
}
REACHES_MANY = {"support.begin_resending", "client.schedule_campaign"}
TAKES_MANY_ALONG = {
    *("client.accounts_file", "client.money_file", "client.held_back_file"),
    *("client.rehearsal_file", "client.refused_file"),
    *("support.download_batch", "compliance.exports_file"),
}
WEAKENS_A_CONTROL = {
    *("support.correct", "support.unlock", "client.approve", "client.money_limits"),
    *("operator.lift_lock", "operator.sms_registration"),
    *("compliance.mailbox", "compliance.clear", "compliance.lift_legal_hold"),
    *("staff.second_step", "staff.recovery_codes", "staff.invite", "staff.invite_again"),
    *("staff.take_invitation_back", "staff.role", "staff.disable", "staff.enable"),
    "staff.reset_second_step",
}
CANNOT_BE_UNDONE = {"compliance.schedule", "compliance.erasure"}
DANGEROUS = MOVES_MONEY | REACHES_MANY | TAKES_MANY_ALONG | WEAKENS_A_CONTROL | CANNOT_BE_UNDONE
BUTTONS = {
    *("client.contrast", "client.check"),  # a script asks, and keeps nothing
    *("client.send_logo", "client.remove_logo", "client.export"),
    *("client.count_campaign", "client.pause_campaign", "client.resume_campaign"),
    *("client.stop_campaign", "client.discard", "client.approve", "client.put_back"),
    *("client.rehearse", "client.restore", "compliance.export"),
    *("support.undo_hold", "support.download_batch", "support.print_letters"),
    *(
        "support.drop_template",
        "support.release",
        "support.keep",
        "support.take",
        "support.take_next",
    ),
    *("support.begin_resending", "support.stop_resending", "support.withdraw_look"),
    *("staff.log_out", "staff.end_log_in", "staff.end_other_log_ins"),
}
"""What can only be sent, and has no words in it that could be lost: it is pressed again."""


def test_what_is_dangerous_is_this(app: Flask):
    found = {name for name, view in app.view_functions.items() if hasattr(view, "danger")}
    assert found == DANGEROUS


def test_every_form_with_words_can_be_opened_again(app: Flask):
    """Whatever else can only be sent is a button: words typed there would be lost."""
    ways = dict[str, set[str]]()
    for rule in app.url_map.iter_rules():
        ways.setdefault(str(rule), set()).update(rule.methods or ())
    sent = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if "POST" in (rule.methods or ()) and "GET" not in ways[str(rule)]
    }
    staffs = {one for one in sent if app.view_functions[one].audience.kind == "staff"}  # type: ignore[attr-defined]
    assert staffs == BUTTONS


def test_what_a_caller_answered_is_never_kept(
    desk: Desk, clock: SetClock, session: PortalSession, settings: Settings
):
    """PR-01: a wrong answer is in no row, nor is a right one; who somebody is on paper neither."""
    late(desk, clock, {"date_of_birth": "1985-03-27", "last_four": "4471", "reason": "She moves"})
    set_staff(session, desk.sue.id)
    (kept,) = session.query(HeldForm)
    fields = take_back(session, desk.sue.id, kept.id, kept.path, settings.keys, now=clock.now())
    assert fields == [("reason", "She moves")]
    enter(desk.http, session, desk.sue)
    token = csrf_of(desk.http.get("/support"))
    clock.advance(timedelta(hours=1))
    desk.http.post("/support/on-the-line", data={"csrf_token": token, "postal_code": "97232"})
    set_staff(session, desk.sue.id)
    assert session.query(HeldForm).count() == 1
