"""Somebody is on the line: ask who they are, see their data once that is known, and wrap up."""

from typing import Any
from uuid import UUID

from flask import flash
from wtforms import BooleanField, RadioField, TextAreaField

from portal import i18n
from portal.blueprints.asking import FactsForm
from portal.blueprints.consoles import Task, attempt, colleagues_on, options, page, perform
from portal.blueprints.opening import open_account
from portal.blueprints.support import bp
from portal.blueprints.support.accounts import back_to
from portal.blueprints.support.calling import CONSENTS, SPOKE_OF
from portal.blueprints.support.resuming import unsent_of
from portal.domain import N_, callers, labels
from portal.domain.access import Permission
from portal.domain.callers import Disposition
from portal.models import Account, CallAttempt, Client
from portal.security import audience, current_log_in, current_staff, keys, note_opened
from portal.services import call_sessions, calls, identity, left_calls
from portal.services.call_sessions import Ending, OnLine
from portal.services.corrected_lately import has_corrected
from portal.services.identity import NotMatched, Passed
from portal.web import Form, locale, ngettext, now, see_other, session, url_for
from portal.web import gettext as _

THEY_CALLED = "theirs"


class LineForm(Form):
    """Who called whom."""

    who = RadioField(N_("Who called?"))


class EndForm(Form):
    """How a call ended."""

    disposition = RadioField(N_("How did it end?"))
    consented = BooleanField(CONSENTS)
    note = TextAreaField(N_("What was said"), description=SPOKE_OF)


@bp.route("/accounts/<uuid:account_id>/caller", methods=["GET", "POST"])
@audience(Permission.CONTACT)
def caller(account_id: UUID) -> Any:
    """Say that somebody is on the line about this account."""
    account = open_account(account_id)
    ours = {str(one.id): one for one in calls.open_calls(session, account, current_staff(), now())}
    form = LineForm(who=next(iter(ours), THEY_CALLED))
    form.who.choices = options({**_named(account, ours), THEY_CALLED: N_("They called us")})

    def do() -> None:
        _begin(account, ours.get(form.who.data))

    task = Task(
        title=_("Somebody is on the line about account %(reference)s", reference=account.reference),
        button=_("Begin the call"),
        back=back_to(account),
        notes=(
            *_on_it(account),
            _("You then ask who it is. The call, your questions and how it ends are recorded."),
            _("Say nothing of a debt, an account or a payment before the answers match."),
        ),
    )
    done = _("The call has begun. Ask now who it is.")
    return perform(form, do, task=task, done=done, to=url_for("support.on_the_line"))


def _on_it(account: Account) -> list[str]:
    """Who is on the line with this person already."""
    voice = i18n.voice(locale())
    return [
        _(
            "%(name)s is on a call about this person since %(time)s.",
            name=one.name,
            time=voice.time(one.since, one.zone),
        )
        for one in colleagues_on(account)
    ]


def _begin(account: Account, call: CallAttempt | None) -> None:
    who, log_in_id = current_staff(), current_log_in().session_id
    if left_calls.end_out_of_reach(session, who, now=now()):
        flash(_("Your call before was ended: its client is not yours any more."), "ok")
    call_sessions.open_session(
        session, account, call=call, staff=who, log_in_id=log_in_id, now=now()
    )


def _named(account: Account, ours: dict[str, CallAttempt]) -> dict[str, str]:
    zone = session.get_one(Client, account.client_id).time_zone
    voice = i18n.voice(locale())
    return {
        id_: _("We called them at %(time)s", time=voice.time(one.at, zone))
        for id_, one in ours.items()
    }


@bp.route("/on-the-line", methods=["GET", "POST"])
@audience(Permission.CONTACT)
def on_the_line() -> Any:
    """Ask who is on the line, and check the answers heard; no wrong answer is shown again."""
    line = call_sessions.open_call(session, current_staff(), now=now())
    if line is None:
        return see_other(url_for("support.home"))
    note_opened(line.account)
    asked, form = identity.asked_of(_client(line), line.debtor), FactsForm()
    form.ask(asked.factors, _client(line).country)

    def do() -> None:
        _tell(
            call_sessions.check(
                session, line.call, form.answers(), keys=keys(), staff=current_staff(), now=now()
            )
        )

    if form.validate_on_submit() and attempt(form, do):
        return see_other(url_for("support.on_the_line"))
    answer = page("support/on_the_line.html", form=form, asked=asked, **_about(line))
    return (answer, 422) if form.errors else answer


def _client(line: OnLine) -> Client:
    return session.get_one(Client, line.call.client_id)


def _tell(outcome: identity.Outcome) -> None:
    """Whether the answers match, overall: which of them is wrong is nobody's to learn."""
    if isinstance(outcome, Passed):
        flash(_("The answers match. You see the personal data until you wrap up."), "ok")
    elif isinstance(outcome, NotMatched):
        left = ngettext("%(num)s try is left.", "%(num)s tries are left.", outcome.left)
        flash(f"{_('The answers do not match.')} {left}", "bad")


def _about(line: OnLine) -> dict[str, Any]:
    return {
        "line": line,
        "unsent": unsent_of(line.account),
        "corrected": has_corrected(session, current_staff().id, line.debtor, now=now()),
        "locked": call_sessions.locked(session, line.call, keys=keys(), now=now()),
        "country": _client(line).country,
        "zone": _client(line).time_zone,
        "to_somebody_else": callers.TO_SOMEBODY_ELSE,
        "heard": (line.call.method or "").split("+"),
        "facts": labels.IDENTITY,
    }


@bp.route("/on-the-line/wrap-up", methods=["GET", "POST"])
@audience(Permission.CONTACT)
def wrap_up() -> Any:
    """End the call: how it went, and a note; the personal data is hidden again."""
    line, form = call_sessions.open_call(session, current_staff(), now=now()), EndForm()
    if line is None:
        return see_other(url_for("support.home"))
    form.disposition.choices = options(_endings(line))

    def do() -> None:
        how = Disposition(form.disposition.data)
        ending = Ending(how, form.note.data or "", form.consented.data)
        call_sessions.wrap_up(session, line.call, ending, staff=current_staff(), now=now())

    reference = line.account.reference
    task = Task(
        title=_("Wrap up the call about account %(reference)s", reference=reference),
        button=_("Wrap up"),
        back=url_for("support.on_the_line"),
        notes=(
            _("The personal data is hidden from you again, and the telephone log has the call."),
            _("After a conversation we do not call about this account for seven days."),
        ),
    )
    done = _("The call is wrapped up and on the record.")
    return perform(form, do, task=task, done=done, to=back_to(line.account))


def _endings(line: OnLine) -> dict[str, str]:
    """How this call can have ended."""
    impossible = {
        *(() if line.call.verified_at else (Disposition.SPOKE,)),
        *(() if line.call.call_id else (Disposition.WRONG_NUMBER,)),
    }
    return {how: said for how, said in callers.DISPOSITIONS.items() if how not in impossible}
