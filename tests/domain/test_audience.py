"""Whom a campaign is for."""

from dataclasses import replace
from datetime import date

import pytest

from portal.domain.audience import (
    EVERYBODY,
    Audience,
    BalancesCrossed,
    LastLink,
    from_json,
    to_json,
)
from portal.domain.channels import Channel
from portal.domain.debts import CollectorRole
from portal.domain.facts import AccountFacts, PaymentHistory
from portal.domain.money import Cents
from portal.domain.policy import Segment

ACCOUNT = AccountFacts(
    balance_cents=Cents(500_00),
    currency="USD",
    placed_on=date(2026, 5, 1),
    region="OR",
    product="Power",
)
GAS = Segment("gas", products=("gas",))
POWER = Segment(
    "power",
    products=("POWER",),
    regions=("OR",),
    histories=(PaymentHistory.NEVER_PAID,),
)


@pytest.mark.parametrize(
    ("audience", "belongs"),
    [
        (EVERYBODY, True),
        (Audience(segment=POWER), True),
        (Audience(segment=GAS), False),
        (Audience(from_balance_cents=500_00, to_balance_cents=500_00), True),
        (Audience(from_balance_cents=500_01), False),
        (Audience(to_balance_cents=499_99), False),
        (Audience(regions=("CA", "OR")), True),
        (Audience(regions=("CA",)), False),
        (Audience(placed_since=date(2026, 5, 1)), True),
        (Audience(placed_since=date(2026, 5, 2)), False),
        (Audience(segment=POWER, to_balance_cents=1), False),
    ],
)
def test_an_account_belongs_where_all_holds(audience: Audience, belongs: bool):
    assert audience.holds(ACCOUNT) is belongs


def test_what_was_agreed_before_can_be_left_out():
    assert not Audience(unagreed=True).holds(ACCOUNT, agreed=True)
    assert Audience(unagreed=True).holds(ACCOUNT)
    assert EVERYBODY.holds(ACCOUNT, agreed=True)


def test_balances_that_cross_are_refused():
    with pytest.raises(BalancesCrossed):
        Audience(from_balance_cents=2, to_balance_cents=1)


WHOLE = Audience(
    segment=replace(POWER, collector_roles=(CollectorRole.FIRST_PARTY_CREDITOR,)),
    from_balance_cents=0,
    to_balance_cents=900_00,
    regions=("OR",),
    languages=("es", "fr"),
    placed_since=date(2024, 2, 29),
    unagreed=True,
    unopened=True,
    references=("NG-1",),
    last_link=LastLink.BOUNCED,
    last_before=date(2026, 11, 2),
    last_channel=Channel.SMS,
)


@pytest.mark.parametrize("audience", [EVERYBODY, WHOLE, Audience(segment=Segment("all"))])
def test_a_row_keeps_the_audience_exactly(audience: Audience):
    assert from_json(to_json(audience)) == audience


def test_a_row_of_everybody_is_empty():
    assert to_json(EVERYBODY) == {}
