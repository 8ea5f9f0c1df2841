"""What comes into a queue, and leaves it, by what happens to money and messages."""

from datetime import timedelta

import pytest

from portal.db import PortalSession
from portal.domain.deliveries import Fate
from portal.domain.waiting import Queue
from portal.models import Client, Role
from portal.services import answering, fulfilling
from portal.services.answering import AnsweredBefore
from portal.services.queues import waiting
from tests.factories import NOW
from tests.pages.staff import make_staff
from tests.services.paying import Till, parts_of, pay_part
from tests.services.test_charging import declined, running
from tests.services.test_deliveries import Dana, dana  # noqa: F401


def in_queue(session: PortalSession, queue: Queue) -> list[str]:
    """The references of what waits."""
    return [one.reference for one in waiting(session, queue, now=NOW)]


def test_a_charge_that_is_not_tried_again_waits_until_it_is_paid(till: Till) -> None:
    """PY-09"""
    agreed = running(till)
    till.session.info["client_ids"] = [till.account.client_id]
    assert in_queue(till.session, Queue.CHARGES) == []
    declined(till, parts_of(till, agreed)[1], "lost_card")
    assert in_queue(till.session, Queue.CHARGES) == [till.account.reference]
    pay_part(till, parts_of(till, agreed)[1])
    assert in_queue(till.session, Queue.CHARGES) == []


def test_a_charge_that_was_dealt_with_waits_again_once_another_fails(till: Till) -> None:
    """PY-09"""
    agreed = running(till)
    till.session.info["client_ids"] = [till.account.client_id]
    part = parts_of(till, agreed)[1]
    declined(till, part, "lost_card")
    sam = make_staff(till.session, Role.AGENT, till.session.get_one(Client, agreed.client_id))
    answering.close_charge(till.session, part, "Called.", staff=sam, now=NOW)
    assert in_queue(till.session, Queue.CHARGES) == []
    with pytest.raises(AnsweredBefore):
        answering.close_charge(till.session, part, "I called too.", staff=sam, now=NOW)
    assert till.broken() == []
    fulfilling.release(till.session, till.newest(), failed_at=till.now)
    assert in_queue(till.session, Queue.CHARGES) == [till.account.reference]


@pytest.mark.parametrize("address", ["", "12 Pier Road"])
def test_a_copy_that_bounced_waits_where_no_letter_can_go(
    dana: Dana,  # noqa: F811
    address: str,
) -> None:
    """ES-01, EC-09"""
    receipt = dana.receipt()
    dana.debtor.address_line = address
    dana.told(receipt, Fate.BOUNCED)
    dana.session.info["client_ids"] = [dana.account.client_id]
    found = waiting(dana.session, Queue.BOUNCED, now=NOW + timedelta(days=2))
    assert [one.account.id for one in found] == ([] if address else [dana.account.id])
