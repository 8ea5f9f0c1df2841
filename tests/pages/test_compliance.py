"""The compliance console: is the record in order, what does it say, who was given it."""

import csv
import io
import json
import re
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.db import PortalSession, set_tenant
from portal.gateways.clock import SetClock
from portal.models import (
    Account,
    ChainKey,
    Client,
    Document,
    Leaf,
    LeafPayload,
    Role,
    Staff,
    fresh_id,
)
from portal.runtime import Runtime
from portal.services import evidence, tree
from portal.services.alarms import open_alarms, raise_alarms
from portal.services.verify import Broken
from tests.factories import NOW, make_account, make_client, make_debtor
from tests.pages.agreeing import accept, agreed, choose_plan
from tests.pages.cleo import cleo, make_book
from tests.pages.debtors import Dana, csrf_of, send
from tests.pages.reading import heard, said
from tests.pages.reading import tree as page_tree
from tests.pages.staff import enter, make_staff

WHOLE = "a chain of leaves is whole"


def colin(http: FlaskClient, session: PortalSession, *clients: Client) -> Staff:
    """Somebody of compliance for these clients, logged in."""
    staff = make_staff(session, Role.COMPLIANCE, *clients, name="Colin Webb")
    enter(http, session, staff)
    return staff


@pytest.fixture
def book(session: PortalSession) -> Account:
    """An account whose record has a few leaves."""
    account = make_book(session)
    for n in range(3):
        write(session, account, "thread.written", n=n, body=f"line {n}")
    return account


def write(session: PortalSession, account: Account, named: str, /, **payload: Any) -> Leaf:
    return evidence.record(
        session,
        client_id=account.client_id,
        chain_id=account.chain_id,
        type=named,
        payload={"actor": evidence.SYSTEM, **payload},
        now=account.placed_at,
    )


def seal_log(session: PortalSession, runtime: Runtime, client_id: UUID) -> None:
    while tree.place(session, client_id):
        pass
    tree.sign(session, client_id, runtime.signer, runtime.clock.now())


def of(account: Account, more: str = "") -> str:
    return f"/compliance/records/{account.chain_id}{more}"


def read(http: FlaskClient, account: Account, n: int, reason: str = "asked by a court") -> str:
    """Open a leaf's words with a reason; returns the page of the leaf."""
    answered = send(http, of(account, f"/read?n={n}"), {"reason": reason})
    assert answered.status_code == 303, said(answered)
    return str(answered.headers["Location"])


def leaves(session: PortalSession, account: Account, kind: str) -> list[evidence.Entry]:
    set_tenant(session, account.client_id)
    return [one for one in evidence.account_leaves(session, account) if one.type == kind]


def test_compliance_begins_where_the_record_is_in_order_or_not(
    http: FlaskClient, session: PortalSession, runtime: Runtime, book: Account
):
    client = session.get_one(Client, book.client_id)
    seal_log(session, runtime, client.id)
    colin(http, session, client)
    home = http.get("/console")
    assert home.headers["Location"] == "/compliance"
    words = said(http.get("/compliance"))
    assert "Northgate Energy" in words
    assert "4 entries, signed" in words
    assert "not looked over yet" in words


def test_an_alarm_says_what_does_not_hold_and_is_cleared_with_a_reason(
    http: FlaskClient, session: PortalSession, clock: SetClock, book: Account
):
    """EV-08"""
    client = session.get_one(Client, book.client_id)
    raise_alarms(session, client.id, [Broken(WHOLE, f"leaf 1 of {book.chain_id}")], now=clock.now())
    (alarm,) = open_alarms(session, client.id)
    colin(http, session, client)
    page = http.get("/compliance")
    assert "nothing can be agreed since" in said(page)
    assert WHOLE in said(page)
    links = [one.get("href", "") for one in page_tree(page).iter("a")]
    assert of(book, "/leaves/1") in links
    to = f"/compliance/alarms/{alarm.id}/clear"
    assert to in links
    refused = send(http, to, {"reason": "  "})
    assert refused.status_code == 422
    assert "Write what you found out" in said(refused)
    done = send(http, to, {"reason": "A test of the alarm <b>itself</b>"})
    assert done.status_code == 303
    after = said(http.get("/compliance"))
    assert WHOLE not in after
    assert "nothing can be agreed" not in after
    (told,) = [
        one
        for one in evidence.chain_leaves(session, client.id, client.chain_id)
        if one.type == "alarm.cleared"
    ]
    assert told.payload["reason"] == "A test of the alarm <b>itself</b>"
    assert "Somebody dealt with this alarm already" in said(send(http, to, {"reason": "again"}))


