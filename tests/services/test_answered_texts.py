"""The same answer to a text that a carrier hands over twice at once (EC-06)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from sqlalchemy import Engine, text

from portal.db import make_engine, tenant_session
from portal.models import Channel, ContactStop, Message
from portal.services.answered_texts import Answer, take_text
from portal.services.text_answers import keep_answer
from tests.databases import Database
from tests.factories import NOW, make_account, make_client, make_contact, make_debtor

PHONE = "+15032260100"
WAITS = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE wait_event_type = 'Lock' AND datname = current_database()"
)


def take(engine: Engine, client_id: UUID) -> Answer | None:
    with tenant_session(engine, [client_id]) as session:
        answer = take_text(session, client_id, PHONE, "STOP", now=NOW)
        session.commit()
        return answer


@pytest.fixture
def engine(fresh_db: Database) -> Iterator[Engine]:
    """The web's own connections."""
    engine = make_engine(fresh_db.url("portal_app"))
    yield engine
    engine.dispose()


def a_phone(engine: Engine) -> UUID:
    """A client with one debtor who has the phone."""
    with tenant_session(engine) as session:
        client = make_client(session)
        debtor = make_debtor(session, client)
        make_account(session, debtor)
        make_contact(session, debtor, channel=Channel.SMS, address=PHONE)
        session.commit()
        return client.id


def answered(engine: Engine, client_id: UUID) -> bool:
    with tenant_session(engine, [client_id]) as session:
        answer = take_text(session, client_id, PHONE, "In a meeting", now=NOW)
        assert answer is not None
        session.commit()
        goes = keep_answer(session, answer, PHONE, "A person reads it.", now=NOW)
        session.commit()
        return goes


def test_ec_09_texts_at_once_get_one_answer(engine: Engine) -> None:
    """EC-09: and what went back is kept once."""
    client_id = a_phone(engine)
    with ThreadPoolExecutor(4) as pool:
        goes = list(pool.map(lambda _: answered(engine, client_id), range(4)))
    assert sorted(goes) == [False, False, False, True]
    with tenant_session(engine, [client_id]) as session:
        assert session.query(Message).count() == 1


def test_ec_06_one_stop_told_twice_at_once_is_confirmed_once(
    fresh_db: Database, engine: Engine
) -> None:
    """EC-06"""
    client_id = a_phone(engine)
    watcher = make_engine(fresh_db.admin, isolation_level="AUTOCOMMIT")
    with tenant_session(engine, [client_id]) as first, ThreadPoolExecutor(1) as pool:
        assert take_text(first, client_id, PHONE, "STOP", now=NOW) is not None
        second = pool.submit(take, engine, client_id)
        with watcher.connect() as looking:
            while not second.done() and not looking.scalar(WAITS):
                pass
        first.commit()
        assert second.result() is None
    with tenant_session(engine, [client_id]) as session:
        assert session.query(ContactStop).count() == 1
    watcher.dispose()
