"""The consoles' door: log in, log out."""

from typing import Any

from flask import Blueprint, request
from wtforms import PasswordField, StringField

from portal.domain import N_
from portal.domain.access import Role
from portal.security import audience, browser, current_staff, keys, let_staff_in, let_staff_out
from portal.services.staff import LogInRefused, log_in
from portal.web import Form, explain, now, render, see_other, session, url_for

bp = Blueprint("staff", __name__)

CONSOLES = ("/support", "/client", "/compliance", "/operator")
HOMES = {
    Role.CLIENT_ADMIN: "client.home",
    Role.CLIENT_VIEWER: "client.home",
    Role.COMPLIANCE: "compliance.home",
    Role.OPERATOR: "operator.home",
}
"""Where roles begin that do not begin with support."""


class LogInForm(Form):
    """Who says they work here."""

    email = StringField(N_("E-mail address"))
    password = PasswordField(N_("Password"))


@bp.route("/log-in", methods=["GET", "POST"], endpoint="log_in")
@audience("anyone")
def door() -> Any:
    """Ask for address and password; every failure has the same words."""
    form = LogInForm()
    if form.validate_on_submit():
        email, password = form.email.data or "", form.password.data or ""
        try:
            found, token = log_in(
                session, email, password, keys=keys(), browser=browser(), now=now()
            )
        except LogInRefused as refused:
            form.form_errors.append(explain(refused))
        else:
            session.commit()
            let_staff_in(found, token)
            return see_other(_way_on(found.staff.role))
    return render("staff/log_in.html", form=form), 422 if form.errors else 200


def _way_on(role: Role) -> str:
    """The page that was asked for, if it is one of ours; else where the role begins."""
    asked = request.args.get("next", "")
    if asked.startswith(CONSOLES) and asked.isprintable() and "\\" not in asked:
        return asked
    return _start(role)


def _start(role: Role) -> str:
    return url_for(HOMES.get(role, "support.home"))


@bp.get("/console", endpoint="home")
@audience("staff")
def home() -> Any:
    """Where the role of whoever is logged in begins."""
    return see_other(_start(current_staff().role))


@bp.post("/log-out")
@audience("staff")
def log_out() -> Any:
    """End the log-in."""
    let_staff_out()
    return see_other(url_for("staff.log_in"))
