"""The terms closest to a proposal that could be agreed at once, on each axis, in plain sentences.

On each axis terms stand in one order: the amount by what is paid each time (to close the account
for less: in all), the length by what is paid in all, the start by the date. The closest are those
with nothing that may be agreed between them and the proposal. Where another date alone is enough,
the length stays as it is; where nothing may begin that late, all begin on the nearest date on which
they can.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from itertools import islice
from typing import Final

from portal.domain import N_
from portal.domain.limits import smallest_amount
from portal.domain.money import Cents, Money
from portal.domain.proposals import Alternative, Axis, Proposal
from portal.domain.schedules import PARTS_A_YEAR, Frequency, smallest_regular
from portal.domain.table import Table
from portal.domain.terms import Kind, Terms

Dates = tuple[date, ...]

MOST: Final = 4
MOST_AMOUNTS: Final = 2

SMALLEST: Final = N_("Same dates, but %(amount)s each time: that is the least we can agree to now.")
SMALLEST_SOONER: Final = N_(
    "%(amount)s each time, starting %(first_on)s: we cannot wait longer, or take less each time."
)
SMALLEST_AFTER_FIRST: Final = N_(
    "%(first)s on %(first_on)s, then %(amount)s each time: that is the least we can agree to now."
)
ALL_AT_ONCE: Final = N_("All of it in one payment: we cannot agree to smaller ones now.")
LOWEST: Final = N_(
    "Same day, but %(total)s: that is the lowest amount that can close your account now."
)
LOWEST_SOONER: Final = N_(
    "%(total)s, starting %(first_on)s: we cannot wait longer, or close your account for less now."
)
LOWEST_IN_PARTS: Final = N_(
    "%(num)s payments of up to %(amount)s from %(first_on)s: your account is closed for %(total)s."
)
FEWER: Final = N_("Your %(total)s in %(num)s payments: we cannot agree to more payments now.")
ALONE: Final = N_("%(total)s in one payment on %(first_on)s: we cannot agree to more payments now.")
CLOSED_BY_OWN: Final = N_(
    "Your %(amount)s each time: after %(num)s payments your account is closed for %(total)s."
)
CLOSED_ALONE: Final = N_("One payment of %(total)s on %(first_on)s closes your account.")
WHOLE_BY_OWN: Final = N_("Your %(amount)s each time: after %(num)s payments all of it is paid.")
WHOLE_BY_LEAST: Final = N_("You can pay all of it, %(amount)s each time.")
SAME_PACE: Final = N_("About the same money each month, but %(amount)s each time.")
SAME_LATER: Final = N_("Same payments, starting %(first_on)s: we cannot wait longer.")
SAME_ALONE_LATER: Final = N_("The same payment, but on %(first_on)s: we cannot wait longer.")
CLOSED_SOONER: Final = N_(
    "If you start on %(first_on)s, %(total)s closes your account: we cannot wait longer."
)

IN_ANOTHER: Final = {
    SMALLEST: N_("%(amount)s each time: that is the least we can agree to now."),
    CLOSED_BY_OWN: N_(
        "About the same money each month: after %(num)s payments of %(amount)s your account is"
        " closed for %(total)s."
    ),
    WHOLE_BY_OWN: N_(
        "About the same money each month: after %(num)s payments of %(amount)s all of it is paid."
    ),
    SAME_LATER: N_(
        "About the same money each month, %(amount)s each time, starting %(first_on)s: we cannot"
        " wait longer."
    ),
}
"""How some of these read where the rhythm of the proposal is not offered."""


def closest(wish: Proposal, table: Table) -> tuple[Alternative, ...]:
    """Up to four alternatives to a proposal that is not agreed, least money a month first.

    Asked for as they are, each of them is agreed with exactly its terms.
    """
    found = [*_other_start(wish, table)]
    starts = table.starts(wish)
    other_sum = _other_amount if wish.sums(table.owed)[0] == table.owed else _other_total
    if found:
        found += other_sum(wish, table, starts[:1])
    else:
        found += [*other_sum(wish, table, starts), *_other_length(wish, table, starts)]
    distinct = {one.terms: one for one in reversed(found)}
    return tuple(sorted(distinct.values(), key=_burden)[:MOST])


def closest_rhythm(wish: Proposal, own: Terms | None, table: Table) -> tuple[Alternative, ...]:
    """The alternatives to a proposal whose rhythm is not offered; ``wish`` is it in the nearest.

    ``own``: what that would be agreed as. None of them has the dates or payments of the proposal,
    and the words say so.
    """
    if own is not None:
        return (_alternative(Axis.LENGTH, own, SAME_PACE if len(own.schedule) > 1 else ALONE),)
    found = closest(wish, table)
    return tuple(replace(one, reason=IN_ANOTHER.get(one.reason, one.reason)) for one in found)


def kinder(terms: Terms, others: Iterable[Terms]) -> Terms | None:
    """Of other terms the first that are better for a debtor than these, and worse in nothing.

    They ask for no more in all, by the month, or sooner.
    """
    asked = _asks(terms)
    for other in others:
        asks = _asks(other)
        if asks != asked and all(less <= more for less, more in zip(asks, asked, strict=True)):
            return other
    return None


def as_proposal(terms: Terms) -> Proposal:
    """The proposal that asks for these terms."""
    amounts = [cents for _, cents in terms.schedule]
    return Proposal(
        first_on=terms.counted_from,
        total_cents=terms.total_cents,
        amount_cents=amounts[1] if len(amounts) > 2 else amounts[0],
        frequency=terms.frequency or Frequency.MONTHLY,
        method=terms.method,
        days=terms.days,
    )


def _other_start(wish: Proposal, table: Table) -> Iterator[Alternative]:
    """The same payments from the nearest earlier date."""
    total, _ = wish.sums(table.owed)
    for first_on in table.starts(wish)[1:]:
        terms = table.agreed(replace(wish, first_on=first_on))
        if terms is not None:
            same = SAME_LATER if len(terms.schedule) > 1 else SAME_ALONE_LATER
            reason = same if terms.total_cents == total else CLOSED_SOONER
            yield _alternative(Axis.START, terms, reason)
            return


def _other_amount(wish: Proposal, table: Table, starts: Dates) -> Iterator[Alternative]:
    """All that is owed in the smallest payments of this rhythm, then smaller ones from sooner."""
    return islice(_smaller_and_smaller(wish, table, starts), MOST_AMOUNTS)


def _smaller_and_smaller(wish: Proposal, table: Table, starts: Dates) -> Iterator[Alternative]:
    before = Cents(table.owed + 1)
    for first_on in starts:
        terms = _smallest(replace(wish, first_on=first_on), table)
        if terms is not None and _each(terms) < before:
            before = _each(terms)
            yield _alternative(Axis.AMOUNT, terms, _smallest_words(wish, terms))


def _smallest(wish: Proposal, table: Table) -> Terms | None:
    """All that is owed from a date on, in the smallest payments that are not below the wish."""
    _, amount = wish.sums(table.owed)
    candidates = {table.owed}
    if table.floor is not None:
        candidates.add(smallest_regular(table.owed, table.parts, minimum=table.least))
    if table.bounds is not None:
        candidates.add(smallest_amount(table.owed, table.bounds, wish.frequency, wish.days))
    for candidate in sorted(one for one in candidates if amount < one <= table.owed):
        terms = table.agreed(replace(wish, total_cents=None, amount_cents=candidate))
        if terms is not None and terms.kind is not Kind.FULL:
            return terms
    return None


def _smallest_words(wish: Proposal, terms: Terms) -> str:
    if len(terms.schedule) == 1:
        return ALL_AT_ONCE
    if terms.first_cents > _each(terms):
        return SMALLEST_AFTER_FIRST
    return SMALLEST if terms.first_on >= wish.first_on else SMALLEST_SOONER


def _other_total(wish: Proposal, table: Table, starts: Dates) -> Iterator[Alternative]:
    """The lowest total that closes the account in as many payments as were proposed, or fewer."""
    total, amount = wish.sums(table.owed)
    for first_on in starts:
        for lowest, most in _totals(table, total):
            count = min(table.count(total, amount), most)
            own = table.count(lowest, amount) <= count
            each = amount if own else -(-lowest // count)
            near = replace(wish, first_on=first_on, total_cents=lowest, amount_cents=Cents(each))
            terms = table.agreed(near)
            if terms is not None:
                yield _alternative(Axis.AMOUNT, terms, _total_words(wish, total, terms))
                return


def _total_words(wish: Proposal, total: Cents, terms: Terms) -> str:
    same_day = terms.first_on >= wish.first_on  # its payday, which is not always the day it names
    if len(terms.schedule) > 1:
        return FEWER if terms.total_cents == total and same_day else LOWEST_IN_PARTS
    if terms.total_cents <= total:
        return ALONE
    return LOWEST if same_day else LOWEST_SOONER


def _totals(table: Table, least: Cents) -> Iterator[tuple[Cents, int]]:
    """What closes the account for at least so much, lowest first, and in how many payments."""
    if table.floor is not None:
        total = Cents(max(table.floor, least))
        yield total, max(min(table.parts, total // table.least), 1)
        return
    for offer in table.settlements:
        if offer.total_cents >= least:
            yield offer.total_cents, offer.parts


def _other_length(wish: Proposal, table: Table, starts: Dates) -> Iterator[Alternative]:
    """The person's own payments, fewer or more of them; or their pace in another rhythm."""
    for steps in (_closing, _paying_all):
        for first_on in starts:
            found = next(steps(replace(wish, first_on=first_on), table), None)
            if found is not None:
                yield found
                break


