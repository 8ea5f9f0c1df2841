"""Placing again: nothing changes twice, facts follow the file, balances move by its own figures."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from portal.db import PortalSession, set_hook
from portal.domain.money import Cents
from portal.models import (
    Account,
    Client,
    Contact,
    Debtor,
    Leaf,
    LedgerEntry,
    MoneyException,
    Placement,
    PlacementRow,
    PlacementStatus,
)
from portal.services import evidence
from portal.services.contact_wishes import choose_language, on_portal
from portal.services.placements import listed, recall
from portal.services.placements.manifest import manifest_of
from portal.services.verify import verify_client
from tests.factories import NOW, make_client, make_policy
from tests.services.paying import Till, make_plan, parts_of
from tests.services.placing import DATA, Placer, row, text_of
from tests.services.test_proposals import suggest

LATER = NOW + timedelta(days=7)


@pytest.fixture
def placer(session: PortalSession, tmp_path: Path) -> Placer:
    return Placer(session, make_client(session), tmp_path)


@pytest.fixture
def desk(till: Till, tmp_path: Path) -> Placer:
    """Places again the account that Dana pays at the till."""
    client = till.session.get_one(Client, till.account.client_id)
    placer = Placer(till.session, client, tmp_path)  # type: ignore[arg-type]
    assert again(placer, till, "1240.00").updated == 1
    return placer


def again(placer: Placer, till: Till, balance: str) -> Any:
    report = placer.row(account_number=till.account.reference, current_balance=balance)
    till.session.expire_all()
    return report


def account_of(placer: Placer, reference: str = "NG-1001") -> Account:
    found = select(Account).where(Account.reference == reference)
    return placer.session.scalars(found.execution_options(populate_existing=True)).one()


def debtor_of(placer: Placer, reference: str) -> Debtor:
    account = account_of(placer, reference)
    key = (account.client_id, account.debtor_id)
    return placer.session.get_one(Debtor, key, populate_existing=True)


def entries(placer: Placer, reference: str = "NG-1001") -> list[tuple[str, int]]:
    account = account_of(placer, reference)
    found = placer.session.scalars(
        select(LedgerEntry).where(LedgerEntry.account_id == account.id).order_by(LedgerEntry.id)
    )
    return [(str(entry.kind), entry.amount_cents) for entry in found]


def everything(placer: Placer) -> list[list[tuple[Any, ...]]]:
    """Every row that a placement could have touched, but for the placements themselves."""
    tables = (Account, Debtor, Contact, LedgerEntry, MoneyException)
    return [
        [tuple(found) for found in placer.session.execute(select(kind.__table__).order_by("id"))]
        for kind in tables
    ]


def test_the_same_file_twice_changes_nothing(placer: Placer) -> None:
    placer.file(DATA / "placement.csv")
    before = everything(placer)
    report = placer.file(DATA / "placement.csv", LATER)
    assert (report.unchanged, report.landed, report.updated) == (1000, 0, 0)
    assert everything(placer) == before


def test_the_same_rows_written_otherwise_change_nothing(placer: Placer) -> None:
    placer.row()
    given = row(
        default_date="05/01/2026",
        itemization_balance="$1,240.00",
        current_balance="1240",
        phone="+1 (212) 555-0142",
        email="DANA@Example.com ",
        region="New York",
        country="usa",
    )
    assert placer.text("\ufeff" + text_of(given, delimiter=";")).unchanged == 1


def test_an_updated_row_updates_facts_and_the_debtor_but_not_the_itemization(
    placer: Placer,
) -> None:
    placer.row(interest_since="40.00", itemization_balance="1200.00")
    report = placer.row(
        now=LATER,
        product="gas",
        address_1="9 Oak Street",
        postal_code="12208",
        sol_expires_on="2031-05-01",
        itemization_date="2026-05-01",
    )
    account, debtor = account_of(placer), debtor_of(placer, "NG-1001")
    assert report.updated == 1
    assert (account.product, str(account.sol_expires_on)) == ("gas", "2031-05-01")
    assert (str(account.itemization_on), account.interest_cents) == ("2026-04-01", 4_000)
    assert (debtor.address_line, debtor.postal_code) == ("9 Oak Street", "12208")
    assert entries(placer) == [("placed", 124_000)]
    assert account.updated_at == LATER


def test_what_a_later_file_leaves_blank_stays_on_file(placer: Placer) -> None:
    placer.row(validation_notice_sent_on="2026-11-23", sol_expires_on="2031-05-01")
    before = debtor_of(placer, "NG-1001").date_of_birth_hash
    placer.row(now=LATER, date_of_birth="", email="", phone="", city="", sol_expires_on="")
    account, debtor = account_of(placer), debtor_of(placer, "NG-1001")
    assert debtor.date_of_birth_hash == before is not None
    assert (debtor.city, str(account.sol_expires_on)) == ("Albany", "2031-05-01")
    assert str(account.validation_ends_on) == "2026-12-31"
    live = placer.session.scalars(select(Contact).where(Contact.retired_at.is_(None)))
    assert len(live.all()) == 2


def test_a_language_that_its_reader_chose_outlives_every_file(placer: Placer) -> None:
    """AX-04, CA-04"""
    placer.row(language="fr")
    debtor = debtor_of(placer, "NG-1001")
    placer.row(now=LATER, language="es")
    placer.session.refresh(debtor)
    assert debtor.language == "es"
    choose_language(placer.session, debtor, "en", told=on_portal(debtor), now=LATER)
    placer.row(now=LATER, language="fr", phone="212-555-0199")
    placer.session.refresh(debtor)
    assert debtor.language == "en"


def test_the_end_of_the_validation_period_is_never_shortened_VN_03(placer: Placer) -> None:  # noqa: N802
    placer.row(validation_notice_sent_on="2026-11-23")
    placer.row(now=LATER, validation_notice_sent_on="2026-10-01")
    account = account_of(placer)
    assert (str(account.validation_notice_sent_on), str(account.validation_ends_on)) == (
        "2026-10-01",
        "2026-12-31",
    )


def test_a_new_address_retires_the_one_it_replaces_and_an_old_one_comes_back(
    placer: Placer,
) -> None:
    placer.row()

    def live() -> set[str]:
        found = select(Contact.address).where(Contact.retired_at.is_(None))
        return set(placer.session.scalars(found))

    placer.row(now=LATER, email="dana.reyes@example.org")
    assert live() == {"dana.reyes@example.org", "+12125550142"}
    placer.row(now=LATER, email="dana@example.com")
    assert live() == {"dana@example.com", "+12125550142"}
    assert placer.session.scalar(select(func.count()).select_from(Contact)) == 3


def test_a_changed_balance_posts_the_difference_to_the_last_placed_one(placer: Placer) -> None:
    placer.row(current_balance="1240.00")
    placer.row(now=LATER, current_balance="1300.00")
    placer.row(now=LATER, current_balance="1000.00")
    account = account_of(placer)
    assert entries(placer) == [("placed", 124_000), ("adjusted", 6_000), ("adjusted", -30_000)]
    assert (account.balance_cents, account.last_placed_cents) == (100_000, 100_000)
    assert account.itemized_cents == 124_000
    assert list(verify_client(placer.session, placer.client.id)) == []


def test_payments_made_here_stay_when_the_client_sends_a_new_balance(
    till: Till, desk: Placer
) -> None:
    till.pay(till.start(40_00))
    till.land(till.newest())
    assert again(desk, till, "1300.00").updated == 1
    assert (till.balance, till.account.last_placed_cents) == (1260_00, 1300_00)
    assert till.entries == [("payment", -40_00), ("adjusted", 60_00)]
    assert till.broken() == []


def test_a_changed_balance_waits_while_a_payment_is_open(till: Till, desk: Placer) -> None:
    payment = till.start(40_00)
    report = again(desk, till, "1300.00")
    assert (report.updated, report.held) == (1, 1)
    assert (till.balance, till.account.last_placed_cents) == (1240_00, 1240_00)
    (question,) = till.all(MoneyException)
    assert question.kind == "placed_balance"
    assert "A payment is on its way" in question.detail
    assert again(desk, till, "1300.00").unchanged == 1
    assert len(till.all(MoneyException)) == 1
    till.pay(payment)
    till.land(payment)
    assert again(desk, till, "1300.00").updated == 1
    assert (till.balance, till.account.last_placed_cents) == (1260_00, 1300_00)
    till.session.refresh(question)
    assert question.resolved_at is not None
    assert till.broken() == []


def test_facts_are_updated_while_the_balance_waits(till: Till, desk: Placer) -> None:
    till.start(40_00)
    given = {"account_number": till.account.reference, "product": "gas"}
    assert desk.row(**given, current_balance="1300.00").held == 1
    till.session.refresh(till.account)
    assert (till.account.product, till.account.balance_cents) == ("gas", 1240_00)
    told = till.session.scalars(select(PlacementRow).where(PlacementRow.outcome == "held")).one()
    assert "A payment is on its way" in (told.reason or "")


def test_a_balance_below_what_was_paid_here_waits_for_a_person(till: Till, desk: Placer) -> None:
    till.pay(till.start(1000_00))
    till.land(till.newest())
    assert again(desk, till, "200.00").held == 1
    assert till.balance == 240_00
    assert again(desk, till, "1000.00").updated == 1
    assert (till.balance, till.account.status) == (0, "paid")
    assert again(desk, till, "1100.00").updated == 1
    assert (till.balance, till.account.status) == (100_00, "open")
    assert till.broken() == []


def test_a_settled_account_is_not_opened_by_a_new_balance(till: Till, desk: Placer) -> None:
    till.account.status = "settled"
    till.session.flush()
    assert again(desk, till, "1300.00").held == 1
    till.session.refresh(till.account)
    assert (till.account.status, till.account.balance_cents) == ("settled", 1240_00)


def test_a_balance_lowered_while_a_plan_runs_shortens_it_from_its_end(
    till: Till, desk: Placer
) -> None:
    agreed = make_plan(till, (310_00, 310_00, 310_00, 310_00), method="manual")
    assert again(desk, till, "700.00").updated == 1
    left = [(part.amount_cents, str(part.status)) for part in parts_of(till, agreed)]
    assert left == [
        (310_00, "scheduled"),
        (310_00, "scheduled"),
        (80_00, "scheduled"),
        (310_00, "canceled"),
    ]
    till.session.refresh(agreed)
    assert (agreed.total_cents, till.balance) == (700_00, 700_00)
    assert till.broken() == []


def test_a_balance_lowered_to_nothing_ends_a_suggestion(till: Till, desk: Placer) -> None:
    make_policy(till.session, till.session.get_one(Client, till.account.client_id))
    proposal = suggest(till.session, till.account)  # type: ignore[arg-type]
    till.session.commit()
    page = till.start(50_00)
    till.pay(page)
    till.land(page)
    assert again(desk, till, "50.00").updated == 1
    till.session.refresh(proposal)
    assert (till.account.status, proposal.answer_reason) == ("paid", "nothing_owed")
    assert till.broken() == []


def test_a_raised_balance_leaves_the_plan_as_it_was_agreed(till: Till, desk: Placer) -> None:
    agreed = make_plan(till, (310_00, 310_00, 310_00, 310_00), method="manual")
    again(desk, till, "1500.00")
    assert sum(part.amount_cents for part in parts_of(till, agreed)) == 1240_00
    assert till.balance == 1500_00


def test_another_currency_is_refused_for_an_account_that_has_one(placer: Placer) -> None:
    placer.row()
    placer.row(now=LATER, currency="CAD")
    assert placer.refusals[0].column == "currency"
    assert "was placed in USD" in placer.refusals[0].reason


def test_a_recalled_account_is_opened_by_placing_it_again(placer: Placer) -> None:
    placer.row()
    recall(placer.session, placer.client, listed(["NG-1001"]), now=NOW)
    assert account_of(placer).status == "recalled"
    report = placer.row(now=LATER, current_balance="1000.00")
    account = account_of(placer)
    assert report.updated == 1
    assert (account.status, account.recalled_at, account.balance_cents) == ("open", None, 100_000)
    recall(placer.session, placer.client, listed(["NG-1001"]), now=LATER)
    assert placer.row(now=LATER, current_balance="1000.00").updated == 1
    assert account_of(placer).status == "open"


def test_a_file_larger_than_a_batch_knows_its_twins_across_batches(placer: Placer) -> None:
    rows = [row(account_number=f"NG-{n}", email="", phone="") for n in range(5_003)]
    report = placer.rows(*rows, row(account_number="NG-7"))
    assert (report.landed, report.refused) == (5_003, 1)
    assert "stands in line 9 already" in placer.refusals[0].reason


class Stop(Exception):  # noqa: N818
    """The machine goes down."""


def test_an_interrupted_placement_keeps_its_batches_and_says_so(
    placer: Placer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.services.placements.placing.BATCH_ROWS", 2)
    batches = 0

    def stop_at_the_third(name: str) -> None:
        nonlocal batches
        batches += name == "before placement.batch"
        if batches == 3 and name == "before placement.batch":
            raise Stop

    rows = [row(account_number=f"NG-{n}") for n in range(7)]
    set_hook(stop_at_the_third)
    try:
        with pytest.raises(Stop):
            placer.rows(*rows)
    finally:
        set_hook(None)
    placement = placer.session.scalars(select(Placement)).one()
    assert (placement.status, placement.landed) == (PlacementStatus.INTERRUPTED, 4)
    leaves = evidence.chain_leaves(placer.session, placer.client.id, placer.client.chain_id)
    assert leaves[-1].type == "placement.interrupted"
    assert leaves[-1].payload["manifest_sha256"] == manifest_of(placer.session, placement)
    report = placer.rows(*rows, now=LATER)
    assert (report.landed, report.unchanged) == (3, 4)


def test_a_placement_that_was_cut_off_without_a_word_is_closed_by_the_next(
    placer: Placer,
) -> None:
    lost = placer.row().placement_id
    placement = placer.session.get_one(Placement, (placer.client.id, lost))
    placement.status, placement.completed_at = PlacementStatus.STARTED, None
    placer.session.flush()
    placer.row(now=NOW + timedelta(hours=1))
    assert placement.status == PlacementStatus.STARTED
    placer.row(now=LATER)
    placer.session.refresh(placement)
    assert placement.status == PlacementStatus.INTERRUPTED


def test_placements_of_one_client_never_touch_anothers(
    session: PortalSession, tmp_path: Path
) -> None:
    ours, theirs = make_client(session), make_client(session)
    Placer(session, ours, tmp_path).row(debtor_number="D-1")
    report = Placer(session, theirs, tmp_path).row(debtor_number="D-1", current_balance="5.00")
    assert report.landed == 1
    balances = session.execute(select(Account.client_id, Account.balance_cents))
    assert {tuple(found) for found in balances} == {
        (ours.id, Cents(124_000)),
        (theirs.id, Cents(500)),
    }
    assert session.scalar(select(func.count()).select_from(Leaf)) == 2
