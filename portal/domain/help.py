"""The help a debtor can ask for: seven topics, and the hold that each of them sets."""

import re
from collections.abc import Iterable
from enum import StrEnum

from portal.domain import N_, DomainError
from portal.domain.holds import HoldKind
from portal.domain.wording import clean_text

LONGEST_NOTE = 500
LONGEST_ANSWER = 2_000
UNCLEAR_TEXT = "text"
"""The topic of a text from a number of several accounts: no debtor sees it, a person finds out."""

_DIGITS = re.compile(r"\d(?:[ \u00a0.\-]?\d){12,18}")
_AS_ON_CARDS = re.compile(
    r"(?<!\d)(?=(\d{13,19}|\d{8}S\d{8}|\d{4}(?:S\d{4}){3}|\d{4}S\d{6}S\d{4,5})(?!\d))".replace(
        "S", r"[ \u00a0.\-]"
    )
)
"""A number in the groups of a card, whatever digits stand before or after: a date, a code."""


class CardNumberTyped(DomainError):
    """Free text holds what looks like a card number, which we may not keep (PC-01)."""

    message = N_("Please take out the card number. We never need it in a message.")


class TextTooLong(DomainError):
    """More was typed than we keep."""

    message = N_("Please write at most %(most)s characters.")


class Topic(StrEnum):
    """What a debtor asks for help with."""

    NOT_MY_DEBT = "not-my-debt"
    AMOUNT_WRONG = "amount-wrong"
    ALREADY_PAID = "already-paid"
    CANNOT_PAY = "cannot-pay"
    ADVISER = "adviser"
    BANKRUPTCY_OR_DEATH = "bankruptcy-or-death"
    CONTACT = "contact"
    QUESTION = "question"


HELP_TOPICS = tuple(topic for topic in Topic if topic is not Topic.QUESTION)
"""What the help page offers; a question comes from the page of messages."""

DISPUTES = (Topic.NOT_MY_DEBT, Topic.AMOUNT_WRONG)
"""Topics that contest the debt: more than one of their options may be ticked (VN-05)."""

TITLES = {
    Topic.NOT_MY_DEBT: N_("This is not my debt"),
    Topic.AMOUNT_WRONG: N_("The amount is wrong"),
    Topic.ALREADY_PAID: N_("I already paid"),
    Topic.CANNOT_PAY: N_("I can't pay now"),
    Topic.ADVISER: N_("I have a lawyer or a debt adviser"),
    Topic.BANKRUPTCY_OR_DEATH: N_("Bankruptcy, or someone has died"),
    Topic.CONTACT: N_("Stop or change how you contact me"),
    Topic.QUESTION: N_("A question"),
}

QUESTIONS = {
    Topic.NOT_MY_DEBT: N_("What happened? You can leave this open."),
    Topic.AMOUNT_WRONG: N_("What do you think is wrong?"),
    Topic.ALREADY_PAID: N_("When did you pay, and to whom?"),
    Topic.CANNOT_PAY: N_("What makes it hard to pay? You can leave this open."),
    Topic.ADVISER: N_("What is their name, and how can we reach them?"),
    Topic.BANKRUPTCY_OR_DEATH: N_("Is there a court, a case number, or a person we can write to?"),
    Topic.CONTACT: N_("How would you like to hear from us?"),
    Topic.QUESTION: N_("Your message"),
}

ORIGINAL_CREDITOR = "original-creditor"

_RESPONSES: dict[str, tuple[str, HoldKind | None]] = {
    "not-mine": (N_("This is not my debt"), HoldKind.NOT_MY_DEBT),
    "amount": (N_("The amount is wrong"), HoldKind.AMOUNT_WRONG),
    "identity-theft": (N_("Somebody used my name"), HoldKind.IDENTITY_THEFT),
    "other": (N_("Other"), HoldKind.DISPUTE),
    ORIGINAL_CREDITOR: (
        N_("I want you to send me the name and address of the original creditor."),
        HoldKind.ORIGINAL_CREDITOR_REQUEST,
    ),
}

