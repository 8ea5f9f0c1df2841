"""Stripe's objects as the portal reads them."""

import pytest

from portal.gateways.stripe_objects import dispute


@pytest.mark.parametrize(
    ("booked", "currency", "moved"),
    [(-10_000, "usd", -10_000), (-13_725, "cad", -10_000), (13_725, "cad", 10_000)],
)
def test_what_a_dispute_moved_is_told_in_the_currency_of_what_is_owed(
    booked: int, currency: str, moved: int
) -> None:
    """PY-11: an account that settles in another currency books the withdrawal in that one."""
    told = dispute(
        {
            "id": "du_1",
            "status": "needs_response",
            "amount": 10_000,
            "currency": "usd",
            "payment_intent": "pi_1",
            "charge": "ch_1",
            "reason": "general",
            "created": 1_795_000_000,
            "evidence_details": {"due_by": None},
            "balance_transactions": [
                {"id": "txn_1", "amount": booked, "currency": currency, "created": 1_795_000_000}
            ],
        }
    )
    assert [one.amount_cents for one in told.movements] == [moved]
