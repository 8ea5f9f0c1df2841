"""Whoever a debtor asked to pay: an amount, a reference, Checkout and a receipt (PR-05, EC-08).

Nothing here names the debtor, a creditor or a debt. GET changes nothing, except that coming back
from Stripe takes over what has happened there.
"""

from uuid import UUID

from flask import Blueprint, abort, current_app, make_response, request
from flask.typing import ResponseReturnValue

from portal.domain import DomainError
from portal.domain.statuses import PaymentStatus
from portal.gateways.payments import GatewayError
from portal.models import Payment, PaymentPurpose
from portal.runtime import Runtime
from portal.security import audience, browser, keys, wear_neutral
from portal.services import attempts, payer_links, payments
from portal.services.attempts import Locked, Mark, Scope
from portal.services.payable import NothingToPay
from portal.services.payer_links import PayerState, PayerView
from portal.services.payments import CheckoutRequest, PaymentOnItsWay
from portal.web import allow_form_action, locale, now, prefer, render, see_other, session, url_for

bp = Blueprint("payer", __name__)

GONE = (PayerState.REVOKED, PayerState.EXPIRED)
CHECKING = (PaymentStatus.CREATED, PaymentStatus.ATTEMPTING)


@bp.route("/p/<token>", methods=["GET", "POST"])
@audience("payer")
def pay(token: str) -> ResponseReturnValue:
    """What is asked for, and the button that leads to Checkout."""
    asked = _asked(token)
    if request.method == "POST" and asked.state is PayerState.LIVE:
        return _checkout(token, asked)
    return _page(token, asked)


@bp.get("/p/<token>/<uuid:payment_id>")
@audience("payer")
def payment(token: str, payment_id: UUID) -> ResponseReturnValue:
    """Where Stripe sends them back: what became of the payment, read at Stripe just now."""
    asked = _asked(token)
    paid = _own(asked, payment_id)
    if paid.status in payments.UNRESOLVED:
        try:
            payments.refresh(session, _runtime().stripe, payment_id, now=now())
        except GatewayError:
            session.rollback()
        asked = _asked(token)
        paid = _own(asked, payment_id)
    prefer(language=paid.locale)
    return render("payer/payment.html", token=token, asked=asked, paid=paid, state=_state(paid))


@bp.get("/p/<token>/<uuid:payment_id>/receipt")
@audience("payer")
def receipt(token: str, payment_id: UUID) -> ResponseReturnValue:
    """A receipt to print or save, with nothing in it of what was paid for."""
    asked = _asked(token)
    paid = _own(asked, payment_id)
    if paid.status != PaymentStatus.SUCCEEDED:
        abort(404)
    prefer(language=paid.locale)
    return render("payer/receipt.html", token=token, asked=asked, paid=paid)


def _runtime() -> Runtime:
    found: Runtime = current_app.extensions["portal"]
    return found


def _asked(token: str) -> PayerView:
    """The link of an address as its neutral sender's page; every other token is one 404."""
    asked = payer_links.open_link(session, token, keys=keys(), now=now())
    if asked is None:
        abort(404)
    wear_neutral(asked.client)
    prefer(country=asked.client.country)
    return asked


def _own(asked: PayerView, payment_id: UUID) -> Payment:
    found = payer_links.payment_through(session, asked.link, payment_id)
    if found is None:
        abort(404)
    return found


def _page(token: str, asked: PayerView, *, why: str = "", status: int = 200) -> ResponseReturnValue:
    """The page of a link in its state; ``why`` says what stands against paying right now."""
    allow_form_action(_runtime().settings.stripe_checkout_origins)
    gone = 410 if asked.state in GONE else status
    return make_response(render("payer/pay.html", token=token, asked=asked, why=why), gone)


def _checkout(token: str, asked: PayerView) -> ResponseReturnValue:
    """Open Checkout for what the page showed, or say calmly why not; nothing was taken then."""
    marks = [attempts.network(browser().ip), Mark(Scope.PAYER_LINK, str(asked.link.id))]
    if isinstance(attempts.take(session, keys(), marks, now=now()), Locked):
        return _page(token, asked, why="later", status=429)
    try:
        if request.form.get("amount") != str(asked.due.amount_cents):
            raise NothingToPay
        return see_other(
            payments.start_checkout(session, _runtime().stripe, _request(token, asked), now=now())
        )
    except PaymentOnItsWay as found:
        session.rollback()
        if payer_links.payment_through(session, asked.link, found.payment_id) is not None:
            return see_other(_landing(token, found.payment_id))
        return _page(token, asked, why="busy", status=409)
    except DomainError:
        session.rollback()
        return _page(token, _asked(token), why="changed", status=409)
    except GatewayError:
        session.rollback()
        return _page(token, _asked(token), why="later", status=503)


def _request(token: str, asked: PayerView) -> CheckoutRequest:
    base = _runtime().settings.base_url
    return CheckoutRequest(
        account_id=asked.account.id,
        purpose=PaymentPurpose.ONE_OFF,
        amount_cents=asked.due.amount_cents,
        arrangement_id=asked.due.arrangement_id,
        installment_id=asked.due.installment_id,
        payer_link_id=asked.link.id,
        reference=asked.link.reference,
        locale=locale().partition("_")[0],
        landing=lambda payment_id: base + _landing(token, payment_id),
    )


def _landing(token: str, payment_id: UUID) -> str:
    """Our page about a payment; its language is the payment's own."""
    return url_for("payer.payment", token=token, payment_id=payment_id, lang=None)


def _state(paid: Payment) -> str:
    if paid.status == PaymentStatus.SUCCEEDED:
        return "paid"
    if paid.status == PaymentStatus.PROCESSING:
        return "processing"
    checking = paid.status == PaymentStatus.OPEN and "session_id" in request.args
    return "checking" if checking or paid.status in CHECKING else "unpaid"
