"""Copies by e-mail only: offered after paying, tried out before, ended by one button (ES-01)."""

import dataclasses
import re
from collections.abc import Callable
from datetime import timedelta
from email import message_from_bytes

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal.db import PortalSession
from portal.domain.statuses import ConsentStatus
from portal.gateways.clock import SetClock
from portal.models import EsignConsent, Message, Payment
from portal.rules.disclosures import legal_text
from portal.runtime import Runtime
from portal.services import demonstrations, esign, evidence
from portal.services.dispatch import dispatch
from portal.services.preferences import close_address
from portal.writing import carriers_of
from tests.factories import make_contact, make_debtor
from tests.pages.agreeing import (
    accept,
    choose_plan,
    form,
    links,
    newest,
    path,
    pay_at_stripe,
    review,
)
from tests.pages.debtors import Dana
from tests.pages.reading import heard, tree
from tests.sandbox.checked import CheckedStripe

PATH = "/copies-by-email"
OFFER = "Get these copies by email only"
YES = {"agreed": "y"}
Post = Callable[[], list[str]]


@pytest.fixture
def post(session: PortalSession, runtime: Runtime, clock: SetClock, dana: Dana) -> Post:
    """The worker: everything that waits to be sent leaves."""

    def send_all() -> list[str]:
        waiting = select(Message.id).where(Message.status == "queued", Message.channel != "letter")
        ids = session.scalars(waiting.order_by(Message.id)).all()
        for one in ids:
            carriers = dataclasses.replace(carriers_of(runtime), outbox=False)
            dispatch(session, dana.client.id, one, carriers=carriers, now=clock.now())
        found = select(Message.template).where(Message.id.in_(ids), Message.status == "sent")
        return list(session.scalars(found.order_by(Message.id)))

    return send_all


def press(http: FlaskClient, page: TestResponse, action: str, **typed: str) -> TestResponse:
    """Fill in the form that goes to this address, and send it."""
    return http.post(action, data=form(page, action) | typed)


def code_in(session: PortalSession, dana: Dana) -> str:
    """The code in the newest sample, as its reader finds it."""
    asked = session.scalars(select(EsignConsent).order_by(EsignConsent.id.desc())).first()
    assert asked is not None
    page = evidence.kept_with(session, [dana.account], asked.sample_sha256.hex()).body.decode()
    (code,) = re.findall(r"<p>([0-9A-Z]{4}-[0-9A-Z]{4})</p>", page)
    return str(code)


def ask(http: FlaskClient, post: Post) -> TestResponse:
    """Have the sample sent; the page with the field for its code."""
    answered = press(http, http.get(PATH), f"{PATH}/sample")
    assert answered.status_code == 303
    post()
    return http.get(answered.location)


def consent(http: FlaskClient, session: PortalSession, dana: Dana, post: Post) -> TestResponse:
    return press(http, ask(http, post), PATH, code=code_in(session, dana), **YES)


def told(session: PortalSession, dana: Dana, kind: str = "esign.") -> list[evidence.Entry]:
    found = evidence.account_leaves(session, dana.account)
    return [leaf for leaf in found if leaf.type.startswith(kind)]


def letters(session: PortalSession) -> list[str]:
    wanted = select(Message.template).where(Message.channel == "letter", Message.status == "queued")
    return list(session.scalars(wanted.order_by(Message.id)))


def test_es_01_it_is_offered_after_paying_and_never_before(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe
) -> None:
    """ES-01: never a condition of paying or agreeing."""
    before = [http.get(path(dana)), review(http, dana, "Pay it all today"), choose_plan(http, dana)]
    assert [page for page in before if OFFER in heard(page) or PATH in str(links(page))] == []
    accept(http, dana, review(http, dana, "Pay it all today"))
    landed = http.get(pay_at_stripe(session, stripe))
    assert links(landed)[OFFER] == PATH
    receipt = http.get(next(to for said, to in links(landed).items() if "receipt" in said))
    assert links(receipt)[OFFER] == PATH
    assert "You do not have to get documents online to pay" in heard(http.get("/preferences"))