def test_an_account_is_found_by_its_references_and_by_the_name(
    http: FlaskClient, session: PortalSession, dana: Dana
):
    accept(http, dana, choose_plan(http, dana, method="manual"))
    reference = agreed(session).reference
    colin(http, session, dana.client)
    for typed, by in (
        (dana.account.reference, "Account"),
        (reference, f"Agreement: {reference}"),
        ("reyes", "Name"),
        (dana.contact.address, f"E-mail address or phone: {dana.contact.address}"),
    ):
        page = http.get("/compliance/find", query_string={"q": typed})
        assert f"{dana.account.reference} {by} D" in heard(page), typed
        assert f"/compliance/records/{dana.account.chain_id}" in page.get_data(as_text=True)


def test_leaves_are_listed_by_day_and_type_fifty_a_page(
    http: FlaskClient, session: PortalSession, book: Account
):
    colin(http, session, session.get_one(Client, book.client_id))
    days = {"first": "2026-11-01", "last": "2026-11-30"}
    for n in range(120):
        write(session, book, "note.written" if n % 2 else "hold.set", kind="dispute", n=n)
    seen, page = [], http.get("/compliance/find", query_string={**days, "type": "hold.set"})
    while True:
        rows = [row for row in page_tree(page).iter("tr") if row.find("th") is not None]
        seen += [int("".join(row.find("th/a").itertext()).split()[0]) for row in rows[1:]]  # type: ignore[union-attr]
        more = [one for one in page_tree(page).iter("a") if one.get("rel") == "next"]
        if not more:
            break
        page = http.get(more[0].get("href", ""))
    assert seen == list(range(121, 2, -2))
    other = http.get("/compliance/find", query_string={"first": "2025-01-01", "last": "2025-01-02"})
    assert "Nothing like this was recorded" in said(other)


@pytest.mark.parametrize(
    "asked",
    [
        {"first": "2026-12-01", "last": "2026-11-01"},
        {"first": "yesterday", "last": "2026-11-01"},
        {"first": "0001-01-01", "last": "9999-12-31"},
    ],
)
def test_days_that_make_no_sense_are_asked_for_again(
    http: FlaskClient, session: PortalSession, book: Account, asked: dict[str, str]
):
    colin(http, session, session.get_one(Client, book.client_id))
    for path in ("/compliance/find", "/compliance/exports", "/compliance/exports.csv"):
        page = http.get(path, query_string=asked)
        assert page.status_code == 400
        assert "Choose a first and a last day" in said(page)


@pytest.mark.parametrize(
    "before",
    [
        "x",
        "2026-11-23T00:00:00Z_0199d5f0-0000-7000-8000-00000000da7a_-99999999999",
        "2026-11-23_x_1",
        "2026-11-23T00:00:00Z_",
        "__",
        "é\x00",
    ],
)
def test_a_place_in_a_list_that_is_none_begins_it_anew(
    http: FlaskClient, session: PortalSession, book: Account, before: str
):
    colin(http, session, session.get_one(Client, book.client_id))
    asked = {
        "first": "2026-11-01",
        "last": "2026-11-30",
        "before": before,
        "type": "thread.written",
    }
    assert "Message in the thread" in said(http.get("/compliance/find", query_string=asked))


