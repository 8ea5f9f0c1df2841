"""Terms in words: rhythms, dated parts and sums, in the reader's language."""

from collections.abc import Iterator
from datetime import date

from portal.domain import N_
from portal.domain.brands import BANK_METHODS, brand_name
from portal.domain.paydays import LAST_DAY, LAST_WORKING_DAY
from portal.domain.policy import DueDays, Policy
from portal.domain.schedules import Frequency
from portal.domain.terms import Kind, Terms
from portal.i18n import Voice, voice
from portal.models import EntryKind
from portal.web import gettext as _
from portal.web import locale as page_locale

RHYTHMS = {
    Frequency.WEEKLY: N_("Every week"),
    Frequency.EVERY_TWO_WEEKS: N_("Every 2 weeks"),
    Frequency.TWICE_A_MONTH: N_("Twice a month"),
    Frequency.MONTHLY: N_("Every month"),
}

EACH = {
    Frequency.WEEKLY: N_("%(amount)s every week"),
    Frequency.EVERY_TWO_WEEKS: N_("%(amount)s every 2 weeks"),
    Frequency.TWICE_A_MONTH: N_("%(amount)s twice a month"),
    Frequency.MONTHLY: N_("%(amount)s a month"),
}

RUNS = {
    Frequency.WEEKLY: N_("%(num)s payments of %(amount)s, every week from %(day)s."),
    Frequency.EVERY_TWO_WEEKS: N_("%(num)s payments of %(amount)s, every 2 weeks from %(day)s."),
    Frequency.TWICE_A_MONTH: N_("%(num)s payments of %(amount)s, twice a month from %(day)s."),
    Frequency.MONTHLY: N_("%(num)s payments of %(amount)s, every month from %(day)s."),
}
EACH_ON = {
    Frequency.TWICE_A_MONTH: N_("%(amount)s twice a month %(on)s"),
    Frequency.MONTHLY: N_("%(amount)s a month %(on)s"),
}
RUNS_ON = {
    Frequency.TWICE_A_MONTH: N_(
        "%(num)s payments of %(amount)s, twice a month %(on)s, from %(day)s."
    ),
    Frequency.MONTHLY: N_("%(num)s payments of %(amount)s, every month %(on)s, from %(day)s."),
}
"""The same where the rhythm keeps to days of the month: on the 1st and 15th."""

COUNT = N_("%(num)s payments, until %(until)s")
COUNTS = {
    Frequency.WEEKLY: N_("%(num)s payments if you pay every week, until %(until)s"),
    Frequency.EVERY_TWO_WEEKS: N_("%(num)s payments if you pay every 2 weeks, until %(until)s"),
    Frequency.TWICE_A_MONTH: N_("%(num)s payments if you pay twice a month, until %(until)s"),
    Frequency.MONTHLY: N_("%(num)s payments if you pay every month, until %(until)s"),
}
MOVES = {
    DueDays.WEEKDAYS: N_("We move a payment that falls on a weekend to the Monday after it."),
    DueDays.WORKING_DAYS: N_(
        "We move a payment that falls on a weekend or holiday to the next working day."
    ),
}
ONE = N_("1 payment of %(amount)s on %(day)s.")

LINES = {
    EntryKind.ADJUSTED: N_("Changed by %(creditor)s"),
    EntryKind.PAYMENT: N_("Payment received"),
    EntryKind.REFUND: N_("We paid back to you"),
    EntryKind.REFUND_FAILED: N_("A payment back to you did not arrive"),
    EntryKind.CHARGEBACK: N_("Your bank took a payment back"),
    EntryKind.CHARGEBACK_REVERSED: N_("Your bank gave the payment to us again"),
    EntryKind.RETURNED: N_("A payment does not count any more"),
    EntryKind.FORGIVEN: N_("You do not have to pay this part"),
    EntryKind.FORGIVENESS_REVERSED: N_("This part is owed again"),
    EntryKind.RECALLED: N_("Taken back by %(creditor)s"),
}


