"""A suggestion on both sides: changed, late, answered with one click, read before it is sent."""

from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from portal.blueprints.debtor.answers import changed
from portal.db import PortalSession, set_tenant
from portal.domain.money import Cents
from portal.domain.policy import Answerer
from portal.domain.proposals import Proposal as Suggestion
from portal.domain.schedules import Frequency, due_dates
from portal.domain.statuses import ProposalStatus
from portal.domain.terms import Kind, Terms
from portal.gateways.clock import SetClock
from portal.models import Message, Proposal, Role
from portal.services.late_proposals import chase, late
from portal.services.proposals import granted_of
from tests.factories import make_policy
from tests.pages.agreeing import PLAN, form, link, main_of, newest, path, send
from tests.pages.debtors import Dana, come_in, csrf_of
from tests.pages.reading import heard, said, spaced
from tests.pages.staff import enter, make_staff

OWN = {"amount": "other", "own": "40", "method": "manual"}


def staff(app: Flask, session: PortalSession, dana: Dana, role: Role) -> FlaskClient:
    return enter(app.test_client(), session, make_staff(session, role, dana.client))


@pytest.fixture
def sam(app: Flask, http: FlaskClient, session: PortalSession, dana: Dana) -> FlaskClient:
    """An agent of Dana's client, at a browser of their own."""
    return staff(app, session, dana, Role.AGENT)


def suggest(http: FlaskClient, session: PortalSession, dana: Dana, **typed: str) -> Proposal:
    """Dana suggests $40.00 a month."""
    to = f"{path(dana)}/plan"
    answered = send(http, http.get(to), to, **(PLAN | OWN | typed))
    assert answered.location == f"{path(dana)}/proposal", said(answered)
    set_tenant(session, dana.client.id)
    found: Proposal = newest(session, Proposal)
    return found


def desk(proposal: Proposal) -> str:
    return f"/support/proposals/{proposal.id}"


def post(http: FlaskClient, page: str, to: str, **typed: Any) -> TestResponse:
    return http.post(f"{page}/{to}", data={"csrf_token": csrf_of(http.get(page)), **typed})


def alternative(page: TestResponse) -> str:
    """The hash of the first alternative that has a button."""
    hidden = (one for one in main_of(page).iter("input") if one.get("name") == "terms")
    return next(hidden).get("value", "")


def test_an_alternative_is_offered_with_one_click_and_says_what_it_changes(
    sam: FlaskClient, http: FlaskClient, session: PortalSession, dana: Dana
):
    proposal = suggest(http, session, dana)
    page = desk(proposal)
    wanted = alternative(sam.get(page))
    wrong = post(sam, page, "offer", terms="0" * 64)
    assert (wrong.status_code, "has changed" in said(wrong)) == (422, True)
    assert post(sam, page, "offer", terms=wanted).status_code == 303
    set_tenant(session, dana.client.id)
    session.refresh(proposal)
    assert proposal.status is ProposalStatus.COUNTERED
    terms = granted_of(proposal)
    assert terms is not None
    offered = f"We can agree to ${terms.first_cents / 100:.2f} a month."
    words = heard(http.get(f"{path(dana)}/proposal"))
    assert "A person answered on November 22, 2026." in words
    assert f"You suggested $40.00 a month. {offered}" in words
    log = heard(sam.get(page))
    assert log.index("The debtor Proposal made") < log.index("Sam Agent Proposal answered")


def test_a_reply_is_read_in_the_debtors_language_before_it_is_sent(
    sam: FlaskClient, http: FlaskClient, session: PortalSession, dana: Dana
):
    proposal = suggest(http, session, dana)
    page, before = desk(proposal), session.scalar(select(func.count(Message.id)))
    dana.debtor.language = "es"
    session.commit()
    for to, typed, there in (
        ("decline", {"reason": "too_low", "more": "Escríbanos."}, "demasiado bajos"),
        ("accept", {"days": "14"}, "6 de diciembre de 2026"),
        (
            "offer",
            {"terms": alternative(sam.get(page))},
            "Puede elegir esto hasta el 6 de diciembre",
        ),
    ):
        shown = post(sam, page, to, look="1", **typed)
        (card,) = (one for one in main_of(shown).iter("div") if one.get("class") == "card")
        assert (shown.status_code, [one.get("lang") for one in card.iter("div")][1]) == (200, "es")
        assert there in spaced(card)
        assert "/l/" not in spaced(card)
    set_tenant(session, dana.client.id)
    session.refresh(proposal)
    assert proposal.status is ProposalStatus.SUBMITTED
    assert session.scalar(select(func.count(Message.id))) == before


def test_agents_read_what_only_supervisors_answer(
    app: Flask, sam: FlaskClient, http: FlaskClient, session: PortalSession, dana: Dana
):
    make_policy(session, dana.client, answered_by=Answerer.SUPERVISORS)
    session.commit()
    page = desk(suggest(http, session, dana))
    why = "Supervisors answer proposals of this client."
    assert why in said(sam.get(page))
    assert not [one for one in main_of(sam.get(page)).iter("form")]
    token = csrf_of(sam.get(f"/support/accounts/{dana.account.id}"))
    refused = sam.post(f"{page}/accept", data={"csrf_token": token, "days": "14"})
    assert (refused.status_code, why in said(refused)) == (422, True)
    boss = staff(app, session, dana, Role.SUPERVISOR)
    assert post(boss, page, "accept", days="14").status_code == 303


def later(
    http: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock, *, days: int
) -> None:
    """Days go by, the hourly job runs, and Dana comes back."""
    clock.advance(timedelta(days=days))
    set_tenant(session, dana.client.id)
    for proposal_id in late(session, dana.client.id, now=clock.now()):
        chase(session, dana.client.id, proposal_id, now=clock.now())
    session.commit()
    come_in(http, session, dana)


