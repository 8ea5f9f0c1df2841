"""Placements as a whole: both files of the field, what lands, what is refused and why."""

import csv
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select

from portal.db import PortalSession
from portal.domain.identity import Factor, join_value, keyed_hash
from portal.models import (
    Account,
    Contact,
    Debtor,
    Leaf,
    LedgerEntry,
    Placement,
    PlacementRow,
    PlacementStatus,
)
from portal.services import evidence
from portal.services.openings import entries_of
from portal.services.placements import RejectsFile, Watch, inspect_file, place_file
from portal.services.placements.defaults import DefaultsUnclear
from portal.services.placements.manifest import manifest_of
from portal.services.verify import verify_client
from tests.factories import BORN_ON, KEYS, LAST_FOUR, NOW, POSTAL_CODE, make_client, make_policy
from tests.services.placing import DATA, Placer, row


@pytest.fixture
def placer(session: PortalSession, tmp_path: Path) -> Placer:
    return Placer(session, make_client(session), tmp_path)


def the_account(placer: Placer, reference: str = "NG-1001") -> Account:
    return placer.session.scalars(
        select(Account)
        .where(Account.reference == reference)
        .execution_options(populate_existing=True)
    ).one()


def the_debtor(placer: Placer, reference: str = "NG-1001") -> Debtor:
    account = the_account(placer, reference)
    key = (account.client_id, account.debtor_id)
    return placer.session.get_one(Debtor, key, populate_existing=True)


def test_the_clean_file_lands_whole(placer: Placer) -> None:
    report = placer.file(DATA / "placement.csv")
    assert (report.rows, report.landed, report.refused, report.warned) == (1000, 1000, 0, 0)
    assert report.unverifiable == 0
    assert list(verify_client(placer.session, placer.client.id)) == []


def test_of_the_messy_file_172_rows_land_and_28_are_refused(placer: Placer) -> None:
    report = placer.file(DATA / "placement-messy.csv")
    assert (report.rows, report.landed, report.refused, report.warned) == (200, 172, 28, 8)
    kinds = Counter((refusal.column, refusal.reason.split(":")[0]) for refusal in placer.refusals)
    assert kinds == {
        ("Account Number", "This account stands in line 28 already"): 1,
        ("Account Number", "This account stands in line 78 already"): 1,
        ("Account Number", "This account stands in line 128 already"): 1,
        ("Account Number", "This account stands in line 178 already"): 1,
        ("Current Balance", "The balance must be more than zero"): 8,
        ("Current Balance", "The itemization comes to 825.98, not to the balance"): 1,
        ("Current Balance", "The itemization comes to 144.15, not to the balance"): 1,
        ("Current Balance", "The itemization comes to 3,155.26, not to the balance"): 1,
        ("Current Balance", "The itemization comes to 311.66, not to the balance"): 1,
        ("Current Balance", "The amount has more decimals than CAD has"): 3,
        ("Current Balance", "The amount has more decimals than USD has"): 1,
        ("Date Of Birth", "There is no such day"): 4,
        ("Region", "This is no state of the United States"): 3,
        ("Region", "This is no province of Canada"): 1,
    }
    values = Counter(refusal.value for refusal in placer.refusals)
    assert [values[v] for v in ("$0.00", "-12.50", "12.345", "ZZ", "02/30/1980")] == [4] * 5


def test_names_of_the_messy_file_are_text_whatever_they_look_like(placer: Placer) -> None:
    placer.file(DATA / "placement-messy.csv")
    names = Counter(placer.session.scalars(select(Debtor.first_name)))
    assert names['=HYPERLINK("http://x.example","pay")'] == 4
    last = Counter(placer.session.scalars(select(Debtor.last_name)))
    assert last["O’Ñandú-Łukasiewicz 李"] == 4