def method_name(brand: str | None, last4: str | None) -> str:
    """A saved method to recognise: Visa ending 4242."""
    if brand is None:
        return _("the bank account that you saved")
    name = _("Bank account") if brand in BANK_METHODS else brand_name(brand)
    return _("%(brand)s ending %(last4)s", brand=name, last4=last4 or "")


def money(cents: int, currency: str) -> str:
    """An amount on this page."""
    return voice(page_locale()).money(cents, currency)


def written(day: date) -> str:
    """A day on this page."""
    return voice(page_locale()).date(day)


def schedule_lines(terms: Terms, locale: str) -> list[str]:
    """Each run of equal payments as a sentence: they add up to the total."""
    return list(_runs(terms, voice(locale)))


def moves(policy: Policy) -> str | None:
    """Where payments go that fall on a closed day; None where every day is open."""
    return MOVES.get(policy.plan.due_days) if policy.plan else None


def on_days(days: tuple[int, ...], locale: str) -> str:
    """On which days of the month, within a sentence: on the 1st and 15th."""
    said = voice(locale)
    if days == (LAST_WORKING_DAY,):
        return said.gettext(N_("on the last working day"))
    if days == (LAST_DAY,):
        return said.gettext(N_("on the last day"))
    if len(days) == 1:
        return said.gettext(N_("on the %(day)s"), day=said.ordinal(days[0]))
    first, second = (said.ordinal(day) for day in days)
    if days[1] == LAST_DAY:
        return said.gettext(N_("on the %(first)s and the last day"), first=first)
    return said.gettext(N_("on the %(first)s and %(second)s"), first=first, second=second)


def each(amount: str, frequency: Frequency, days: tuple[int, ...], locale: str) -> str:
    """An amount that is paid again and again: $104.00 a month on the 15th."""
    said = voice(locale)
    if not days:
        return said.gettext(EACH[frequency], amount=amount)
    return said.gettext(EACH_ON[frequency], amount=amount, on=on_days(days, locale))


def _runs(terms: Terms, said: Voice) -> Iterator[str]:
    rhythm = terms.frequency or Frequency.MONTHLY
    many = RUNS_ON[rhythm] if terms.days else RUNS[rhythm]
    on = on_days(terms.days, said.locale) if terms.days else ""
    place = 0
    for count, cents in terms.runs:
        day = said.date(terms.schedule[place][0])
        amount = said.money(cents, terms.currency)
        sentence = ONE if count == 1 else many
        yield said.gettext(sentence, num=said.number(count), amount=amount, day=day, on=on)
        place += count


def pace(terms: Terms, locale: str) -> str:
    """How the terms are paid, on one line: $104.00 a month, 11 times, then $96.00."""
    said = voice(locale)
    (count, cents), *rest = terms.runs
    amount = said.money(cents, terms.currency)
    if len(terms.schedule) == 1:
        return amount
    paid = each(amount, terms.frequency or Frequency.MONTHLY, terms.days, locale)
    if not rest:
        return said.ngettext("%(each)s, %(num)d time", "%(each)s, %(num)d times", count, each=paid)
    if len(rest) == 1 and rest[0][0] == 1:
        last = said.money(rest[0][1], terms.currency)
        return said.ngettext(
            "%(each)s, %(num)d time, then %(last)s",
            "%(each)s, %(num)d times, then %(last)s",
            count,
            each=paid,
            last=last,
        )
    return " ".join(schedule_lines(terms, locale))


def headline(terms: Terms, locale: str) -> str:
    """What the terms are, as the title of a choice."""
    said = voice(locale)
    total = said.money(terms.total_cents, terms.currency)
    if terms.kind is Kind.FULL:
        return said.gettext(N_("Pay it all: %(total)s"), total=total)
    if terms.kind is Kind.SETTLEMENT:
        return said.gettext(N_("Pay %(total)s to close the account"), total=total)
    return pace(terms, locale)