def test_a_record_shows_each_leaf_with_its_place_and_whether_it_is_signed(
    http: FlaskClient, session: PortalSession, runtime: Runtime, book: Account
):
    seal_log(session, runtime, book.client_id)
    write(session, book, "hold.set", kind="dispute")
    colin(http, session, session.get_one(Client, book.client_id))
    page = http.get(of(book))
    words = heard(page)
    assert "each entry holds the one before it, checked just now" in words
    assert words.count("Message in the thread") == 6  # what is read, and what is heard
    assert words.count(" yes ") == 3
    assert words.count(" waits ") == 1
    assert "line 1" not in words
    assert "Dana" not in words


def test_what_somebody_changed_can_be_looked_at_and_says_so(
    http: FlaskClient, session: PortalSession, book: Account
):
    last = write(session, book, "note.written")
    place = {"client_id": book.client_id, "chain_id": book.chain_id}
    body = last.body.replace('"n":3', '"n":7')
    told = {"type": last.type, "at": last.at, "hash": b"h" * 32}
    key = session.scalars(select(ChainKey.id).where(ChainKey.chain_id == book.chain_id)).one()
    for n, text in ((7, body), (8, "no leaf at all")):
        session.add(Leaf(**place, n=n, body=text, **told))
        session.add(LeafPayload(**place, n=n, key_id=key, sealed=b"junk" * 20))
    session.flush()
    colin(http, session, session.get_one(Client, book.client_id))
    record = heard(http.get(of(book)))
    assert "does not hold leaf 4: n is 7, expected 4" in record
    assert record.count("cannot be opened") == 2
    assert "erased" not in record
    for n in (7, 8):
        http.get(read(http, book, n))
        leaf = heard(http.get(of(book, f"/leaves/{n}")))
        assert "Its bytes does not hold" in leaf
        assert "What is kept cannot be opened" in leaf
        assert "erased" not in leaf
        assert http.get(of(book, f"/leaves/{n}/shown")).status_code == 200
    days = {"first": "2026-11-01", "last": "2026-11-30"}
    assert "Not known any more" in said(http.get("/compliance/find", query_string=days))


def test_a_document_that_is_not_what_its_hash_says_is_not_shown_as_it(
    http: FlaskClient, session: PortalSession, clock: SetClock, book: Account
):
    digest = evidence.keep_with(session, [book], "text/plain", b"as it was", clock.now())
    kept = session.scalars(select(Document).where(Document.chain_id == book.chain_id)).one()
    other = sha256(b"as it never was").digest()
    columns = ("client_id", "chain_id", "key_id", "media", "sealed", "created_at")
    session.add(Document(**{name: getattr(kept, name) for name in columns}, sha256=other))
    named = [{"doc_id": one, "sha256": one} for one in (digest, other.hex(), "0" * 64)]
    write(session, book, "terms.reviewed", disclosures=named)
    colin(http, session, session.get_one(Client, book.client_id))
    read(http, book, 3)
    shown = heard(http.get(of(book, "/leaves/3/shown")))
    assert shown.count(" as recorded") == 1
    assert shown.count("erased, or not what was recorded") == 2
    assert http.get(of(book, f"/documents/{digest}")).data == b"as it was"
    assert http.get(of(book, f"/documents/{other.hex()}")).status_code == 404