def test_a_row_becomes_a_debtor_an_account_contacts_and_a_ledger_entry(placer: Placer) -> None:
    report = placer.row(
        itemization_balance="1200.00", interest_since="50.00", payments_since="10.00"
    )
    account, debtor = the_account(placer), the_debtor(placer)
    assert report.landed == 1
    assert (account.balance_cents, account.last_placed_cents) == (124_000, 124_000)
    assert (account.itemization_cents, account.interest_cents, account.payments_cents) == (
        120_000,
        5_000,
        1_000,
    )
    assert (account.itemization_kind, account.itemization_on) == (
        "last_statement",
        date(2026, 4, 1),
    )
    assert (account.debt_category, account.debt_purpose) == ("utility", "consumer")
    assert account.is_consumer_financial_product is False
    assert account.chain_id != account.id
    pepper, client_id = KEYS.pepper, placer.client.id
    born = BORN_ON.isoformat()
    assert debtor.date_of_birth_hash == keyed_hash(pepper, client_id, Factor.DATE_OF_BIRTH, born)
    assert debtor.postal_code_hash == keyed_hash(pepper, client_id, Factor.POSTAL_CODE, POSTAL_CODE)
    assert debtor.last_four_hash == keyed_hash(pepper, client_id, Factor.LAST_FOUR, LAST_FOUR)
    joined = join_value("Dana", "Reyes", BORN_ON, LAST_FOUR)
    assert debtor.join_key == keyed_hash(pepper, client_id, "join", joined)
    assert debtor.name_key == "dana reyes"
    contacts = placer.session.execute(
        select(Contact.channel, Contact.address, Contact.zones, Contact.permission_basis)
    )
    assert {tuple(contact) for contact in contacts} == {
        ("email", "dana@example.com", None, "creditor_used"),
        ("sms", "+12125550142", "America/New_York", "creditor_used"),
    }
    entry = placer.session.scalars(select(LedgerEntry)).one()
    assert (entry.kind, entry.amount_cents, entry.source) == (
        "placed",
        124_000,
        f"placement:{report.placement_id}",
    )


@pytest.mark.parametrize(
    ("given", "column", "said"),
    [
        ({"account_number": " "}, "account_number", "write the account's number"),
        ({"account_number": "x" * 65}, "account_number", "at most 64 characters"),
        ({"first_name": ""}, "first_name", "the debtor's first name"),
        ({"last_name": "\u00a0"}, "last_name", "the debtor's last name"),
        ({"region": ""}, "region", "the state or province"),
        ({"region": "ZZ"}, "region", "no state of the United States"),
        ({"region": "ON"}, "region", "no state of the United States"),
        ({"region": "NY", "country": "Canada"}, "region", "no province of Canada"),
        ({"country": "MX"}, "country", "US and CA only"),
        ({"currency": "EUR"}, "currency", "USD and CAD only"),
        ({"date_of_birth": "1885-01-01"}, "date_of_birth", "Nobody living"),
        ({"date_of_birth": "2027-01-01"}, "date_of_birth", "Nobody living"),
        ({"date_of_birth": "soon"}, "date_of_birth", "not a date"),
        ({"default_date": "2026-12-24"}, "default_date", "lies in the future"),
        ({"itemization_date": "2026-02-30"}, "itemization_date", "no such day"),
        ({"itemization_date": ""}, "itemization_date", "the date that the itemization"),
        ({"itemization_date": "1066-10-14"}, "itemization_date", "not between 1950 and 2100"),
        ({"itemization_type": "whenever"}, "itemization_type", "last_statement, charge_off"),
        ({"itemization_type": ""}, "itemization_type", "last_statement, charge_off"),
        ({"current_balance": "0"}, "current_balance", "more than zero"),
        ({"current_balance": "(12.50)"}, "current_balance", "more than zero"),
        ({"current_balance": ""}, "current_balance", "write the amount"),
        ({"itemization_balance": "1240.01"}, "current_balance", "comes to 1,240.01"),
        ({"payments_since": "-5.00"}, "payments_since", "without a minus"),
        ({"product": ""}, "product", "what the debt is for"),
        ({"debt_category": "gambling"}, "debt_category", "credit_card, loan"),
        ({"default_at_placement": "perhaps"}, "default_at_placement", "yes or no"),
    ],
)
def test_a_bad_cell_is_refused_with_its_column_and_what_to_do(
    placer: Placer, given: dict[str, str], column: str, said: str
) -> None:
    refusal = placer.why(**given)
    assert (refusal.line, refusal.column) == (2, column)
    assert said in refusal.reason
    assert refusal.reason.endswith(".")


