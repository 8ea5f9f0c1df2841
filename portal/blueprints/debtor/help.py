"""Help: seven topics, each one short form that says first what it stops and by when we answer."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import abort, request
from flask.typing import ResponseReturnValue

from portal.blueprints.debtor import bp
from portal.blueprints.debtor.common import any_account, refuse, show
from portal.blueprints.debtor.help_forms import ADVICE, TopicForm, WriteForm
from portal.db import commit
from portal.domain import N_, DomainError
from portal.domain.debts import is_debt_collector
from portal.domain.help import (
    DISPUTES,
    HELP_TOPICS,
    OPTIONS,
    TITLES,
    WITHOUT_OPTION,
    Topic,
    holds_for,
)
from portal.domain.help_effects import CHARGES_ON, NextPayment, Situation, effects
from portal.domain.holds import HoldKind, Permission
from portal.domain.statuses import PaymentStatus
from portal.domain.terms import Method
from portal.domain.wording import clean_text
from portal.models import HelpRequest, HelpStatus, ThreadEntry
from portal.security import audience, current_visit
from portal.services import call_me, contesting, rests
from portal.services import help as helping
from portal.services.balance import Attempt, Balance
from portal.services.threads import thread_of
from portal.web import explain, now, see_other, session, url_for
from portal.web import gettext as _

UNDERWAY = (PaymentStatus.ATTEMPTING, PaymentStatus.PROCESSING)
NAMES = {
    **{str(topic): title for topic, title in TITLES.items()},
    call_me.TOPIC: N_("Call me back"),
}
DETAILS = {
    Topic.CANNOT_PAY: N_("Money, health, a lost job"),
    Topic.NOT_MY_DEBT: N_("Or somebody used your name"),
}


@bp.get("/account/<uuid:account_id>/help", endpoint="help")
@audience("debtor")
def help_page(account_id: UUID) -> ResponseReturnValue:
    """Everything somebody may need help with, and what they asked before."""
    view = any_account(account_id)
    here = {"account_id": account_id}
    topics = [
        (url_for(".help_topic", topic=topic.value, **here), _(TITLES[topic]), _detail(topic))
        for topic in HELP_TOPICS[1:]
    ]
    return show(
        "debtor/help.html",
        view,
        topics=topics,
        effects=[*_effects(view, (HoldKind.NOT_MY_DEBT,))],
        next_payment=next_payment(view) if view.offers.capabilities.charge.allowed else None,
        underway=underway(view),
        answer_by=helping.answer_by(session, view.account, now()),
        requests=helping.requests_of(session, view.account),
        advice=ADVICE.get(view.debtor.country, ADVICE["US"]),
        names=NAMES,
    )


def _detail(topic: Topic) -> str | None:
    return _(DETAILS[topic]) if topic in DETAILS else None


@bp.route("/account/<uuid:account_id>/help/<topic>", methods=["GET", "POST"])
@audience("debtor")
def help_topic(account_id: UUID, topic: str) -> ResponseReturnValue:
    """One topic: what it stops, when we answer, and the form."""
    view, about = any_account(account_id), _topic(topic)
    form = TopicForm()
    form.ask(about, collector=is_debt_collector(view.account.collector_role))
    if form.validate_on_submit() and (asked := _open(view, about, form)):
        to = url_for(".help_request", account_id=account_id, reference=asked.reference)
        return see_other(to)
    common, by_option = _effects_of_topic(view, about)
    page = show(
        "debtor/help_topic.html",
        view,
        form=form,
        topic=about,
        title=TITLES[about],
        several=about in DISPUTES,
        by_option=by_option,
        effects=[*common, *_rest(view, about)],
        goes_on=_(CHARGES_ON) in common,
        underway=underway(view),
        answer_by=helping.answer_by(session, view.account, now()),
    )
    return page, 422 if form.errors else 200


def _topic(name: str) -> Topic:
    if name not in list(HELP_TOPICS):
        abort(404)
    return Topic(name)


def _open(view: Balance, about: Topic, form: TopicForm) -> HelpRequest | None:
    answers = form.answers()
    try:
        if about in DISPUTES and not answers.options:
            raise helping.OptionMissing
        asked = helping.open_request(
            session, view.account, about, answers, by=current_visit(), now=now()
        )
    except DomainError as error:
        form.refuse(error)
        return None
    commit(session, "help.open_request")
    return asked


def _effects_of_topic(view: Balance, about: Topic) -> tuple[list[str], dict[str, str]]:
    """What follows from whatever is picked, and for each option what follows beside that."""
    if about in DISPUTES or about in WITHOUT_OPTION:
        kinds = holds_for(about, [])
        return [*_effects(view, kinds)], {}
    each = {option: [*_effects(view, holds_for(about, [option]))] for option in OPTIONS[about]}
    first, *others = each.values()
    common = [one for one in first if all(one in other for other in others)]
    own = {
        option: " ".join(one for one in said if one not in common) for option, said in each.items()
    }
    return common, {option: said for option, said in own.items() if said}


def _rest(view: Balance, about: Topic) -> Iterator[str]:
    """Until when everything rests for who cannot pay now, where nothing rests yet."""
    if about is not Topic.CANNOT_PAY or view.rests:
        return
    until = _ends_at(view)
    if until is None:
        return
    said = N_("Everything rests until %(day)s. A person looks at it, and may change that day.")
    yield _(said, day=until.astimezone(ZoneInfo(view.zone)).date())
    yield _("No payment before that day is late, and it does not end a plan.")
    if view.others:
        alone = N_(
            "This is for account %(reference)s alone. Your other accounts go on. You can tell us"
            " there too."
        )
        yield _(alone, reference=view.account.reference)


def _effects(view: Balance, kinds: tuple[HoldKind, ...]) -> Iterator[str]:
    found = situation(view)
    if view.rests or HoldKind.HARDSHIP in kinds:
        found = _resting(view, found)
    for message, params in effects(kinds, found):
        yield _(message, **params)


def _resting(view: Balance, found: Situation) -> Situation:
    """The same with the rest that is on, whose dates have moved, or would be on from now."""
    ends_at = _ends_at(view)
    if ends_at is None:
        return found
    until, moves = ends_at.astimezone(ZoneInfo(view.zone)).date(), False
    if not view.rests:
        moves = rests.would_move(session, view.account, ends_at, now())
    planned = found.planned and not view.rests
    return replace(found, rest_until=until, moves=moves, planned=planned)


def _ends_at(view: Balance) -> datetime | None:
    """When the rest ends that is on, else one that is asked for now; None where it has no end."""
    if view.rests:
        found = rests.rest_of(session, view.account, now())
        return found.ends_at if found else None
    answer_by = helping.answer_by(session, view.account, now())
    return rests.ends_at(session, view.account, answer_by, now())


def situation(view: Balance) -> Situation:
    """What the effects of a hold depend on; nothing about money where the debt is not shown."""
    return Situation(
        allowed=view.offers.capabilities,
        owing=view.account.balance_cents > 0,
        planned=view.live is not None,
        next_payment=next_payment(view),
    )


def next_payment(view: Balance) -> NextPayment | None:
    """The next automatic payment of the plan in force."""
    agreed = view.live
    if agreed is None or agreed.method != Method.AUTOMATIC or agreed.due_on is None:
        return None
    if not view.offers.capabilities.show.allowed:
        return None
    return NextPayment(view.next_on or agreed.due_on, agreed.due_cents, view.account.currency)


def underway(view: Balance) -> Attempt | None:
    """A payment that has begun and cannot be stopped by a hold."""
    attempt = view.attempt
    shown = view.offers.capabilities.show.allowed
    return attempt if attempt and shown and attempt.status in UNDERWAY else None


@bp.route("/account/<uuid:account_id>/requests/<reference>", methods=["GET", "POST"])
@audience("debtor")
def help_request(account_id: UUID, reference: str) -> ResponseReturnValue:
    """One request: where it stands, what is on hold, our answers, and room for more."""
    view = readable_account(account_id)
    asked = _own(view, reference)
    form = WriteForm()
    if form.validate_on_submit():
        try:
            helping.add_to_request(session, asked, form.body.said, now=now())
        except DomainError as error:
            form.body.errors = [explain(error)]
        else:
            commit(session, "help.add_to_request")
            return see_other(request.path)
    return _request_page(view, asked, form), 422 if form.errors else 200


def _request_page(view: Balance, asked: HelpRequest, form: WriteForm) -> str:
    holds = helping.holds_of(session, view.account, asked, now())
    kinds = tuple(HoldKind(hold.kind) for hold in holds)
    entries = [e for e in thread_of(session, view.account) if e.help_request_id == asked.id]
    return show(
        "debtor/help_request.html",
        view,
        form=form,
        asked=asked,
        title=NAMES[asked.topic],
        options=_options(asked),
        effects=[*_effects(view, kinds)] if kinds else [],
        underway=underway(view),
        entries=spoken(view, entries),
        in_time=contesting.in_time(session, view.account, asked),
        is_open=asked.status is not HelpStatus.CLOSED,
        can_withdraw=helping.can_withdraw(asked, holds),
    )


def _options(asked: HelpRequest) -> list[str]:
    if asked.topic not in list(Topic):
        return []
    known = OPTIONS[Topic(asked.topic)]
    picked = [asked.answers.get("option"), *asked.answers.get("also", ())]
    told = [known[option][0] for option in picked if option in known]
    return [_(title) for title in told if told != [NAMES[asked.topic]]]


@bp.post("/account/<uuid:account_id>/requests/<reference>/withdraw")
@audience("debtor")
def withdraw_request(account_id: UUID, reference: str) -> ResponseReturnValue:
    """Take a request back; what it held goes on."""
    view = readable_account(account_id)
    asked = _own(view, reference)
    try:
        helping.withdraw_request(session, asked, now=now())
    except helping.RequestClosed:
        session.rollback()
    else:
        commit(session, "help.withdraw_request")
    return see_other(url_for(".help_request", account_id=account_id, reference=asked.reference))


def _own(view: Balance, reference: str) -> HelpRequest:
    found = helping.request_by_reference(session, view.account, clean_text(reference))
    if found is None:
        abort(404)
    return found


def readable_account(account_id: UUID) -> Balance:
    """The reader's own account, unless even our answers may not be shown to who reads here."""
    view = any_account(account_id)
    verdict = view.offers.capabilities.answer
    if verdict.permission is Permission.DENIED:
        refuse(view, verdict)
    return view


@dataclass(frozen=True, slots=True)
class Spoken:
    """An entry of the thread as its page shows it."""

    ours: bool
    author: str
    body: str
    at: Any


def spoken(view: Balance, entries: list[ThreadEntry]) -> list[Spoken]:
    """Entries with who wrote them: the debtor, or all of us under one name."""
    us, you = view.client.trade_name, _("You")
    return [
        Spoken(bool(entry.staff_id), us if entry.staff_id else you, entry.body, entry.at)
        for entry in entries
    ]
