"""Your sign-in: password, second step, recovery codes, and where you are logged in."""

from typing import Any
from uuid import UUID

from flask import flash
from sqlalchemy.exc import NoResultFound
from wtforms import PasswordField

from portal.blueprints.consoles import Task, page, perform
from portal.blueprints.staff import bp
from portal.blueprints.staff.enrolling import SecondStepForm, enrolling
from portal.blueprints.staff.joining import chosen
from portal.domain import N_, DomainError
from portal.models import Noted
from portal.security import audience, browser, current_log_in, current_staff, danger, keys
from portal.services import second_steps, staff_events
from portal.services.passwords import PasswordWrong, set_password
from portal.services.sign_in import prove_password
from portal.services.staff import end_sessions, log_out, open_sessions
from portal.services.staff_events import note
from portal.web import Form, explain, now, render, see_other, session, url_for
from portal.web import gettext as _


class ChangePasswordForm(Form):
    """The password of before, and the one to come."""

    password_before = PasswordField(N_("Your password until now"))
    password = PasswordField(N_("New password"))
    password_again = PasswordField(N_("The same password again"))


@bp.get("/your-sign-in")
@audience("staff")
def own() -> Any:
    """Everything about how this person comes in, and what happened to it lately."""
    staff = current_staff()
    return page(
        "staff/own.html",
        sessions=open_sessions(session, staff.id, now=now()),
        here=current_log_in().session_id,
        set_at=staff.password_set_at,
        codes_left=second_steps.recovery_codes_left(session, staff.id),
        events=staff_events.newest(session, staff_id=staff.id)[: staff_events.PAGE],
        kinds=staff_events.KINDS,
    )


@bp.route("/your-sign-in/password", methods=["GET", "POST"])
@audience("staff")
def password() -> Any:
    """Change one's password; every other log-in ends."""
    form, staff = ChangePasswordForm(), current_staff()
    if form.validate_on_submit() and not _knows(form):
        return page("staff/task.html", form=form, task=_new_password()), 422

    def do() -> None:
        set_password(session, staff, chosen(form), now=now())
        end_sessions(session, staff.id, keep=current_log_in().session_id, now=now())

    done, to = _("Your password is changed."), url_for("staff.own")
    return perform(form, do, task=_new_password(), done=done, to=to)


def _knows(form: ChangePasswordForm) -> bool:
    """Whether they know the password of before; counted and noted either way."""
    given: dict[str, Any] = {"keys": keys(), "browser": browser(), "now": now()}
    try:
        prove_password(session, current_log_in(), form.password_before.data or "", **given)
    except PasswordWrong as wrong:
        form.form_errors.append(explain(wrong))
    session.commit()
    return not form.errors


def _new_password() -> Task:
    return _task(
        _("Change your password"),
        _("Change the password"),
        _("12 characters or more. Four words that do not belong together are good."),
        _("You stay logged in here. Everywhere else you are logged out."),
    )


@bp.route("/your-sign-in/second-step", methods=["GET", "POST"])
@audience("staff")
@danger
def second_step() -> Any:
    """Set up another second step in place of the one there is."""
    staff = current_staff()
    here = enrolling(SecondStepForm(), staff.id, staff.email)
    if here.form.validate_on_submit():
        given: dict[str, Any] = {"keys": keys(), "now": now()}
        try:
            code = here.form.code.data or ""
            codes = second_steps.enroll(session, staff.id, here.secret, code, **given)
        except DomainError as refused:
            session.rollback()
            here.form.form_errors.append(explain(refused))
        else:
            session.commit()
            return render("staff/recovery_codes.html", codes=codes, on=url_for("staff.own"))
    return here.page()


@bp.route("/your-sign-in/recovery-codes", methods=["GET", "POST"])
@audience("staff")
@danger
def recovery_codes() -> Any:
    """Make ten new recovery codes, and show them once."""
    form, staff = Form(), current_staff()
    if form.validate_on_submit():
        codes = second_steps.renew_recovery_codes(session, staff.id, keys=keys(), now=now())
        note(session, Noted.RECOVERY_MADE, staff=staff.id, now=now())
        session.commit()
        return render("staff/recovery_codes.html", codes=codes, on=url_for("staff.own"))
    task = _task(
        _("New recovery codes"),
        _("Make ten new codes"),
        _("You see them once. The codes that you have now open nothing any more."),
    )
    return page("staff/task.html", form=form, task=task)


@bp.post("/your-sign-in/log-ins/<uuid:session_id>/end")
@audience("staff")
def end_log_in(session_id: UUID) -> Any:
    """End one of one's log-ins."""
    staff = current_staff()
    if session_id not in {one.id for one in open_sessions(session, staff.id, now=now())}:
        raise NoResultFound
    log_out(session, session_id, noted=Noted.SESSION_ENDED, now=now())
    session.commit()
    flash(_("That log-in is ended."), "ok")
    return see_other(url_for("staff.own"))


@bp.post("/your-sign-in/log-ins/end-others")
@audience("staff")
def end_other_log_ins() -> Any:
    """End all of one's log-ins but this one."""
    staff, here = current_staff(), current_log_in().session_id
    ended = end_sessions(session, staff.id, keep=here, now=now())
    note(session, Noted.SESSIONS_ENDED, staff=staff.id, now=now(), number=ended)
    session.commit()
    flash(_("You are logged out everywhere else."), "ok")
    return see_other(url_for("staff.own"))


def _task(title: str, button: str, *notes: str) -> Task:
    back = url_for("staff.own")
    return Task(title=title, button=button, back=back, notes=notes, layout="layouts/console.html")
