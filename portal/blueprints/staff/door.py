"""The consoles' door: a password, a code, and only then a word about either (PR-03)."""

from typing import Any

from flask import request
from wtforms import PasswordField, StringField

from portal.blueprints.staff import bp
from portal.blueprints.staff.enrolling import Enrolling, SecondStepForm, enrolling
from portal.domain import N_, DomainError
from portal.models import Role
from portal.security import (
    audience,
    browser,
    current_staff,
    first_step,
    forget_first_step,
    keep_first_step,
    keys,
    let_staff_in,
    let_staff_out,
)
from portal.services.sign_in import (
    FirstStep,
    LogInRefused,
    StepOver,
    check_code,
    check_new_second_step,
    check_password,
)
from portal.web import Form, explain, now, render, see_other, session, url_for

CONSOLES = ("/support", "/client", "/compliance", "/operator", "/team", "/your-sign-in", "/console")
HOMES = {
    Role.CLIENT_ADMIN: "client.home",
    Role.CLIENT_VIEWER: "client.home",
    Role.COMPLIANCE: "compliance.home",
    Role.OPERATOR: "operator.home",
}
"""Where roles begin that do not begin with support."""
MOST_WAY = 2_000


class LogInForm(Form):
    """Who says they work here."""

    email = StringField(N_("E-mail address"))
    password = PasswordField(N_("Password"))


class CodeForm(Form):
    """The second step: what the app shows now, or a recovery code."""

    code = StringField(N_("Code"))


@bp.route("/log-in", methods=["GET", "POST"], endpoint="log_in")
@audience("anyone")
def door() -> Any:
    """Ask for address and password, and go on to the code whatever they are."""
    form = LogInForm()
    if not form.validate_on_submit():
        return render("staff/log_in.html", form=form, forgotten=url_for("staff.forgotten"))
    email, password = form.email.data or "", form.password.data or ""
    first = check_password(session, email, password, keys=keys(), browser=browser(), now=now())
    session.commit()
    keep_first_step(first)
    return see_other(url_for(_next_step(first), **_way()))


def _next_step(first: FirstStep) -> str:
    fresh = first.right and not first.enrolled
    return "staff.first_second_step" if fresh else "staff.code"


@bp.route("/log-in/code", methods=["GET", "POST"])
@audience("anyone")
def code() -> Any:
    """Ask for the code; every failure has the same words, whatever was wrong."""
    form = CodeForm()
    try:
        first = first_step()
        if form.validate_on_submit():
            typed = form.code.data or ""
            given: dict[str, Any] = {"keys": keys(), "browser": browser(), "now": now()}
            found, token = check_code(session, first, typed, **given)
            session.commit()
            let_staff_in(found, token)
            return see_other(_way_on(found.staff.role))
    except StepOver:
        return see_other(url_for("staff.log_in", **_way()))
    except LogInRefused as refused:
        session.commit()  # what was refused is noted
        form.form_errors.append(explain(refused))
    again = url_for("staff.log_in", **_way())
    return render("staff/code.html", form=form, again=again), 422 if form.errors else 200


@bp.route("/log-in/second-step", methods=["GET", "POST"])
@audience("anyone")
def first_second_step() -> Any:
    """Who has a password and no second step sets one up, and nothing else."""
    try:
        first = first_step()
        if not first.right or first.enrolled or first.staff_id is None:
            raise StepOver
        here = enrolling(SecondStepForm(), first.staff_id, first.address)
        if here.form.validate_on_submit():
            return _let_in_with(first, here)
    except StepOver:
        return see_other(url_for("staff.log_in", **_way()))
    return here.page()


def _let_in_with(first: FirstStep, here: Enrolling) -> Any:
    new = (here.secret, here.form.code.data or "")
    given: dict[str, Any] = {"keys": keys(), "browser": browser(), "now": now()}
    try:
        found, token, codes = check_new_second_step(session, first, new, **given)
    except StepOver:
        raise
    except DomainError as refused:
        session.rollback()
        here.form.form_errors.append(explain(refused))
        return here.page()
    session.commit()
    let_staff_in(found, token)
    forget_first_step()
    return render("staff/recovery_codes.html", codes=codes, on=_way_on(found.staff.role))


def _way() -> dict[str, str]:
    """Where somebody was going, and the form that was kept for them, from page to page."""
    asked = {name: request.args.get(name, "") for name in ("next", "held")}
    return {name: value for name, value in asked.items() if value and len(value) < MOST_WAY}


def _way_on(role: Role) -> str:
    """The page that was asked for, if it is one of ours; else where the role begins."""
    return way_on(_start(role))


def way_on(otherwise: str) -> str:
    """The page of ours that the address names, with the form kept for it; else another."""
    asked, held = request.args.get("next", ""), request.args.get("held", "")
    if not (asked.startswith(CONSOLES) and asked.isprintable() and "\\" not in asked):
        return otherwise
    if held.replace("-", "").isalnum() and held.isascii():
        return f"{asked}{'&' if '?' in asked else '?'}held={held}"
    return asked


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
