"""A suggestion and its answer: when a person answers, what they said, what could be agreed now."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import abort
from flask.typing import ResponseReturnValue

from portal.blueprints.debtor import answers, bp
from portal.blueprints.debtor.answers import Course
from portal.blueprints.debtor.common import pick, refuse_hidden, show, signed, welcome
from portal.blueprints.debtor.wishes import policy_of
from portal.blueprints.debtor.words import each, headline, money, schedule_lines, written
from portal.db import commit
from portal.domain import DomainError
from portal.domain.building import AGREED_SETTLEMENT, choice_of
from portal.domain.limits import plan_bounds
from portal.domain.money import Cents
from portal.domain.paydays import open_days
from portal.domain.proposals import Agreed, Alternatives, Answer, ForReview, begins_on
from portal.domain.proposals import from_dict as read_wish
from portal.domain.statuses import ProposalStatus
from portal.domain.terms import Choice, Kind, Terms, from_dict
from portal.models import Proposal
from portal.security import audience, current_visit
from portal.services import evidence, proposals
from portal.services.balance import Balance, read_with
from portal.services.choices import Picked
from portal.services.open_proposals import OPEN, granted_until
from portal.services.policies import policy_version
from portal.services.timeline.debtor.agreements import CLOSED
from portal.web import explain, locale, now, see_other, session, url_for
from portal.web import gettext as _

_NEWEST = """
SELECT json_build_object('id', s.id, 'reference', s.reference, 'status', s.status,
  'wish', s.wish, 'note', s.note, 'answer_due_on', s.answer_due_on, 'owed', s.balance_cents,
  'sent_at', s.submitted_at, 'escalated_at', s.escalated_at, 'answered_at', s.answered_at,
  'by', s.answered_by, 'reason', s.answer_reason, 'terms', s.granted_terms)
