"""/verify: anybody brings a bundle and reads whether it is whole; nothing is kept or told of it."""

import logging
from io import BytesIO

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal.db import PortalSession, set_tenant
from portal.domain.bundles import pack
from portal.models import AttemptCounter
from portal.models.evidence import LogKey
from portal.verifier.verify import STEPS
from tests.factories import NOW, make_client
from tests.pages.agreeing import accept, agreed, choose_plan, path, send
from tests.pages.debtors import Dana, csrf_of
from tests.pages.reading import heard, said, tree
from tests.verifier.made import KEY, LOG, REFERENCE, bundle, changed, unpacked

WHOLE = pack(bundle())
FACTS = unpacked(WHOLE)["checkpoint"].decode().partition("\n\n")[0].partition("\n")[2]
"""The size and the root of the checkpoint, a line each."""


@pytest.fixture
def published(session: PortalSession) -> None:
    """The key that signed the bundles of these tests is one of the portal's."""
    client = make_client(session)
    session.add(LogKey(client_id=client.id, line=KEY.line, first_at=NOW))
    session.flush()
    set_tenant(session)  # the page is nobody's: it sees the keys through their function alone


def bring(
    http: FlaskClient, data: bytes, name: str = "evidence-x.zip", **given: str
) -> TestResponse:
    token = csrf_of(http.get("/verify"))
    form = {"csrf_token": token, "file": (BytesIO(data), name), **given}
    return http.post("/verify", data=form, content_type="multipart/form-data")


def outcomes(page: TestResponse) -> list[str]:
    """What became of each check, in their order."""
    marks = [one for one in tree(page).iter("span") if "tag" in one.get("class", "")]
    return ["".join(one.itertext()) for one in marks]


@pytest.mark.usefixtures("published")
def test_a_whole_bundle_is_told_to_be_whole_with_its_reference_times_and_total_alone(
    http: FlaskClient,
):
    page = bring(http, WHOLE)
    assert page.status_code == 200
    assert outcomes(page) == ["Yes, passed"] * len(STEPS)
    words = heard(page)
    assert "This file is whole" in words
    assert REFERENCE in words
    assert "November 23, 2026, 5:02 PM UTC" in words.replace("\u202f", " ")
    assert "Entries in the record 6" in words
    for number in (LOG, KEY.line.split("+")[1], *FACTS.split()):
        assert number in words, "what certificate.pdf has, too"
    assert "In all $240.00" in words, "what a certificate that somebody made up cannot change"
    for private in ("Ñandú", "pm_1", "a1"):
        assert private not in page.get_data(as_text=True)


def test_ev_06_the_proof_that_a_debtor_just_saved_is_whole(
    http: FlaskClient, session: PortalSession, dana: Dana
):
    accept(http, dana, choose_plan(http, dana), permission="y")
    saved = send(http, http.get(f"{path(dana)}/arrangement"), f"{path(dana)}/proof")
    reference = agreed(session).reference
    set_tenant(session)
    words = heard(bring(http, saved.data))
    assert "This file is whole" in words
    assert reference in words


@pytest.mark.usefixtures("published")
def test_one_cent_is_found_and_the_checks_after_it_are_not_reached(http: FlaskClient):
    name = "chain/000002.payload.json"
    page = bring(http, changed(name, lambda data: data.replace(b"24000", b"24001")))
    expected = ["Yes, passed"] * 3 + ["No, failed"] + ["Not reached"] * 5
    assert outcomes(page) == expected
    assert "This file is not whole" in said(page)
    assert name in said(page)
    assert REFERENCE not in said(page), "what is not whole vouches for nothing"


def test_a_bundle_of_another_operator_is_whole_but_not_ours(http: FlaskClient):
    page = bring(http, WHOLE)
    assert "We did not sign this file" in said(page)
    assert "signed by a key that this portal does not publish" in said(page)
    assert outcomes(page).count("No, failed") == 1
    assert KEY.line in said(page)


@pytest.mark.parametrize("data", [b"", b"hello", b"%PDF-1.7", WHOLE[:-9], pack(bundle())[100:]])
def test_a_file_that_is_no_bundle_gets_a_plain_answer(http: FlaskClient, data: bytes):
    page = bring(http, data)
    assert page.status_code == 200
    assert "This file is not the proof of an agreement" in said(page)


def test_no_file_and_too_large_a_file_get_plain_answers(http: FlaskClient):
    page = bring(http, b"", name="")
    assert page.status_code == 422
    assert "Choose the file first." in said(page)
    page = bring(http, bytes(13 * 2**20))
    assert page.status_code == 413
    assert "A file can have 12 MB at most." in said(page)


def test_the_page_needs_no_log_in_sets_no_cookie_and_takes_its_own_form_only(http: FlaskClient):
    page = http.get("/verify")
    assert page.status_code == 200
    assert "Set-Cookie" not in page.headers
    file = (BytesIO(WHOLE), "evidence-x.zip")
    refused = http.post("/verify", data={"file": file}, content_type="multipart/form-data")
    assert refused.status_code == 400


@pytest.mark.usefixtures("published")
def test_nothing_of_a_bundle_is_kept_or_logged(
    http: FlaskClient, session: PortalSession, caplog: pytest.LogCaptureFixture
):
    with caplog.at_level(logging.DEBUG):
        bring(http, WHOLE)
    assert REFERENCE not in caplog.text
    kept = session.scalars(select(AttemptCounter)).all()
    assert [one.scope for one in kept] == ["bundle"], "one count for the network, and that is all"


def test_one_network_is_slowed_down(http: FlaskClient):
    answers = [bring(http, b"x").status_code for _ in range(31)]
    assert answers == [200] * 30 + [429]
