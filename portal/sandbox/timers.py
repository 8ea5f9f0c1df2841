"""What happens by itself as time passes: pages run out, debits and refunds arrive."""

from collections.abc import Callable

from portal.sandbox import attempts, charges, checkout, disputes, refunds
from portal.sandbox.errors import invalid
from portal.sandbox.instruments import BY_NAME, Bank
from portal.sandbox.store import Thing
from portal.sandbox.world import Scope, World


def run(world: World) -> int:
    """Do everything that is due on the sandbox's clock, in order; returns how much that was."""
    done = 0
    with world.store.transaction():
        while due := world.store.rows(
            "SELECT * FROM timer WHERE due <= ? ORDER BY due, seq LIMIT 1", world.now
        ):
            timer = due[0]
            world.store.rows("DELETE FROM timer WHERE seq = ?", timer["seq"])
            ACTIONS[timer["action"]](Scope(world, timer["account"]), timer["thing"])
            done += 1
    return done


def finish_debit(scope: Scope, charge_id: str, failure: str | None = None) -> Thing:
    """A bank debit ends as its test account says, or with the failure given."""
    charge = scope.need("charge", charge_id)
    if charge["status"] != "pending":
        raise invalid("This bank debit has ended.")
    bank = BY_NAME[charge["_instrument"]]
    why = failure or (bank.failure if isinstance(bank, Bank) else None)
    intent = scope.need("payment_intent", charge["payment_intent"])
    if why is None:
        _arrive(scope, intent, charge)
        if isinstance(bank, Bank) and bank.aftermath:
            scope.later(scope.world.delays.dispute_s, "dispute.dispute", charge["id"])
    else:
        _return(scope, intent, charge, why)
    return intent


def _arrive(scope: Scope, intent: Thing, charge: Thing) -> None:
    charges.arrived(scope, charge)
    scope.save(intent, status="succeeded", amount_received=intent["amount"])
    attempts.tell_paid(scope, intent)
    checkout.settle(scope, intent, paid=True)


def _return(scope: Scope, intent: Thing, charge: Thing, failure: str) -> None:
    charges.returned(scope, charge, failure)
    method = scope.need("payment_method", charge["payment_method"])
    if failure != "insufficient_funds":
        scope.save(method, _blocked=True)
    error = attempts.bank_error(method, charge, failure)
    attempts.fail(scope, intent, error, charge["id"])
    checkout.settle(scope, intent, paid=False)


def _finish_debit(scope: Scope, charge_id: str) -> None:
    if scope.need("charge", charge_id)["status"] == "pending":
        finish_debit(scope, charge_id)


def _finish_refund(scope: Scope, refund_id: str) -> None:
    refunds.finish(scope, refund_id)


def _fail_refund(scope: Scope, refund_id: str) -> None:
    if scope.need("refund", refund_id)["status"] == "succeeded":
        refunds.fail(scope, refund_id)


def _dispute(scope: Scope, charge_id: str) -> None:
    disputes.open_dispute(scope, charge_id)


def _inquire(scope: Scope, charge_id: str) -> None:
    disputes.open_dispute(scope, charge_id, inquiry=True)


ACTIONS: dict[str, Callable[[Scope, str], None]] = {
    "checkout.expire": checkout.run_out,
    "debit.finish": _finish_debit,
    "dispute.dispute": _dispute,
    "dispute.inquiry": _inquire,
    "refund.fail": _fail_refund,
    "refund.finish": _finish_refund,
}