def test_es_01_the_statement_says_all_that_the_law_wants_and_nothing_is_ticked(
    http: FlaskClient, session: PortalSession, dana: Dana, post: Post
) -> None:
    """ES-01: paper and its cost, withdrawal and what follows, scope, contact, what is needed."""
    words = heard(ask(http, post))
    for part in (
        "The law gives you a right to some copies and notices on paper, free of charge.",
        "Press “Send me paper again” on the page “How we contact you”.",
        "It works at once and costs nothing. After that we send these copies by letter.",
        "All of your accounts with Northgate Energy, from now on, until you stop it.",
        "Give us the new one on the page “How we contact you”, or call us.",
        "You can get any of these copies on paper, also later.",
        "A current web browser.",
        "You can pay, agree and use this page without this.",
    ):
        assert part in words
    box = next(one for one in tree(http.get(PATH)).iter("input") if one.get("name") == "agreed")
    assert "checked" not in box.attrib
    assert "No, keep sending letters" in words


def test_es_01_consent_needs_the_code_of_the_sample_that_came_by_email(
    http: FlaskClient, session: PortalSession, dana: Dana, post: Post, clock: SetClock
) -> None:
    page = ask(http, post)
    assert "We sent the sample to" in heard(page)
    typed = code_in(session, dana).replace("-", " ").lower()
    done = press(http, page, PATH, code=typed, **YES)
    assert (done.status_code, done.location) == (303, "/preferences?done=online")
    assert "go to you by email only" in heard(http.get(done.location))
    asked, given = told(session, dana)
    assert (asked.type, given.type) == ("esign.asked", "esign.consented")
    said = given.payload
    stands = esign.standing_consent(session, dana.client.id, dana.debtor.id)
    assert stands is not None
    assert (said["scope"], said["locale"]) == ("required_copies", "en")
    assert said["text_sha256"] == stands.text_sha256.hex()
    kept = evidence.kept_with(session, [dana.account], said["text_sha256"]).body.decode()
    assert kept.startswith("# Copies by email only\nThe law gives you a right")
    shown = said["demonstration"]
    assert (shown["method"], shown["passed_at"]) == ("code_in_document", "2026-11-22T17:00:00.000Z")
    assert shown["address_sha256"] == esign.address_commit(stands.id, dana.contact)
    assert dana.contact.address not in str(said)


def test_es_01_the_sample_is_a_file_with_an_email_that_says_nothing_of_a_debt(
    http: FlaskClient, session: PortalSession, dana: Dana, post: Post
) -> None:
    """EC-08"""
    ask(http, post)
    sent = session.scalars(select(Message).where(Message.template == "esign_sample")).one()
    leaf = told(session, dana, "message.sent")[-1].payload
    mail = message_from_bytes(
        evidence.kept_with(session, [dana.account], leaf["documents"][0]["sha256"]).body
    )
    (file,) = [part for part in mail.walk() if part.get_filename()]
    sample = file.get_payload(decode=True)
    assert isinstance(sample, bytes)
    assert code_in(session, dana) in sample.decode()
    assert code_in(session, dana) not in f"{sent.subject}{sent.body}{sent.body_html}"
    shown = http.get(f"/outbox/{sent.id}/file")
    assert shown.data == sample, "the demo's outbox has the file, too"
    for words in (sample.decode(), f"{sent.subject} {sent.body}"):
        assert not re.search(r"\bdebts?\b|\bowe|Northgate Energy|\$", words)
        assert "Open the link" not in words, "there is none"


def test_es_01_consent_without_the_demonstration_is_refused(
    http: FlaskClient, session: PortalSession, dana: Dana, post: Post
) -> None:
    """ES-01: neither without a sample, nor a code, nor the right one, nor the tick."""
    at_first = http.get(PATH)
    assert "code" not in {one.get("name") for one in tree(at_first).iter("input")}
    held = form(at_first, f"{PATH}/sample") | YES | {"code": "K7MP-42XD"}
    assert http.post(PATH, data=held).status_code == 422
    page = ask(http, post)
    right = code_in(session, dana)
    for typed, words in (
        ({"code": ""} | YES, "Type the code that stands in the sample."),
        ({"code": "K7MP-42XD"} | YES, "This is not the code in the sample."),
        ({"code": right}, "Tick the box if you want this."),
        ({"code": right, "shown": "0" * 64} | YES, "The words on this page have changed."),
    ):
        refused = press(http, page, PATH, **typed)
        assert (refused.status_code, words in heard(refused)) == (422, True)
    assert esign.standing_consent(session, dana.client.id, dana.debtor.id) is None
    assert [leaf.type for leaf in told(session, dana)] == ["esign.asked"]