def test_what_a_leaf_says_is_read_for_a_reason_that_is_a_leaf(
    http: FlaskClient, session: PortalSession, runtime: Runtime, clock: SetClock, book: Account
):
    """EV-08"""
    clock.at = NOW
    seal_log(session, runtime, book.client_id)
    staff = colin(http, session, session.get_one(Client, book.client_id))
    page = http.get(of(book, "/leaves/1"))
    assert "line 1" not in page.get_data(as_text=True)
    assert re.search(r"holds place [12] of 4 entries, signed", heard(page))
    assert send(http, of(book, "/read?n=1"), {"reason": " "}).status_code == 422
    assert leaves(session, book, "staff.read") == []
    page = http.get(read(http, book, 1))
    (told,) = leaves(session, book, "staff.read")
    assert told.payload == {
        "actor": evidence.staff(staff.id),
        "reason": "asked by a court",
        "type": "staff.read",
        "v": 1,
    }
    shown = next(one for one in page_tree(page).iter("pre"))
    assert json.loads("".join(shown.itertext()))["body"] == "line 1"
    (row,) = [
        one for one in session.scalars(select(Leaf)) if one.chain_id == book.chain_id and one.n == 1
    ]
    for exact in (row.body, bytes(row.hash).hex()):
        assert exact in "".join(page_tree(page).itertext())
    assert "line 2" in said(http.get(of(book, "/leaves/2")))
    assert len(leaves(session, book, "staff.read")) == 1
    clock.advance(timedelta(minutes=29))
    http.get("/compliance")
    clock.advance(timedelta(minutes=2))
    assert "line 1" not in said(http.get(of(book, "/leaves/1")))


def test_what_one_reads_another_does_not(http: FlaskClient, session: PortalSession, book: Account):
    client = session.get_one(Client, book.client_id)
    colin(http, session, client)
    assert "line 1" in said(http.get(read(http, book, 1)))
    enter(http, session, make_staff(session, Role.OPERATOR))
    assert "line 1" not in said(http.get(of(book, "/leaves/1")))


def test_the_bundle_is_exported_and_who_did_is_in_the_report(
    http: FlaskClient, session: PortalSession, dana: Dana
):
    """EV-06, EV-08"""
    accept(http, dana, choose_plan(http, dana, method="manual"))
    reference = agreed(session).reference
    colin(http, session, dana.client)
    page = http.get(of(dana.account))
    to = of(dana.account, f"/agreements/{agreed(session).id}/export")
    assert http.get(to).status_code == 405
    saved = http.post(to, data={"csrf_token": csrf_of(page)})
    assert saved.status_code == 200
    assert (
        saved.headers["Content-Disposition"] == f'attachment; filename="evidence-{reference}.zip"'
    )
    (told,) = leaves(session, dana.account, "export.made")
    assert told.payload["actor"]["kind"] == "staff"
    report = heard(http.get("/compliance/exports"))
    assert f"{reference} Colin Webb {dana.account.reference}" in report
    lines = list(
        csv.DictReader(io.StringIO(http.get("/compliance/exports.csv").data.decode("utf-8-sig")))
    )
    assert [(one["agreement"], one["by"], one["name"]) for one in lines] == [
        (reference, "staff", "Colin Webb")
    ]
    assert lines[0]["sha256"] == told.hash
    assert lines[0]["client"] == dana.client.slug
    nothing = http.get(
        "/compliance/exports", query_string={"first": "2025-01-01", "last": "2025-01-02"}
    )
    assert "Nothing was exported" in said(nothing)


def test_exports_of_all_clients_come_first_and_of_one_where_it_is_chosen(
    http: FlaskClient, session: PortalSession
):
    """EV-06"""
    books = [make_book(session, slug=slug, trade_name=slug) for slug in ("alder", "birch")]
    for n, account in enumerate(books):
        write(session, account, "export.made", reference=f"HR-{n}", arrangement="x")
    colin(http, session, *(session.get_one(Client, one.client_id) for one in books))
    days = {"first": "2026-01-01", "last": "2026-12-31"}
    everywhere = heard(http.get("/compliance/exports", query_string=days))
    assert ("HR-0" in everywhere, "HR-1" in everywhere) == (True, True)
    one = days | {"client": str(books[1].client_id)}
    assert "HR-0" not in heard(http.get("/compliance/exports", query_string=one))
    table = http.get("/compliance/exports.csv", query_string=days)
    assert "exports-all-" in table.headers["Content-Disposition"]
    assert {line["client"] for line in csv.DictReader(io.StringIO(table.text))} == {
        "alder",
        "birch",
    }


