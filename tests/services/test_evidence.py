"""Leaves are written with what they tell, hold each other, and cannot be changed."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import ProgrammingError

from portal.config import Settings
from portal.db import PortalSession, make_engine, tenant_session
from portal.domain import evidence as bytes_of
from portal.gateways import vault
from portal.gateways.vault import Unreadable, Vault
from portal.models import ChainKey, Debtor, Document, Leaf, LeafPayload
from portal.services import evidence
from portal.services.sealing import Opener, key_of, rewrap
from tests.databases import Database, acting_as
from tests.factories import NOW, make_account, make_client, make_dana


def stored(session: PortalSession) -> list[bytes]:
    return [body.encode() for body in session.scalars(select(Leaf.body).order_by(Leaf.n))]


def told(session: PortalSession) -> list[tuple[bytes, bytes]]:
    rows = session.execute(
        select(
            *(LeafPayload.chain_id, LeafPayload.key_id, LeafPayload.sealed, ChainKey.master),
            ChainKey.sealed.label("wrapped"),
        )
        .join(ChainKey, ChainKey.id == LeafPayload.key_id)
        .order_by(LeafPayload.n)
    )
    found = [evidence.opened(row, Opener()) for row in rows]
    return [one for one in found if one is not None]


def write(session: PortalSession, account, n: int, at: datetime = NOW) -> Leaf:  # type: ignore[no-untyped-def]
    return evidence.record(
        session,
        client_id=account.client_id,
        chain_id=account.chain_id,
        type="note.written",
        payload={"actor": evidence.SYSTEM, "number": n, "words": "José Ñandú 李 😀"},
        now=at,
    )


def test_leaves_of_one_chain_hold_each_other_and_commit_to_their_payload(
    session: PortalSession,
) -> None:
    account = make_dana(session)
    for n in range(3):
        leaf = write(session, account, n, NOW + timedelta(seconds=n))
        assert (leaf.n, bytes_of.leaf_hash(leaf.body.encode())) == (n, leaf.hash.hex())
    assert bytes_of.verify_chain(stored(session)) == 3
    kept = told(session)
    for n, (body, (salt, written)) in enumerate(zip(stored(session), kept, strict=True)):
        payload = bytes_of.verify_payload(bytes_of.parse_leaf(body), salt, written)
        assert payload["number"] == n
        assert (payload["type"], payload["v"]) == ("note.written", 1)
    assert len({salt for salt, _ in kept}) == 3


def test_what_a_leaf_commits_to_is_sealed_and_opens_with_the_key_of_its_chain_alone(
    session: PortalSession,
) -> None:
    """EV-07"""
    account = make_dana(session)
    other = make_account(session, session.get_one(Debtor, (account.client_id, account.debtor_id)))
    write(session, account, 0)
    write(session, other, 0)
    kept = session.scalars(select(LeafPayload)).all()
    assert all(b"note.written" not in row.sealed for row in kept)
    mine, theirs = (key_of(session, a.client_id, a.chain_id, NOW) for a in (account, other))
    assert mine != theirs
    sealed = next(row.sealed for row in kept if row.chain_id == account.chain_id)
    assert b"number" in vault.unseal(mine.secret, sealed, account.chain_id.bytes)
    with pytest.raises(Unreadable):
        vault.unseal(theirs.secret, sealed, account.chain_id.bytes)
    with pytest.raises(Unreadable):
        vault.unseal(mine.secret, sealed, other.chain_id.bytes)


def test_a_new_master_key_wraps_every_key_again_and_the_old_one_may_go(
    session: PortalSession,
) -> None:
    account = make_dana(session)
    write(session, account, 0)
    session.commit()
    before, new = vault.current(), b"n" * 32
    try:
        vault.use(Vault([new, *Settings.from_env({}).evidence_keys]))
        with acting_as("portal_worker", session):
            assert rewrap(session, account.client_id) == 1
            assert rewrap(session, account.client_id) == 0
        session.commit()
        vault.use(Vault([new]))
        assert evidence.account_leaves(session, account)[0].payload["number"] == 0
        vault.use(before)
        with pytest.raises(Unreadable, match="EVIDENCE_KEY has no key"):
            evidence.account_leaves(session, account)
    finally:
        vault.use(before)


def test_a_payload_without_an_actor_is_refused(session: PortalSession) -> None:
    account = make_dana(session)
    with pytest.raises(KeyError):
        evidence.record(
            session,
            client_id=account.client_id,
            chain_id=account.chain_id,
            type="note.written",
            payload={"number": 1},
            now=NOW,
        )


def test_a_clock_that_went_back_is_held_at_the_head(session: PortalSession) -> None:
    account = make_dana(session)
    write(session, account, 0, NOW)
    held = write(session, account, 1, NOW - timedelta(minutes=5))
    assert held.at == NOW
    entries = evidence.account_leaves(session, account)
    assert entries[1].payload["clock_held"] is True
    assert entries[1].payload["held_s"] == 300
    assert "clock_held" not in entries[0].payload
    assert bytes_of.verify_chain(stored(session)) == 2


def test_times_are_kept_to_the_millisecond_so_that_a_close_second_leaf_is_not_held(
    session: PortalSession,
) -> None:
    account = make_dana(session)
    write(session, account, 0, datetime(2026, 11, 23, 17, 5, 9, 123_999, UTC))
    write(session, account, 1, datetime(2026, 11, 23, 17, 5, 9, 123_001, UTC))
    first, second = evidence.account_leaves(session, account)
    assert first.at == second.at == datetime(2026, 11, 23, 17, 5, 9, 123_000, UTC)
    assert "clock_held" not in second.payload


def test_eight_writers_leave_one_chain_without_a_gap(fresh_db: Database) -> None:
    engine = make_engine(fresh_db.url("portal_app"), pool_size=8)
    with tenant_session(engine) as session:
        account = make_dana(session)
        session.commit()

    def writer(number: int) -> None:
        for n in range(5):
            with tenant_session(engine, [account.client_id]) as session:
                write(session, account, number * 5 + n, NOW + timedelta(milliseconds=n))
                session.commit()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(writer, range(8)))
    with tenant_session(engine, [account.client_id]) as session:
        assert bytes_of.verify_chain(stored(session)) == 40
        numbers = [entry.payload["number"] for entry in evidence.account_leaves(session, account)]
        assert sorted(numbers) == list(range(40))
    engine.dispose()


def test_a_rolled_back_leaf_leaves_no_trace(fresh_db: Database) -> None:
    engine = make_engine(fresh_db.url("portal_app"))
    with tenant_session(engine) as session:
        account = make_dana(session)
        write(session, account, 0)
        session.commit()
        write(session, account, 1)
        session.rollback()
        assert write(session, account, 2).n == 1
        session.commit()
        assert bytes_of.verify_chain(stored(session)) == 2
    engine.dispose()


@pytest.mark.parametrize("statement", ["UPDATE {} SET n = 7", "DELETE FROM {}", "TRUNCATE {}"])
@pytest.mark.parametrize("table", ["leaf", "leaf_payload", "document"])
def test_the_log_is_append_only(session: PortalSession, statement: str, table: str) -> None:
    account = make_dana(session)
    write(session, account, 0)
    if table == "document" and "SET n" in statement:
        statement = "UPDATE {} SET media = 'x'"
    with pytest.raises(ProgrammingError, match="permission denied"):
        session.execute(text(statement.format(table)))


def test_a_document_is_kept_once_under_its_own_hash(session: PortalSession) -> None:
    client = make_client(session)
    body = b"What you should know"
    chain = (client.id, client.chain_id)
    name = evidence.store_document(session, *chain, "text/html", body, NOW)
    assert evidence.store_document(session, *chain, "text/html", body, NOW) == name
    assert evidence.document(session, *chain, name) == evidence.Kept("text/html", body)
    assert body not in session.scalars(select(Document.sealed)).one()


def test_another_client_sees_neither_leaves_nor_documents(
    session: PortalSession, engine: Engine
) -> None:
    account = make_dana(session)
    write(session, account, 0)
    session.info["client_ids"] = ()
    session.execute(text("SELECT set_config('app.client_ids', '{}', true)"))
    assert evidence.chain_leaves(session, account.client_id, account.chain_id) == []
