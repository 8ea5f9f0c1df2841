"""A suggestion and its answer in the words of the debtor's page, in any language."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from portal.blueprints.debtor.words import EACH
from portal.domain import N_
from portal.domain.money import Cents
from portal.domain.proposals import Proposal, begins_on
from portal.domain.schedules import Frequency
from portal.domain.statuses import ProposalStatus
from portal.domain.terms import Terms
from portal.i18n import Voice, voice

TITLES = {
    ProposalStatus.SUBMITTED: N_("We have your suggestion"),
    ProposalStatus.ACCEPTED: N_("We say yes to your suggestion"),
    ProposalStatus.COUNTERED: N_("We suggest something else"),
    ProposalStatus.DECLINED: N_("We cannot agree to your suggestion"),
    ProposalStatus.AGREED: N_("We agreed on your suggestion"),
    ProposalStatus.EXPIRED: N_("Our answer has run out"),
    ProposalStatus.WITHDRAWN: N_("You took your suggestion back"),
}
CLOSED_TITLE = N_("Your suggestion is closed")
NOBODY_ANSWERED = N_(
    "We are sorry: no person answered in time. So our computer found what we can agree to now. You"
    " do not have to take it. If you change your suggestion, a person looks at it."
)


@dataclass(frozen=True, slots=True)
class Course:
    """When a suggestion was sent, promised an answer and answered, in the debtor's calendar."""

    status: ProposalStatus
    sent_on: date
    due_on: date
    today: date
    escalated_on: date | None = None
    answered_on: date | None = None
    by_person: bool = True


def steps(course: Course, locale: str) -> list[str]:
    """What became of a suggestion so far, one sentence a step."""
    said = voice(locale)
    return [said.gettext(message, day=said.date(day)) for message, day in _steps(course)]


def _steps(course: Course) -> Iterator[tuple[str, date]]:
    yield N_("You sent it on %(day)s."), course.sent_on
    if course.answered_on is not None:
        by_person, nobody = (
            N_("A person answered on %(day)s."),
            N_("Nobody answered in time. Our computer answered on %(day)s."),
        )
        yield by_person if course.by_person else nobody, course.answered_on
    elif course.status is ProposalStatus.SUBMITTED:
        yield from _waiting(course)


def _waiting(course: Course) -> Iterator[tuple[str, date]]:
    if course.due_on >= course.today:
        yield N_("A person answers by %(day)s. You do not need to pay now."), course.due_on
        return
    late = N_("We said we would answer by %(day)s. We are late. You do not need to do anything.")
    yield late, course.due_on
    if course.escalated_on is not None:
        yield N_("We asked a supervisor to look at it on %(day)s."), course.escalated_on


def changed(wish: Proposal, owed: Cents, terms: Terms, locale: str) -> list[str]:
    """What the terms change against what was suggested, each change in one sentence.

    ``owed`` is what was owed when it was suggested, in cents.
    """
    said = voice(locale)
    wanted = _pace(wish, owed, terms.currency, said)
    return list(_changes(wish, owed, terms, said=said, wanted=wanted))


def _changes(
    wish: Proposal, owed: Cents, terms: Terms, *, said: Voice, wanted: str
) -> Iterator[str]:
    total = owed if wish.total_cents is None else wish.total_cents
    offered = _each(terms.first_cents, terms.frequency, terms.currency, said)
    if total != terms.total_cents:
        yield said.gettext(
            N_("You suggested %(wish)s in all. We can agree to %(answer)s in all."),
            wish=said.money(total, terms.currency),
            answer=said.money(terms.total_cents, terms.currency),
        )
    several = len(terms.schedule) > 1 or wanted != said.money(total, terms.currency)
    if several and wanted != offered:
        words = N_("You suggested %(wish)s. We can agree to %(answer)s.")
        yield said.gettext(words, wish=wanted, answer=offered)
    begins = begins_on(wish, owed)
    if begins != terms.first_on:
        words = N_("You suggested starting on %(wish)s. We can start on %(answer)s.")
        first, then = said.date(begins), said.date(terms.first_on)
        yield said.gettext(words, wish=first, answer=then)


def _pace(wish: Proposal, owed: Cents, currency: str, said: Voice) -> str:
    total = owed if wish.total_cents is None else wish.total_cents
    amount = wish.amount_cents
    if amount is None or amount >= total:
        return said.money(total, currency)
    return _each(amount, wish.frequency, currency, said)


def _each(cents: Cents, frequency: Frequency | None, currency: str, said: Voice) -> str:
    """An amount with its rhythm: $40.00 every 2 weeks; one payment is the amount alone."""
    amount = said.money(cents, currency)
    return said.gettext(EACH[frequency], amount=amount) if frequency else amount