def test_a_late_answer_is_said_honestly_and_so_is_that_no_person_gave_it(
    app: Flask, http: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
):
    """PY-02, CA-07: that a computer answered stands first, with the way to a person below."""
    make_policy(session, dana.client, closest_when_late=True)
    session.commit()
    proposal = suggest(http, session, dana)
    boss = staff(app, session, dana, Role.SUPERVISOR)
    assert "Nothing waits." in said(boss.get("/support/queues/proposals?only=late"))
    later(http, session, dana, clock, days=4)
    honest = "We said we would answer by November 25, 2026. We are late. You do not need to do"
    assert honest in said(http.get(path(dana)))
    assert honest in said(http.get(f"{path(dana)}/proposal"))
    boss = staff(app, session, dana, Role.SUPERVISOR)
    queue = heard(boss.get("/support/queues/proposals?only=late"))
    assert proposal.reference in queue
    assert "late with supervisors" in queue
    assert "put before supervisors : 1" in heard(boss.get("/support"))
    later(http, session, dana, clock, days=4)
    page = http.get(f"{path(dana)}/proposal")
    words = heard(page)
    assert words.index("our computer found") < words.index("a month")
    assert "If you change your suggestion, a person looks at it." in words
    assert http.get(link(page, "Change my suggestion")).status_code == 200
    assert "We suggest something else" in words
    assert "no person answered in time" in words
    assert "A person answered" not in words
    boss = staff(app, session, dana, Role.SUPERVISOR)
    assert "The portal Proposal answered with other terms" in heard(boss.get(desk(proposal)))


@pytest.mark.parametrize("answered", [False, True])
def test_a_suggestion_is_changed_in_one_go(
    sam: FlaskClient, http: FlaskClient, session: PortalSession, dana: Dana, answered: bool
):
    first = suggest(http, session, dana, own="20", frequency="every_two_weeks")
    if answered:
        page = desk(first)
        assert post(sam, page, "offer", terms=alternative(sam.get(page))).status_code == 303
    change = link(http.get(f"{path(dana)}/proposal"), "Change my suggestion")
    page = http.get(change)
    held = form(page)
    assert (held["own"], held["frequency"], held["start"]) == ("20", "every_two_weeks", "today")
    assert ("our answer ends" if answered else "it takes its place") in said(page)
    sent = http.post(change, data=held | {"own": "19"})
    assert sent.location == f"{path(dana)}/proposal"
    assert "$19.00 every 2 weeks" in heard(http.get(sent.location))
    set_tenant(session, dana.client.id)
    session.refresh(first)
    assert first.status is ProposalStatus.WITHDRAWN


def test_an_answer_that_came_meanwhile_is_told_before_it_is_replaced(
    sam: FlaskClient, http: FlaskClient, session: PortalSession, dana: Dana
):
    to = f"{path(dana)}/plan"
    before = form(http.get(to)) | PLAN | OWN
    first = suggest(http, session, dana)
    page = desk(first)
    post(sam, page, "offer", terms=alternative(sam.get(page)))
    told = http.post(to, data=before | {"own": "38"})
    assert (told.status_code, "our answer ends" in said(told)) == (422, True)
    assert http.post(to, data=form(told)).location == f"{path(dana)}/proposal"


def test_an_own_amount_to_close_the_account_is_changed_where_it_was_typed(
    http: FlaskClient, dana: Dana
):
    to = f"{path(dana)}/settle"
    typed = {"total": "other", "own": "500", "parts": "2", "frequency": "monthly"}
    send(http, http.get(to), to, **typed, start="today", method="manual")
    change = link(http.get(f"{path(dana)}/proposal"), "Change my suggestion")
    held = form(http.get(change))
    assert {name: held[name] for name in typed} == typed


DAY = date(2026, 12, 1)
TWICE = Suggestion(DAY, amount_cents=Cents(40_00), frequency=Frequency.EVERY_TWO_WEEKS)
CLOSE = Suggestion(DAY, total_cents=Cents(600_00))


@pytest.mark.parametrize(
    ("wish", "total", "parts", "frequency", "first_on", "said_then"),
    [
        (TWICE, 1_240_00, 31, Frequency.EVERY_TWO_WEEKS, DAY, []),
        (
            TWICE,
            1_240_00,
            20,
            Frequency.EVERY_TWO_WEEKS,
            DAY,
            ["You suggested $40.00 every 2 weeks. We can agree to $62.00 every 2 weeks."],
        ),
        (CLOSE, 600_00, 1, None, DAY, []),
        (
            CLOSE,
            800_00,
            1,
            None,
            DAY + timedelta(days=1),
            [
                "You suggested $600.00 in all. We can agree to $800.00 in all.",
                "You suggested starting on December 1, 2026. We can start on December 2, 2026.",
            ],
        ),
    ],
)
def test_what_an_answer_changes_is_said_and_nothing_else(
    wish: Suggestion,
    total: int,
    parts: int,
    frequency: Frequency | None,
    first_on: date,
    said_then: list[str],
):
    days = due_dates(first_on, frequency or Frequency.MONTHLY, parts)
    terms = Terms(
        kind=Kind.PLAN if total == 1_240_00 else Kind.SETTLEMENT,
        key="granted:plan",
        policy_version=1,
        currency="USD",
        balance_cents=Cents(1_240_00),
        total_cents=Cents(total),
        schedule=tuple((day, Cents(total // parts)) for day in days),
        frequency=frequency,
    )
    assert changed(wish, Cents(1_240_00), terms, "en_US") == said_then
