"""What a person reads when a page can not be shown: what happened, and what to do next."""

import logging
import secrets
from dataclasses import dataclass

from flask import Flask, current_app, g, jsonify, request
from sqlalchemy.exc import InterfaceError, NoResultFound, OperationalError
from werkzeug.exceptions import (
    Conflict,
    HTTPException,
    InternalServerError,
    MethodNotAllowed,
    NotFound,
    RequestEntityTooLarge,
    ServiceUnavailable,
)
from werkzeug.wrappers import Response

from portal.domain import N_, DomainError
from portal.domain.capabilities import FROZEN, NotAllowedNow
from portal.gateways.payments import GatewayError
from portal.security import note_missing
from portal.web import CsrfRejected, SessionClosed, explain, render, url_for
from portal.web import gettext as _

log = logging.getLogger(__name__)

MACHINES = ("/api/", "/stripe/", "/texts/")
"""Paths whose callers are programs; they get problem details (RFC 9457)."""


@dataclass(frozen=True)
class Says:
    """The words of an error page: its heading, and what to do next.

    ``to_staff`` stands in its place where staff read it.
    """

    title: str
    advice: tuple[str, ...]
    to_staff: tuple[str, ...] = ()


GO_BACK = N_("Go back, check what you typed and send it again.")
NOT_TAKEN = N_("Nothing was sent and nothing was taken.")
CALL_US = N_("If it happens again, contact us and tell us the code below.")

WORDS = {
    400: Says(N_("We could not read what was sent"), (NOT_TAKEN, GO_BACK)),
    403: Says(
        N_("You cannot open this page"),
        (N_("This page is for somebody else, or you may not open it."),),
    ),
    404: Says(
        N_("We cannot find this page"),
        (
            N_("If you typed the address, check it. If you used a link, open it again in full."),
            N_("You can also type the code from your letter on our start page."),
        ),
        (N_("It is not there any more, or it is another client's. Search for it."),),
    ),
    405: Says(
        N_("This page does not work that way"),
        (N_("Go back and use the button or link on the page."),),
    ),
    409: Says(
        N_("Something changed in the meantime"),
        (N_("Go back and open the page again to see how things stand now."),),
    ),
    410: Says(N_("This page is no longer here"), (N_("It was here only for some time."),)),
    413: Says(
        N_("That is too much to send"),
        (NOT_TAKEN, N_("Send a smaller file or a shorter text.")),
    ),
    422: Says(N_("We could not use what was sent"), (NOT_TAKEN, GO_BACK)),
    429: Says(
        N_("Please wait a little"),
        (
            N_("There were too many tries in a short time."),
            N_("Wait 15 minutes and try again, or contact us."),
        ),
    ),
    500: Says(
        N_("Something went wrong on our side"),
        (
            N_("Try again in a few minutes."),
            N_(
                "If you were paying, first look if your payment is listed, so you do not pay twice."
            ),
            CALL_US,
        ),
    ),
    503: Says(
        N_("We are not available right now"),
        (N_("Try again in a few minutes. Your details are safe."), CALL_US),
    ),
}

COPY_IT = N_("To keep what you typed, go back and copy it. Then carry on and send it from there.")
FORM_REFUSED = Says(
    N_("Please send that again"),
    (
        N_("The page was open for a long time, or you opened another one since."),
        NOT_TAKEN,
        COPY_IT,
    ),
)
CLOSED = Says(N_("We closed the page to keep it private"), (N_("What you sent before is saved."),))
FORM_CLOSED = Says(CLOSED.title, (NOT_TAKEN, *CLOSED.advice, COPY_IT))

Answer = tuple[str | Response, int, dict[str, str]]


def register(app: Flask) -> None:
    """Answer every error with a page of ours."""
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(500, server_error)
    app.register_error_handler(CsrfRejected, form_refused)
    app.register_error_handler(SessionClosed, session_closed)
    app.register_error_handler(DomainError, domain_error)
    app.register_error_handler(NoResultFound, not_found)
    app.register_error_handler(OperationalError, away)
    app.register_error_handler(InterfaceError, away)
    app.register_error_handler(GatewayError, away)


def http_error(error: HTTPException) -> Answer | HTTPException:
    """A refusal with a status of its own; redirects pass."""
    if error.code is None or error.code < 400 or error.response is not None:
        return error
    if error.code == NotFound.code:
        note_missing()
    headers = {}
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        headers["Allow"] = ", ".join(sorted(error.valid_methods))
    if retry_after := getattr(error, "retry_after", None):
        headers["Retry-After"] = str(retry_after)
    says = WORDS.get(error.code, WORDS[400])
    reason = _too_large() if error.code == RequestEntityTooLarge.code else None
    return _answer(error.code, says, reason=reason, carry_on=_inside(), headers=headers)


def _too_large() -> str | None:
    """How large a file may be, where it was one that was too large."""
    most = current_app.config["MAX_CONTENT_LENGTH"]
    if (request.content_length or 0) <= most:
        return None
    return _("A file can have %(most)s MB at most.", most=most // 2**20)


def server_error(error: InternalServerError) -> Answer:
    """A fault of ours: logged under the code that the page shows."""
    code = secrets.token_hex(4)
    log.error("error %s on %s", code, request.endpoint, exc_info=error.original_exception)
    return _answer(500, WORDS[500], code=code)


def away(error: Exception) -> Answer:
    """The database or Stripe does not answer."""
    code = secrets.token_hex(4)
    log.error("error %s on %s", code, request.endpoint, exc_info=error)
    return _answer(ServiceUnavailable.code, WORDS[503], code=code, headers={"Retry-After": "60"})


def form_refused(_error: CsrfRejected) -> Answer:
    """A form that did not come from our page, or came too late; it may be another visit's."""
    return _answer(400, FORM_REFUSED, carry_on=_inside() or _same_page())


def session_closed(error: SessionClosed) -> Answer:
    """A page that was open for too long, with the way back in."""
    says = FORM_CLOSED if request.method == "POST" else CLOSED
    return _answer(403, says, carry_on=error.carry_on)


def _inside() -> str | None:
    """Where a debtor's visit goes on, if one is open."""
    return url_for("debtor.accounts") if "visit" in g else None


def _same_page() -> str | None:
    """The page of a form, where its address shows one."""
    adapter = current_app.url_map.bind_to_environ(request.environ)
    return request.path if adapter.test(method="GET") else None


def domain_error(error: DomainError) -> Answer:
    """A fact that forbids what was asked, where a page had no better place to say it."""
    status = status_of(error)
    return _answer(status, WORDS[status], reason=explain(error), carry_on=_inside())


def status_of(error: DomainError) -> int:
    """409 for what forbids it; 503 where the client's record is in doubt for now (EV-08)."""
    paused = isinstance(error, NotAllowedNow) and FROZEN in error.reasons
    return ServiceUnavailable.code if paused else Conflict.code


def not_found(_error: NoResultFound) -> Answer:
    """A row that is not there, or not this person's."""
    note_missing()
    return _answer(NotFound.code, WORDS[404], carry_on=_inside())


def _answer(
    status: int,
    says: Says,
    *,
    code: str | None = None,
    reason: str | None = None,
    carry_on: str | None = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    if request.path.startswith(MACHINES):
        problem = jsonify(title=says.title, status=status, detail=reason, code=code)
        return problem, status, {"Content-Type": "application/problem+json"} | (headers or {})
    page = render("errors/page.html", says=says, code=code, reason=reason, carry_on=carry_on)
    return page, status, headers or {}
