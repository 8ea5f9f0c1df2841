"""The list of letters: printed as they wait, taken along in one package, and said to have left."""

import csv
import io
import json
import zipfile
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from flask.testing import FlaskClient
from pypdf import PdfReader
from sqlalchemy import select

from portal.config import Settings
from portal.db import PortalSession
from portal.domain.codes import unbroken
from portal.domain.holds import HoldKind
from portal.domain.statuses import ConsentStatus, MessageStatus
from portal.gateways.clock import SetClock
from portal.models import (
    AccessLink,
    Account,
    Channel,
    Debtor,
    EsignConsent,
    Letter,
    LetterBatch,
    Message,
    Role,
)
from portal.services import evidence, letter_batches
from portal.services.esign import SCOPE
from portal.services.links import code_of
from portal.services.messages import queue
from portal.services.standing import set_hold
from portal.services.verify import verify_client
from tests.factories import make_account, make_client, make_debtor, make_policy, make_visit
from tests.pages.agreeing import form, links
from tests.pages.debtors import Dana, csrf_of, make_visitor
from tests.pages.reading import heard
from tests.pages.staff import enter, make_staff
from tests.services.test_acceptance import agree, picked, plan

PATH = "/support/letters"


@pytest.fixture
def dana(session: PortalSession, settings: Settings, clock: SetClock) -> Dana:
    return make_visitor(session, settings, clock.now())


@pytest.fixture
def sam(http: FlaskClient, session: PortalSession, dana: Dana) -> FlaskClient:
    """The browser of Sam, who works for Dana's client."""
    return enter(http, session, make_staff(session, Role.AGENT, dana.client))


def letter(session: PortalSession, account: Account, clock: SetClock, **given: Any) -> Message:
    """A letter that says no more than that somebody answered."""
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    values: dict[str, Any] = {"template": "thread_reply", "context": {}, "dedupe_key": f"{given}"}
    values |= {"account": account, "channel": Channel.LETTER, "now": clock.now()}
    (message,) = queue(session, debtor, **(values | given))
    session.commit()
    return message


def print_all(sam: FlaskClient, dana: Dana) -> str:
    """Press the button; where the batch is."""
    to = f"{PATH}/of/{dana.client.id}/print"
    answered = sam.post(to, data=form(sam.get(PATH), to))
    assert answered.status_code == 303
    return answered.location


def package(sam: FlaskClient, batch: str) -> zipfile.ZipFile:
    """What the download holds."""
    got = sam.post(f"{batch}/download", data=form(sam.get(batch), f"{batch}/download"))
    assert (got.status_code, got.mimetype) == (200, "application/zip")
    return zipfile.ZipFile(io.BytesIO(got.data))


def types(session: PortalSession, account: Account) -> list[str]:
    found = [leaf.type for leaf in evidence.account_leaves(session, account)]
    return [one for one in found if one.startswith(("letter.", "message."))]


def test_letters_are_printed_and_said_to_have_left_or_wait_again(
    sam: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
) -> None:
    first, second = (letter(session, dana.account, clock, dedupe_key=n) for n in "ab")
    assert "ready" in heard(sam.get(PATH))
    batch = print_all(sam, dana)
    session.expire_all()
    assert {first.status, second.status} == {MessageStatus.SENDING}
    one, two = session.scalars(select(Letter).order_by(Letter.n)).all()
    held = form(sam.get(batch), batch)
    assert sam.post(batch, data=held | {"sent": str(one.id)}).status_code == 303
    session.expire_all()
    assert (first.status, second.status) == (MessageStatus.SENT, MessageStatus.QUEUED)
    assert (one.sent_at, two.sent_at) == (clock.now(), None)
    assert types(session, dana.account) == [
        *["letter.queued"] * 2,
        *["letter.printed"] * 2,
        "letter.sent",
        "letter.put_back",
    ]
    assert [*verify_client(session, dana.client.id)] == []


def read(pdf: bytes) -> str:
    """The words of a letter."""
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages]
    return " ".join(" ".join(pages).split())


