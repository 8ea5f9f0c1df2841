"""Wrong answers at two doors, links and the telephone: counted apart, lifted and told together."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.config import Settings
from portal.db import PortalSession, set_tenant
from portal.gateways.clock import SetClock
from portal.models import LockOut, Role
from portal.services import attempts
from portal.services.attempts import Allowed
from portal.services.identity import mark_of_callers, marks_at_door
from tests.factories import KEYS, NOW, make_link
from tests.pages.debtors import RIGHT, WRONG, Dana, make_visitor, send
from tests.pages.reading import heard
from tests.pages.staff import enter, make_staff
from tests.pages.test_callers import END, LINE, answer, pick_up
from tests.pages.test_support import act


@pytest.fixture
def dana(session: PortalSession, settings: Settings, clock: SetClock) -> Dana:
    return make_visitor(session, settings, clock.now())


@pytest.fixture
def sam(http: FlaskClient, session: PortalSession, dana: Dana) -> FlaskClient:
    return enter(http, session, make_staff(session, Role.AGENT, dana.client))


def lock_outs_of(session: PortalSession, dana: Dana) -> list[LockOut]:
    set_tenant(session, dana.client.id)
    session.expire_all()
    return list(session.scalars(select(LockOut).order_by(LockOut.at)))


def lock_links(http: FlaskClient, session: PortalSession, dana: Dana, another: str) -> None:
    """Ten wrong answers over two links."""
    for path in (dana.path, another):
        for _ in range(5):
            send(http, path, WRONG)
    set_tenant(session, dana.client.id)


def lock_callers(sam: FlaskClient, dana: Dana) -> None:
    pick_up(sam, dana)
    for _ in range(5):
        answer(sam, WRONG)


@pytest.fixture
def another(session: PortalSession, settings: Settings, dana: Dana, clock: SetClock) -> str:
    """The address of a second link of Dana's."""
    made = make_link(
        session, dana.debtor, keys=settings.keys, now=clock.now(), contact=dana.contact
    )
    session.commit()
    return f"/l/{made.token}"


def test_pr_01_who_is_locked_out_behind_links_is_still_checked_on_the_telephone(
    sam: FlaskClient, session: PortalSession, dana: Dana, another: str
):
    """PR-01, EC-08: the right answers on the telephone open the links again, and nobody waits."""
    browser = sam.application.test_client()
    lock_links(browser, session, dana, another)
    (waits,) = lock_outs_of(session, dana)
    assert waits.closed_at is None
    assert send(browser, dana.path, RIGHT).status_code != 303, "locked, even for right answers"
    pick_up(sam, dana)
    assert "The answers match." in answer(sam, RIGHT)
    (waits,) = lock_outs_of(session, dana)
    assert waits.closed_at is not None
    assert send(browser, dana.path, RIGHT).status_code == 303


def test_ec_08_a_caller_who_is_locked_waits_in_the_queue_until_they_are_let_try_again(
    sam: FlaskClient, session: PortalSession, dana: Dana
):
    """EC-08: with a reason, and the count begins anew."""
    lock_callers(sam, dana)
    (waits,) = lock_outs_of(session, dana)
    assert (waits.account_id, waits.closed_at) == (dana.account.id, None)
    assert dana.account.reference in heard(sam.get("/support/queues/lock-outs"))
    why = heard(sam.get(f"/support/accounts/{dana.account.id}/why"))
    assert "Too many wrong answers on the telephone" in why
    boss = make_staff(session, Role.SUPERVISOR, dana.client)
    lead = enter(sam.application.test_client(), session, boss)
    page = f"/support/accounts/{dana.account.id}/unlock"
    assert act(lead, page, page, reason="She sent a copy of her passport") == 303
    (waits,) = lock_outs_of(session, dana)
    assert waits.closed_at is not None
    assert "4 tries are left." in answer(sam, WRONG)


def test_a_lock_on_the_telephone_leaves_the_links_open_and_right_facts_there_lift_it(
    sam: FlaskClient, session: PortalSession, dana: Dana
):
    """PR-01: facts that match behind a link open the telephone too."""
    lock_callers(sam, dana)
    assert send(sam.application.test_client(), dana.path, RIGHT).status_code == 303
    (waits,) = lock_outs_of(session, dana)
    assert waits.closed_at is not None
    assert "The answers match." in answer(sam, RIGHT)
    assert act(sam, END, END, disposition="spoke", note="It was her.") == 303


def test_a_lock_out_ends_with_the_last_of_its_locks(
    sam: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock, another: str
):
    """The later lock of a door counts, whichever of the two came first."""
    lock_links(sam.application.test_client(), session, dana, another)
    clock.advance(timedelta(minutes=31))
    lock_links(sam.application.test_client(), session, dana, another)
    (before,) = lock_outs_of(session, dana)
    end = before.until
    assert end > clock.now() + timedelta(minutes=45), "an hour by now"
    enter(sam, session, make_staff(session, Role.AGENT, dana.client))
    lock_callers(sam, dana)
    (after,) = lock_outs_of(session, dana)
    assert after.until == end
    assert "Too many answers were wrong." in heard(sam.get(LINE))


def test_pr_01_guesses_at_both_doors_together_are_bounded(session: PortalSession, dana: Dana):
    """PR-01, decision 0048: 15 until both are locked, 90 in the first day, then 15 a day."""
    links = marks_at_door(dana.debtor.id, [])
    doors = (list(links), [mark_of_callers(dana.debtor.id)])

    def guesses(first: timedelta, last: timedelta) -> int:
        made, step = 0, timedelta(minutes=30)
        at = NOW + first
        while at < NOW + last:
            for marks in doors:
                while isinstance(attempts.take(session, KEYS, marks, now=at), Allowed):
                    made += 1
            at += step
        return made

    hour, day = timedelta(hours=1), timedelta(days=1)
    assert guesses(timedelta(0), timedelta(minutes=30)) == 15
    assert guesses(timedelta(minutes=30), day) == 90 - 15
    assert guesses(day, 5 * day + 8 * hour) <= 15 * 5