@pytest.mark.parametrize(
    ("given", "column", "said"),
    [
        ({"email": "not-an-address"}, "email", "No e-mail can reach"),
        ({"phone": "555"}, "phone", "not a valid phone number"),
        ({"phone": "(212) 555-0142 ext 9"}, "phone", "No text message"),
        ({"ssn_last4": "471"}, "ssn_last4", "not four digits"),
        ({"postal_code": "1220"}, "postal_code", "neither a ZIP code"),
        ({"email": "x" * 300 + "@example.com"}, "email", "more than 200 characters"),
        ({"phone": "2" * 300}, "phone", "more than 200 characters"),
        ({"language": "de"}, "language", "speaks en, es and fr"),
        ({"time_zone": "Mars/Olympus"}, "time_zone", "no time zone"),
    ],
)
def test_what_is_unusable_is_left_out_with_a_notice(
    placer: Placer, given: dict[str, str], column: str, said: str
) -> None:
    report = placer.row(**given)
    assert (report.landed, report.warned, report.refused) == (1, 1, 0)
    told = placer.session.scalars(select(PlacementRow)).one()
    assert (told.outcome, told.column) == ("landed", column)
    assert said in (told.reason or "")


def test_a_currency_without_offers_lands_with_a_warning_that_says_so(placer: Placer) -> None:
    """The account would stand there, and nobody would know why its debtor is offered nothing."""
    make_policy(placer.session, placer.client)
    given = {"current_balance": "500.00", "itemization_balance": "500.00"}
    report = placer.rows(row(), row(account_number="NG-1002", currency="CAD", **given))
    assert (report.landed, report.refused, report.warned, report.unoffered) == (2, 0, 1, 1)
    told = placer.session.scalars(select(PlacementRow).where(PlacementRow.column.is_not(None)))
    (warned,) = told
    assert (warned.reference, warned.outcome, warned.column) == ("NG-1002", "landed", "currency")
    assert "The offer limits are in USD, so no offers are shown for an account in CAD" in (
        warned.reason or ""
    )
    assert the_account(placer, "NG-1002").currency == "CAD"


def test_a_debtor_with_neither_email_nor_phone_still_lands(placer: Placer) -> None:
    report = placer.row(email="", phone="")
    assert (report.landed, report.warned) == (1, 0)
    assert placer.session.scalars(select(Contact)).all() == []


def test_names_of_places_languages_and_countries_are_understood(placer: Placer) -> None:
    placer.row(
        region="Québec",
        country="",
        postal_code="h2y1c6",
        language="fr-CA",
        time_zone="America/Montreal",
        currency="cad ",
        ssn_last4="***-**-4471",
    )
    debtor = the_debtor(placer)
    assert (debtor.region, debtor.country, debtor.postal_code, debtor.language) == (
        "QC",
        "CA",
        "H2Y 1C6",
        "fr",
    )
    assert debtor.last_four_hash is not None
    assert the_account(placer).currency == "CAD"


@pytest.mark.parametrize(("region", "spoken"), [("QC", "fr"), ("ON", "en")])
def test_who_lives_in_quebec_is_met_in_french_where_the_file_does_not_say(
    placer: Placer, region: str, spoken: str
) -> None:
    """CA-04"""
    code = {"QC": "H2Y 1C6", "ON": "M5V 2T6"}[region]
    placer.row(region=region, country="CA", postal_code=code, currency="CAD", language="")
    assert the_debtor(placer).language == spoken


def test_the_clients_defaults_fill_what_the_file_leaves_out(
    session: PortalSession, tmp_path: Path
) -> None:
    client = make_client(
        session,
        placement_defaults={
            "categories": {"Widget plan": "telecom"},
            "debt_purpose": "commercial",
            "default_at_placement": False,
            "itemization_kind": "transaction",
            "permission_basis": "direct_consent",
        },
    )
    placer = Placer(session, client, tmp_path)
    given = row(product="widget PLAN", itemization_type="", current_creditor="", currency="")
    assert placer.rows(given).landed == 1
    account = the_account(placer)
    assert (account.debt_category, account.debt_purpose, account.default_at_placement) == (
        "telecom",
        "commercial",
        False,
    )
    assert (account.itemization_kind, account.current_creditor, account.currency) == (
        "transaction",
        "Northgate Energy LLC",
        "USD",
    )
    assert set(session.scalars(select(Contact.permission_basis))) == {"direct_consent"}


def test_a_default_that_means_nothing_is_said_before_anything_lands(
    session: PortalSession, tmp_path: Path
) -> None:
    client = make_client(session, placement_defaults={"debt_purpose": "fun"})
    with pytest.raises(DefaultsUnclear, match="'fun' is not a valid DebtPurpose"):
        Placer(session, client, tmp_path).row()
    client.placement_defaults = {"purpose": "consumer"}
    with pytest.raises(DefaultsUnclear, match="purpose is not one of"):
        Placer(session, client, tmp_path).row()


