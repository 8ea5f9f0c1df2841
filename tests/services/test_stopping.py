"""PY-08: who stops automatic payments saves no card any more, on no page that is still open."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from portal.db import make_engine
from portal.domain.statuses import ArrangementStatus, AuthorizationStatus, PaymentStatus
from portal.models import Arrangement, Authorization, Payment
from portal.services import arrangements, charging, payments
from portal.services.arrangements import NothingAutomatic
from portal.services.evidence import debtor
from tests.databases import Database
from tests.services.paying import Till, first_payment, make_plan, parts_of

CLOSING = text("SELECT count(id) FROM procrastinate_jobs WHERE task_name = 'payments.release'")


@pytest.fixture(scope="module")
def engine(database: Database) -> Iterator[Engine]:
    """The worker's engine, which may read the queue."""
    engine = make_engine(database.url("portal_worker"))
    yield engine
    engine.dispose()


def open_first(till: Till, agreed: Arrangement) -> Payment:
    """The page on which the first part is paid."""
    first = parts_of(till, agreed)[0]
    return till.start(
        first.amount_cents, purpose="first", arrangement_id=agreed.id, installment_id=first.id
    )


def open_saving(till: Till, agreed: Arrangement) -> Payment:
    """The page on which a way to pay is saved and nothing is paid."""
    return till.start(0, purpose="method", arrangement_id=agreed.id)


def stop(till: Till, agreed: Arrangement) -> None:
    """The debtor stops automatic payments."""
    actor = debtor(till.account.debtor_id)
    arrangements.stop_automatic(till.session, agreed, actor=actor, now=till.now)


def close(till: Till) -> None:
    """The job that a stop queues."""
    assert till.session.scalar(CLOSING) == 1
    payments.release_checkout(till.session, till.gateway, till.account.id, now=till.now)


@pytest.mark.parametrize("open_page", [open_first, open_saving])
def test_a_page_that_would_save_a_card_is_closed_at_stripe(till: Till, open_page) -> None:
    agreed = make_plan(till, (620_00, 620_00))
    opened = open_page(till, agreed)
    stop(till, agreed)
    close(till)
    assert till.gateway.retrieve_checkout(opened.checkout_id or "").status == "expired"
    assert till.newest().status == PaymentStatus.EXPIRED


@pytest.mark.parametrize("open_page", [open_first, open_saving])
def test_what_was_done_on_it_before_it_closed_gives_no_permission(till: Till, open_page) -> None:
    agreed = make_plan(till, (620_00, 620_00))
    opened = open_page(till, agreed)
    stop(till, agreed)
    till.pay(opened)
    till.land(opened)
    assert [one.status for one in till.all(Authorization)] == [AuthorizationStatus.REVOKED]
    till.wait(days=30)
    due = charging.due_installments(till.session, agreed.client_id, now=till.now)
    assert due == []
    assert len(till.charges) == (1 if opened.amount_cents else 0)
    assert till.broken() == []


def test_another_page_that_is_open_stays_open(till: Till) -> None:
    agreed = make_plan(till, (620_00, 620_00))
    first_payment(till, agreed)
    till.start(50_00)
    stop(till, agreed)
    assert till.session.scalar(CLOSING) == 0


def test_who_pays_the_first_part_by_hand_after_a_stop_gets_a_page_that_saves_nothing(
    till: Till,
) -> None:
    agreed = make_plan(till, (620_00, 620_00))
    saving = open_first(till, agreed)
    stop(till, agreed)
    by_hand = open_first(till, agreed)
    assert by_hand.id != saving.id
    assert till.gateway.retrieve_checkout(saving.checkout_id or "").status == "expired"
    till.pay(by_hand)
    till.land(by_hand)
    till.session.refresh(agreed)
    assert agreed.status == ArrangementStatus.ACTIVE
    kept = till.stripe.sandbox.things("payment_intent")[0]["setup_future_usage"]
    assert kept is None


def test_nothing_is_saved_once_automatic_payments_are_off(till: Till) -> None:
    agreed = make_plan(till, (620_00, 620_00))
    stop(till, agreed)
    with pytest.raises(NothingAutomatic):
        open_saving(till, agreed)