def test_es_02_the_package_has_what_was_printed_and_tables_have_no_code_that_works(
    sam: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock, settings: Settings
) -> None:
    message = letter(session, dana.account, clock)
    batch = print_all(sam, dana)
    taken = package(sam, batch)
    assert taken.namelist() == ["001-letter.pdf", "letters.csv", "manifest.json"]
    page = read(taken.read("001-letter.pdf"))
    for words in ("Dana Reyes 4 Elm Street", "Albany, NY 12207", "November 22, 2026"):
        assert words in page
    printed = session.scalars(select(Letter).where(Letter.message_id == message.id)).one()
    link = session.get_one(AccessLink, (dana.client.id, printed.link_id))
    code = unbroken(code_of(settings.keys, link))
    told = evidence.account_leaves(session, dana.account)[-1].payload
    kept = evidence.kept_with(session, [dana.account], told["documents"][0]["sha256"]).body
    assert code in page
    assert code not in kept.decode()
    exact = kept.decode().replace(letter_batches.HIDDEN, code)
    assert told["handed_over_sha256"] == sha256(exact.encode()).hexdigest()


def packages_of(session: PortalSession, dana: Dana) -> list[evidence.Entry]:
    """What the client's own chain says of packages."""
    told = evidence.chain_leaves(session, dana.client.id, dana.client.chain_id)
    return [one for one in told if one.type == "letters.downloaded"]


def test_a_print_house_gets_a_manifest_of_what_it_must_have(
    sam: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
) -> None:
    """The count, the hash of each file and the lines of each address; who took it is on record."""
    for name in "ab":
        letter(session, dana.account, clock, dedupe_key=name)
    batch = print_all(sam, dana)
    taken = package(sam, batch)
    manifest = json.loads(taken.read("manifest.json"))
    assert manifest["count"] == len(manifest["letters"]) == 2
    for one in (*manifest["letters"], manifest["table"]):
        assert sha256(taken.read(one["file"])).hexdigest() == one["sha256"]
    assert manifest["letters"][0]["address"] == ["Dana Reyes", "4 Elm Street", "Albany, NY 12207"]
    lines = list(csv.DictReader(io.StringIO(taken.read("letters.csv").decode("utf-8-sig"))))
    assert [line["file"] for line in lines] == ["001-letter.pdf", "002-letter.pdf"]
    assert (lines[0]["name"], lines[0]["address_2"]) == ("Dana Reyes", "Albany, NY 12207")
    again = package(sam, batch)
    assert [again.read(name) for name in again.namelist()] == [
        taken.read(name) for name in taken.namelist()
    ]
    mine = packages_of(session, dana)
    assert len(mine) == 2
    told = [{"name": one["file"], "sha256": one["sha256"]} for one in manifest["letters"]]
    assert mine[0].payload["files"] == told


def test_a_letter_that_was_put_back_long_ago_is_printed_with_a_code_that_works(
    sam: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
) -> None:
    letter(session, dana.account, clock)
    batch = print_all(sam, dana)
    assert sam.post(batch, data=form(sam.get(batch), batch) | {"sent": ""}).status_code == 303
    clock.advance(timedelta(days=60))
    enter(sam, session, make_staff(session, Role.AGENT, dana.client))
    assert package(sam, print_all(sam, dana)).namelist() == [
        "001-letter.pdf",
        "letters.csv",
        "manifest.json",
    ]
    first, second = session.scalars(select(Letter).order_by(Letter.id)).all()
    assert first.link_id != second.link_id


def test_what_left_is_said_once(
    sam: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
) -> None:
    letter(session, dana.account, clock)
    batch = print_all(sam, dana)
    session.expire_all()
    held = form(sam.get(batch), batch)
    assert [sam.post(batch, data=held).status_code for _ in range(2)] == [303, 303]
    assert "Somebody said in the meantime which of these letters left." in heard(sam.get(batch))
    assert types(session, dana.account)[-1] == "letter.sent"
    assert session.scalars(select(LetterBatch)).one().finished_at == clock.now()


def test_a_copy_goes_with_the_letter_as_it_was_shown(
    sam: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
) -> None:
    """PY-12, ES-02"""
    make_policy(session, dana.client)
    agreed = agree(session, dana.account, picked(dana.account, plan()))
    copy = session.scalars(select(Message).where(Message.template == "agreement_copy")).one()
    letter(session, dana.account, clock, template=copy.template, context=copy.context)
    taken = package(sam, print_all(sam, dana))
    page = read(taken.read("001-letter.pdf"))
    assert agreed.reference in page
    assert "It is enclosed with this letter." in page
    assert "Your agreement" in page
    (entry,) = json.loads(taken.read("manifest.json"))["letters"]
    assert entry["enclosure_sha256"] == sha256(b"<p>Your agreement</p>").hexdigest()