def test_es_01_a_sample_that_was_asked_for_twice_is_sent_once_and_said_to_have_been_sent_before(
    http: FlaskClient, session: PortalSession, dana: Dana, post: Post
) -> None:
    page = http.get(PATH)
    first, second = (press(http, page, f"{PATH}/sample") for _ in range(2))
    assert post() == ["esign_sample"]
    assert "a moment ago" not in heard(http.get(first.location))
    assert "We sent the sample to" in heard(http.get(first.location))
    assert "a moment ago" in heard(http.get(second.location))


def test_es_01_wrong_codes_are_limited_and_lose_nothing(
    http: FlaskClient, session: PortalSession, dana: Dana, post: Post, clock: SetClock
) -> None:
    page = ask(http, post)
    for n in range(demonstrations.MOST_TRIES):
        refused = press(http, page, PATH, code=f"WRNG-000{n}", **YES)
        assert refused.status_code == 422
    assert "Please let us send you a new sample." in heard(refused)
    assert press(http, page, PATH, code=code_in(session, dana), **YES).status_code == 422
    again = http.get(PATH)
    assert "Send me the sample" in heard(again)
    assert "No, keep sending letters" in heard(again)
    clock.advance(timedelta(minutes=5))
    assert consent(http, session, dana, post).status_code == 303


def test_es_01_another_debtors_code_does_not_work(
    http: FlaskClient,
    session: PortalSession,
    dana: Dana,
    post: Post,
    runtime: Runtime,
    clock: SetClock,
) -> None:
    other = make_debtor(session, dana.client, first_name="Noor")
    make_contact(session, other)
    page = ask(http, post)
    mine = session.scalars(select(EsignConsent)).one()
    who = demonstrations.Visiting(other, mine.session_id)
    statement = legal_text(esign.TEXT, "en", company="N", phone="1", address="1 Pier")
    keys = runtime.settings.keys
    theirs, _went = demonstrations.ask_sample(
        session, who, statement, write=str.encode, keys=keys, now=clock.now()
    )
    session.commit()
    code = demonstrations.sample_code(keys, theirs.id)
    assert press(http, page, PATH, code=code, **YES).status_code == 422
    assert theirs.status is ConsentStatus.ASKED


def test_double_posts_are_harmless(
    http: FlaskClient, session: PortalSession, dana: Dana, post: Post
) -> None:
    first = http.get(PATH)
    for _ in range(2):
        assert press(http, first, f"{PATH}/sample").status_code == 303
    assert post().count("esign_sample") == 1
    page, code = http.get(PATH), code_in(session, dana)
    for _ in range(2):
        done = press(http, page, PATH, code=code, **YES)
        assert (done.status_code, done.location) == (303, "/preferences?done=online")
    page = http.get("/preferences")
    for _ in range(2):
        assert press(http, page, f"{PATH}/stop").status_code == 303
    types = [leaf.type for leaf in told(session, dana)]
    assert types == ["esign.asked", "esign.consented", "esign.withdrawn"]


def test_es_01_samples_are_limited_and_the_way_out_stays(
    http: FlaskClient, session: PortalSession, dana: Dana, post: Post, clock: SetClock
) -> None:
    for _ in range(demonstrations.MOST_SAMPLES):
        assert press(http, http.get(PATH), f"{PATH}/sample").status_code == 303
        clock.advance(timedelta(minutes=5))
    refused = press(http, http.get(PATH), f"{PATH}/sample")
    assert refused.status_code == 409
    assert "We sent you several samples today." in heard(refused)
    assert "No, keep sending letters" in heard(refused)