def test_an_alarm_is_answered_for_where_one_may(http: FlaskClient, session: PortalSession):
    """EV-08"""
    client = session.get_one(Client, make_book(session).client_id)
    raise_alarms(session, client.id, [Broken(WHOLE, "leaf 1")], now=NOW)
    enter(http, session, make_staff(session, Role.OPERATOR))
    page = heard(http.get("/compliance"))
    assert WHOLE in page
    assert "Answer for it" not in page


def test_the_leaf_of_an_erasure_is_read_though_it_only_counts_documents(
    http: FlaskClient, session: PortalSession, book: Account
):
    """EV-07"""
    leaf = write(session, book, "erasure", documents=3, leaves=9)
    colin(http, session, session.get_one(Client, book.client_id))
    assert '"documents": 3' in said(http.get(read(http, book, leaf.n)))


def test_a_client_exports_its_own_agreements_from_the_account(
    http: FlaskClient, session: PortalSession, dana: Dana
):
    accept(http, dana, choose_plan(http, dana, method="manual"))
    one, other = agreed(session), make_book(session)
    cleo(http, session, dana.account)
    page = http.get(f"/client/accounts/{dana.account.id}")
    assert f"Export {one.reference}" in said(page)
    token = {"csrf_token": csrf_of(page)}
    saved = http.post(f"/client/accounts/{dana.account.id}/agreements/{one.id}/export", data=token)
    assert (saved.status_code, saved.mimetype) == (200, "application/zip")
    set_tenant(session, other.client_id)
    cleo(http, session, other)
    token = {"csrf_token": csrf_of(http.get(f"/client/accounts/{other.id}"))}
    for account in (dana.account.id, other.id):
        to = f"/client/accounts/{account}/agreements/{one.id}/export"
        assert http.post(to, data=token).status_code == 404


def test_a_log_that_cannot_be_signed_gives_a_page_that_says_so(
    http: FlaskClient, session: PortalSession, dana: Dana, runtime: Runtime
):
    accept(http, dana, choose_plan(http, dana, method="manual"))
    colin(http, session, dana.client)
    page = http.get(of(dana.account))
    set_tenant(session, dana.client.id)
    before = session.begin_nested()
    for _ in range(30):
        write(session, dana.account, "note.written")
    seal_log(session, runtime, dana.client.id)
    before.rollback()
    to = of(dana.account, f"/agreements/{agreed(session).id}/export")
    answer = http.post(to, data={"csrf_token": csrf_of(page)})
    assert answer.status_code == 503
    assert "We cannot make this file right now" in said(answer)


def test_the_mailbox_is_changed_on_the_record_without_the_address(
    http: FlaskClient, session: PortalSession, book: Account
):
    client = session.get_one(Client, book.client_id)
    colin(http, session, client)
    to = f"/compliance/settings/{client.id}"
    assert send(http, to, {"email": "nobody at home"}).status_code == 422
    for address in (
        "law@northgate.example.com",
        "LAW@northgate.example.com",
        "new@northgate.example.com",
    ):
        assert send(http, to, {"email": address}).status_code == 303
    assert "new@northgate.example.com" in said(http.get("/compliance/settings"))
    set_tenant(session, client.id)
    told = [
        one.payload
        for one in evidence.chain_leaves(session, client.id, client.chain_id)
        if one.type == "client.compliance_mailbox_changed"
    ]
    assert len(told) == 2
    hashed = [
        sha256(f"{client.id} {name}@northgate.example.com".encode()).hexdigest()
        for name in ("law", "new")
    ]
    assert [one.get("before_sha256") for one in told] == [None, hashed[0]]
    assert [one["after_sha256"] for one in told] == hashed
    assert "northgate.example" not in str(told)


