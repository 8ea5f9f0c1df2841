"""The client console: own accounts, offer limits, money; never anybody else's."""

import csv
import io
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from portal.db import PortalSession, set_tenant
from portal.domain.compiler import MOST_TIERS
from portal.domain.money import Cents
from portal.domain.policy import Band, Tier
from portal.models import (
    Account,
    EntryKind,
    LedgerEntry,
    Payment,
    PaymentPurpose,
    fresh_id,
)
from portal.services.ledger import lock_account, post
from tests.factories import NOW, make_account, make_client, make_debtor, make_policy
from tests.pages.cleo import cleo, make_book, typed_on
from tests.pages.debtors import csrf_of
from tests.pages.reading import heard, said, tree
from tests.services.placing import row, text_of


def move_money(session: PortalSession, account: Account, *moves: tuple[EntryKind, int]) -> None:
    """Movements of one payment in the ledger, as settling posts them."""
    payment = Payment(
        client_id=account.client_id,
        id=fresh_id(),
        account_id=account.id,
        purpose=PaymentPurpose.ONE_OFF,
        status="succeeded",
        amount_cents=Cents(50_00),
        currency=account.currency,
        reference=f"HR-{fresh_id().hex[-8:]}",
        locale="en",
        idempotency_key=f"payment-{fresh_id()}",
        created_at=NOW,
    )
    session.add(payment)
    session.flush()
    locked = lock_account(session, account.id)
    for kind, cents in moves:
        source = f"{kind}:{fresh_id()}"
        post(
            session,
            locked,
            kind=kind,
            source=source,
            amount_cents=Cents(cents),
            now=NOW,
            payment=payment,
        )
    session.flush()


def test_every_page_and_file_shows_only_the_own_client(http: FlaskClient, session: PortalSession):
    mine, theirs = (make_book(session, trade_name=name) for name in ("Aurora", "Borealis"))
    move_money(session, mine, (EntryKind.PAYMENT, -50_00))
    move_money(session, theirs, (EntryKind.PAYMENT, -70_00))
    cleo(http, session, mine)
    for path in (
        *("/client", f"/client?q={theirs.reference}", "/client?q=reyes", "/client/accounts.csv"),
        *("/client/placements", "/client/money", "/client/money.csv", "/client/offers"),
    ):
        page = http.get(path)
        assert page.status_code == 200
        assert str(theirs.id) not in page.get_data(as_text=True), path
        if theirs.reference not in path:  # the search box keeps what was typed
            assert theirs.reference not in page.get_data(as_text=True), path
        assert "Borealis" not in page.get_data(as_text=True), path
    for path in (
        *(f"/client/accounts/{theirs.id}", f"/client/placements/{theirs.placement_id}"),
        f"/client/placements/{theirs.placement_id}/refused.csv",
    ):
        assert http.get(path).status_code == 404, path


def test_the_money_page_equals_the_ledger(http: FlaskClient, session: PortalSession):
    account = make_book(session)
    move_money(session, account, (EntryKind.PAYMENT, -50_00), (EntryKind.REFUND, 20_00))
    move_money(session, account, (EntryKind.PAYMENT, -80_00), (EntryKind.CHARGEBACK, 80_00))
    client_id = account.client_id
    cleo(http, session, account)
    days = {"first": "2026-11-01", "last": "2026-11-30"}
    page = said(http.get("/client/money", query_string=days))
    file = http.get("/client/money.csv", query_string=days).get_data(as_text=True)
    rows = list(csv.DictReader(io.StringIO(file.removeprefix("\ufeff"))))
    set_tenant(session, client_id)
    ledger = session.scalar(
        select(-func.sum(LedgerEntry.amount_cents)).where(LedgerEntry.kind != EntryKind.PLACED)
    )
    cents = sum(int(row["received"].replace(".", "")) for row in rows)
    assert cents == ledger == 30_00
    assert len(rows) == 4
    assert "$30.00" in page


def test_days_that_make_no_sense_are_said_to(http: FlaskClient, session: PortalSession):
    cleo(http, session, make_book(session))
    for days in ({"first": "2026-11-30", "last": "2026-11-01"}, {"first": "x"}, {"last": "y"}):
        for path in ("/client/money", "/client/money.csv"):
            page = http.get(path, query_string=days)
            assert page.status_code == 400
            assert "Choose a first and a last day" in said(page)
            assert f'name="first" value="{days.get("first", "")}"' in page.get_data(as_text=True)