def test_a_file_says_what_the_law_needs_to_know_SC_01_VN_03(placer: Placer) -> None:  # noqa: N802
    placer.row(
        debt_category="medical",
        is_consumer_financial_product="yes",
        charge_off_date="2026-06-01",
        judgment_court="Albany City Court",
        judgment_date="2026-09-01",
        judgment_number="CV-17",
        validation_notice_date="11/23/2026",
        sol_date="2029-05-01",
    )
    account = the_account(placer)
    assert (account.debt_category, account.is_consumer_financial_product) == ("medical", True)
    assert account.charge_off_on == date(2026, 6, 1)
    assert account.judgment == {
        "court": "Albany City Court",
        "on": "2026-09-01",
        "number": "CV-17",
    }
    assert account.validation_ends_on == date(2026, 12, 31)
    assert account.sol_expires_on == date(2029, 5, 1)


def test_accounts_that_nobody_could_verify_are_named(
    session: PortalSession, tmp_path: Path
) -> None:
    client = make_client(session, identity_factors=["last_four", "date_of_birth"])
    placer = Placer(session, client, tmp_path)
    nothing = {"ssn_last4": "", "date_of_birth": ""}
    report = placer.rows(row(account_number="NG-1"), row(account_number="NG-2", **nothing))
    assert (report.unverifiable, report.unverifiable_references) == (1, ["NG-2"])
    client.sms_enabled = True
    report = placer.rows(
        row(account_number="NG-3", **nothing), row(account_number="NG-4", phone="", **nothing)
    )
    assert report.unverifiable_references == ["NG-4"]


def test_a_placement_has_one_leaf_over_a_manifest_of_its_rows(placer: Placer) -> None:
    report = placer.rows(row(account_number="NG-1"), row(account_number="NG-2", region="ZZ"))
    placement = placer.session.get_one(Placement, (placer.client.id, report.placement_id))
    assert placement.status == PlacementStatus.COMPLETED
    (entry,) = evidence.chain_leaves(placer.session, placer.client.id, placer.client.chain_id)
    file = inspect_file(placer.folder / "placement.csv")
    assert entry.type == "placement.completed"
    assert entry.payload == {
        "type": "placement.completed",
        "v": 1,
        "actor": {"kind": "system", "id": "portal"},
        "placement": str(report.placement_id),
        "kind": "placed",
        "file_name": "placement.csv",
        "file_sha256": file.sha256.hex(),
        "manifest_sha256": manifest_of(placer.session, placement),
        **{"rows": 2, "landed": 1, "updated": 0, "unchanged": 0, "refused": 1, "warned": 0},
        **entries_of(placer.session, placement),
    }
    assert entry.payload["entries"] == 1
    assert placer.session.scalars(select(Leaf)).all() != []
    kept = placer.session.scalars(select(PlacementRow).order_by(PlacementRow.line)).all()
    assert [(told.line, told.outcome, told.reference) for told in kept] == [
        (2, "landed", "NG-1"),
        (3, "refused", "NG-2"),
    ]


def test_refused_rows_can_be_corrected_in_their_file_and_placed(
    placer: Placer, tmp_path: Path
) -> None:
    rejects = tmp_path / "rejects.csv"
    given = row(region="ZZ", first_name='=HYPERLINK("x")', city="-Albany", last_name="＠Reyes")
    placer.rows(given, row(account_number="NG-2"))
    with RejectsFile(rejects) as refused:
        place_file(
            placer.session,
            placer.client,
            inspect_file(placer.folder / "placement.csv"),
            pepper=KEYS.pepper,
            now=NOW,
            watch=Watch(refused=refused.write),
        )
    with rejects.open(encoding="utf-8-sig", newline="") as found:
        (line,) = csv.DictReader(found)
    assert line["first_name"] == '\'=HYPERLINK("x")'
    assert (line["city"], line["last_name"]) == ("'-Albany", "'＠Reyes")
    assert (line["refused_line"], line["refused_column"], line["refused_value"]) == (
        "2",
        "region",
        "ZZ",
    )
    assert rejects.stat().st_mode & 0o077 == 0
    report = placer.text(rejects.read_text("utf-8-sig").replace('"ZZ"', '"NY"', 1))
    assert report.landed == 1
    assert the_debtor(placer).first_name == '=HYPERLINK("x")'


def test_nothing_refused_leaves_no_rejects_file(tmp_path: Path) -> None:
    with RejectsFile(tmp_path / "rejects.csv"):
        pass
    assert not (tmp_path / "rejects.csv").exists()
