"""A forgotten password: a link by e-mail, a new one, and the second step as ever."""

from typing import Any

from flask import current_app
from wtforms import StringField

from portal.blueprints.staff import bp
from portal.blueprints.staff.joining import NewPasswordForm, chosen
from portal.domain import N_, DomainError
from portal.security import audience, browser, keys
from portal.services.passwords import ResetOver, ask_reset, find_reset, set_password
from portal.services.staff import end_sessions
from portal.web import Form, explain, locale, now, render, see_other, session, url_for


class ForgottenForm(Form):
    """Whose password was forgotten."""

    email = StringField(N_("E-mail address"))


@bp.route("/log-in/forgotten", methods=["GET", "POST"])
@audience("anyone")
def forgotten() -> Any:
    """Send a link, and say the same whoever asks."""
    form = ForgottenForm()
    if not form.validate_on_submit():
        return render("staff/forgotten.html", form=form, sent=False)
    given: dict[str, Any] = {"keys": keys(), "ip": browser().ip, "now": now()}
    url = ask_reset(session, form.email.data or "", locale(), **given)
    session.commit()
    shown = url if current_app.extensions["portal"].settings.outbox else None
    return render("staff/forgotten.html", form=None, sent=True, shown=shown)


@bp.route("/new-password/<token>", methods=["GET", "POST"])
@audience("anyone")
def new_password(token: str) -> Any:
    """Let whoever holds the link choose a password; all their log-ins end."""
    form = NewPasswordForm()
    try:
        staff = find_reset(session, token, keys=keys(), now=now())
        if form.validate_on_submit():
            set_password(session, staff, chosen(form), now=now())
            end_sessions(session, staff.id, now=now())
            session.commit()
            return see_other(url_for("staff.log_in"))
    except ResetOver as over:
        return render("staff/link_over.html", reason=explain(over)), 410
    except DomainError as refused:
        session.rollback()
        form.form_errors.append(explain(refused))
    return render("staff/new_password.html", form=form), 422 if form.errors else 200
