"""What is owed is on the record from the day that a file says so."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from portal.db import PortalSession
from portal.services.openings import open_ledger
from portal.services.verify import verify_client
from tests.databases import acting_as
from tests.factories import NOW, make_client
from tests.services.placing import Placer, row

LATER = NOW + timedelta(days=1)
BALANCES = text(
    "UPDATE account a SET balance_cents = coalesce((SELECT sum(amount_cents)"
    " FROM ledger_entry l WHERE l.account_id = a.id), 0)"
)
OF_FILES = "the entries of a placement are those that its leaf states"


@pytest.fixture
def placer(session: PortalSession, tmp_path: Path) -> Placer:
    """Places files with Northgate."""
    return Placer(session, make_client(session), tmp_path)


def broken(placer: Placer) -> list[str]:
    return [one.invariant for one in verify_client(placer.session, placer.client.id)]


def test_a_file_and_a_later_one_stand_on_the_record_with_what_they_say_is_owed(
    placer: Placer,
) -> None:
    placer.rows(row(), row(account_number="NG-1002", first_name="Ana", current_balance="5.00"))
    placer.row(now=LATER, current_balance="1200.00")
    placer.row(now=LATER + timedelta(days=1), current_balance="1200.00")
    assert broken(placer) == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ledger_entry SET amount_cents = amount_cents - 100",
        "UPDATE ledger_entry SET kind = 'adjusted'",
        "DELETE FROM ledger_entry",
        "INSERT INTO ledger_entry SELECT (jsonb_populate_record(l, jsonb_build_object("
        "'id', gen_random_uuid(), 'kind', 'adjusted'))).* FROM ledger_entry l",
    ],
)
def test_whoever_changes_what_a_file_said_is_owed_contradicts_its_leaf(
    placer: Placer, change: str
) -> None:
    placer.row()
    with acting_as("postgres", placer.session):
        placer.session.execute(text("SET LOCAL session_replication_role = replica"))
        placer.session.execute(text(change))
        placer.session.execute(BALANCES)
        placer.session.execute(text("SET LOCAL session_replication_role = origin"))
    assert OF_FILES in broken(placer)


def test_older_entries_are_stated_once(placer: Placer) -> None:
    client_id = placer.client.id
    assert open_ledger(placer.session, client_id, now=NOW)
    assert not open_ledger(placer.session, client_id, now=LATER)
    placer.row(now=LATER)
    assert broken(placer) == []
