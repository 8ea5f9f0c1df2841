"""Accounts that a client takes back."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from portal.db import PortalSession
from portal.models import AccessLink, Account, Client, Placement, PlacementRow
from portal.services import evidence
from portal.services.placements import inspect_file, listed, read_recall, recall
from portal.services.placements.files import FileEmpty
from portal.services.placements.headers import ColumnMissing
from portal.services.placements.manifest import manifest_of
from tests.factories import NOW, make_account, make_client, make_debtor, make_link
from tests.services.paying import Till, make_plan, parts_of

LATER = NOW + timedelta(days=1)


def test_a_recall_ends_what_runs_and_keeps_the_balance_on_record(till: Till) -> None:
    agreed = make_plan(till, (620_00, 620_00))
    client = till.session.get_one(Client, till.account.client_id)
    report = recall(till.session, client, listed([till.account.reference]), now=LATER)
    till.session.expire_all()
    assert (report.rows, report.recalled) == (1, 1)
    assert (till.account.status, till.account.recalled_at) == ("recalled", LATER)
    assert till.balance == 1240_00
    assert (str(agreed.status), agreed.ended_reason) == ("canceled", "account_recalled")
    assert {str(part.status) for part in parts_of(till, agreed)} == {"canceled"}
    types = [entry.type for entry in evidence.account_leaves(till.session, till.account)]
    assert types[-2:] == ["arrangement.canceled", "account.recalled"]
    assert till.broken() == []


def test_a_recall_has_its_rows_and_one_leaf(session: PortalSession) -> None:
    client = make_client(session)
    account = make_account(session, make_debtor(session, client))
    wanted = listed([account.reference, "nobody", account.reference])
    report = recall(session, client, wanted, now=LATER)
    assert (report.rows, report.recalled, report.unchanged, report.refused) == (3, 1, 1, 1)
    placement = session.get_one(Placement, (client.id, report.placement_id))
    leaf = evidence.chain_leaves(session, client.id, client.chain_id)[-1]
    assert (leaf.type, leaf.payload["kind"]) == ("placement.completed", "recalled")
    assert leaf.payload["manifest_sha256"] == manifest_of(session, placement)
    told = session.scalars(
        select(PlacementRow)
        .where(PlacementRow.placement_id == placement.id)
        .order_by(PlacementRow.line)
    ).all()
    assert [row.outcome for row in told] == ["recalled", "refused", "unchanged"]
    assert "no account with that number" in (told[1].reason or "")
    again = recall(session, client, listed([account.reference]), now=LATER)
    assert (again.recalled, again.unchanged) == (0, 1)


def test_links_close_once_nothing_of_the_debtors_is_left(session: PortalSession) -> None:
    client = make_client(session)
    debtor = make_debtor(session, client)
    accounts = [make_account(session, debtor) for _ in range(2)]
    link = make_link(session, debtor).link
    recall(session, client, listed([accounts[0].reference]), now=LATER)
    session.refresh(link)
    assert link.revoked_at is None
    recall(session, client, listed([accounts[1].reference]), now=LATER)
    session.refresh(link)
    assert (link.revoked_at, link.revoked_reason) == (LATER, "account_recalled")
    assert session.scalars(select(AccessLink)).one() is link


def test_a_payment_on_its_way_is_put_before_a_person(till: Till) -> None:
    till.start(40_00)
    client = till.session.get_one(Client, till.account.client_id)
    recall(till.session, client, listed([till.account.reference]), now=LATER)
    assert till.questions == ["recalled_while_paying"]


def test_a_paid_account_is_not_taken_back(till: Till) -> None:
    till.pay(till.start(1240_00))
    till.land(till.newest())
    client = till.session.get_one(Client, till.account.client_id)
    report = recall(till.session, client, listed([till.account.reference]), now=LATER)
    assert (report.recalled, report.refused) == (0, 1)
    assert "Nothing is owed" in (report.first_refusals[0][4] or "")


@pytest.mark.parametrize(
    "text",
    [
        "account_number,why\nNG-1,x\nNG-2,\n",
        "why;Account Number\nx;NG-1\n;NG-2",
        "NG-1\nNG-2\n",
        "\ufeffacct\r\nNG-1\r\nNG-2\r\n",
    ],
)
def test_a_recall_file_has_a_column_of_numbers_or_is_one(tmp_path: Path, text: str) -> None:
    path = tmp_path / "back.csv"
    path.write_text(text)
    wanted = read_recall(inspect_file(path), {})
    assert [reference for _, reference in wanted.lines] == ["NG-1", "NG-2"]


def test_a_recall_file_without_numbers_is_refused(session: PortalSession, tmp_path: Path) -> None:
    client = make_client(session)
    path = tmp_path / "back.csv"
    path.write_text("name,why\nDana,x\n")
    with pytest.raises(ColumnMissing, match="no column for account number"):
        recall(session, client, read_recall(inspect_file(path), {}), now=NOW)
    path.write_text("account_number\n")
    with pytest.raises(FileEmpty):
        recall(session, client, read_recall(inspect_file(path), {}), now=NOW)
    assert session.scalars(select(Placement)).all() == []


def test_another_clients_account_is_nobodys(session: PortalSession) -> None:
    ours, theirs = make_client(session), make_client(session)
    account = make_account(session, make_debtor(session, theirs))
    report = recall(session, ours, listed([account.reference]), now=NOW)
    assert (report.recalled, report.refused) == (0, 1)
    assert session.get_one(Account, (theirs.id, account.id)).status == "open"
