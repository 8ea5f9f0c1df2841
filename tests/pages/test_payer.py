"""Somebody else pays: what the debtor chooses and shares, and what a helper sees (PR-05, EC-08)."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from portal.db import PortalSession, set_tenant
from portal.gateways.clock import SetClock
from portal.models import AttemptCounter, Leaf, Message, PayerLink, Payment
from portal.security.redaction import redact
from tests.pages.agreeing import form, link, links, newest, path, pay_at_stripe, send
from tests.pages.debtors import Dana, csrf_of
from tests.pages.reading import heard, said, tree
from tests.sandbox.checked import CheckedStripe

SECRETS = ("debt", "owe", "northgate", "1,240", "collect", "creditor", "balance", "dana", "ng-4")


def make_link(http: FlaskClient, dana: Dana, **typed: str) -> str:
    """Dana asks for $50.00; returns the path that she shares."""
    to = f"{path(dana)}/someone-else"
    answered = send(http, http.get(to), to, **({"what": "other", "own": "50"} | typed))
    assert answered.status_code == 303, said(answered)
    page = http.get(to)
    found = re.search(r"/p/[\w.-]+", page.get_data(as_text=True))
    assert found is not None
    return found[0]


@pytest.fixture
def helper(app: Any, http: FlaskClient) -> FlaskClient:
    """Somebody else's browser."""
    return app.test_client()


def start(helper: FlaskClient, to: str, **typed: str) -> Any:
    """Press the button of a helper's page."""
    return helper.post(to, data=form(helper.get(to)) | typed)


def test_the_debtor_sees_what_they_will_see_and_words_to_send(http: FlaskClient, dana: Dana):
    shared = make_link(http, dana)
    page = http.get(f"{path(dana)}/someone-else")
    words = heard(page)
    assert "This is what they see Amount $50.00" in words
    assert f"Paid to {dana.client.sender_name}" in words
    ways = [to for to in links(page).values() if to.startswith(("sms:", "mailto:"))]
    assert len(ways) == 2
    for way in ways:
        assert not [secret for secret in SECRETS if secret in way.lower()]
    assert shared in words


def test_py_04_the_debtor_reads_whose_debt_it_is_before_sharing(http: FlaskClient, dana: Dana):
    words = said(http.get(f"{path(dana)}/someone-else"))
    assert dana.account.original_creditor in words
    assert dana.account.reference in words


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ({"what": "", "own": ""}, "Choose an amount, or enter your own."),
        ({"what": "other", "own": ""}, "Choose an amount, or enter your own."),
        ({"what": "all", "own": "50"}, "You chose one amount and typed another."),
        ({"what": "other", "own": "1.240"}, "Write the amount with digits"),
        ({"what": "other", "own": "2000"}, "You owe $1,240.00."),
        ({"what": "next", "own": ""}, "Choose from the list."),
    ],
)
def test_what_is_missing_is_said(
    http: FlaskClient, dana: Dana, typed: dict[str, str], problem: str
):
    to = f"{path(dana)}/someone-else"
    page = send(http, http.get(to), to, **typed)
    assert page.status_code == 422
    assert problem in said(page)


@pytest.mark.parametrize("language", ["en", "es", "fr"])
def test_pr_05_a_helper_sees_an_amount_and_a_reference_and_nothing_of_a_debt(
    http: FlaskClient, helper: FlaskClient, dana: Dana, session: PortalSession, language: str
):
    shared = make_link(http, dana)
    reference = newest(session, PayerLink).reference
    response = helper.get(f"{shared}?lang={language}")
    page = response.get_data(as_text=True)
    words = re.sub(r"\s+", " ", re.sub(r"<a [^>]*>|<form[^>]*>|<input[^>]*>", "", page)).lower()
    if language == "en":
        assert [secret for secret in SECRETS if secret in words] == []
    for secret in ("northgate", "dana", "1,240", dana.account.reference.lower()):
        assert secret not in words
    assert reference in said(response)
    assert "50" in said(response)
    assert dana.client.sender_name in said(response)
    assert "noindex" in page
    assert "Set-Cookie" not in response.headers
    assert tree(response).get("lang") == language


def counts(session: PortalSession, dana: Dana) -> list[int]:
    set_tenant(session, dana.client.id)
    tables = (AttemptCounter, Leaf, Message, PayerLink, Payment)
    return [session.scalar(select(func.count()).select_from(one)) or 0 for one in tables]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_scanners_open_it_and_change_nothing(
    http: FlaskClient, helper: FlaskClient, dana: Dana, session: PortalSession, method: str
):
    shared = make_link(http, dana)
    before = counts(session, dana)
    for _ in range(5):
        helper.open(shared, method=method)
    assert counts(session, dana) == before


