"""The page of somebody whom a debtor asked to pay: an amount and a reference, and nothing else."""

from typing import Any
from uuid import UUID

from flask import Blueprint, abort, current_app, make_response, request
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from portal.domain import DomainError
from portal.domain.statuses import PaymentStatus
from portal.gateways.payments import GatewayError
from portal.runtime import Runtime
from portal.security import audience, keys, wear_neutral
from portal.services import attempts, payments
from portal.services.attempts import Locked, Mark, Scope
from portal.services.payer_links import (
    OpenedPayerLink,
    PayerLinkState,
    asked_of,
    is_being_paid,
    open_payer_token,
    payment_of,
)
from portal.services.payments import CheckoutRequest, PaymentOnItsWay
from portal.web import allow_form_action, now, prefer, render, see_other, session, url_for

bp = Blueprint("payer", __name__)

OVER = (PayerLinkState.CLOSED, PayerLinkState.EXPIRED)


@bp.route("/p/<token>", methods=["GET", "POST"])
@audience("anyone")
def link(token: str) -> ResponseReturnValue:
    """What is asked for, and the way to Checkout. GET changes nothing."""
    opened = _opened(token)
    if request.method == "POST" and opened.state is PayerLinkState.LIVE:
        return _pay(token, opened)
    return _page(token, opened, 410 if opened.state in OVER else 200)


@bp.get("/p/<token>/payment/<uuid:payment_id>")
@audience("anyone")
def payment(token: str, payment_id: UUID) -> ResponseReturnValue:
    """Where Stripe sends them back: what became of the payment, read at Stripe just now."""
    opened = _opened(token)
    found = payment_of(session, opened.link, payment_id)
    if found is None:
        abort(404)
    if found.status in payments.UNRESOLVED:
        try:
            payments.refresh(session, _runtime().stripe, payment_id, now=now())
        except GatewayError:
            session.rollback()
        opened = _opened(token)
        found = payment_of(session, opened.link, payment_id)
    waits = found is not None and found.status in (PaymentStatus.CREATED, PaymentStatus.OPEN)
    checking = waits and "session_id" in request.args
    return _page(token, opened, 200, unpaid=not checking, checking=checking)


def _opened(token: str) -> OpenedPayerLink:
    opened = open_payer_token(session, token, keys=keys(), now=now())
    if opened is None:
        abort(404)
    wear_neutral(opened.client)
    prefer(language=opened.link.locale, country=opened.client.country)
    return opened


def _page(
    token: str, opened: OpenedPayerLink, status: int, *, unpaid: bool = False, **said: Any
) -> Response:
    allow_form_action(_runtime().settings.stripe_checkout_origins)
    page = render("payer/link.html", token=token, opened=opened, unpaid=unpaid, **said)
    return make_response(page, status)


def _pay(token: str, opened: OpenedPayerLink) -> ResponseReturnValue:
    """On to Checkout; whatever stands against it is a calm page, and nothing was taken."""
    marks = [Mark(Scope.PAYER_LINK, str(opened.link.id))]
    if isinstance(attempts.take(session, keys(), marks, now=now()), Locked):
        return _page(token, opened, 429, busy=True)
    if is_being_paid(session, opened.link):
        return _page(token, opened, 409, busy=True)
    asked = asked_of(opened.link)
    wanted = CheckoutRequest(
        **{name: getattr(asked, name) for name in asked.__slots__},
        locale=opened.link.locale,
        landing=lambda payment_id: _landing(token, payment_id),
    )
    try:
        return see_other(payments.start_checkout(session, _runtime().stripe, wanted, now=now()))
    except PaymentOnItsWay:
        return _page(token, _opened(token), 409, busy=True)
    except DomainError:
        session.rollback()
        return _page(token, _opened(token), 409, refused=True)
    except GatewayError:
        session.rollback()
        return _page(token, _opened(token), 503, busy=True)


def _landing(token: str, payment_id: UUID) -> str:
    path = url_for("payer.payment", token=token, payment_id=payment_id)
    return f"{_runtime().settings.base_url}{path}"


def _runtime() -> Runtime:
    found: Runtime = current_app.extensions["portal"]
    return found