def _closing(wish: Proposal, table: Table) -> Iterator[Alternative]:
    """The account closed for the least that payments of the proposed amount can close it for.

    Where nobody can pay over time, a wish to pay all of it may close it in larger ones.
    """
    total, amount = wish.sums(table.owed)
    no_plans = table.bounds is None and total == table.owed
    for lowest, most in _totals(table, table.least):
        larger = Cents(-(-lowest // most))
        for each in sorted({amount, max(larger, amount)} if no_plans else {amount}):
            near = replace(wish, total_cents=Cents(max(lowest, each)), amount_cents=each)
            terms = table.agreed(near) if each < table.owed else None
            if terms is not None:
                own = CLOSED_BY_OWN if each == amount else LOWEST_IN_PARTS
                yield _alternative(
                    Axis.LENGTH, terms, own if len(terms.schedule) > 1 else CLOSED_ALONE
                )


def _paying_all(wish: Proposal, table: Table) -> Iterator[Alternative]:
    """All that is owed: in payments of the proposed amount, at its pace, or in the smallest."""
    total, amount = wish.sums(table.owed)
    if total == table.owed:
        yield from _same_pace(wish, table)
        return
    own = table.agreed(replace(wish, total_cents=None)) if amount < total else None
    if own is not None:
        yield _alternative(Axis.LENGTH, own, WHOLE_BY_OWN)
    least = _smallest(replace(wish, total_cents=None, amount_cents=Cents(1)), table)
    if least is not None:
        yield _alternative(Axis.LENGTH, least, WHOLE_BY_LEAST)


def _same_pace(wish: Proposal, table: Table) -> Iterator[Alternative]:
    """As much a year in the rhythm that is most like the proposed one."""
    _, amount = wish.sums(table.owed)
    offered = table.bounds.frequencies if table.bounds and amount < table.owed else ()
    own = PARTS_A_YEAR[wish.frequency]
    for frequency in sorted(offered, key=lambda one: abs(PARTS_A_YEAR[one] - own)):
        each = Cents(-(-amount * own // PARTS_A_YEAR[frequency]))
        if frequency is not wish.frequency and each < table.owed:
            terms = table.agreed(replace(wish, frequency=frequency, amount_cents=each, days=()))
            if terms is not None:
                yield _alternative(Axis.LENGTH, terms, SAME_PACE)


def _alternative(axis: Axis, terms: Terms, reason: str) -> Alternative:
    params: dict[str, object] = {
        "amount": Money(_each(terms), terms.currency),
        "first": Money(terms.first_cents, terms.currency),
        "first_on": terms.first_on,
        "num": len(terms.schedule),
        "total": Money(terms.total_cents, terms.currency),
    }
    return Alternative(axis, terms, reason, params)


def _each(terms: Terms) -> Cents:
    """The payment that repeats, in cents."""
    return as_proposal(terms).sums(terms.total_cents)[1]


def _burden(one: Alternative) -> tuple[int, int, int]:
    return _asks(one.terms)


def _asks(terms: Terms) -> tuple[int, int, int]:
    """What terms ask for by the month, in all, and how soon."""
    rhythm = terms.frequency or Frequency.MONTHLY
    a_year = min(_each(terms) * PARTS_A_YEAR[rhythm], terms.total_cents * 12)
    return a_year, terms.total_cents, -terms.first_on.toordinal()
