"""From the link to the balance: the identity check, by facts or by a code."""

import re
import unicodedata
from typing import Any

from flask import make_response, request
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from portal.blueprints.asking import FactsForm, ReadField
from portal.blueprints.debtor import bp
from portal.blueprints.debtor.links import home_of, locked_page, opened_link, stopped
from portal.db import commit
from portal.domain import N_, DomainError
from portal.domain.identity import Factor
from portal.domain.openings import Opening
from portal.models import Channel
from portal.security import audience, browser, is_inside, keys, let_in
from portal.services import attempts, identity, link_openings
from portal.services.attempts import Locked
from portal.services.identity import Outcome, Passed, TypedCode
from portal.services.links import LinkState, OpenedLink
from portal.web import Form, explain, ngettext, now, render, see_other, session, url_for

PRINTED = "form, details { display: none }\n"


def _digits(text: str) -> str:
    digits = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", text))
    if not re.fullmatch(r"[0-9]{6}", digits):
        raise CodeUnreadable
    return digits


class CodeUnreadable(DomainError):
    """What was typed are not six digits."""

    message = N_("Enter the 6 digits of the code.")


class CodeForm(FactsForm):
    """A one-time code, and the fact beside it where one is asked."""

    code = ReadField(N_("Code"), reader=_digits)

    def typed(self, beside: Factor | None) -> TypedCode:
        """What was typed, as the check takes it."""
        return TypedCode(self.code.data, str(self[beside.value].data) if beside else "")


@bp.route("/l/<token>", methods=["GET", "POST"])
@audience("anyone")
def link(token: str) -> ResponseReturnValue:
    """The first page of every link: is it safe, is it you. GET changes nothing, but is counted."""
    opened = opened_link(token)
    if page := stopped(token, opened):
        return page
    if is_inside(opened):
        return see_other(home_of(opened))
    _count(opened)
    asked = identity.questions_for(opened)
    form = FactsForm()
    form.ask(asked.factors, opened.client.country)
    if form.validate_on_submit():
        outcome = identity.check_answers(
            session, opened, form.answers(), keys=keys(), ip=browser().ip, now=now()
        )
        if page := _admitted(token, opened, outcome, form):
            return page
    return render("debtor/link.html", token=token, opened=opened, asked=asked, form=form), (
        422 if form.errors else 200
    )


def _count(opened: OpenedLink, *, drew: bool = False) -> None:
    """Count an opening by its kind of visitor; nothing depends on it."""
    purpose = request.headers.get("Sec-Purpose", "") + request.headers.get("Purpose", "")
    came = Opening(
        method=request.method,
        user_agent=request.user_agent.string,
        ahead="prefetch" in purpose,
        drew=drew,
        posted=request.method == "POST",
    )
    link_openings.count(session, opened.link, came, now=now())
    commit(session, "link.counted")


@bp.get("/l/<token>/form.css")
@audience("anyone")
def form_style(token: str) -> ResponseReturnValue:
    """How the form is printed: who asks for it looks at the page, as scanners do not."""
    opened = opened_link(token)
    if opened.state is LinkState.LIVE and not is_inside(opened):
        _count(opened, drew=True)
    headers = {"Content-Type": "text/css; charset=utf-8", "Cache-Control": "no-store"}
    return make_response(PRINTED, headers)


@bp.route("/l/<token>/code", methods=["GET", "POST"])
@audience("anyone")
def code(token: str) -> ResponseReturnValue:
    """A one-time code: have it sent, then type it. GET changes nothing."""
    opened = opened_link(token)
    if page := stopped(token, opened):
        return page
    if "send" in request.form:
        return _send_code(token, opened)
    form, waiting = _code_form(opened)
    if waiting and form.validate_on_submit():
        typed = form.typed(identity.fact_beside(opened, waiting))
        outcome = identity.check_code(
            session, opened, typed, keys=keys(), ip=browser().ip, now=now()
        )
        if page := _admitted(token, opened, outcome, form):
            return page
    return _code_page(token, opened, form=form, waiting=bool(waiting))


def _code_form(opened: OpenedLink) -> tuple[CodeForm, list[Any]]:
    waiting = identity.waiting_codes(session, opened, now=now())
    beside = identity.fact_beside(opened, waiting)
    form = CodeForm()
    form.ask((beside,) if beside else (), opened.client.country)
    return form, waiting


def _code_page(
    token: str, opened: OpenedLink, *, form: CodeForm, waiting: bool
) -> ResponseReturnValue:
    routes = identity.code_routes(session, opened)
    page = render(
        "debtor/code.html", token=token, opened=opened, form=form, routes=routes, waiting=waiting
    )
    return page, 422 if form.errors else 200


def _send_code(token: str, opened: OpenedLink) -> ResponseReturnValue:
    wanted = request.form["send"]
    channel = Channel(wanted) if wanted in list(Channel) else Channel.LETTER
    try:
        identity.send_code(session, opened, channel, keys=keys(), now=now())
    except identity.CodesUsedUp as error:
        form, waiting = _code_form(opened)
        form.form_errors.append(explain(error))
        return _code_page(token, opened, form=form, waiting=bool(waiting))
    commit(session, "identity.send_code")
    return see_other(url_for(".code", token=token))


def _admitted(token: str, opened: OpenedLink, outcome: Outcome, form: Form) -> Response | None:
    """Where the check leads; None: back to the form, which says what is wrong with it."""
    if isinstance(outcome, Passed):
        let_in(opened, outcome)
        return see_other(home_of(opened))
    if isinstance(outcome, Locked):
        return locked_page(outcome, token=token)
    commit(session, "identity.failed")
    if locked := attempts.locked(
        session, keys(), identity.marks_of(opened, browser().ip), now=now()
    ):
        return locked_page(locked, token=token)
    form.form_errors.append(
        ngettext(
            "Those details do not match what we have. You have %(num)d try left.",
            "Those details do not match what we have. You have %(num)d tries left.",
            outcome.left,
        )
    )
    return None


@bp.get("/stay")
@audience("debtor")
def stay() -> ResponseReturnValue:
    """Keep the page open: the answer brings the cookie with the new time."""
    return make_response("", 204)
