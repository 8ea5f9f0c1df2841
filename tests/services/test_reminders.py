"""After a checkout that was left there is one calm message, and none where somebody went on."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from portal.db import PortalSession
from portal.domain.money import Cents
from portal.domain.statuses import AccountStatus, ArrangementStatus, MessageStatus, PaymentStatus
from portal.gateways.mail import OutboxMailer
from portal.gateways.sms import OutboxTexter
from portal.i18n import voice
from portal.models import Account, Message, Payment, PaymentPurpose
from portal.services import reminders
from portal.services.arrangements import first_until
from portal.services.dispatch import Carriers, dispatch
from portal.services.reminders import QUIET, remind
from portal.services.running import new_part
from portal.writing import write
from tests.factories import (
    KEYS,
    NOW,
    make_account,
    make_arrangement,
    make_client,
    make_contact,
    make_debtor,
    make_payment,
)

LATER = NOW + QUIET + timedelta(hours=1)  # nine in the morning in New York


@pytest.fixture
def account(session: PortalSession) -> Account:
    debtor = make_debtor(session, make_client(session))
    make_contact(session, debtor)
    return make_account(session, debtor)


def leave(session: PortalSession, account: Account, **given: Any) -> Payment:
    """A checkout that ran out."""
    values = {"status": PaymentStatus.EXPIRED, "settled_at": None}
    return make_payment(session, account, **(values | given))


def reminded(session: PortalSession, account: Account, now: datetime = LATER) -> list[Message]:
    remind(session, account.client_id, now=now)
    return list(session.scalars(select(Message)))


def test_a_checkout_that_was_left_is_spoken_of_once(session: PortalSession, account: Account):
    agreed = make_arrangement(session, account)
    leave(session, account, arrangement_id=agreed.id, purpose=PaymentPurpose.FIRST)
    assert len(reminded(session, account)) == 1
    again = NOW + timedelta(hours=6)
    leave(session, account, arrangement_id=agreed.id, purpose="first", created_at=again)
    (message,) = reminded(session, account, LATER + timedelta(hours=8))
    carriers = Carriers(mailer=OutboxMailer(), texter=OutboxTexter(), write=write, keys=KEYS)
    dispatch(session, account.client_id, message.id, carriers=carriers, now=LATER)
    assert message.rule == "out_of_date"  # it spoke of the first of the two


def test_it_is_sent_when_nothing_else_happened(session: PortalSession, account: Account):
    leave(session, account)
    (message,) = reminded(session, account)
    carriers = Carriers(mailer=OutboxMailer(), texter=OutboxTexter(), write=write, keys=KEYS)
    dispatch(session, account.client_id, message.id, carriers=carriers, now=LATER)
    assert message.status == MessageStatus.SENT
    assert "Nothing has changed" in (message.body or "")


def test_who_agreed_to_something_hears_until_when_it_is_kept(
    session: PortalSession, account: Account
):
    agreed = make_arrangement(session, account)
    session.add(new_part(agreed, 1, NOW.date(), account.balance_cents))
    leave(session, account, arrangement_id=agreed.id, purpose=PaymentPurpose.FIRST)
    (message,) = reminded(session, account)
    carriers = Carriers(mailer=OutboxMailer(), texter=OutboxTexter(), write=write, keys=KEYS)
    dispatch(session, account.client_id, message.id, carriers=carriers, now=LATER)
    until = voice("en_US").date(first_until(session, account, agreed, now=LATER))
    body = " ".join((message.body or "").split())
    assert f"We keep what you chose until {until}." in body
    assert "After that day it ends." in body
    assert "Nothing has changed" not in body
    assert "when you like" not in f"{message.subject} {body}"


@pytest.mark.parametrize("after", [QUIET - timedelta(minutes=1), timedelta(days=7, minutes=1)])
def test_neither_too_soon_nor_too_late(session: PortalSession, account: Account, after: timedelta):
    leave(session, account)
    assert reminded(session, account, NOW + after) == []


@pytest.mark.parametrize("what", ["paid", "another", "agreed", "withdrawn", "settled", "method"])
def test_who_went_on_hears_nothing(session: PortalSession, account: Account, what: str):
    agreed = make_arrangement(session, account, accepted_at=NOW - timedelta(minutes=1))
    left = leave(session, account, arrangement_id=agreed.id, purpose="first")
    soon = NOW + timedelta(minutes=5)
    if what == "paid":
        make_payment(session, account, created_at=soon)
    elif what == "another":
        leave(session, account, status=PaymentStatus.OPEN, created_at=soon)
    elif what == "agreed":
        agreed.status = ArrangementStatus.WITHDRAWN
        session.flush()
        make_arrangement(session, account, accepted_at=soon)
    elif what == "withdrawn":
        agreed.status = ArrangementStatus.WITHDRAWN
    elif what == "settled":
        account.status = AccountStatus.SETTLED
    else:
        left.purpose, left.amount_cents = PaymentPurpose.METHOD, Cents(0)
    session.flush()
    assert reminded(session, account) == []


def test_many_are_looked_at_in_batches(
    session: PortalSession, account: Account, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(reminders, "BATCH", 2)
    for _ in range(3):
        leave(session, account)
    first = remind(session, account.client_id, now=LATER)
    rest = remind(session, account.client_id, now=LATER, after=first[-1])
    assert (len(first), len(rest)) == (2, 1)
    assert len(list(session.scalars(select(Message)))) == 1
