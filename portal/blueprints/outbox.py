"""The outbox of the demo: what debtors would get, while nothing leaves the machine."""

from uuid import UUID

from flask import Blueprint, Response, abort, current_app, request
from flask.typing import ResponseReturnValue

from portal.blueprints.papers import as_kept, styles_of
from portal.db import commit
from portal.domain import totp
from portal.domain.deliveries import Fate
from portal.domain.outgoing import reason_of
from portal.domain.wording import clean_text
from portal.security import audience
from portal.services import evidence, outbox
from portal.services.demo_staff import PASSWORD, STAFF
from portal.services.dispatch import dispatch
from portal.services.messages import about
from portal.web import now, render, see_other, session, url_for
from portal.writing import carriers_of

bp = Blueprint("outbox", __name__)


@bp.get("/outbox")
@audience("anyone")
def messages() -> str:
    """Every e-mail and text as its debtor would see it, the newest first."""
    wanted = clean_text(request.args.get("q", ""))
    waiting = request.args.get("waiting") == "1"
    before = request.args.get("before", type=UUID)
    found = outbox.entries(session, wanted=wanted, waiting=waiting, before=before)
    last = found[-1].message.id if len(found) == outbox.PAGE else None
    return render(
        "outbox/messages.html",
        entries=found,
        wanted=wanted,
        waiting=waiting,
        older=url_for(".messages", q=wanted, waiting=int(waiting), before=last) if last else None,
        reason_of=reason_of,
    )


@bp.get("/outbox/staff")
@audience("anyone")
def staff() -> str:
    """Who works in the demo, each with the code that their telephone would show."""
    at = now()
    left = totp.STEP_S - int(at.timestamp()) % totp.STEP_S
    codes = [(one, one.code(at)) for one in STAFF]
    return render("outbox/staff.html", codes=codes, left=left, password=PASSWORD)


@bp.get("/outbox/<uuid:message_id>/html")
@audience("anyone")
def html(message_id: UUID) -> Response:
    """The HTML part of an e-mail, kept from doing anything but being read and followed."""
    message = outbox.entry(session, message_id)
    if message is None or not message.body_html:
        abort(404)
    policy = f"default-src 'none'; {styles_of(message.body_html)}sandbox allow-popups"
    return Response(
        message.body_html,
        content_type="text/html; charset=utf-8",
        headers={"Content-Security-Policy": policy},
    )


@bp.get("/outbox/<uuid:message_id>/file")
@audience("anyone")
def file(message_id: UUID) -> Response:
    """The document that goes along with a message, kept from doing anything but being read."""
    message = outbox.entry(session, message_id)
    if message is None or "document" not in message.context:
        abort(404)
    document = evidence.kept_with(session, about(session, message), message.context["document"])
    return as_kept(document)


@bp.post("/outbox/<uuid:message_id>/fate")
@audience("anyone")
def fate(message_id: UUID) -> ResponseReturnValue:
    """Let something become of a message that left, as a carrier would tell it."""
    message = outbox.entry(session, message_id)
    chosen = request.form.get("fate", "")
    if message is None or message.sent_at is None or chosen not in outbox.FATES:
        abort(404)
    outbox.let_become(session, message, Fate(chosen), now=now())
    commit(session, "delivery.taken")
    return see_other(url_for(".messages", q=request.args.get("q", "")) + f"#m-{message_id}")


@bp.post("/outbox/<uuid:message_id>/deliver")
@audience("anyone")
def deliver(message_id: UUID) -> ResponseReturnValue:
    """Deliver a message that waits for its hour now; every other rule still counts."""
    message = outbox.entry(session, message_id)
    if message is None:
        abort(404)
    dispatch(
        session,
        message.client_id,
        message.id,
        carriers=carriers_of(current_app.extensions["portal"]),
        now=now(),
        at_any_hour=True,
    )
    return see_other(url_for(".messages", q=request.args.get("q", "")) + f"#m-{message_id}")
