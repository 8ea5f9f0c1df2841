"""The operator's console: what runs, what failed, who is locked out, and who did what."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from portal.blueprints.operating.locking import SCOPES
from portal.config import Settings
from portal.db import PortalSession, set_tenant
from portal.models import Client, Role, Staff
from portal.services import attempts, evidence, operating
from portal.services.attempts import Mark, Scope
from portal.services.sign_in import proof_mark
from portal.services.verify import verify_client
from tests.databases import acting_as
from tests.factories import (
    NOW,
    make_account,
    make_client,
    make_contact,
    make_debtor,
    make_link,
    make_payment,
)
from tests.pages.debtors import send
from tests.pages.reading import heard, said
from tests.pages.staff import enter, make_staff

WRONG = {"email": "dana@mail.example", "password": "not the password"}


@pytest.fixture
def client(session: PortalSession) -> Client:
    return make_client(session, stripe_account=None)


@pytest.fixture
def otto(http: FlaskClient, session: PortalSession, client: Client) -> Staff:
    """An operator, logged in."""
    otto = make_staff(session, Role.OPERATOR, name="Otto Berg")
    enter(http, session, otto)
    return otto


def leaves(session: PortalSession, client: Client) -> list[evidence.Entry]:
    set_tenant(session, client.id)
    found = evidence.chain_leaves(session, client.id, client.chain_id)
    return [one for one in found if one.type == "client.provider_changed"]


def test_an_operator_begins_here_and_finds_the_other_consoles(http: FlaskClient, otto: Staff):
    home = http.get("/console").headers["Location"]
    assert home == "/operator"
    words = said(http.get(home))
    assert "Northgate Energy" in words
    assert "no limits yet" in words
    for other in ("/support", "/compliance"):
        assert 'href="/operator"' in http.get(other).get_data(as_text=True)


def test_a_stripe_account_is_written_and_only_its_end_is_ever_read(
    http: FlaskClient, session: PortalSession, client: Client, otto: Staff
):
    page = f"/operator/clients/{client.id}/stripe-account"
    assert "begins with acct_" in heard(send(http, page, {"account": "sk_live_123456789"}))
    assert send(http, page, {"account": "acct_1Northgate4471"}).status_code == 303
    for address in ("/operator", page):
        words = http.get(address).get_data(as_text=True)
        assert "acct_1Northgate" not in words
    assert "4471" in said(http.get("/operator"))
    (leaf,) = leaves(session, client)
    assert leaf.payload["actor"] == evidence.staff(otto.id)
    assert leaf.payload["field"] == "stripe_account"
    assert "acct_" not in str(leaf.payload)
    assert list(verify_client(session, client.id)) == []


def test_a_stripe_account_in_which_money_was_taken_is_not_changed(
    http: FlaskClient, session: PortalSession, client: Client, otto: Staff
):
    make_payment(session, make_account(session, make_debtor(session, client)))
    page = f"/operator/clients/{client.id}/stripe-account"
    answer = send(http, page, {"account": "acct_1Northgate4471"})
    assert answer.status_code == 422
    assert "belong to the Stripe account of before" in heard(answer)
    assert leaves(session, client) == []


def test_what_carriers_know_texts_by_is_written(
    http: FlaskClient, session: PortalSession, client: Client, otto: Staff
):
    """EC-07"""
    page = f"/operator/clients/{client.id}/sms-registration"
    assert "Enter a new value" in heard(send(http, page, {"registration": " "}))
    assert send(http, page, {"registration": "brand B7, campaign C9"}).status_code == 303
    session.expire_all()
    set_tenant(session, client.id)
    assert client.sms_registration == "brand B7, campaign C9"
    assert [one.payload["field"] for one in leaves(session, client)] == ["sms_registration"]


def test_up_to_which_amounts_one_person_moves_money_is_read_and_not_written_here(
    http: FlaskClient, session: PortalSession, client: Client, otto: Staff
):
    """Whom a limit binds does not set it: operators approve what waits for a second person."""
    client.counter_limit_cents, client.refund_limit_cents = 1_234_56, 0
    session.commit()
    page = said(http.get("/operator"))
    assert "$1,234.56" in page
    assert "always two people" in page
    assert http.get("/client/money/limits").status_code == 403


def test_no_secret_of_the_environment_is_shown(http: FlaskClient, settings: Settings, otto: Staff):
    body = http.get("/operator/settings").get_data(as_text=True)
    assert settings.secret_key not in body
    assert settings.identity_pepper not in body
    assert "SECRET_KEY" in body
    marks = settings.keys.peppered("setting", b"secret_keys", settings.secret_key.encode())
    assert marks.hex()[:8] in body


def test_everybody_who_works_here_is_listed_with_their_clients(
    http: FlaskClient, session: PortalSession, client: Client, otto: Staff
):
    make_staff(session, Role.AGENT, client, name="Sam Ortiz")
    words = said(http.get("/team"))
    assert "Sam Ortiz" in words
    assert client.trade_name in words
    assert "Never" in words


def fail_a_job(session: PortalSession, task: str = "payments.refund") -> int:
    """A job that a worker gave up."""
    with acting_as("portal_worker", session):
        statement = """INSERT INTO procrastinate_jobs (queue_name, task_name, status)
            VALUES ('money', :task, 'failed') RETURNING id"""
        job = session.scalar(text(statement), {"task": task})
    session.commit()
    assert isinstance(job, int)
    return job


def test_a_job_that_failed_is_asked_for_again_once_and_that_is_kept(
    http: FlaskClient, session: PortalSession, otto: Staff
):
    job = fail_a_job(session)
    assert "payments.refund" in said(http.get("/operator/health"))
    again = f"/operator/jobs/{job}/retry"
    assert send(http, again, {}).status_code == 303
    assert "asked for this already" in heard(send(http, again, {}))
    with acting_as("portal_worker", session):
        query = "SELECT args ->> 'job_id' FROM procrastinate_jobs WHERE task_name = :task"
        asked = session.scalars(text(query), {"task": "jobs.retry_failed"}).all()
    assert asked == [str(job)]
    words = said(http.get("/operator/events?kind=job_retried"))
    assert "Otto Berg" in words
    assert f"payments.refund {job}" in words
    assert http.get(f"/operator/jobs/{job + 1}/retry").status_code == 404


def test_a_lock_out_names_nobody_and_is_lifted_with_a_reason(
    http: FlaskClient, session: PortalSession, settings: Settings, otto: Staff
):
    for _ in range(5):
        send(http.application.test_client(), "/log-in", WRONG)
    page = http.get("/operator/lock-outs")
    assert WRONG["email"] not in page.get_data(as_text=True)
    assert "Log-in of one member of staff" in said(page)
    mark = settings.keys.peppered("attempts", b"log_in", WRONG["email"].encode()).hex()
    lift = f"/operator/lock-outs/log_in/{mark}/lift"
    assert send(http, lift, {"reason": ""}).status_code == 422
    assert send(http, lift, {"reason": "She called and proved who she is"}).status_code == 303
    assert "Nobody is locked out" in said(http.get("/operator/lock-outs"))
    assert http.get("/operator/lock-outs?q=a%00b").status_code == 200
    assert "She called and proved" in said(http.get("/operator/events"))
    assert http.get(lift).status_code == 404


def test_whom_a_lock_out_holds_is_found_by_the_address_that_they_say(
    http: FlaskClient, session: PortalSession, client: Client, otto: Staff, settings: Settings
):
    """Exactly, whatever door it is, and the page shows no more of it than its end."""
    sam = make_staff(session, Role.AGENT, client, email="sam@harbor-services.com")
    make_contact(session, debtor := make_debtor(session, client), address="dana@mail.example.com")
    link = make_link(session, debtor).link
    marks = [
        *((Mark(Scope.LOG_IN, sam.email), sam.email), (proof_mark(sam.id), sam.email)),
        (Mark(Scope.CALLER, str(debtor.id)), "Dana@mail.example.com "),
        (Mark(Scope.LINK, str(link.id)), "dana@mail.example.com"),
    ]
    for mark, _ in marks:
        for _time in range(5):
            attempts.take(session, settings.keys, [mark], now=NOW)
    for mark, typed in marks:
        page = http.get("/operator/lock-outs", query_string={"q": typed})
        words = page.get_data(as_text=True)
        assert say_of(mark.scope) in said(page)
        assert typed.strip().casefold() not in words.casefold()
        assert f"{typed[:1]}•••@" in words
        assert words.count("Lift it<") == 2
    other = http.get("/operator/lock-outs", query_string={"q": "sam@harbor-services.co"})
    assert "Nothing is closed for" in said(other)
    assert "Lift it<" not in other.get_data(as_text=True)


def test_a_network_that_waits_is_found_by_its_address(
    http: FlaskClient, session: PortalSession, otto: Staff, settings: Settings
):
    for _time in range(100):
        attempts.take(session, settings.keys, [attempts.network("203.0.113.9")], now=NOW)
    page = http.get("/operator/lock-outs?q=203.0.113.9")
    assert say_of(Scope.NETWORK) in said(page)
    assert "Nothing is closed" in said(http.get("/operator/lock-outs?q=203.0.113.10"))


def test_everything_that_is_counted_has_its_words():
    assert set(SCOPES) == set(Scope)


def say_of(scope: Scope) -> str:
    return SCOPES[scope]


def test_who_asked_for_another_clients_account_is_read_with_whose_it_is(
    http: FlaskClient, session: PortalSession, client: Client, otto: Staff
):
    """A-2: to the agent it is as if absent; the operator reads what it was."""
    theirs = make_client(session, trade_name="Harbor Recovery")
    account = make_account(session, make_debtor(session, theirs), reference="HR-777")
    sam = make_staff(session, Role.AGENT, client, name="Sam Ortiz")
    session.commit()
    agent = enter(http.application.test_client(), session, sam)
    session.commit()
    assert agent.get(f"/support/accounts/{account.id}").status_code == 404
    assert agent.get("/operator").status_code == 403
    words = said(http.get(f"/operator/events?staff={sam.id}"))
    assert "Account HR-777 · Harbor Recovery" in words
    assert "Asked for what is not there for them" in words
    assert "GET operator.home" in words


def test_only_an_operators_session_reads_what_functions_tell(
    session: PortalSession, client: Client
):
    """Row-level security: the web as an agent gets nothing of jobs and events."""
    from portal.db import set_staff

    sam = make_staff(session, Role.AGENT, client)
    fail_a_job(session)
    set_staff(session, sam.id)
    assert operating.failed_jobs(session) == []
    assert operating.jobs_by_task(session) == []
    assert operating.workers(session) == []
    otto = make_staff(session, Role.OPERATOR)
    set_staff(session, otto.id)
    assert len(operating.failed_jobs(session)) == 1
