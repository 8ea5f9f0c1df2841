"""A visit begins with the right answers and ends by the person, by time or by revocation."""

from datetime import timedelta

from sqlalchemy import select

from portal.db import PortalSession, Reading, set_tenant
from portal.models import DebtorSession
from portal.services import evidence
from portal.services.identity import Passed
from portal.services.links import OpenedLink, accounts_of, open_token, revoke_link
from portal.services.visits import Browser, end_visit, find_visit, start_visit
from tests.factories import KEYS, NOW, make_client, make_debtor, make_link
from tests.statements import statements

PHONE = Browser("203.0.113.9", "Mozilla/5.0 (a phone)")


def begun(session: PortalSession) -> tuple[OpenedLink, str]:
    debtor = make_debtor(session, make_client(session))
    opened = open_token(session, make_link(session, debtor).token, keys=KEYS, now=NOW)
    assert opened is not None
    passed = Passed("date_of_birth+postal_code", 2)
    _, token = start_visit(session, opened, passed, browser=PHONE, now=NOW)
    return opened, token


def test_a_visit_is_found_whole_by_one_statement(session: PortalSession, read: Reading):
    opened, token = begun(session)
    session.flush()
    set_tenant(session)
    with statements() as seen:
        found = find_visit(read, token, now=NOW)
    assert len([one for one in seen if "SAVEPOINT" not in one]) == 1
    assert found is not None
    assert found.open
    assert found.visit.debtor_id == opened.debtor.id
    assert found.visit.identity_method == "date_of_birth+postal_code"
    assert (found.visit.ip, found.visit.user_agent) == (PHONE.ip, PHONE.user_agent)
    assert found.face["sender_name"] == "Harbor Services"


def test_what_a_page_reads_beside_the_visit_is_its_own_clients_alone(
    session: PortalSession, read: Reading
):
    opened, token = begun(session)
    make_debtor(session, make_client(session, slug="other"))
    session.flush()
    everybody = "SELECT array_agg(debtor.id ORDER BY debtor.id) FROM debtor"
    with statements() as seen:
        found = find_visit(read, token, now=NOW, beside=everybody)
    assert len([one for one in seen if "SAVEPOINT" not in one]) == 1
    assert found is not None
    assert found.beside == ([opened.debtor.id],)


def test_only_the_hash_of_the_token_is_kept(session: PortalSession, read: Reading):
    _, token = begun(session)
    row = session.scalars(select(DebtorSession)).one()
    assert len(token) == 43
    assert token.encode() not in row.token_hash
    assert find_visit(read, row.token_hash.hex(), now=NOW) is None


def test_an_unknown_token_finds_nothing_and_shows_nothing(session: PortalSession, read: Reading):
    begun(session)
    for token in ("", "x" * 43, "é", "\x00" * 43, "A" * 65536):
        assert find_visit(read, token, now=NOW) is None


def test_a_visit_ends_after_twelve_hours(session: PortalSession, read: Reading):
    _, token = begun(session)
    last = NOW + timedelta(hours=12)
    assert find_visit(read, token, now=last - timedelta(seconds=1)).open
    assert not find_visit(read, token, now=last).open


def test_a_visit_ends_when_the_person_closes_it(session: PortalSession, read: Reading):
    _, token = begun(session)
    found = find_visit(read, token, now=NOW)
    assert found is not None
    end_visit(session, found.visit, now=NOW)
    end_visit(session, found.visit, now=NOW + timedelta(hours=1))
    session.expire_all()
    assert not find_visit(read, token, now=NOW).open
    assert session.scalars(select(DebtorSession)).one().ended_at == NOW


def test_a_visit_ends_when_its_link_is_revoked(session: PortalSession, read: Reading):
    opened, token = begun(session)
    revoke_link(session, opened.link, reason="resent", actor=evidence.SYSTEM, now=NOW)
    session.flush()
    assert not find_visit(read, token, now=NOW).open


def test_passing_is_on_the_record_of_each_account(session: PortalSession):
    opened, _ = begun(session)
    for account in accounts_of(session, opened.debtor):
        leaf = evidence.account_leaves(session, account)[-1]
        assert leaf.type == "identity.passed"
        assert leaf.payload["method"] == "date_of_birth+postal_code"
        assert leaf.payload["actor"] == {"kind": "debtor", "id": str(opened.debtor.id)}
    assert opened.link.verified_at == NOW