def test_a_version_that_is_not_there_is_not_found(http: FlaskClient, session: PortalSession):
    cleo(http, session, make_book(session))
    assert http.get("/client/offers/versions/1").status_code == 200
    assert http.get("/client/offers/versions/2").status_code == 404


def test_no_cell_of_a_file_is_a_formula(http: FlaskClient, session: PortalSession):
    client = make_client(session)
    debtor = make_debtor(session, client, last_name="=1+1", name_key="dana 1 1")
    late = datetime(2026, 12, 1, 3, 0, tzinfo=UTC)  # still November in New York
    account = make_account(session, debtor, placed_at=late)
    cleo(http, session, account)
    (line,) = http.get("/client/accounts.csv").get_data(as_text=True).splitlines()[1:]
    assert "'=1+1" in line
    assert "2026-11-30" in line


def test_refused_rows_come_back_as_a_file_that_is_safe_in_a_spreadsheet(
    http: FlaskClient, session: PortalSession, app: Flask
):
    account = make_book(session)
    lines = text_of(row(account_number="=1+1", region="??")).encode()
    token = csrf_of(cleo(http, session, account).get("/client/placements/new"))
    data = {"csrf_token": token, "file": (io.BytesIO(lines), "june.csv")}
    sent = http.post("/client/placements/new", data=data, content_type="multipart/form-data")
    assert sent.status_code == 303, said(sent)
    shown = heard(http.get(sent.location))
    file = http.get(f"{sent.location}/refused.csv")
    assert file.mimetype == "text/csv"
    assert 'filename="refused.csv"' in file.headers["Content-Disposition"]
    (line,) = csv.DictReader(io.StringIO(file.get_data(as_text=True).removeprefix("\ufeff")))
    assert (line["line"], line["reference"]) == ("2", "'=1+1")
    assert line["column"] in shown
    assert line["reason"] in shown
    other = cleo(app.test_client(), session, make_book(session))
    assert other.get(f"{sent.location}/refused.csv").status_code == 404


def test_wrong_limits_come_back_with_all_that_was_typed(http: FlaskClient, session: PortalSession):
    cleo(http, session, make_book(session))
    typed = typed_on(http.get("/client/offers/edit"))
    values = typed | {"rows-0-share": "abc", "plan_months": "900"}
    page = http.post("/client/offers/edit", data=values)
    assert page.status_code == 422
    assert typed_on(page)["rows-0-share"] == "abc"
    assert "Write 70% for a share or $500 for an amount." in said(page)
    page = http.post("/client/offers/edit", data=typed_on(page) | {"rows-0-share": "70"})
    assert page.status_code == 422
    assert "1 to 120 months" in said(page)


@pytest.mark.parametrize("path", ["", "?page=plan", "?lang=es", "?lang=fr&page=plan"])
def test_a_preview_is_the_debtors_own_page(http: FlaskClient, session: PortalSession, path: str):
    cleo(http, session, make_book(session))
    page = http.get(f"/client/offers/preview{path}")
    assert page.status_code == 200
    links = [link.get("href", "") for link in tree(page).find(".//main").iter("a")]  # type: ignore[union-attr]
    assert [link for link in links if link.startswith(("/account", "/preferences"))] == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("", b""),
        ("a.csv", b""),
        ("a.png", b"\x89PNG\r\n\x1a\n\x00\x00"),
        ("a.csv", b"one,two\n1,2\n"),
    ],
)
def test_what_is_no_placement_file_is_refused_on_the_same_page(
    http: FlaskClient, session: PortalSession, name: str, content: bytes
):
    cleo(http, session, make_book(session))
    token = csrf_of(http.get("/client/placements/new"))
    data = {"csrf_token": token, "file": (io.BytesIO(content), name)}
    page = http.post("/client/placements/new", data=data, content_type="multipart/form-data")
    assert page.status_code == 422, said(page)


