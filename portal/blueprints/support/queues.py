"""What waits for an answer: help requests, call-backs, questions about money."""

from typing import Any
from uuid import UUID

from flask import flash
from sqlalchemy import select
from wtforms import RadioField, StringField, TextAreaField

from portal.blueprints.consoles import (
    Task,
    attempt,
    options,
    page,
    perform,
)
from portal.blueprints.support import bp
from portal.domain import N_, labels, wording
from portal.domain.access import Permission
from portal.domain.help import OPTIONS, UNCLEAR_TEXT, Topic, kept_words
from portal.models import Account, Client, Debtor, HelpRequest, Hold
from portal.security import audience, current_staff
from portal.services import queues
from portal.services.dossier import ReasonMissing, find_account
from portal.services.help import answer_request
from portal.services.staff import names_of
from portal.services.stops import are_texts_paused
from portal.services.threads import thread_of
from portal.web import Form, now, see_other, session, url_for
from portal.web import gettext as _

KEEP, LIFT = "keep", "lift"


class AnswerForm(Form):
    """The answer to a help request, and what becomes of its hold."""

    body = TextAreaField(N_("Your answer to the debtor"))
    hold = RadioField(
        N_("The hold"),
        default=KEEP,
        choices=options({KEEP: N_("Keep it"), LIFT: N_("Lift it")}),
    )
    reason = StringField(N_("Reason to lift it"))


class NoteForm(Form):
    """What was done."""

    note = TextAreaField(N_("What was done"), description=N_("It is kept on the record."))


@bp.get("/requests")
@audience(Permission.SEE_ACCOUNTS)
def requests() -> Any:
    """Help requests without an answer."""
    waiting = queues.requests(session)
    return page(
        "support/requests.html",
        section="requests",
        waiting=waiting,
        today=now().date(),
        topics=labels.TOPICS,
        masked=wording.mask_name,
    )


@bp.get("/calls")
@audience(Permission.SEE_ACCOUNTS)
def calls() -> Any:
    """People who asked to be called, and texts whose account is unclear."""
    waiting = queues.requests(session, calls=True)
    return page(
        "support/calls.html",
        section="calls",
        waiting=waiting,
        today=now().date(),
        unclear=UNCLEAR_TEXT,
        masked=wording.mask_phone,
    )


@bp.get("/questions")
@audience(Permission.SEE_ACCOUNTS)
def questions() -> Any:
    """Questions about money that nothing answers by itself."""
    waiting = queues.questions(session)
    return page(
        "support/questions.html",
        section="questions",
        waiting=waiting,
        kinds=labels.QUESTIONS,
    )


def _request(request_id: UUID, *, calls: bool) -> HelpRequest:
    mine = HelpRequest.client_id.in_(session.info["client_ids"])
    topic = HelpRequest.topic.in_(queues.BY_HAND)
    query = select(HelpRequest).where(
        mine, HelpRequest.id == request_id, topic if calls else ~topic
    )
    return session.scalars(query).one()


@bp.route("/requests/<uuid:request_id>", methods=["GET", "POST"], endpoint="request")
@audience(Permission.ANSWER)
def help_request(request_id: UUID) -> Any:
    """One help request: what was asked, the thread, and the answer."""
    asked, form = _request(request_id, calls=False), AnswerForm()
    account = find_account(session, asked.account_id)
    lift = form.hold.data == LIFT

    def do() -> None:
        reason = kept_words(form.reason.data)
        if lift and not reason:
            raise ReasonMissing
        body, staff = form.body.data or "", current_staff()
        answer_request(session, asked, body, staff=staff, now=now(), lift=reason if lift else None)

    if form.validate_on_submit() and attempt(form, do):
        flash(_("Your answer is in the thread. The debtor gets a message."), "ok")
        return see_other(url_for("support.requests"))
    answer = page("support/request.html", section="requests", form=form, **_about(asked, account))
    return (answer, 422) if form.errors else answer


def _about(asked: HelpRequest, account: Account) -> dict[str, Any]:
    thread = thread_of(session, account)
    option = asked.answers.get("option")
    known = OPTIONS.get(Topic(asked.topic), {}) if asked.topic in set(Topic) else {}
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    return {
        "asked": asked,
        "account": account,
        "debtor": debtor,
        "paused": are_texts_paused(session, debtor),
        "hold": session.get(Hold, (asked.client_id, asked.hold_id)) if asked.hold_id else None,
        "thread": thread,
        "names": names_of(session, [entry.staff_id for entry in thread if entry.staff_id]),
        "option": known[option][0] if option in known else None,
        "topics": labels.TOPICS,
        "holds": labels.HOLDS,
        "masked": wording.mask_name,
        "zone": session.get_one(Client, account.client_id).time_zone,
    }


@bp.route("/calls/<uuid:request_id>", methods=["GET", "POST"])
@audience(Permission.ANSWER)
def call(request_id: UUID) -> Any:
    """Close a call that was made, or tried, or a text."""
    asked, form = _request(request_id, calls=True), NoteForm()
    account = find_account(session, asked.account_id)

    def do() -> None:
        queues.close_call(session, asked, form.note.data or "", staff=current_staff(), now=now())

    task = Task(
        title=_("Done: %(reference)s", reference=asked.reference),
        button=_("Close"),
        back=url_for("support.calls"),
        notes=(_known(asked, account), _("Say nothing about a debt before you know who it is.")),
    )
    to = url_for("support.calls")
    return perform(form, do, task=task, done=_("It is closed."), to=to)


def _known(asked: HelpRequest, account: Account) -> str:
    """Who called or texted, as far as we know."""
    phone, reference = asked.answers["phone"], account.reference
    if asked.topic == UNCLEAR_TEXT:
        return _("%(phone)s texted: “%(text)s”", text=asked.answers["details"], phone=phone)
    masked = wording.mask_phone(phone)
    return _("%(phone)s, account %(reference)s.", phone=masked, reference=reference)
