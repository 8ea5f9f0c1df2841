"""Holds by hand: what each stops is said before, which may end, and what is undone."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.config import Settings
from portal.db import PortalSession, set_tenant
from portal.domain.holds import MAY_END, HoldKind
from portal.domain.stopped import NOTHING, stopped_by
from portal.gateways.clock import SetClock
from portal.models import Hold, Role
from portal.services import evidence
from portal.services.standing import holds_in_force, standing
from tests.factories import make_policy
from tests.pages.debtors import Dana, csrf_of, make_visitor, send
from tests.pages.reading import said
from tests.pages.staff import enter, make_staff


@pytest.fixture
def dana(session: PortalSession, settings: Settings, clock: SetClock) -> Dana:
    visitor = make_visitor(session, settings, clock.now())
    make_policy(session, visitor.client)
    return visitor


@pytest.fixture
def sam(http: FlaskClient, session: PortalSession, dana: Dana) -> FlaskClient:
    """An agent of Dana's client."""
    return enter(http, session, make_staff(session, Role.AGENT, dana.client))


def page_of(dana: Dana) -> str:
    return f"/support/accounts/{dana.account.id}"


def hold(sam: FlaskClient, session: PortalSession, dana: Dana, **typed: str) -> Hold:
    page = f"{page_of(dana)}/hold"
    answer = send(sam, page, {"reason": "A letter"} | typed)
    assert answer.status_code == 303, said(answer)
    set_tenant(session, dana.client.id)
    return session.scalars(select(Hold)).one()


@pytest.mark.parametrize("kind", HoldKind)
def test_dh_08_what_a_hold_stops_is_said_before(sam: FlaskClient, dana: Dana, kind: HoldKind):
    """DH-08: every kind, sentence by sentence, with an end only where there may be one."""
    page = sam.get(f"{page_of(dana)}/hold?kind={kind}")
    assert all(sentence in said(page) for sentence in stopped_by([kind]))
    assert ('name="ends_on"' in page.text) is (kind in MAY_END)
    assert (stopped_by([kind]) == [NOTHING]) is (kind is HoldKind.SCRA)


def test_a_hold_ends_by_itself_and_its_end_is_moved(
    sam: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
):
    today = clock.now().date()
    made = hold(
        sam,
        session,
        dana,
        kind="under_review",
        ends_on=str(today + timedelta(days=5)),
        review_on=str(today + timedelta(days=2)),
    )
    assert "To be looked at again on" in said(sam.get(page_of(dana)))
    later = {"to": str(today + timedelta(days=9)), "reason": "It takes longer"}
    assert send(sam, f"/support/holds/{made.id}/rest", later).status_code == 303
    set_tenant(session, dana.client.id)
    session.expire_all()
    for days, held in ((8, True), (10, False)):
        at = clock.now() + timedelta(days=days)
        assert bool(holds_in_force(session, dana.account, at)) is held
    leaves = [one.payload for one in evidence.account_leaves(session, dana.account)]
    assert any(one.get("reason") == "It takes longer" for one in leaves)


@pytest.mark.parametrize(
    ("kind", "days"), [("bankruptcy", 5), ("dispute", 5), ("under_review", 0), ("hardship", 9999)]
)
def test_an_end_that_may_not_be_is_refused(
    sam: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock, kind: str, days: int
):
    """DH-01, DH-06: what only a person ends has no end; a rest has the client's days."""
    day = clock.now().date() + timedelta(days=min(days, 3000))
    typed = {"kind": kind, "reason": "A letter", "ends_on": str(day)}
    assert send(sam, f"{page_of(dana)}/hold", typed).status_code == 422
    set_tenant(session, dana.client.id)
    assert session.scalars(select(Hold)).all() == []


def test_a_mistake_is_undone_for_ten_minutes(
    sam: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
):
    made = hold(sam, session, dana, kind="attorney")
    assert not standing(session, dana.account, clock.now()).send.allowed
    page = sam.get(page_of(dana))
    assert "Undo this hold" in said(page)
    undo = {"csrf_token": csrf_of(page)}
    assert sam.post(f"/support/holds/{made.id}/undo", data=undo).status_code == 303
    set_tenant(session, dana.client.id)
    session.expire_all()
    assert made.lifted_reason == "undone"
    assert standing(session, dana.account, clock.now()).send.allowed
    again = send(sam, f"{page_of(dana)}/hold", {"kind": "attorney", "reason": "A letter"})
    assert again.status_code == 303
    clock.advance(timedelta(minutes=11))
    late = sam.get(page_of(dana))
    assert "Undo this hold" not in said(late)
    set_tenant(session, dana.client.id)
    second = session.scalars(select(Hold).where(Hold.lifted_at.is_(None))).one()
    sam.post(f"/support/holds/{second.id}/undo", data={"csrf_token": csrf_of(late)})
    set_tenant(session, dana.client.id)
    session.expire_all()
    assert second.lifted_at is None


def test_dh_08_a_hold_that_is_in_force_is_not_set_anew_and_nothing_typed_is_lost(
    sam: FlaskClient, session: PortalSession, dana: Dana
):
    """DH-08: the page says since when and by whom, and leads to its end."""
    first = hold(sam, session, dana, kind="hardship")
    page = f"{page_of(dana)}/hold"
    told = sam.get(f"{page}?kind=hardship")
    assert "It is held for this since November 22, 2026, by Sam Agent." in said(told)
    assert f"/support/holds/{first.id}/rest" in told.text
    answer = send(sam, page, {"kind": "hardship", "reason": "She lost her job"})
    assert answer.status_code == 422
    assert "It is held for this already, so nothing was changed." in said(answer)
    assert "by Sam Agent." in said(answer)
    assert 'value="She lost her job"' in answer.text
    assert f"/support/holds/{first.id}/rest" in answer.text


@pytest.mark.parametrize("field", ["review_on", "ends_on"])
def test_no_day_of_a_hold_is_more_than_a_year_away(
    sam: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock, field: str
):
    """DH-08: a day on which nobody will look again is none."""
    last = clock.now().date() + timedelta(days=365)
    typed = {"kind": "under_review", "reason": "A letter"}
    for day in ("9999-12-31", str(last + timedelta(days=1))):
        refused = send(sam, f"{page_of(dana)}/hold", typed | {field: day})
        assert refused.status_code == 422
        assert "Choose a day within a year: up to November 22, 2027." in said(refused)
    hold(sam, session, dana, **typed, **{field: str(last)})


def test_a_hold_that_was_undone_is_said_to_be_over(
    sam: FlaskClient, session: PortalSession, dana: Dana
):
    made = hold(sam, session, dana, kind="attorney")
    undo = {"csrf_token": csrf_of(sam.get(page_of(dana)))}
    for _ in range(2):
        answer = sam.post(f"/support/holds/{made.id}/undo", data=undo)
    shown = said(sam.get(answer.headers["Location"]))
    assert "This hold is over already: it was undone or lifted." in shown
    assert "Lift it, with the reason" not in shown


def test_until_when_a_rest_lasts_is_said_exactly(sam: FlaskClient, dana: Dana):
    shown = said(sam.get(f"{page_of(dana)}/hold?kind=hardship"))
    assert "It lasts until the beginning of this day, where the debtor is" in shown
