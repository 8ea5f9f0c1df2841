"""What is owed is on the record from the day that a file says so."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from portal.db import PortalSession
from portal.domain.evidence import format_time
from portal.models import Account, LedgerEntry
from portal.services import evidence
from portal.services.openings import open_ledger
from portal.services.verify import verify_client
from tests.factories import NOW, make_client
from tests.services.placing import Placer, row

LATER = NOW + timedelta(days=1)


@pytest.fixture
def placer(session: PortalSession, tmp_path: Path) -> Placer:
    """Places files with Northgate."""
    return Placer(session, make_client(session), tmp_path)


def account_of(placer: Placer, reference: str = "NG-1001") -> Account:
    found = select(Account).where(Account.reference == reference)
    return placer.session.scalars(found.execution_options(populate_existing=True)).one()


def told(placer: Placer, reference: str = "NG-1001") -> list[tuple[str, int, str, str]]:
    """Type, cents, currency and time of each leaf of an account."""
    leaves = evidence.account_leaves(placer.session, account_of(placer, reference))
    names = ("amount_cents", "currency", "effective_at")
    return [(one.type, *(one.payload[name] for name in names)) for one in leaves]


def broken(placer: Placer) -> list[str]:
    return [one.invariant for one in verify_client(placer.session, placer.client.id)]


def test_a_placed_account_begins_its_record_with_what_is_owed(placer: Placer) -> None:
    placer.rows(row(), row(account_number="NG-1002", first_name="Ana", current_balance="5.00"))
    at = format_time(NOW)
    assert told(placer) == [("account.placed", 124_000, "USD", at)]
    assert told(placer, "NG-1002") == [("account.placed", 500, "USD", at)]
    entries = placer.session.scalars(select(LedgerEntry)).all()
    (first,) = evidence.account_leaves(placer.session, account_of(placer))
    assert first.payload["entry"] in {str(one.id) for one in entries}
    assert broken(placer) == []


def test_a_later_file_adds_its_difference_to_the_record(placer: Placer) -> None:
    placer.row()
    placer.row(now=LATER, current_balance="1200.00")
    at = format_time(LATER)
    assert told(placer)[1:] == [("balance.adjusted", -4_000, "USD", at)]
    assert broken(placer) == []


def test_a_file_placed_after_the_clock_was_set_back_keeps_the_order_and_says_so(
    placer: Placer,
) -> None:
    placer.row(now=LATER)
    placer.row(now=NOW, current_balance="1200.00")
    leaves = evidence.account_leaves(placer.session, account_of(placer))
    assert [one.at for one in leaves] == [leaves[0].at] * 2
    assert leaves[1].payload["clock_held"] is True
    assert broken(placer) == []


def test_older_entries_are_stated_once(placer: Placer) -> None:
    client_id = placer.client.id
    assert open_ledger(placer.session, client_id, now=NOW)
    assert not open_ledger(placer.session, client_id, now=LATER)
    placer.row(now=LATER)
    assert broken(placer) == []
