"""Stripe's test cards and test bank accounts, and what each of them does."""

from dataclasses import dataclass

GENERIC = "Your card was declined."


@dataclass(frozen=True)
class Decline:
    """Why a bank says no."""

    code: str
    decline_code: str
    message: str = GENERIC
    advice_code: str | None = "try_again_later"
    network_advice_code: str | None = None
    network_decline_code: str | None = None


@dataclass(frozen=True)
class Card:
    """A test card: how it looks and how it behaves."""

    name: str
    number: str
    brand: str = "visa"
    funding: str = "credit"
    country: str = "US"
    decline: Decline | None = None
    saves: bool = True
    authentication: str = "never"  # always | unless_saved
    aftermath: str = ""  # dispute | inquiry | refund_fails | refund_waits

    @property
    def last4(self) -> str:
        """The digits that are shown."""
        return self.number[-4:]


@dataclass(frozen=True)
class Bank:
    """A test bank account for ACH: it settles, fails, or stays in processing for ever."""

    name: str
    last4: str
    failure: str | None = None
    settles: bool = True
    aftermath: str = ""


Instrument = Card | Bank

DECLINED = Decline("card_declined", "generic_decline", network_decline_code="01")
NO_FUNDS = Decline(
    "card_declined",
    "insufficient_funds",
    "Your card has insufficient funds.",
    network_decline_code="51",
)
LOST = Decline("card_declined", "lost_card", GENERIC, "do_not_try_again", "03", "41")
STOLEN = Decline("card_declined", "stolen_card", GENERIC, "do_not_try_again", "03", "43")
EXPIRED = Decline(
    "expired_card", "expired_card", "Your card has expired.", "do_not_try_again", "01", "54"
)
BAD_CVC = Decline(
    "incorrect_cvc",
    "incorrect_cvc",
    "Your card's security code is incorrect.",
    "confirm_card_data",
)
PROCESSING = Decline(
    "processing_error",
    "processing_error",
    "An error occurred while processing your card. Try again in a little bit.",
)
NEEDS_DEBTOR = Decline(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
    None,
)
NOT_A_TEST_CARD = Decline(
    "card_declined",
    "test_mode_live_card",
    "Your card was declined. Your request was in test mode, but used a non test card.",
    None,
)

CARDS = (
    Card("visa", "4242424242424242"),
    Card("visa_debit", "4000056655665556", funding="debit"),
    Card("mastercard", "5555555555554444", "mastercard"),
    Card("mastercard_debit", "5200828282828210", "mastercard", "debit"),
    Card("mastercard_prepaid", "5105105105105100", "mastercard", "prepaid"),
    Card("amex", "378282246310005", "amex"),
    Card("discover", "6011111111111117", "discover"),
    Card("ca", "4000001240000000", country="CA"),
    Card("visa_chargeDeclined", "4000000000000002", decline=DECLINED, saves=False),
    Card("visa_chargeDeclinedInsufficientFunds", "4000000000009995", decline=NO_FUNDS, saves=False),
    Card("visa_chargeDeclinedLostCard", "4000000000009987", decline=LOST, saves=False),
    Card("visa_chargeDeclinedStolenCard", "4000000000009979", decline=STOLEN, saves=False),
    Card("chargeDeclinedExpiredCard", "4000000000000069", decline=EXPIRED, saves=False),
    Card("chargeDeclinedIncorrectCvc", "4000000000000127", decline=BAD_CVC, saves=False),
    Card("chargeDeclinedProcessingError", "4000000000000119", decline=PROCESSING, saves=False),
    Card("chargeCustomerFail", "4000000000000341", decline=DECLINED),
    Card("authenticationRequired", "4000002760003184", authentication="always"),
    Card("authenticationRequiredOnSetup", "4000002500003155", authentication="unless_saved"),
    Card(
        "authenticationRequiredChargeDeclinedInsufficientFunds",
        "4000008260003178",
        decline=NO_FUNDS,
        authentication="always",
    ),
    Card("createDispute", "4000000000000259", aftermath="dispute"),
    Card("createDisputeInquiry", "4000000000001976", aftermath="inquiry"),
    Card("refundFail", "4000000000005126", aftermath="refund_fails"),
    Card("pendingRefund", "4000000000007726", aftermath="refund_waits"),
)
BANKS = (
    Bank("success", "6789"),
    Bank("insufficientFunds", "2227", failure="insufficient_funds"),
    Bank("accountClosed", "1113", failure="account_closed"),
    Bank("noAccount", "1116", failure="no_account"),
    Bank("debitNotAuthorized", "3335", failure="debit_not_authorized"),
    Bank("dispute", "0009", aftermath="dispute"),
    Bank("processing", "0109", settles=False),
)
ALIASES = {
    "chargeDeclined": "visa_chargeDeclined",
    "chargeDeclinedInsufficientFunds": "visa_chargeDeclinedInsufficientFunds",
    "chargeDeclinedLostCard": "visa_chargeDeclinedLostCard",
    "chargeDeclinedStolenCard": "visa_chargeDeclinedStolenCard",
    "us": "visa",
}
BY_NAME: dict[str, Instrument] = {
    **{card.name: card for card in CARDS},
    **{f"bank_{bank.name}": bank for bank in BANKS},
}
BY_NUMBER = {card.number: card for card in CARDS}
TOKENS: dict[str, str] = {
    **{f"pm_card_{card.name}": card.name for card in CARDS},
    **{f"pm_card_{alias}": name for alias, name in ALIASES.items()},
    **{f"pm_usBankAccount_{bank.name}": f"bank_{bank.name}" for bank in BANKS},
}
FAILURES = {
    "insufficient_funds": "The bank account has insufficient funds to cover the debit.",
    "account_closed": "The bank account has been closed.",
    "no_account": "The bank account could not be located.",
    "debit_not_authorized": "The customer notified their bank that the debit is not authorized.",
}


def by_number(typed: str) -> Card | Decline:
    """The test card with this number, or why a typed number is refused."""
    number = typed.replace(" ", "").replace("-", "")
    if known := BY_NUMBER.get(number):
        return known
    if number.isascii() and number.isdigit() and 12 <= len(number) <= 19 and _luhn(number):
        return NOT_A_TEST_CARD
    return Decline("incorrect_number", "incorrect_number", "Your card number is incorrect.", None)


def _luhn(number: str) -> bool:
    digits = [int(digit) for digit in reversed(number)]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
