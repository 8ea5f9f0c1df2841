"""The same answer to a text that a carrier hands over twice at once (EC-06)."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from sqlalchemy import Engine, text

from portal.db import make_engine, tenant_session
from portal.models import Channel, ContactStop
from portal.services.answered_texts import Answer, take_text
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


def test_ec_06_one_stop_told_twice_at_once_is_confirmed_once(fresh_db: Database) -> None:
    """EC-06"""
    engine = make_engine(fresh_db.url("portal_app"))
    with tenant_session(engine) as session:
        client = make_client(session)
        debtor = make_debtor(session, client)
        make_account(session, debtor)
        make_contact(session, debtor, channel=Channel.SMS, address=PHONE)
        session.commit()
    watcher = make_engine(fresh_db.admin, isolation_level="AUTOCOMMIT")
    with tenant_session(engine, [client.id]) as first, ThreadPoolExecutor(1) as pool:
        assert take_text(first, client.id, PHONE, "STOP", now=NOW) is not None
        second = pool.submit(take, engine, client.id)
        with watcher.connect() as looking:
            while not second.done() and not looking.scalar(WAITS):
                pass
        first.commit()
        assert second.result() is None
    with tenant_session(engine, [client.id]) as session:
        assert session.query(ContactStop).count() == 1
    engine.dispose()
    watcher.dispose()