def test_another_clients_record_is_as_if_absent(
    http: FlaskClient, session: PortalSession, clock: SetClock, book: Account
):
    theirs = make_book(session, trade_name="Borealis")
    write(session, theirs, "thread.written", body="theirs")
    digest = evidence.keep_with(session, [theirs], "text/plain", b"theirs", clock.now())
    raise_alarms(session, theirs.client_id, [Broken(WHOLE, "there")], now=clock.now())
    (alarm,) = open_alarms(session, theirs.client_id)
    own = session.get_one(Client, theirs.client_id).chain_id
    colin(http, session, session.get_one(Client, book.client_id))
    token = {"csrf_token": csrf_of(http.get(of(book, "/leaves/1")))}
    for path in (
        *(of(theirs), of(theirs, "/leaves/0"), of(theirs, "/leaves/0/shown")),
        *(of(theirs, f"/documents/{digest}"), of(theirs, "/read"), f"/compliance/records/{own}"),
        *(f"/compliance/alarms/{alarm.id}/clear", f"/compliance/settings/{theirs.client_id}"),
    ):
        assert http.get(path).status_code == 404, path
    for path in (
        *(of(theirs, "/read"), of(theirs, f"/agreements/{fresh_id()}/export")),
        *(f"/compliance/alarms/{alarm.id}/clear", f"/compliance/settings/{theirs.client_id}"),
    ):
        assert http.post(path, data=token | {"reason": "mine"}).status_code == 404, path
    lists = ("/compliance", "/compliance/find", "/compliance/exports", "/compliance/settings")
    for path in (*lists, f"/compliance/find?q={theirs.reference}"):
        page = http.get(
            path, query_string={"client": str(theirs.client_id)} if "?" not in path else None
        )
        assert "Borealis" not in page.get_data(as_text=True)
        assert str(theirs.chain_id) not in page.get_data(as_text=True)


@pytest.mark.parametrize("role", [Role.AGENT, Role.SUPERVISOR, Role.CLIENT_ADMIN])
def test_nobody_else_enters(
    app: Flask, http: FlaskClient, session: PortalSession, book: Account, role: Role
):
    enter(http, session, make_staff(session, role, session.get_one(Client, book.client_id)))
    values = {"chain_id": book.chain_id, "n": 1, "sha256": "0" * 64}
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("compliance."):
            with app.test_request_context():
                given = {name: values.get(name, fresh_id()) for name in rule.arguments}
                path = app.url_for(rule.endpoint, **given)
            for method in (rule.methods or set()) - {"OPTIONS"}:
                assert http.open(path, method=method).status_code == 403, path


def test_what_people_typed_is_text_and_nothing_else(http: FlaskClient, session: PortalSession):
    nasty = "<script>alert(1)</script>"
    client = make_client(session, trade_name=f"North {nasty}")
    debtor = make_debtor(session, client, first_name=nasty, last_name=nasty, name_key=nasty)
    account = make_account(session, debtor, current_creditor=f"=HYPERLINK({nasty})")
    write(session, account, "thread.written", body=nasty)
    write(session, account, "export.made", reference="=1+1", arrangement="x")
    colin(http, session, client)
    to = read(http, account, 0, reason=nasty)
    for path in (
        *(
            "/compliance",
            "/compliance/find",
            f"/compliance/find?q={account.reference}",
            of(account),
        ),
        *("/compliance/exports", "/compliance/settings", f"/compliance/settings/{client.id}", to),
        "/compliance/find?q=%3Cscript%3Ealert(1)%3C/script%3E",
    ):
        page = http.get(
            path,
            query_string={"first": "2026-11-01", "last": "2026-11-30"} if "?" not in path else None,
        )
        assert nasty not in page.get_data(as_text=True), path
    days = {"first": "2026-11-01", "last": "2026-11-30"}
    lines = http.get("/compliance/exports.csv", query_string=days).get_data(as_text=True)
    assert ",'=1+1," in lines
