"""A request that two people act on at once: both take the account first, so neither is refused."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Engine, select, text

from portal.db import make_engine, tenant_session
from portal.domain.help import Topic
from portal.models import Account, HelpRequest
from portal.services.help import Answers, add_to_request, open_request
from portal.services.ledger import lock_account
from tests.databases import Database
from tests.factories import NOW, make_account, make_client, make_debtor, make_visit

WAITS = text(
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE wait_event_type = 'Lock' AND datname = current_database()"
)


def add(engine: Engine, account: Account) -> None:
    with tenant_session(engine, [account.client_id]) as session:
        request = session.scalars(select(HelpRequest)).one()
        add_to_request(session, request, "One more thing", now=NOW)
        session.commit()


def test_who_adds_to_a_request_waits_for_its_account_and_holds_nothing(fresh_db: Database) -> None:
    """Whoever holds the account may take the request too; neither waits for the other."""
    engine = make_engine(fresh_db.url("portal_app"))
    watcher = make_engine(fresh_db.admin, isolation_level="AUTOCOMMIT")
    with tenant_session(engine) as session:
        account = make_account(session, make_debtor(session, make_client(session)))
        visit = make_visit(session, account)
        open_request(session, account, Topic.ALREADY_PAID, Answers(), by=visit, now=NOW)
        session.commit()
    with tenant_session(engine, [account.client_id]) as first, ThreadPoolExecutor(1) as pool:
        lock_account(first, account.id)
        second = pool.submit(add, engine, account)
        with watcher.connect() as looking:
            while not second.done() and not looking.scalar(WAITS):
                pass
        request = first.scalars(select(HelpRequest).with_for_update(nowait=True)).one()
        assert request.topic == Topic.ALREADY_PAID
        first.commit()
        second.result()
    engine.dispose()
    watcher.dispose()
