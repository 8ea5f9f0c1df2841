"""Whether a debtor may be called now, by the limits, the hours, the stops and what they said."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from portal.domain.calls import (
    OUTCOMES,
    Asking,
    Call,
    Ground,
    Outcome,
    Verdict,
    free_on,
    may_call,
    tries,
    why_not,
)
from portal.domain.capabilities import AccountStanding, capabilities
from portal.domain.caps import MadeContact
from portal.domain.channels import Channel
from portal.domain.debts import CollectorRole, DebtPurpose
from portal.domain.holds import HoldKind
from portal.domain.money import Cents
from portal.domain.outgoing import Debt, Rule
from portal.domain.packs import PACKS, together
from portal.domain.permissions import Address, Basis, Proof
from portal.domain.statuses import AccountStatus
from portal.domain.windows import CandidateZones
from portal.domain.wishes import Slot, Wishes

NOW = datetime(2026, 11, 23, 17, tzinfo=UTC)
TODAY = date(2026, 11, 23)
DAY = timedelta(days=1)
NEW_YORK = CandidateZones(("America/New_York",), "region")
STANDING = AccountStanding(
    role=CollectorRole.FIRST_PARTY_CREDITOR,
    purpose=DebtPurpose.CONSUMER,
    status=AccountStatus.OPEN,
    balance_cents=Cents(100_00),
    currency="USD",
    validation_notice_sent_on=None,
    sol_expires_on=None,
)
ID = UUID(int=7)


def call(days_ago: int, outcome: Outcome | None = Outcome.NO_ANSWER, **given: Any) -> Call:
    at = NOW - days_ago * DAY
    return Call(at=at, on=at.date(), outcome=outcome, **given)


def asking(*calls: Call, holds: tuple[HoldKind, ...] = (), **given: Any) -> Asking:
    values: dict[str, Any] = {
        "address": Address(channel=Channel.SMS, id=ID),
        "zones": NEW_YORK,
        "debt": Debt(id=ID, allowed=capabilities(STANDING, holds, TODAY)),
        "today": TODAY,
        "calls": calls,
    }
    return Asking(**(values | given))


def verdict(*calls: Call, now: datetime = NOW, **given: Any) -> Verdict:
    return may_call(asking(*calls, **given), now)


# The limits


def test_ct_06_the_eighth_attempt_in_seven_days_is_refused() -> None:
    six = [call(ago) for ago in range(6)]
    assert verdict(*six).allowed
    seven = [*six, call(6)]
    refused = verdict(*seven)
    assert (refused.rule, refused.by_supervisor) == (Rule.CALLS, True)
    assert refused.until == datetime(2026, 11, 24, 13, tzinfo=UTC), "tomorrow at eight"
    assert verdict(*[*six, call(7)]).allowed
    assert tries(seven, TODAY) == 7


def test_ct_06_seven_attempts_on_one_day_are_silence_for_a_week() -> None:
    assert free_on([call(0)] * 7, TODAY) == TODAY + 7 * DAY
    assert free_on([call(3)] * 9, TODAY) == TODAY + 4 * DAY


@pytest.mark.parametrize("ago", range(8))
def test_ct_06_after_a_conversation_nobody_calls_for_seven_days(ago: int) -> None:
    """The conversation is on day 0: refused to day 6, allowed on day 7."""
    found = verdict(call(ago, Outcome.CONVERSATION))
    assert found.allowed == (ago == 7)
    if ago < 7:
        assert found.rule == Rule.CALLS
        assert found.until == NOW.replace(hour=13) + (7 - ago) * DAY


def test_ct_06_a_conversation_that_the_debtor_began_counts_and_their_call_does_not() -> None:
    theirs = call(1, Outcome.CONVERSATION, ground=Ground.THEIRS)
    assert verdict(theirs).rule == Rule.CALLS
    assert tries([theirs], TODAY) == 0


@pytest.mark.parametrize("outcome", [None, *Outcome])
def test_ct_06_what_did_not_reach_the_number_is_no_attempt(outcome: Outcome | None) -> None:
    """12 CFR 1006.14(b)(3)(ii); a call of which nothing is known counts."""
    counts = outcome not in (Outcome.NOT_CONNECTED, Outcome.NOT_MADE)
    assert call(0, outcome).counts == counts


def test_ct_06_consent_in_a_conversation_lasts_seven_days_or_until_the_next_one() -> None:
    """12 CFR 1006.14(b)(3)(i)"""
    agreed = call(3, Outcome.CONVERSATION, consented=True)
    tried = [call(1, ground=Ground.CONSENT) for _ in range(9)]
    assert verdict(agreed, *tried) == Verdict(ground=Ground.CONSENT)
    assert verdict(agreed, call(2, Outcome.CONVERSATION)).rule == Rule.CALLS
    over = [call(7, Outcome.CONVERSATION, consented=True), *[call(1)] * 7]
    assert verdict(*over).rule == Rule.CALLS


def test_ct_06_a_call_that_the_debtor_asked_for_does_not_count_for_seven_days() -> None:
    full = [call(1)] * 7
    assert verdict(*full, asked_at=NOW - 2 * DAY) == Verdict(ground=Ground.ASKED)
    assert verdict(*full, asked_at=NOW - 8 * DAY).rule == Rule.CALLS
    spoke = call(1, Outcome.CONVERSATION)
    assert verdict(spoke, asked_at=NOW - 2 * DAY).rule == Rule.CALLS


def test_ct_06_what_a_supervisor_let_be_still_counts() -> None:
    eight = [*[call(1)] * 7, call(0, ground=Ground.SUPERVISOR)]
    assert tries(eight, TODAY) == 8
    assert verdict(*eight).rule == Rule.CALLS


# What else decides


def test_ct_06_hours_count_in_every_zone_and_no_supervisor_moves_them() -> None:
    """CT-01, CT-02"""
    late = NOW.replace(hour=2) + DAY
    night = verdict(*[call(0)] * 7, now=late)
    assert (night.rule, night.by_supervisor) == (Rule.HOURS, False)
    both = CandidateZones(("America/New_York", "Pacific/Honolulu"), "phone+region")
    morning = verdict(zones=both)
    assert (morning.rule, morning.until) == (Rule.HOURS_SOMEWHERE, NOW.replace(hour=18))
    assert verdict(now=late, asked_at=NOW).rule == Rule.HOURS


@pytest.mark.parametrize(
    ("kind", "rule", "asked"),
    [
        (HoldKind.CEASE_ALL, "CT-08", True),
        (HoldKind.ATTORNEY, "CT-08", False),
        (HoldKind.DISPUTE, "DH-01", True),
        (HoldKind.BANKRUPTCY, "DH-06", True),
        (HoldKind.DECEASED, "DH-06", False),
        (HoldKind.WRONG_PERSON, "EC-08", False),
    ],
)
def test_ct_06_a_hold_forbids_calls_unless_they_were_asked_for(
    kind: HoldKind, rule: str, asked: bool
) -> None:
    """CT-08, DH-08: a call is to write first; one that was asked for is an answer."""
    found = verdict(holds=(kind,))
    assert (found.rule, found.until, found.by_supervisor) == (rule, None, False)
    assert verdict(holds=(kind,), asked_at=NOW - DAY).allowed == asked


def test_ct_06_wishes_close_the_way_the_number_and_the_hour() -> None:
    """CT-03"""
    assert verdict(wishes=Wishes(only=Channel.EMAIL)).rule == Rule.WISH
    assert verdict(wishes=Wishes(places=frozenset({ID}))).rule == Rule.WISH
    found = verdict(wishes=Wishes(never=(Slot("mon", "afternoon"),)))
    assert (found.rule, found.until) == (Rule.WISH, NOW.replace(hour=22))
    assert verdict(wishes=Wishes(only=Channel.EMAIL), asked_at=NOW).allowed


def test_ct_07_a_number_at_work_is_called_only_where_they_told_us_to() -> None:
    work = Address(channel=Channel.SMS, id=ID, at_work=True)
    assert verdict(address=work).rule == Rule.WORK
    proof = Proof(basis=Basis.DIRECT_CONSENT, at=NOW)
    told = Address(channel=Channel.SMS, id=ID, at_work=True, proofs=[proof])
    assert verdict(address=told).allowed


def test_ct_06_a_closed_number_is_closed_to_whoever_asks() -> None:
    """EC-08"""
    assert verdict(closed=Rule.WRONG_PERSON, asked_at=NOW).rule == Rule.WRONG_PERSON


def test_ct_06_the_caps_of_a_place_count_calls_and_messages_together() -> None:
    """CT-05: three contacts a week about a debt in Washington; the product's own bind writing."""
    role = CollectorRole.FIRST_PARTY_CREDITOR
    washington = together([PACKS["US"], PACKS["US-WA"]], role)
    made = [
        MadeContact(NOW - 2 * DAY, Channel.EMAIL, ID),
        *[MadeContact(NOW - DAY, None, ID)] * 2,
    ]
    found = verdict(made=made, rules=washington)
    assert (found.rule, found.by_supervisor) == (Rule.CAP, False)
    assert found.until == NOW + 5 * DAY
    assert verdict(made=made).allowed


def test_ct_06_a_first_notice_comes_before_the_first_call() -> None:
    """CA-01"""
    ontario = together([PACKS["CA-ON"]], CollectorRole.THIRD_PARTY_AGENCY)
    zones = CandidateZones(("America/Toronto",), "region")
    assert verdict(rules=ontario, zones=zones).rule == Rule.ONTARIO


def test_every_outcome_and_every_reason_has_words() -> None:
    assert OUTCOMES.keys() == set(Outcome)
    calls, night, stop = (why_not(Verdict(one)) for one in (Rule.CALLS, Rule.HOURS, "CT-08"))
    assert calls != night != stop
    assert "paper" in why_not(Verdict(Rule.QUEBEC))
    assert "hours" in why_not(Verdict(Rule.QUEBEC, NOW))
    assert "paper" not in why_not(Verdict(Rule.QUEBEC, NOW))