def test_a_file_that_is_only_a_word_is_asked_for_again(http: FlaskClient, session: PortalSession):
    cleo(http, session, make_book(session))
    token = csrf_of(http.get("/client/placements/new"))
    page = http.post("/client/placements/new", data={"csrf_token": token, "file": "accounts.csv"})
    assert page.status_code == 422
    assert "Choose a file." in said(page)


@pytest.mark.parametrize("base", ["-1", "2147483648", "9" * 30])
def test_a_version_that_never_was_is_no_ground_to_build_on(
    http: FlaskClient, session: PortalSession, base: str
):
    cleo(http, session, make_book(session))
    values = typed_on(http.get("/client/offers/edit")) | {"base": base}
    page = http.post("/client/offers/edit", data=values)
    assert page.status_code == 422
    assert "Open this page again" in said(page)


@pytest.mark.parametrize(
    "path",
    [
        *("/client/offers/versions/0", "/client/offers/versions/99999999999999999999"),
        "/client/money?first=9999-12-31&last=9999-12-31",
        "/client/money.csv?first=9999-12-31&last=9999-12-31",
        *("/client/money?first=0001-01-01&last=0001-01-01", "/client/offers/preview?balance=x"),
        *("/client/offers/preview?account=a%00b",),
        *("/client?after=%00", "/client?q=%00", "/client?status=x"),
        *("/client/placements?before=x", "/client/offers/preview?page=x&lang=zz"),
    ],
)
def test_an_address_typed_wrong_is_no_fault_of_ours(
    http: FlaskClient, session: PortalSession, path: str
):
    cleo(http, session, make_book(session))
    assert http.get(path).status_code in (200, 400, 404)


HUGE = "9" * 25
WRONG = [
    *[(field, HUGE) for field in ("plan_months", "answer_days", "rows-0-days", "rows-0-parts")],
    *[(field, HUGE) for field in ("plan_minimum", "rows-0-since", "rows-0-first_day")],
    *[(field, "-1") for field in ("plan_months", "plan_minimum", "rows-0-share", "rows-0-days")],
    *[(field, "abc") for field in ("answer_days", "agree_share", "review_minimum", "plan_down")],
    *[("rows-0-share", "0"), ("rows-0-share", "101"), ("review_share", "99"), ("plan_months", "")],
]


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_every_wrong_limit_has_its_words_and_stays_typed(
    http: FlaskClient, session: PortalSession, field: str, value: str
):
    cleo(http, session, make_book(session))
    typed = typed_on(http.get("/client/offers/edit"))
    before = typed | {field: value}
    page = http.post("/client/offers/edit", data=before)
    assert page.status_code == 422
    own = {"csrf_token", "revision"}
    kept = {name: value for name, value in typed_on(page).items() if name not in own}
    assert kept == {name: value for name, value in before.items() if name not in own}
    assert "Problem:" in page.get_data(as_text=True)


def test_hundreds_of_rows_can_be_edited(http: FlaskClient, session: PortalSession):
    client = make_client(session)
    tiers = tuple(Tier(7_000 + n * 10, max_parts=n + 1) for n in range(MOST_TIERS))
    many = 30
    bands = tuple(
        Band(
            from_balance_cents=n * 100_00,
            to_balance_cents=None if n + 1 == many else (n + 1) * 100_00,
            tiers=tiers,
        )
        for n in range(many)
    )
    make_policy(session, client, bands=bands)
    cleo(http, session, make_account(session, make_debtor(session, client)))
    assert http.get("/client/offers/edit").status_code == 200
    typed = typed_on(http.get("/client/offers/edit")) | {"more-row": "1"}
    assert http.post("/client/offers/edit", data=typed).status_code == 200


def test_the_page_of_a_placement_names_its_warnings(http: FlaskClient, session: PortalSession):
    account = make_book(session)
    cleo(http, session, account)
    file = text_of(row(), row(account_number="NG-1002", currency="CAD"), row(phone="12"))
    token = csrf_of(http.get("/client/placements/new"))
    data = {"csrf_token": token, "file": (io.BytesIO(file.encode()), "placement.csv")}
    sent = http.post("/client/placements/new", data=data, content_type="multipart/form-data")
    page = said(http.get(sent.headers["Location"]))
    assert "Placed with a warning" in page
    assert "The offer limits are in USD, so no offers are shown for an account in CAD" in page
