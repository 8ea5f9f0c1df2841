"""The demo's examples: each account shows the cause that it is named after."""

import csv
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.db import PortalSession, set_tenant
from portal.demo import counter
from portal.demo.examples import ACTS, CARDS, CLIENT, FILE, prepare
from portal.models import Account, Payment, Role
from portal.runtime import Runtime
from portal.services.demo_staff import STAFF
from portal.services.diagnosis import why
from portal.services.evidence import account_leaves
from tests.factories import NOW, make_account, make_client, make_debtor, make_policy
from tests.pages.reading import heard, said
from tests.pages.staff import enter, make_staff


@pytest.fixture
def examples(runtime: Runtime, session: PortalSession) -> list[Account]:
    """The accounts of the file, once what keeps their people out has happened."""
    client = make_client(session, slug=CLIENT, sms_enabled=True)
    make_policy(session, client)
    session.commit()
    prepare(runtime)
    set_tenant(session, client.id)
    return list(session.query(Account))


def test_each_shows_the_cause_that_it_is_named_after(
    runtime: Runtime, session: PortalSession, examples: list[Account]
):
    assert len(examples) >= 15 + len(CARDS)
    assert {one.reference for one in examples} >= {*ACTS, *CARDS}
    keys, now = runtime.settings.keys, runtime.clock.now()
    for account in examples:
        causes = [one.cause.code for one in why(session, account, keys=keys, now=now)]
        if account.reference not in CARDS:
            assert account.reference[3:].lower().replace("-", "_") in causes


def test_what_happened_happens_once(
    runtime: Runtime, session: PortalSession, examples: list[Account]
):
    before = [len(account_leaves(session, one)) for one in examples]
    prepare(runtime)
    set_tenant(session, examples[0].client_id)
    assert [len(account_leaves(session, one)) for one in examples] == before


def test_support_finds_them_by_name(
    http: FlaskClient, session: PortalSession, examples: list[Account]
):
    with FILE.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    enter(http, session, make_staff(session, Role.OPERATOR))
    assert "Examples of why somebody cannot pay" in said(http.get("/support"))
    found = said(http.get("/support?q=example"))
    assert all(row["account_number"] in found for row in rows)


def test_a_check_waits_for_a_second_person_and_another_counts(
    runtime: Runtime, session: PortalSession, http: FlaskClient
):
    client = make_client(session, slug=CLIENT)
    make_policy(session, client)
    for reference in counter.CHECKS:
        debtor = make_debtor(session, client)
        make_account(session, debtor, reference=reference, placed_at=NOW - timedelta(days=9))
    agent = next(one for one in STAFF if one.role is Role.AGENT)
    make_staff(session, Role.AGENT, client, email=agent.email, name=agent.name)
    session.commit()
    for _ in range(2):
        counter.receive(runtime)
    enter(http, session, make_staff(session, Role.SUPERVISOR, client))
    queue = heard(http.get("/support/queues/second-looks"))
    assert queue.count("$750.00") == 1
    assert f"Asked by {agent.name}" in queue
    set_tenant(session, client.id)
    (counts,) = session.scalars(select(Payment).where(Payment.counter_kind.is_not(None)))
    assert counts.amount_cents == 60_00
