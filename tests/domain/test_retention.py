"""How long a record is kept (RT-01): the latest day of every rule that applies."""

from datetime import date, timedelta
from typing import Any

import pytest

from portal.domain.retention import (
    HOLDINGS,
    NO_ACTIVITY,
    RULES,
    YEARS,
    Holding,
    Kept,
    Rule,
    term,
)
from portal.services.timeline import WORDS
from portal.services.timeline.staff import OF_THE_CLIENT

LAST = date(2026, 11, 23)

ACTIVITY = {
    *(
        "acceptance",
        "account.recalled",
        "charge.blocked",
        "charge.dealt_with",
        "automatic.stopped",
        "debtor.language",
    ),
    *("exception.resolved", "message.failed", "message.sent", "message.suppressed"),
    *("letter.sent", "link.issued", "offers.shown", "refund.asked", "terms.reviewed"),
    *("call.begun", "call.logged", "lock_out.closed"),
    *("call_session.matched", "call_session.not_matched", "call_session.opened"),
    "call_session.wrapped_up",
    *("thread.written", "hold.set", "hold.moved", "hold.lifted"),
    "debtor.corrected",
    *("note.written", "account.marked", "account.mark_taken_back"),
    *("payer_link.issued", "payer_link.revoked"),
}
FAMILIES = (
    *("arrangement.", "authorization.", "balance.", "contact.", "esign.", "forgiveness.", "help."),
    *("french.", "language."),
    *("identity.", "notice.", "payment.", "preference.", "proposal."),
    "second_look.",
)


def kept(**given: Any) -> Kept:
    """Dana's record in New Jersey, where no rule of the region's own applies."""
    values = {"country": "US", "region": "NJ", "last_activity_on": LAST}
    return Kept(**(values | given))


@pytest.mark.parametrize(
    ("given", "rule", "last_day"),
    [
        ({}, Rule.COLLECTION, date(2029, 11, 23)),
        ({"region": "CA"}, Rule.CALIFORNIA, date(2033, 11, 23)),
        ({"country": "CA", "region": "ON"}, Rule.CANADA, date(2032, 11, 23)),
        ({"limitation_ends_on": date(2031, 5, 1)}, Rule.LIMITATION, date(2031, 5, 1)),
        ({"limitation_ends_on": date(2028, 5, 1)}, Rule.COLLECTION, date(2029, 11, 23)),
        ({"authorization_ended_on": date(2028, 1, 9)}, Rule.AUTHORIZATION, date(2030, 1, 9)),
        ({"preauthorized_on": date(2028, 1, 9)}, Rule.PREAUTHORIZED, date(2030, 1, 9)),
        ({"last_activity_on": date(2024, 2, 29)}, Rule.COLLECTION, date(2027, 3, 1)),
    ],
)
def test_the_latest_day_of_all_rules_decides(given: Any, rule: Rule, last_day: date) -> None:
    """RT-01"""
    found = term(kept(**given))
    assert (found.decided_by.rule, found.last_day) == (rule, last_day)


def test_each_rule_that_applies_is_named_with_its_day() -> None:
    found = term(kept(region="NY", preauthorized_on=LAST, authorization_ended_on=LAST))
    assert {one.rule: one.last_day.year for one in found.reasons} == {
        Rule.COLLECTION: 2029,
        Rule.NEW_YORK: 2029,
        Rule.PREAUTHORIZED: 2028,
        Rule.AUTHORIZATION: 2028,
    }


def test_a_later_activity_moves_the_last_day() -> None:
    """RT-01: last activity changes, date recomputed."""
    later = term(kept(last_activity_on=LAST + timedelta(days=40)))
    assert later.last_day == date(2030, 1, 2)


def test_a_record_may_go_on_the_day_after_its_last() -> None:
    """RT-01: −1 day, the day, +1 day."""
    found = term(kept())
    day = timedelta(days=1)
    may = [found.may_be_erased(found.last_day + n * day) for n in (-1, 0, 1)]
    assert may == [False, False, True]


@pytest.mark.parametrize("holding", Holding)
def test_whatever_holds_a_record_back_overrides_its_day(holding: Holding) -> None:
    found = term(kept(held_by=(holding,)))
    assert found.is_over(date(2050, 1, 1))
    assert not found.may_be_erased(date(2050, 1, 1))


def test_the_limitation_period_counts_only_where_it_is_chosen() -> None:
    with_period = kept(limitation_ends_on=date(2031, 5, 1))
    assert term(with_period, limitation=False).last_day == date(2029, 11, 23)


def test_every_kind_of_leaf_is_activity_or_is_not() -> None:
    """A new kind counts as activity until somebody decides: a record is rather kept too long."""
    undecided = {
        kind
        for kind in WORDS
        if kind not in (*NO_ACTIVITY, *ACTIVITY, *OF_THE_CLIENT) and not kind.startswith(FAMILIES)
    }
    assert undecided == set()
    assert ACTIVITY.isdisjoint(NO_ACTIVITY)


def test_rules_and_what_holds_back_have_words() -> None:
    assert RULES.keys() == set(Rule)
    assert YEARS.keys() == set(Rule) - {Rule.LIMITATION}
    assert HOLDINGS.keys() == set(Holding)
