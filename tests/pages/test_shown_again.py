"""What somebody agreed to is shown again as it was, whatever changed since (EV-02)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from portal import i18n, templating, web
from portal.config import Settings
from portal.db import PortalSession, set_tenant
from portal.domain.policy import Band, Tier
from portal.gateways.clock import SetClock
from portal.models import Role
from portal.services import evidence
from portal.services.evidence import Entry
from tests.factories import make_policy
from tests.pages.agreeing import accept, choose_plan, links
from tests.pages.agreeing import enter as come_as_debtor
from tests.pages.debtors import Dana, csrf_of
from tests.pages.reading import heard
from tests.pages.staff import enter, make_staff

CHANGED = "Nothing stands here as it stood."


@pytest.fixture
def plain(app: Flask) -> FlaskClient:
    """A browser that takes what it gets: what was kept is no page of ours."""
    return FlaskClient(app, app.response_class, use_cookies=True)


@contextmanager
def changed_since(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Meanwhile the template of a review and a translation in it are others."""
    read, speak = templating.Templates.get_source, i18n.Voice.gettext

    def source(self: Any, environment: Any, template: str) -> Any:
        found, *more = read(self, environment, template)
        return (f"{found}<p>{CHANGED}</p>" if template == "documents/review.html" else found, *more)

    def gettext(self: i18n.Voice, message: str, /, **params: object) -> str:
        return "It comes to" if message == "You pay" else speak(self, message, **params)

    with monkeypatch.context() as patch:
        patch.setattr(templating.Templates, "get_source", source)
        patch.setattr(i18n.Voice, "gettext", gettext)
        _forget_templates()
        yield
    _forget_templates()


def _forget_templates() -> None:
    templating.environment.cache_clear()
    web.environment.cache_clear()


def acceptance(session: Session, dana: Dana) -> Entry:
    """The leaf of what Dana agreed to."""
    set_tenant(session, dana.client.id)
    found = evidence.account_leaves(session, dana.account)
    return next(one for one in found if one.type == "acceptance")


def examine(http: FlaskClient, session: PortalSession, dana: Dana) -> str:
    """Come in as compliance and say why one reads; returns the address of Dana's record."""
    enter(http, session, make_staff(session, Role.COMPLIANCE, dana.client))
    record = f"/compliance/records/{dana.account.chain_id}"
    token = csrf_of(http.get(f"{record}/read"))
    answer = http.post(f"{record}/read", data={"reason": "a court", "csrf_token": token})
    assert answer.status_code == 303
    return record


def refuse_to_act(again: TestResponse) -> None:
    """Raise where stored bytes could do more than be read."""
    policy = again.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert policy.endswith("sandbox")
    assert "unsafe" not in policy
    assert "allow" not in policy
    assert again.headers["X-Content-Type-Options"] == "nosniff"


def test_an_acceptance_is_the_same_bytes_after_templates_words_and_limits_changed(
    plain: FlaskClient,
    session: PortalSession,
    settings: Settings,
    clock: SetClock,
    monkeypatch: pytest.MonkeyPatch,
):
    """EV-02"""
    dana = come_as_debtor(plain, session, settings, clock)
    before = choose_plan(plain, dana)
    accept(plain, dana, before, permission="y")
    disclosures = acceptance(session, dana).payload["disclosures"]
    with changed_since(monkeypatch):
        make_policy(session, dana.client, bands=(Band(tiers=(Tier(9_000),)),))
        other = come_as_debtor(plain, session, settings, clock)
        now_reads = choose_plan(plain, other).get_data(as_text=True)
        assert CHANGED in now_reads
        assert "It comes to" in now_reads
        record = examine(plain, session, dana)
        shown = [plain.get(f"{record}/documents/{one['sha256']}") for one in disclosures]
    set_tenant(session, dana.client.id)
    for one, again in zip(disclosures, shown, strict=True):
        key = (dana.client.id, dana.account.chain_id, one["sha256"])
        assert again.data == evidence.document(session, *key).body
        refuse_to_act(again)
    review = next(
        again.data
        for one, again in zip(disclosures, shown, strict=True)
        if one["doc_id"] == "review"
    )
    assert review in before.data


def test_the_page_of_an_acceptance_has_each_text_and_what_was_done(
    http: FlaskClient, session: PortalSession, dana: Dana
):
    accept(http, dana, choose_plan(http, dana), permission="y")
    told = acceptance(session, dana)
    record = examine(http, session, dana)
    page = http.get(f"{record}/leaves/{told.n}/shown")
    shown = heard(page)
    assert "The terms in words" in shown
    assert "terms plan" not in shown
    looks = [to for to in links(page).values() if "look=en" in to]
    dressed = http.get(looks[0])
    refuse_to_act(dressed)
    review = told.payload["disclosures"][0]["sha256"]
    kept = evidence.document(session, dana.client.id, dana.account.chain_id, review)
    assert kept.body in dressed.data
    assert b"/theme/" in dressed.data
    assert told.payload["assent"]["control_label"] in shown
    assert shown.count("as recorded") == len(told.payload["disclosures"]) + 1
    before = heard(http.get(f"{record}/leaves/{told.n - 1}/shown"))
    assert before.count("as recorded") == len(told.payload["disclosures"])


def test_what_is_kept_is_read_for_a_reason_only(
    http: FlaskClient, plain: FlaskClient, session: PortalSession, dana: Dana
):
    accept(http, dana, choose_plan(http, dana), permission="y")
    told = acceptance(session, dana)
    enter(plain, session, make_staff(session, Role.COMPLIANCE, dana.client))
    record = f"/compliance/records/{dana.account.chain_id}"
    digest = told.payload["disclosures"][0]["sha256"]
    for path in (f"/documents/{digest}", f"/leaves/{told.n}/shown"):
        answer = plain.get(record + path)
        assert (answer.status_code, answer.headers["Location"].partition("?")[0]) == (
            303,
            f"{record}/read",
        )
    examine(plain, session, dana)
    for missing in ("0" * 64, "review", "é" * 64, digest.upper()):
        assert plain.get(f"{record}/documents/{missing}").status_code == 404
