"""Each topic of help sets its hold, and no free text keeps a card number."""

import pytest

from portal.domain.help import (
    HELP_TOPICS,
    OPTIONS,
    QUESTIONS,
    TITLES,
    WITHOUT_OPTION,
    CardNumberTyped,
    TextTooLong,
    Topic,
    check_free_text,
    hold_for,
)
from portal.domain.holds import Capability, HoldKind, Permission, permissions_under


@pytest.mark.parametrize(
    "text",
    [
        "4242424242424242",
        "4242 4242 4242 4242 12/27 123",
        "12/27 4242 4242 4242 4242",
        "4242424242424242 1227 123",
        "3782 822463 10005 12/27",
        "my card 4242 4242 4242 4242 thanks",
        "5555-5555-5555-4444",
        "378282246310005",
        "4242\u00a04242\u00a04242\u00a04242",
    ],
)
def test_a_card_number_is_refused(text: str) -> None:
    """PC-01"""
    with pytest.raises(CardNumberTyped):
        check_free_text(text, most=500)


@pytest.mark.parametrize(
    "text",
    [
        "Case 23-10482-BKC, filed on 03/27/2026",
        "Call me at 1-800-555-0100 or 503 555 0142",
        "4242424242424241",
        "I paid $1,240.00 on 2026-08-01",
        "",
    ],
)
def test_other_numbers_are_kept(text: str) -> None:
    assert check_free_text(text, most=500) == text


def test_text_has_its_limit() -> None:
    assert len(check_free_text("x" * 500, most=500)) == 500
    with pytest.raises(TextTooLong, match="500"):
        check_free_text("x" * 501, most=500)


@pytest.mark.parametrize("topic", HELP_TOPICS)
def test_every_topic_has_its_words_and_its_hold(topic: Topic) -> None:
    """DH-08"""
    assert TITLES[topic]
    assert QUESTIONS[topic]
    holds = [hold_for(topic, option) for option in OPTIONS[topic]]
    if topic in WITHOUT_OPTION:
        holds.append(hold_for(topic, None))
    assert any(holds)


@pytest.mark.parametrize(
    "kind",
    [HoldKind.NOT_MY_DEBT, HoldKind.AMOUNT_WRONG, HoldKind.ALREADY_PAID, HoldKind.HARDSHIP],
)
def test_what_a_debtor_says_stops_charges_at_once(kind: HoldKind) -> None:
    """DH-01: "Nothing will be taken from you today" is true."""
    assert permissions_under(kind)[Capability.CHARGE] is Permission.DENIED


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(KeyError):
        hold_for(Topic.ADVISER, None)
    with pytest.raises(KeyError):
        hold_for(Topic.ADVISER, "bankruptcy")