FROM proposal s WHERE s.client_id = account.client_id AND s.account_id = account.id
ORDER BY s.submitted_at DESC, s.id DESC LIMIT 1
"""

Said = dict[str, Any]

WAITING = ProposalStatus.SUBMITTED
ANSWERED = (ProposalStatus.ACCEPTED, ProposalStatus.COUNTERED, ProposalStatus.AGREED)


CHANGEABLE = (*OPEN, ProposalStatus.DECLINED, ProposalStatus.EXPIRED)
"""Suggestions whose form is of use again."""


@dataclass(frozen=True, slots=True)
class Way:
    """Terms that can be agreed to now: the words, each date, and where the review is."""

    title: str
    why: str
    lines: list[str]
    url: str


@bp.get("/account/<uuid:account_id>/proposal")
@audience("debtor")
def proposal(account_id: UUID) -> ResponseReturnValue:
    """The newest suggestion: what becomes of it, by when, and what can be agreed to now."""
    return _page(*_own(account_id))


def _own(account_id: UUID) -> tuple[Balance, Said]:
    found = read_with(session, current_visit(), account_id, _NEWEST, now=now())
    if found is None or found[1] is None:
        abort(404)
    welcome(found[0])
    refuse_hidden(found[0])
    return found


def _page(view: Balance, said: Said, note: str | None = None) -> str:
    status = ProposalStatus(said["status"])
    open_now = view.live is None and view.offers.capabilities.accept.allowed
    answered = status in ANSWERED and said["terms"] and open_now
    now_said = _said_now(view, said["wish"]) if open_now else None
    waits = status is WAITING and now_said is not None
    closed = CLOSED.get(said["reason"]) if status is ProposalStatus.WITHDRAWN else None
    course = _course(view, said)
    return show(
        "debtor/proposal.html",
        view,
        said=said,
        status=status,
        heading_words=answers.CLOSED_TITLE if closed else answers.TITLES[status],
        steps=answers.steps(course, locale()),
        nobody=answers.NOBODY_ANSWERED if answered and not course.by_person else None,
        rows=[*_rows(view, said)],
        closed=closed,
        until=_until(view, said) if answered else None,
        answer=_granted(view, said) if answered else None,
        why=_why(now_said) if waits else None,
        near=[*_near(view, now_said)] if waits else [],
        changes=_changes(view, said) if answered else [],
        change_url=_change_url(view, said) if open_now and status in CHANGEABLE else None,
        note=note,
    )


def _said_now(view: Balance, wish: Said) -> Answer | None:
    return proposals.answer_today(wish, view.offers, view.offers.shown)


def _course(view: Balance, said: Said) -> Course:
    zone = ZoneInfo(view.zone)

    def day(name: str) -> date | None:
        at = said[name]
        return datetime.fromisoformat(at).astimezone(zone).date() if at else None

    return Course(
        status=ProposalStatus(said["status"]),
        sent_on=day("sent_at") or view.today,
        due_on=date.fromisoformat(said["answer_due_on"]),
        today=view.today,
        escalated_on=day("escalated_at"),
        answered_on=day("answered_at"),
        by_person=said["by"] is not None,
    )


def _change_url(view: Balance, said: Said) -> str | None:
    """The form that a suggestion came from, filled in with it; None where there is none now."""
    wish, owed = read_wish(said["wish"]), view.account.balance_cents
    choice = Choice(
        key=Kind.PLAN,
        amount_cents=wish.amount_cents,
        frequency=wish.frequency,
        first_on=max(wish.first_on, view.today),
        method=wish.method,
        days=wish.days,
    )
    total = wish.total_cents
    settles = any(offer.kind is Kind.SETTLEMENT for offer in view.offers.offers)
    if total is not None and total < owed and settles:
        count = -(-total // (wish.amount_cents or total))
        choice = replace(choice, amount_cents=None, count=count, total_cents=total)
        choice = replace(choice, key=AGREED_SETTLEMENT)
        return url_for(".settle", account_id=view.account.id, c=pick(view, choice))
    if plan_bounds(view.offers.facts, policy_of(view), view.today) is None:
        return None
    return url_for(".plan", account_id=view.account.id, c=pick(view, choice))


def _changes(view: Balance, said: Said) -> list[str]:
    terms = from_dict(said["terms"])
    shown = terms.starting(max(terms.first_on, view.today))
    return answers.changed(read_wish(said["wish"]), Cents(said["owed"]), shown, locale())


def _rows(view: Balance, said: Said) -> Iterator[tuple[str, str, None]]:
    """What was suggested, in words."""
    wish, currency = read_wish(said["wish"]), view.account.currency
    yield _("Your reference"), said["reference"], None
    if wish.total_cents is not None:
        yield _("To close the account"), money(wish.total_cents, currency), None
    if wish.amount_cents is not None and wish.amount_cents != wish.total_cents:
        amount = money(wish.amount_cents, currency)
        yield _("You pay"), each(amount, wish.frequency, wish.days, locale()), None
    yield _("First payment"), written(_begins_on(view, said)), None
    if said["note"]:
        yield _("Your note"), said["note"], None


def _begins_on(view: Balance, said: Said) -> date:
    """The first day on which a suggestion would be paid."""
    published = view.offers.published
    found = (open_days(view.offers.facts, published.policy),) if published else ()
    return begins_on(read_wish(said["wish"]), Cents(said["owed"]), *found)


def _why(said: Answer | None) -> str | None:
    """Which limit a suggestion goes beyond, in words; None where it could be agreed to by now."""
    if isinstance(said, Alternatives):
        return _(said.why, **said.params)
    return _(said.reason, **said.params) if isinstance(said, ForReview) else None


def _near(view: Balance, said: Answer | None) -> Iterator[Way]:
    """What could be agreed to at once: a suggestion that is within the limits by now, or others."""
    found = said.alternatives if isinstance(said, Alternatives) else ()
    ways = [(one.terms, _(one.reason, **one.params)) for one in found]
    if isinstance(said, Agreed):
        ways = [(said.terms, _("What you suggested can be agreed to now."))]
    for terms, why in ways:
        c = pick(view, choice_of(terms), terms.policy_version)
        url = url_for(".review", account_id=view.account.id, c=c)
        yield _way(terms, url, why=why)


def _until(view: Balance, said: Said) -> date | None:
    key = (view.account.client_id, UUID(said["id"]))
    return granted_until(session, view.account, session.get_one(Proposal, key), now=view.as_of)


def _granted(view: Balance, said: Said) -> Way:
    terms = from_dict(said["terms"])
    first_on = max(terms.first_on, view.today)
    if first_on > terms.first_on:
        version = policy_version(session, view.account.client_id, terms.policy_version)
        opened = open_days(view.offers.facts, version.policy, view.today)
        terms = terms.starting(first_on, opened)
    chosen = Picked(
        Choice(key=terms.key, first_on=first_on),
        terms.policy_version,
        Cents(terms.balance_cents),
        UUID(said["id"]),
    )
    url = url_for(".review", account_id=view.account.id, c=signed(chosen))
    return _way(terms, url, why="")


def _way(terms: Terms, url: str, *, why: str) -> Way:
    return Way(headline(terms, locale()), why, schedule_lines(terms, locale()), url)


@bp.post("/account/<uuid:account_id>/proposal/withdraw")
@audience("debtor")
def withdraw_proposal(account_id: UUID) -> ResponseReturnValue:
    """Take the suggestion back, to choose or suggest something else."""
    view, said = _own(account_id)
    key = (current_visit().client_id, UUID(said["id"]))
    actor = evidence.debtor(current_visit().debtor_id)
    try:
        proposals.withdraw(session, session.get_one(Proposal, key), actor=actor, now=now())
    except DomainError as error:
        return _page(view, said, note=explain(error)), 409
    commit(session, "proposals.withdraw")
    return see_other(url_for(".account", account_id=account_id))