def test_without_an_address_it_stays_on_the_list_and_says_what_to_do(
    sam: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
) -> None:
    dana.debtor.address_line = None
    message = letter(session, dana.account, clock)
    words = heard(sam.get(PATH))
    assert "no address" in words
    assert "ask the client for the street, city and postal code" in words
    assert "Print these letters" not in words
    dana.debtor.address_line = "4 Elm Street"
    session.commit()
    print_all(sam, dana)
    session.refresh(message)
    assert message.status is MessageStatus.SENDING


def test_letters_without_an_address_hide_no_button(
    sam: FlaskClient,
    session: PortalSession,
    dana: Dana,
    clock: SetClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(letter_batches, "MOST", 1)
    nowhere = make_account(session, make_debtor(session, dana.client, address_line=None))
    letter(session, nowhere, clock)
    clock.advance(timedelta(minutes=1))
    waits = letter(session, dana.account, clock, dedupe_key="b")
    words = heard(sam.get(PATH))
    assert "Cannot be printed yet" in words
    assert "1 letter is ready." in words
    print_all(sam, dana)
    session.refresh(waits)
    assert waits.status is MessageStatus.SENDING


def test_ct_08_a_hold_that_came_later_takes_a_letter_from_the_list(
    sam: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
) -> None:
    """CT-08: but what a person decided to send goes, to whoever acts for the debtor."""
    message = letter(session, dana.account, clock)
    decided = letter(session, dana.account, clock, dedupe_key="decided", decided=True)
    lawyer = HoldKind.ATTORNEY
    now, actor = clock.now(), evidence.SYSTEM
    set_hold(session, dana.account, lawyer, source="t", actor=actor, now=now)
    session.commit()
    batch = print_all(sam, dana)
    session.expire_all()
    assert (message.status, decided.status) == (MessageStatus.SUPPRESSED, MessageStatus.SENDING)
    assert "Send it to whoever acts for them." in heard(sam.get(batch))
    page = read(package(sam, batch).read("001-letter.pdf"))
    assert "To whoever acts for Dana Reyes" in page
    assert "then this code" not in page
    assert "Elm" not in page


def test_ct_08_a_stop_after_printing_is_shown_before_it_is_posted(
    sam: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
) -> None:
    letter(session, dana.account, clock)
    batch = print_all(sam, dana)
    session.expire_all()
    actor = evidence.SYSTEM
    now = clock.now()
    set_hold(session, dana.account, HoldKind.ATTORNEY, source="t", actor=actor, now=now)
    session.commit()
    page = sam.get(batch)
    assert "Do not send it" in heard(page)
    assert "sent" not in form(page, batch), "its tick is off"


def hold_for_lawyer(session: PortalSession, dana: Dana, clock: SetClock) -> None:
    """A lawyer acts for Dana from a minute later on."""
    now = clock.advance(timedelta(minutes=1))
    lawyer = HoldKind.ATTORNEY
    set_hold(session, dana.account, lawyer, source="t", actor=evidence.SYSTEM, now=now)
    session.commit()
    clock.advance(timedelta(minutes=1))


def finish_all(sam: FlaskClient, session: PortalSession, batch: str) -> str:
    """Say that every letter of a batch left; what the next page says."""
    session.expire_all()
    ids = [str(one.id) for one in session.scalars(select(Letter).order_by(Letter.n))]
    answered = sam.post(batch, data=form(sam.get(batch), batch) | {"sent": ids})
    assert answered.status_code == 303
    session.expire_all()
    return heard(sam.get(PATH))


def test_ct_08_a_print_house_gets_no_letter_that_was_forbidden_since(
    sam: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
) -> None:
    """CT-08, DH-08: it is left out whole, named as withheld, and cannot be said to have left."""
    other = make_account(session, make_debtor(session, dana.client, address_line="9 Oak Street"))
    held = letter(session, dana.account, clock)
    free = letter(session, other, clock, dedupe_key="other")
    batch = print_all(sam, dana)
    hold_for_lawyer(session, dana, clock)
    taken = package(sam, batch)
    assert taken.namelist() == ["002-letter.pdf", "letters.csv", "manifest.json"]
    manifest = json.loads(taken.read("manifest.json"))
    assert (manifest["count"], manifest["withheld"]) == (1, ["001-letter.pdf"])
    assert not any(b"4 Elm Street" in taken.read(name) for name in taken.namelist()[1:])
    (leaf,) = packages_of(session, dana)
    assert [one["name"] for one in leaf.payload["withheld"]] == ["001-letter.pdf"]
    assert "1 letter may not be sent and was in no package." in finish_all(sam, session, batch)
    assert (held.status, free.status) == (MessageStatus.QUEUED, MessageStatus.SENT)
    assert [*verify_client(session, dana.client.id)] == []


def test_ct_08_what_a_package_had_before_it_was_forbidden_did_leave(
    sam: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
) -> None:
    message = letter(session, dana.account, clock)
    batch = print_all(sam, dana)
    assert "001-letter.pdf" in package(sam, batch).namelist()
    hold_for_lawyer(session, dana, clock)
    assert "001-letter.pdf" not in package(sam, batch).namelist()
    assert "may not be sent" not in finish_all(sam, session, batch)
    assert message.status is MessageStatus.SENT
    assert [*verify_client(session, dana.client.id)] == []


def test_ct_08_a_letter_with_the_debtors_own_address_is_withheld_though_it_was_decided(
    sam: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
) -> None:
    """CT-08: it was decided and printed for Dana, before a lawyer acted for her."""
    letter(session, dana.account, clock, decided=True)
    batch = print_all(sam, dana)
    hold_for_lawyer(session, dana, clock)
    assert "001-letter.pdf" not in package(sam, batch).namelist()


def test_another_clients_letters_are_as_if_absent(
    sam: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
) -> None:
    letter(session, dana.account, clock)
    batch, theirs = print_all(sam, dana), dana.client.id
    session.expire_all()
    stranger = make_staff(session, Role.AGENT, make_client(session))
    enter(sam, session, stranger)
    assert sam.get(batch).status_code == 404
    assert batch.rpartition("/")[2] not in sam.get(PATH).get_data(as_text=True)
    csrf = {"csrf_token": csrf_of(sam.get(PATH))}
    assert sam.post(f"{PATH}/of/{theirs}/print", data=csrf).status_code == 404


def test_es_01_staff_send_a_copy_on_paper_to_whoever_asks_for_one(
    sam: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
) -> None:
    """ES-01: paper at no cost, also after a consent; asked for twice on a day, it goes once."""
    make_policy(session, dana.client)
    agree(session, dana.account, picked(dana.account, plan()))
    session.commit()
    account = f"/support/accounts/{dana.account.id}"
    to = next(to for said, to in links(sam.get(account)).items() if "Send this copy" in said)
    asked = [sam.post(to, data=form(sam.get(to))).status_code for _ in range(2)]
    assert asked == [303, 422]
    waiting = select(Message).where(Message.channel == "letter")
    assert [one.template for one in session.scalars(waiting)] == ["agreement_copy"]
    told = evidence.account_leaves(session, dana.account)[-1]
    assert (told.type, told.payload["actor"]["kind"]) == ("letter.queued", "staff")


def test_es_01_staff_end_a_consent_for_who_calls(
    sam: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
) -> None:
    visit = make_visit(session, dana.account)
    session.add(
        EsignConsent(
            client_id=dana.client.id,
            debtor_id=dana.debtor.id,
            contact_id=dana.contact.id,
            session_id=visit.session_id,
            status=ConsentStatus.CONSENTED,
            scope=SCOPE,
            text_version=1,
            text_sha256=bytes(32),
            locale="en",
            sample_sha256=bytes(32),
            asked_at=clock.now(),
            consented_at=clock.now(),
        )
    )
    session.commit()
    page = sam.get(f"/support/accounts/{dana.account.id}")
    assert "by email only, since Nov 22, 2026" in heard(page)
    to = links(page)["On paper again"]
    assert sam.post(to, data=form(sam.get(to))).status_code == 303
    assert "by letter too" in heard(sam.get(f"/support/accounts/{dana.account.id}"))
    told = evidence.account_leaves(session, dana.account)[-1]
    assert (told.type, told.payload["actor"]["kind"]) == ("esign.withdrawn", "staff")
