"""The charges of a saved method that failed, as an agreement's page knows them (PY-09)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from portal.domain import declines
from portal.domain.declines import Try
from portal.domain.money import Cents
from portal.domain.statuses import PaymentStatus

DECLINED = """
SELECT json_agg(json_build_array(i.n, t.created_at, t.amount_cents, u.method_funding, t.status,
    t.failure_code, t.decline_code, t.advice_code) ORDER BY t.created_at, t.id)
FROM payment t
  JOIN payment_authorization u ON u.client_id = t.client_id AND u.arrangement_id = t.arrangement_id
    AND u.method_id = t.method_id AND u.status = 'granted'
  JOIN installment i ON i.client_id = t.client_id AND i.id = t.installment_id
WHERE t.client_id = r.client_id AND t.arrangement_id = r.id
  AND t.purpose = 'installment' AND t.checkout_id IS NULL
  AND t.status IN ('failed', 'needs_debtor')
"""
"""What a page reads of an arrangement ``r``: the failed charges of the method that is saved."""


@dataclass(frozen=True, slots=True)
class Declined:
    """What the failed charges of a saved method mean for one part of its arrangement.

    ``method_over``: it was declined for good. ``asks_debtor``: the bank wants its owner, on a page
    of Stripe's. ``may_take``: the job still charges that part.
    """

    method_over: bool = False
    asks_debtor: bool = False
    may_take: bool = True


def declined_of(
    rows: Iterable[list[Any]], n: int, cents: Cents, *, zone: str, today: date
) -> Declined:
    """The same of the part with a number, of which so much is open, from what ``DECLINED`` read."""
    read = list(rows)
    tries = [_try(row, n, zone) for row in read]
    bank = any(declines.is_bank(row[3]) for row in read)
    return Declined(
        method_over=declines.is_over(tries),
        asks_debtor=declines.asks_debtor(tries),
        may_take=declines.may_try(tries, cents, bank=bank, today=today),
    )


def _try(row: list[Any], n: int, zone: str) -> Try:
    of, at, amount_cents, _, status, *codes = row
    return Try(
        on=datetime.fromisoformat(at).astimezone(ZoneInfo(zone)).date(),
        cents=Cents(amount_cents),
        of_part=of == n,
        outcome=declines.outcome(*codes, asks=status == PaymentStatus.NEEDS_DEBTOR),
    )