def test_a_helper_pays_sees_thank_you_and_a_receipt_without_a_debt(
    http: FlaskClient,
    helper: FlaskClient,
    dana: Dana,
    session: PortalSession,
    stripe: CheckedStripe,
):
    shared = make_link(http, dana)
    assert start(helper, shared).location.startswith("http://stripe.sandbox/")
    pay_at_stripe(session, stripe)
    paid = newest(session, Payment)
    landed = helper.get(f"{shared}/{paid.id}?session_id={paid.checkout_id}")
    assert f"{paid.reference} Thank you. $50.00 was paid." in heard(landed)
    receipt = helper.get(link(landed, "receipt"))
    for page in (landed, receipt, helper.get(shared)):
        words = page.get_data(as_text=True).lower()
        assert [one for one in SECRETS if one in words] == []
        assert "4242" not in words
    assert "Thank you. $50.00 was paid." in said(helper.get(shared))
    set_tenant(session, dana.client.id)
    history = http.get(f"{path(dana)}/someone-else")
    assert "by somebody you asked" in said(history)
    mine = said(http.get(link(history, "by somebody you asked")))
    assert "Paid by Somebody you asked" in heard(http.get(link(history, "by somebody you asked")))
    assert "4242" not in mine, "the card of a helper is nobody else's business"
    assert "Payment received, November 22, 2026 -$50.00" in heard(http.get(path(dana)))


def test_a_helper_cannot_change_the_amount(
    http: FlaskClient, helper: FlaskClient, dana: Dana, session: PortalSession
):
    shared = make_link(http, dana)
    page = start(helper, shared, amount="100")
    assert page.status_code == 409
    assert "Nothing was taken. Something has changed." in said(page)
    assert counts(session, dana)[-1] == 0


def test_while_the_debtor_pays_a_helper_is_asked_to_wait(
    http: FlaskClient, helper: FlaskClient, dana: Dana, session: PortalSession
):
    shared = make_link(http, dana)
    part = f"{path(dana)}/part"
    send(http, http.get(part), part, amount="40")
    page = start(helper, shared)
    assert page.status_code == 409
    assert "Another payment is being made right now. Please try again in an hour." in said(page)


def test_a_page_that_the_debtor_left_open_does_not_keep_a_helper_waiting(
    http: FlaskClient, helper: FlaskClient, dana: Dana, session: PortalSession
):
    part = f"{path(dana)}/part"
    assert send(http, http.get(part), part, amount="40").status_code == 303
    shared = make_link(http, dana)
    assert start(helper, shared).status_code == 303
    set_tenant(session, dana.client.id)
    statuses = session.scalars(select(Payment.status).order_by(Payment.id)).all()
    assert [str(one) for one in statuses] == ["expired", "open"]


def test_opening_checkout_is_counted(http: FlaskClient, helper: FlaskClient, dana: Dana):
    shared = make_link(http, dana)
    answers = [start(helper, shared).status_code for _ in range(11)]
    assert (answers[0], answers[9], answers[10]) == (303, 303, 429)


def test_a_link_that_was_taken_back_or_ran_out_says_so(
    http: FlaskClient, helper: FlaskClient, dana: Dana, clock: SetClock
):
    shared = make_link(http, dana)
    page = http.get(f"{path(dana)}/someone-else")
    http.post(f"{path(dana)}/someone-else/withdraw", data={"csrf_token": csrf_of(page)})
    gone = helper.get(shared)
    assert gone.status_code == 410
    assert "The person who sent you this link has taken it back." in said(gone)
    assert "you took it back" in said(http.get(f"{path(dana)}/someone-else"))
    other = make_link(http, dana)
    clock.at += timedelta(days=7)
    gone = helper.get(other)
    assert (gone.status_code, "has stopped working" in said(gone)) == (410, True)


def test_every_bad_token_is_the_same_404(http: FlaskClient, helper: FlaskClient, dana: Dana):
    shared = make_link(http, dana)
    pages = [
        helper.get(to)
        for to in (
            "/p/x",
            shared[:-1] + "?",
            f"/p/{dana.issued.token}",
            shared.replace("/p/", "/l/"),
        )
    ]
    assert {page.status_code for page in pages} == {404}
    assert len({page.get_data() for page in pages}) == 1


def test_the_debtors_own_payment_is_not_shown_under_a_link(
    http: FlaskClient, helper: FlaskClient, dana: Dana, session: PortalSession
):
    shared = make_link(http, dana)
    part = f"{path(dana)}/part"
    send(http, http.get(part), part, amount="40")
    mine = newest(session, Payment)
    assert helper.get(f"{shared}/{mine.id}").status_code == 404
    assert helper.get(f"{shared}/{mine.id}/receipt").status_code == 404


def test_the_token_of_a_helper_is_kept_out_of_logs():
    assert redact("GET /p/0aB.xY-z/receipt HTTP/1.1") == "GET /p/.../receipt HTTP/1.1"


def test_what_somebody_paid_stays_to_be_read_when_nothing_is_owed(
    http: FlaskClient,
    helper: FlaskClient,
    dana: Dana,
    session: PortalSession,
    stripe: CheckedStripe,
):
    shared = make_link(http, dana, what="all", own="")
    start(helper, shared)
    pay_at_stripe(session, stripe)
    paid = newest(session, Payment)
    helper.get(f"{shared}/{paid.id}?session_id={paid.checkout_id}")
    assert said(http.get(path(dana))).startswith("You owe nothing on this account")
    page = http.get(f"{path(dana)}/someone-else")
    assert "Nothing can be paid on this account now." in said(page)
    assert "by somebody you asked" in said(page)
    assert http.get(link(page, "by somebody you asked")).status_code == 200
