"""Reconciliation goes over all that Stripe has: page by page, past what fails, and back to it."""

from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from portal.cli import main
from portal.db import make_engine, set_hook, tenant_session
from portal.gateways.stripe import StripeGateway
from portal.models import Payment, ReconcileFailure, Watermark
from portal.sandbox import control
from portal.sandbox.faults import Fault
from portal.services.stripe_lists import failures
from tests.databases import Database, acting_as
from tests.factories import NOW
from tests.services.paying import Till


@pytest.fixture
def happened() -> Iterator[list[str]]:
    """The named points that were passed, in order, and what else a test writes into it."""
    passed: list[str] = []
    set_hook(passed.append)
    yield passed
    set_hook(None)


def waiting(till: Till) -> list[tuple[str, str, str]]:
    """What was noted: kind, id and the first word of the reason."""
    with acting_as("portal_worker", till.session):
        found, count = failures(till.session, most=20)
    assert len(found) == count
    return [(one.kind, one.object_id, one.why.partition(":")[0]) for one in found]


def reached(till: Till) -> Any:
    """How far the lists have been read."""
    with acting_as("portal_worker", till.session):
        return till.session.scalar(select(Watermark.reached_at))


def paid(till: Till, cents: int) -> Payment:
    """A payment that the portal knows."""
    payment = till.start(cents)
    till.pay(payment)
    return till.land(payment)


def test_an_object_that_fails_is_noted_passed_and_tried_until_it_succeeds(till: Till) -> None:
    """One that is never readable must not hold the watermark, nor be lost when lists go past it."""
    known = paid(till, 50_00)
    unheard = till.start(60_00)
    till.pay(unheard)
    world = till.stripe.world
    cut = control.refund(world, known.intent_id or "", amount=20_00)
    strange = control.refund(world, known.intent_id or "", amount=30_00)
    # Stripe's document allows it, and we cannot read it.
    world.store.put("", strange | {"status": None})
    world.faults.plan(Fault.DROP_BEFORE, times=9, method="GET", path=f"/v1/refunds/{cut['id']}")
    till.reconcile()
    assert till.balance == 1240_00 - 110_00, "the payment after them was taken"
    assert reached(till) == till.now
    noted = {
        ("refund", cut["id"], "GatewayUnavailable"),
        ("refund", strange["id"], "GatewayUnavailable"),
    }
    assert set(waiting(till)) == noted
    till.wait(hours=1)
    till.reconcile()
    assert set(waiting(till)) == noted
    till.wait(days=60)  # the lists of that day are not read any more
    till.reconcile()
    assert till.balance == 1240_00 - 90_00
    assert waiting(till) == [("refund", strange["id"], "GatewayUnavailable")]
    world.store.put("", strange)
    till.reconcile()
    assert till.balance == 1240_00 - 60_00
    assert waiting(till) == []
    assert till.broken() == []


def test_a_list_that_breaks_off_is_begun_again(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is known of its other pages, so the watermark stays."""
    monkeypatch.setattr("portal.gateways.stripe.PAGE_SIZE", 1)
    for cents in (50_00, 60_00):
        paid(till, cents)
    till.stripe.world.faults.plan(Fault.DROP_BEFORE, times=9, method="GET", path="/v1/disputes")
    with pytest.raises(Exception, match="cut off"):
        till.reconcile()
    assert reached(till) is None
    till.stripe.world.faults.plans.clear()
    till.reconcile()
    assert reached(till) == till.now


def test_lists_are_taken_page_by_page_and_no_transaction_is_open_meanwhile(
    till: Till, monkeypatch: pytest.MonkeyPatch, happened: list[str]
) -> None:
    """However much Stripe has, one page of it is in memory."""
    monkeypatch.setattr("portal.gateways.stripe.PAGE_SIZE", 2)
    for _ in range(5):
        payment = till.start(10_00)
        till.pay(payment)
        till.land(payment)
    inner, open_during = till.stripe.http, []

    def http(method: str, url: str, *rest: Any) -> Any:
        open_during.append(till.session.in_transaction())
        if "/v1/payment_intents?" in url:
            happened.append("page")
        return inner(method, url, *rest)

    till.stripe.gateway = StripeGateway("sk_test_dana", http=http)
    happened.clear()
    till.reconcile()
    taken = [name for name in happened if name in ("page", "after reconcile.payment")]
    one = "after reconcile.payment"
    assert taken == ["page", one, one, "page", one, one, "page", one]
    assert set(open_during) == {False}


def test_the_commands_name_what_is_not_taken_over_and_fail(fresh_db: Database) -> None:
    engine = make_engine(fresh_db.url("portal_worker"))
    given = {"stripe_account": "platform", "kind": "refund", "first_at": NOW, "last_at": NOW}
    with tenant_session(engine) as session:
        for n in range(22):
            session.add(ReconcileFailure(object_id=f"re_{n:02}", why="ValueError: odd", **given))
        session.commit()
    engine.dispose()
    environ = {
        "DATABASE_URL": fresh_db.url("portal_app"),
        "WORKER_DATABASE_URL": fresh_db.url("portal_worker"),
    }
    for command in ("reconcile", "verify"):
        done = CliRunner(env=environ).invoke(main, [command])
        assert done.exit_code == 1, done.output
        named = [line for line in done.output.splitlines() if line.startswith("Not taken over")]
        assert len(named) == 20
        assert named[0].endswith("refund re_00 (platform): ValueError: odd")
        assert "and 2 more." in done.output
