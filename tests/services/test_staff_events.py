"""What is kept of staff beside the record, who reads it, and what counts as too fast to read."""

from datetime import timedelta
from typing import Any

import pytest

from portal.db import PortalSession, set_staff
from portal.models import Account, Client, Noted, Role, Staff, fresh_id
from portal.services.staff_events import MANY, hasty, newest, note, note_opened
from tests.databases import acting_as
from tests.factories import NOW, make_account, make_client, make_debtor
from tests.pages.staff import make_staff

MINUTE = timedelta(minutes=1)


@pytest.fixture
def account(session: PortalSession) -> Account:
    return make_account(session, make_debtor(session, make_client(session)))


@pytest.fixture
def sam(session: PortalSession, account: Account) -> Staff:
    """An agent, whose own session this is."""
    sam = make_staff(session, Role.AGENT, session.get_one(Client, account.client_id))
    set_staff(session, sam.id)
    return sam


def seen_by(session: PortalSession, staff: Staff) -> list[Noted]:
    set_staff(session, staff.id)
    return [one.kind for one in newest(session)]


def test_staff_see_what_is_kept_of_them_and_an_operator_sees_everybody(
    session: PortalSession, sam: Staff
):
    ann = make_staff(session, Role.COMPLIANCE, *session.query(Client))
    otto = make_staff(session, Role.OPERATOR)
    note(session, Noted.REFUSED, staff=sam.id, now=NOW, page="support.refund")
    assert seen_by(session, sam) == [Noted.REFUSED]
    assert seen_by(session, ann) == []
    assert seen_by(session, otto) == [Noted.REFUSED]


def test_an_account_that_is_opened_again_at_once_counts_once(
    session: PortalSession, account: Account, sam: Staff
):
    for minutes in (0, 4, 9, 10):
        at = NOW + minutes * MINUTE
        note_opened(session, account, staff=sam, ip="::1", now=at)
    assert len(newest(session)) == 2


def open_many(session: PortalSession, staff: Staff, client_id: object, number: int) -> None:
    for n in range(number):
        about: dict[str, Any] = {"client_id": client_id, "account_id": str(fresh_id())}
        note(session, Noted.OPENED, staff=staff.id, now=NOW + n * 3 * MINUTE / 60, **about)


def test_a_6_two_hundred_accounts_within_ten_minutes_are_told_of_both_clients(
    session: PortalSession, account: Account, sam: Staff
):
    """A-6: accounts of all clients count together; who had none of them opened hears nothing."""
    other, third = make_client(session), make_client(session)
    open_many(session, sam, account.client_id, MANY - 1)
    set_staff(session, sam.id)
    later = NOW + timedelta(minutes=15)
    with acting_as("portal_worker", session):
        assert hasty(session, account.client_id, now=later) == []
    about: dict[str, Any] = {"client_id": other.id, "account_id": str(fresh_id())}
    note(session, Noted.OPENED, staff=sam.id, now=NOW + 9.96 * MINUTE, **about)
    with acting_as("portal_worker", session):
        told = hasty(session, account.client_id, now=later)
        assert hasty(session, other.id, now=later) == told
        assert hasty(session, third.id, now=later) == []
        assert hasty(session, account.client_id, now=NOW + timedelta(days=2)) == []
    assert told == [f"staff {sam.id} on {NOW.date()}: 200 or more accounts within 10 minutes"]
