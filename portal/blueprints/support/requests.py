"""What people asked of us: answer a request, close a call or a text, help who is locked out."""

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

from flask import flash
from sqlalchemy import select
from wtforms import RadioField, StringField, TextAreaField

from portal import i18n
from portal.blueprints.consoles import (
    Task,
    attempt,
    options,
    page,
)
from portal.blueprints.opening import open_account
from portal.blueprints.support import bp
from portal.blueprints.support.claiming import bar, unclaimed
from portal.blueprints.support.meanwhile import SeenForm, unless_stale
from portal.blueprints.support.typed import typed_in
from portal.domain import N_, labels, wording
from portal.domain.access import Permission
from portal.domain.help import OPTIONS, UNCLEAR_TEXT, Topic, kept_words
from portal.domain.waiting import BY_HAND, Queue, queue_of
from portal.models import Account, Client, Debtor, HelpRequest, Hold, LockOut
from portal.security import audience, current_staff
from portal.services import answering
from portal.services.claims import Key
from portal.services.dossier import ReasonMissing
from portal.services.help import answer_request
from portal.services.staff import names_of
from portal.services.stops import are_texts_paused
from portal.services.threads import thread_of
from portal.web import Form, locale, now, see_other, session, url_for
from portal.web import gettext as _

KEEP, LIFT = "keep", "lift"


class AnswerForm(SeenForm):
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


def _request(request_id: UUID, *, calls: bool) -> HelpRequest:
    mine = HelpRequest.client_id.in_(session.info["client_ids"])
    topic = HelpRequest.topic.in_(BY_HAND)
    query = select(HelpRequest).where(
        mine, HelpRequest.id == request_id, topic if calls else ~topic
    )
    return session.scalars(query).one()


@bp.route("/requests/<uuid:request_id>", methods=["GET", "POST"], endpoint="request")
@audience(Permission.ANSWER)
def help_request(request_id: UUID) -> Any:
    """One help request: what was asked, the thread, and the answer."""
    asked, form = _request(request_id, calls=False), AnswerForm()
    account = open_account(asked.account_id)
    lift = form.hold.data == LIFT

    def do() -> None:
        reason = kept_words(form.reason.data)
        if lift and not reason:
            raise ReasonMissing
        body, staff = form.body.data or "", current_staff()
        answer_request(session, asked, body, staff=staff, now=now(), lift=reason if lift else None)

    which = queue_of(asked.topic)
    act = unclaimed((asked.client_id, which, asked.id), unless_stale(form, account, do))
    if form.validate_on_submit() and attempt(form, act):
        flash(_("Your answer is in the thread. The debtor gets a message."), "ok")
        return see_other(url_for("support.queue", kind=which))
    about = {"typed": typed_in(form), **_about(asked, account)}
    answer = page("support/request.html", section=which, form=form, **about)
    return (answer, 422) if form.errors else answer


def _about(asked: HelpRequest, account: Account) -> dict[str, Any]:
    thread = thread_of(session, account)
    option = asked.answers.get("option")
    known = OPTIONS.get(Topic(asked.topic), {}) if asked.topic in set(Topic) else {}
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    received_on = asked.answers.get("received_on")
    return {
        "asked": asked,
        "received_on": date.fromisoformat(received_on) if received_on else None,
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
        **bar(queue_of(asked.topic), asked.client_id, asked.id),
    }


@bp.route("/calls/<uuid:request_id>", methods=["GET", "POST"])
@audience(Permission.ANSWER)
def call(request_id: UUID) -> Any:
    """Close a call that was made, or tried, or a text."""
    asked, form = _request(request_id, calls=True), NoteForm()
    account = open_account(asked.account_id)

    def do() -> None:
        answering.close_call(session, asked, form.note.data or "", staff=current_staff(), now=now())

    title, known = _("Done: %(reference)s", reference=asked.reference), _known(asked, account)
    return _close(form, do, (asked.client_id, Queue.CALLS, asked.id), title=title, known=known)


@bp.route("/lock-outs/<uuid:lock_out_id>", methods=["GET", "POST"])
@audience(Permission.ANSWER)
def lock_out(lock_out_id: UUID) -> Any:
    """Say how somebody was helped whom the identity check had locked out."""
    mine = LockOut.client_id.in_(session.info["client_ids"])
    found = session.scalars(select(LockOut).where(mine, LockOut.id == lock_out_id)).one()
    account, form = open_account(found.account_id), NoteForm()

    def do() -> None:
        answering.close_lock_out(
            session, found, form.note.data or "", staff=current_staff(), now=now()
        )

    title = _("Locked out: account %(reference)s", reference=account.reference)
    zone = session.get_one(Client, found.client_id).time_zone
    until = i18n.voice(locale()).datetime(found.until, zone)
    known = _("They can try again from %(until)s.", until=until)
    return _close(form, do, (found.client_id, Queue.LOCK_OUTS, found.id), title=title, known=known)


def _close(form: NoteForm, do: Callable[[], None], key: Key, *, title: str, known: str) -> Any:
    """The page that closes an entry with a note, for whoever nobody knows yet."""
    to = url_for("support.queue", kind=key[1])
    care = _("Say nothing about a debt before you know who it is.")
    task = Task(title=title, button=_("Close"), back=to, notes=(known, care))
    if form.validate_on_submit() and attempt(form, unclaimed(key, do)):
        flash(_("It is closed."), "ok")
        return see_other(to)
    answer = page(
        "support/close.html", section=key[1], form=form, task=task, **bar(key[1], key[0], key[2])
    )
    return (answer, 422) if form.errors else answer


def _known(asked: HelpRequest, account: Account) -> str:
    """Who called or texted, as far as we know."""
    phone, reference = asked.answers["phone"], account.reference
    if asked.topic == UNCLEAR_TEXT:
        return _("%(phone)s texted: “%(text)s”", text=asked.answers["details"], phone=phone)
    masked = wording.mask_phone(phone)
    return _("%(phone)s, account %(reference)s.", phone=masked, reference=reference)