OPTIONS: dict[Topic, dict[str, tuple[str, HoldKind | None]]] = {
    Topic.NOT_MY_DEBT: _RESPONSES,
    Topic.AMOUNT_WRONG: _RESPONSES,
    Topic.ALREADY_PAID: {},
    Topic.CANNOT_PAY: {
        "money": (N_("I have too little money"), HoldKind.HARDSHIP),
        "health": (N_("I am ill, or I care for someone who is"), HoldKind.HARDSHIP),
        "job": (N_("I lost my job or some of my income"), HoldKind.HARDSHIP),
    },
    Topic.ADVISER: {
        "lawyer": (N_("A lawyer"), HoldKind.ATTORNEY),
        "debt-adviser": (N_("A debt adviser"), HoldKind.DEBT_COUNSELLOR),
    },
    Topic.BANKRUPTCY_OR_DEATH: {
        "bankruptcy": (N_("I filed for bankruptcy"), HoldKind.BANKRUPTCY),
        "death": (N_("The person you wrote to has died"), HoldKind.DECEASED),
    },
    Topic.CONTACT: {
        "stop": (N_("Stop writing to me"), HoldKind.CEASE_ALL),
        "change": (N_("Write to me in another way"), None),
    },
    Topic.QUESTION: {},
}
"""For each topic what can be picked, with the hold that follows from it."""

WITHOUT_OPTION: dict[Topic, HoldKind | None] = {
    Topic.NOT_MY_DEBT: HoldKind.NOT_MY_DEBT,
    Topic.AMOUNT_WRONG: HoldKind.AMOUNT_WRONG,
    Topic.ALREADY_PAID: HoldKind.ALREADY_PAID,
    Topic.CANNOT_PAY: HoldKind.HARDSHIP,
    Topic.QUESTION: None,
}
"""Topics that need no pick, with their hold; the others ask for one."""


def hold_for(topic: Topic, option: str | None) -> HoldKind | None:
    """The hold that a request sets at once; None where nothing has to wait (DH-01 to DH-06, CT-08).

    Raises KeyError for an option that the topic does not have, or lacks.
    """
    if option is None:
        return WITHOUT_OPTION[topic]
    return OPTIONS[topic][option][1]


def holds_for(topic: Topic, options: Iterable[str]) -> tuple[HoldKind, ...]:
    """The holds that a request sets, each once, in the order of its options.

    Raises KeyError as ``hold_for``, and where a topic other than a dispute gets several options.
    """
    picked: list[str | None] = list(dict.fromkeys(options)) or [None]
    if len(picked) > 1 and topic not in DISPUTES:
        raise KeyError(topic)
    kinds = [hold_for(topic, option) for option in picked]
    return tuple(dict.fromkeys(kind for kind in kinds if kind is not None))


WITHDRAWABLE = frozenset(
    {
        HoldKind.DISPUTE,
        HoldKind.ORIGINAL_CREDITOR_REQUEST,
        HoldKind.NOT_MY_DEBT,
        HoldKind.AMOUNT_WRONG,
        HoldKind.ALREADY_PAID,
        HoldKind.HARDSHIP,
        HoldKind.CEASE_ALL,
    }
)
"""Holds that go when the debtor takes the request back; for the others a person must look."""


def check_free_text(text: str, *, most: int) -> str:
    """Text that may be kept, as it came. Raises TextTooLong, CardNumberTyped (PC-01)."""
    if len(text) > most:
        raise TextTooLong(most=most)
    found = (*_DIGITS.findall(text), *_AS_ON_CARDS.findall(text))
    if any(_is_card_number(one) for one in found):
        raise CardNumberTyped
    return text


def kept_words(typed: str | None, *, most: int = LONGEST_ANSWER) -> str:
    """What somebody typed, fit to keep; perhaps nothing. Raises TextTooLong, CardNumberTyped."""
    return check_free_text(clean_text(typed or ""), most=most)


def _is_card_number(found: str) -> bool:
    digits = [int(mark) for mark in found if mark.isdigit()]
    doubled = (
        sum(divmod(digit * 2, 10)) if place % 2 else digit
        for place, digit in enumerate(reversed(digits))
    )
    return sum(doubled) % 10 == 0