def test_without_an_email_address_it_asks_for_one(
    http: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
) -> None:
    close_address(session, dana.contact, now=clock.now())
    session.commit()
    page = http.get(PATH)
    assert "We have no email address of yours that we may write to." in heard(page)
    assert links(page)["Give us an email address"] == "/preferences/email"


def agree_and_pay(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe
) -> None:
    accept(http, dana, choose_plan(http, dana), permission="y")
    http.get(pay_at_stripe(session, stripe))


def test_es_01_without_consent_required_copies_go_on_paper_and_nothing_else_changes(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe, post: Post
) -> None:
    agree_and_pay(http, session, dana, stripe)
    copies = {"agreement_copy", "authorization_copy", "receipt"}
    assert set(post()) == copies, "the e-mail goes as before"
    assert set(letters(session)) == copies
    agreed = next(leaf for leaf in told(session, dana, "acceptance"))
    assert "esign" not in agreed.payload
    listed = [leaf.payload["template"] for leaf in told(session, dana, "letter.queued")]
    assert set(listed) == copies


def test_es_01_with_consent_they_go_by_email_only_until_it_is_withdrawn(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe, post: Post
) -> None:
    assert consent(http, session, dana, post).status_code == 303
    agree_and_pay(http, session, dana, stripe)
    assert set(post()) == {"agreement_copy", "authorization_copy", "receipt"}
    assert letters(session) == []
    landed = http.get(f"/payment/{newest(session, Payment).id}")
    assert OFFER not in links(landed)
    said = next(leaf for leaf in told(session, dana, "acceptance")).payload["esign"]
    assert (said["scope"], said["consented_at"]) == ("required_copies", "2026-11-22T17:00:00.000Z")
    stopped = press(http, http.get("/preferences"), f"{PATH}/stop")
    assert "go to you by letter too" in heard(http.get(stopped.location))
    assert told(session, dana)[-1].type == "esign.withdrawn"
    stop = f"{path(dana)}/stop"
    http.post(stop, data=form(http.get(stop)))
    assert post() == ["automatic_stopped"]
    assert letters(session) == ["automatic_stopped"]


def test_es_01_the_consent_is_for_the_address_that_was_tried_out(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe, post: Post
) -> None:
    assert consent(http, session, dana, post).status_code == 303
    make_contact(session, dana.debtor, address="dana.new@mail.example")
    dana.contact.retired_at = dana.issued.link.issued_at
    session.commit()
    agree_and_pay(http, session, dana, stripe)
    post()
    assert set(letters(session)) == {"agreement_copy", "authorization_copy", "receipt"}


def test_es_01_letters_only_ends_the_consent(
    http: FlaskClient, session: PortalSession, dana: Dana, post: Post
) -> None:
    assert consent(http, session, dana, post).status_code == 303
    press(http, http.get("/preferences"), "/preferences/letters")
    assert esign.standing_consent(session, dana.client.id, dana.debtor.id) is None
    assert told(session, dana)[-1].type == "esign.withdrawn"


def test_es_01_a_text_that_changed_in_substance_asks_again(
    http: FlaskClient,
    session: PortalSession,
    dana: Dana,
    post: Post,
    clock: SetClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """ES-01: the older consent no longer stands, so copies go on paper until there is a new one."""
    assert consent(http, session, dana, post).status_code == 303
    monkeypatch.setattr(esign, "STANDS_SINCE", 2)
    assert esign.standing_consent(session, dana.client.id, dana.debtor.id) is None
    asked_anew = http.get("/preferences")
    assert links(asked_anew)[OFFER] == PATH
    assert "What you need to get copies by email only has changed." in heard(asked_anew)
    monkeypatch.setattr(esign, "STANDS_SINCE", 1)
    clock.advance(timedelta(minutes=5))
    session.scalars(select(EsignConsent)).one().text_version = 0
    session.commit()
    assert consent(http, session, dana, post).status_code == 303
    first, second = session.scalars(select(EsignConsent).order_by(EsignConsent.id)).all()
    assert (first.status, second.status) == (ConsentStatus.REPLACED, ConsentStatus.CONSENTED)
    assert told(session, dana)[-1].payload["replaces"] == str(first.id)
