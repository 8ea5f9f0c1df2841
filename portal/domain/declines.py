"""What a failed charge means: try again, ask its owner, or never charge that way again (PY-09)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from portal.domain.money import Cents
from portal.domain.paydays import OpenDays, likely_paydays


class Outcome(StrEnum):
    """What follows from a declined charge.

    ``once``: nobody knows the code, so it is tried once more and no oftener. ``hard``: never again
    by this card or bank account. ``revoked``: its owner took the permission back.
    """

    SOFT = "soft"
    ONCE = "once"
    NEEDS_DEBTOR = "needs_debtor"
    HARD = "hard"
    REVOKED = "revoked"


REVOKED: Final = frozenset(
    {
        *("debit_not_authorized", "revocation_of_all_authorizations"),
        *("revocation_of_authorization", "stop_payment_order"),
    }
)
NEEDS_DEBTOR: Final = frozenset(
    {
        *("approve_with_id", "authentication_not_handled", "authentication_required"),
        *("mobile_device_authentication_required", "offline_pin_required"),
        *("online_or_offline_pin_required", "payment_intent_authentication_failure"),
    }
)
HARD: Final = frozenset(
    {
        *("account_closed", "bank_account_closed", "bank_account_declined", "bank_account_frozen"),
        *("bank_account_invalid_details", "bank_account_restricted", "bank_account_unusable"),
        *("bank_account_unverified", "bank_ownership_changed", "card_not_supported"),
        *("currency_not_supported", "do_not_try_again", "expired_card", "fraudulent"),
        *("incorrect_account_holder_name", "incorrect_address", "incorrect_cvc"),
        *("incorrect_number", "incorrect_pin", "incorrect_zip", "invalid_account"),
        *("invalid_account_number", "invalid_cvc", "invalid_expiry_month", "invalid_expiry_year"),
        *("invalid_number", "invalid_pin", "lost_card", "merchant_blacklist"),
        *("new_account_information_available", "no_account", "not_permitted"),
        *("payment_method_not_available", "payment_method_unexpected_state", "pickup_card"),
        *("pin_try_exceeded", "resource_missing", "restricted_card", "security_violation"),
        *("service_not_allowed", "stolen_card", "test_mode_live_card", "testmode_decline"),
        *("tokenized_account_number_deactivated", "transaction_not_allowed"),
    }
)
SOFT: Final = frozenset(
    {
        *("call_issuer", "card_velocity_exceeded", "could_not_process", "do_not_honor"),
        *("duplicate_transaction", "generic_could_not_process", "generic_decline"),
        *("insufficient_funds", "issuer_not_available", "no_action_taken", "processing_error"),
        *("reenter_transaction", "try_again_later", "withdrawal_count_limit_exceeded"),
    }
)
SAYS_NOTHING: Final = frozenset({"card_declined", "payment_intent_payment_attempt_failed"})
"""Codes that only say that another one says why."""

TRY_LATER: Final = "try_again_later"
HARD_ADVICE: Final = frozenset({"do_not_try_again", "confirm_card_data"})

CARD_FUNDING: Final = frozenset({"credit", "debit", "prepaid", "unknown"})
RETRIES: Final = {Outcome.SOFT: 3, Outcome.ONCE: 1}
BANK_RETRIES: Final = 2
WINDOW: Final = timedelta(days=14)
SOONEST, SOONEST_ADVISED = timedelta(days=2), timedelta(days=4)
"""Whole days of the debtor's calendar that are at least 24, and at least 72 hours."""
CARD_TRIES, CARD_SPAN = 15, timedelta(days=30)
BANK_SPAN: Final = timedelta(days=180)


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One charge of a saved method; ``outcome`` is None where it did not fail.

    ``of_part``: it was for the part that is to be charged now.
    """

    on: date
    cents: Cents
    of_part: bool
    outcome: Outcome | None = None
    advised: bool = False


def outcome(
    code: str | None,
    decline_code: str | None = None,
    advice_code: str | None = None,
    *,
    asks: bool = False,
) -> Outcome:
    """What Stripe's codes of one failed charge ask for; the strictest of them counts.

    ``asks``: Stripe waits for the debtor, whatever the codes say.
    """
    said = {one for one in (code, decline_code) if one}
    if said & REVOKED:
        return Outcome.REVOKED
    if asks:
        return Outcome.NEEDS_DEBTOR
    if said & HARD:
        return Outcome.HARD
    if said & NEEDS_DEBTOR:
        return Outcome.NEEDS_DEBTOR
    if advice_code in HARD_ADVICE:
        return Outcome.HARD
    return Outcome.SOFT if said & SOFT or advice_code == TRY_LATER else Outcome.ONCE


def is_bank(funding: str | None) -> bool:
    """Whether a saved method with this funding is a bank account."""
    return funding not in CARD_FUNDING


def is_over(tries: Iterable[Try]) -> bool:
    """Whether a saved method is not charged any more, for this part or any other (PY-09)."""
    return any(one.outcome in (Outcome.HARD, Outcome.REVOKED) for one in tries)


def asks_debtor(tries: Iterable[Try]) -> bool:
    """Whether the last of the part's tries, oldest first, asked for the owner of the method."""
    mine = [one for one in tries if one.of_part]
    return bool(mine) and mine[-1].outcome is Outcome.NEEDS_DEBTOR


def may_try(tries: Iterable[Try], cents: Cents, *, bank: bool, today: date) -> bool:
    """Whether a saved method may be charged this amount once more now (PY-09).

    A bank debit is presented again at most twice in 180 days; cards keep to their networks' most
    tries of one amount in 30 days. A part whose bank asked for its owner is paid by them, on
    whatever day. The tries are given oldest first.
    """
    known = list(tries)
    if is_over(known) or asks_debtor(known):
        return False
    span, most = (BANK_SPAN, 1 + BANK_RETRIES) if bank else (CARD_SPAN, CARD_TRIES)
    same = [
        one
        for one in known
        if one.cents == cents and one.on > today - span and (one.of_part or not bank)
    ]
    return len(same) < most


def next_try(
    tries: Iterable[Try],
    *,
    failed_on: date,
    bank: bool,
    patient_until: date,
    opened: OpenDays,
) -> date | None:
    """The day on which a part that failed today is tried again by itself; None where it is not.

    Near a payday, at most three times within 14 days of the first try, and not once the plan's
    patience has ended on ``patient_until``. All tries are of the part, the last one failed.
    """
    known = sorted(tries, key=lambda one: one.on)
    last = known[-1]
    retries = RETRIES.get(last.outcome, 0) if last.outcome else 0
    if len(known) > (min(retries, BANK_RETRIES) if bank else retries):
        return None
    soonest = failed_on + (SOONEST_ADVISED if last.advised else SOONEST)
    latest = min(known[0].on + WINDOW, patient_until)
    return next(iter(likely_paydays(soonest, latest, opened)), None)
