"""To Stripe's Checkout and back: the way out, the landing page, the receipt."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from flask import abort, current_app, request
from flask.typing import ResponseReturnValue

from portal.blueprints.debtor import bp
from portal.blueprints.debtor.balance import MOVING, balance_page
from portal.blueprints.debtor.common import (
    any_account,
    keeps_copies_back,
    open_account,
    refuse_hidden,
    set_clock,
)
from portal.blueprints.debtor.documents import card_text
from portal.db import commit
from portal.domain import N_, DomainError
from portal.domain.extra_payments import Effect
from portal.domain.limits import OfferExpired
from portal.domain.money import Cents
from portal.domain.statuses import LIVE, ArrangementStatus, PaymentStatus
from portal.domain.terms import Method
from portal.gateways.payments import GatewayError
from portal.models import Arrangement, Debtor, Payment, PaymentPurpose
from portal.runtime import Runtime
from portal.security import audience, current_visit, forms
from portal.services import charging, payments, tries
from portal.services.arrangements import expire_due
from portal.services.forgiveness import LOST
from portal.services.keeping import due_part
from portal.services.payments import CheckoutRequest, PaymentOnItsWay
from portal.services.receipts import PaymentView, outside_cents, payment_view
from portal.services.standing import standing, today_of
from portal.services.undoing import undo_until
from portal.web import allow_form_action, explain, locale, now, render, see_other, session, url_for
from portal.web import gettext as _

CHECKING = (PaymentStatus.CREATED, PaymentStatus.ATTEMPTING)
STATES = {
    PaymentStatus.SUCCEEDED: "paid",
    PaymentStatus.PROCESSING: "processing",
    PaymentStatus.FAILED: "failed",
    PaymentStatus.NEEDS_DEBTOR: "failed",
}
NO_FUNDS = ("insufficient_funds", "card_velocity_exceeded", "withdrawal_count_limit_exceeded")
CARD_OVER = ("expired_card", "lost_card", "stolen_card", "pickup_card", "invalid_account")


class Refused(StrEnum):
    """What was not done, because a payment was on its way."""

    CHANGE = "change"
    END = "end"
    UNDO = "undo"
    PAY = "pay"


NOT_DONE = {
    Refused.CHANGE: (
        N_("We changed nothing, because this payment is on its way. You can do it after that."),
        N_("We changed nothing, because this payment was on its way."),
    ),
    Refused.END: (
        N_(
            "We did not end your agreement, because this payment is on its way. You can end it"
            " after that."
        ),
        N_("We did not end your agreement, because this payment was on its way."),
    ),
    Refused.UNDO: (
        N_("We did not take your agreement back, because this payment is on its way."),
        N_("We did not take your agreement back, because this payment was on its way."),
    ),
    Refused.PAY: (
        N_(
            "We took nothing more, because this payment is on its way. You can pay more after that."
        ),
        N_("We took nothing more, because this payment was on its way."),
    ),
}
"""What the page of the payment says of it: while it is on its way, and after that."""


def _runtime() -> Runtime:
    found: Runtime = current_app.extensions["portal"]
    return found


def may_leave_for_checkout() -> None:
    """Let the forms of this page be answered by a redirect to Checkout."""
    allow_form_action(_runtime().settings.stripe_checkout_origins)


def to_payment(found: PaymentOnItsWay, refused: Refused) -> ResponseReturnValue:
    """On to the page of a payment that is on its way, which says what was not done."""
    return see_other(url_for(".payment", payment_id=found.payment_id, refused=refused.value))


def go_to_checkout(**wanted: Any) -> ResponseReturnValue:
    """Open Checkout for a ``CheckoutRequest`` and send the debtor there.

    Whatever stands against it is a page with words: a payment on its way, the balance as it is
    now with what stands against it, or Stripe not answering. Nothing was taken then.
    """
    asked = CheckoutRequest(locale=current_visit().locale, landing=_landing, **wanted)
    try:
        return see_other(payments.start_checkout(session, _runtime().stripe, asked, now=now()))
    except PaymentOnItsWay as found:
        return to_payment(found, Refused.PAY if asked.amount_cents else Refused.CHANGE)
    except DomainError as error:
        session.rollback()
        if isinstance(error, OfferExpired) and asked.arrangement_id is not None:
            client_id = current_visit().client_id
            expire_due(session, client_id, asked.arrangement_id, now=now())
            commit(session, "arrangements.expire")
        return balance_page(open_account(asked.account_id), note=explain(error)), 409
    except GatewayError:
        session.rollback()
        return _stripe_is_away(asked), 503


def _stripe_is_away(asked: CheckoutRequest) -> str:
    """Nothing was taken: "Try again" goes on with the agreement, or sends again what was typed."""
    attempt, on = payments.open_attempt(session, asked.account_id), None
    wanted = (asked.amount_cents, asked.arrangement_id)
    if attempt is not None and (attempt.amount_cents, attempt.arrangement_id) == wanted:
        on = url_for(".payment", payment_id=attempt.id)
    elif asked.arrangement_id is not None:
        on = url_for(".arrangement", account_id=asked.account_id)
    typed = {name: value for name, value in request.form.items() if name != forms.FIELD}
    return render("debtor/no_checkout.html", on=on, to=request.path, typed=typed)


def _landing(payment_id: UUID) -> str:
    return _runtime().settings.base_url + url_for("debtor.payment", payment_id=payment_id)


@bp.get("/payment/<uuid:payment_id>")
@audience("debtor")
def payment(payment_id: UUID) -> ResponseReturnValue:
    """Where Stripe sends people back: what became of the payment, read at Stripe just now.

    The one GET that may write: it takes over what has already happened at Stripe.
    """
    view, unread = _own(payment_id), False
    if view.payment.status in payments.UNRESOLVED:
        try:
            payments.refresh(session, _runtime().stripe, payment_id, now=now())
        except GatewayError:
            session.rollback()
            unread = True
        view = _own(payment_id)
    may_leave_for_checkout()
    return render("debtor/payment.html", **_said(view), unread=unread)


@bp.post("/payment/<uuid:payment_id>/check")
@audience("debtor")
def check_payment(payment_id: UUID) -> ResponseReturnValue:
    """Look again."""
    _own(payment_id)
    return see_other(url_for(".payment", payment_id=payment_id))


@bp.post("/payment/<uuid:payment_id>/again")
@audience("debtor")
def pay_again(payment_id: UUID) -> ResponseReturnValue:
    """Back to Checkout for the same thing: the open page, or a new one where it has closed."""
    before = _own(payment_id).payment
    if before.status == PaymentStatus.SUCCEEDED or before.payer_link_id is not None:
        return see_other(url_for(".payment", payment_id=payment_id))
    return go_to_checkout(
        account_id=before.account_id,
        purpose=before.purpose,
        amount_cents=before.amount_cents,
        arrangement_id=before.arrangement_id,
        installment_id=before.installment_id,
        effect=Effect(before.effect) if before.effect else None,
    )


@bp.get("/payment/<uuid:payment_id>/receipt")
@audience("debtor")
def receipt(payment_id: UUID) -> ResponseReturnValue:
    """The receipt of a payment that arrived, to read, print or save (PY-12)."""
    return receipt_page(payment_id)


def receipt_page(payment_id: UUID, *, paper: bool = False) -> str:
    """The receipt for the screen, or to be set on paper; 404 where nothing was paid."""
    view = _own(payment_id)
    if view.payment.status != PaymentStatus.SUCCEEDED or not view.payment.amount_cents:
        abort(404)
    return render("debtor/receipt.html", paper=paper, view=view)


def _own(payment_id: UUID) -> PaymentView:
    view = payment_view(session, current_visit().debtor_id, payment_id)
    if view is None:
        abort(404)
    if keeps_copies_back(standing(session, view.account, now()).show):
        refuse_hidden(any_account(view.account.id))
    set_clock()
    return view


def _said(view: PaymentView) -> dict[str, Any]:
    allowed = standing(session, view.account, now())
    may_pay = allowed.pay.allowed if view.payment.amount_cents else allowed.charge.allowed
    agreed = view.arrangement
    open_to_pay = agreed is None or agreed.status in LIVE
    mine = view.payment.payer_link_id is None
    can_pay = may_pay and mine and open_to_pay and view.left_cents > 0
    return {
        "view": view,
        "state": _state(view.payment),
        "note": _note(view.payment),
        "reason": _reason(view.payment),
        "can_pay": can_pay,
        "remaining_cents": _remaining(view),
        "outside_cents": _outside(view),
        "undo_until": _undo_until(agreed),
        "lost": agreed is not None and agreed.ended_reason == LOST,
        "waits": not allowed.charge.allowed,
        **_next(view),
        "open_arrangement": agreed is not None and agreed.status in LIVE,
        "card": card_text(any_account(view.account.id), locale()) if can_pay else None,
    }


def _next(view: PaymentView) -> dict[str, Any]:
    """When the next part comes, whether we take it, and else whether the saved way is no use."""
    agreed, part = view.arrangement, view.next_part
    if agreed is None or part is None:
        return {}
    account, debtor_id = view.account, view.account.debtor_id
    today = today_of(session.get_one(Debtor, (account.client_id, debtor_id)), now())
    automatic = agreed.method == Method.AUTOMATIC
    return {
        "today": today,
        "next_on": due_part(part).comes_on(today),
        "taken": charging.takes(session, account, agreed, part, today=today),
        "taken_until": due_part(part).taken_on + charging.LATEST,
        "other_way": automatic and tries.usable(session, account, agreed) is None,
    }


def _undo_until(agreed: Arrangement | None) -> datetime | None:
    """Until when what was agreed can be taken back whole; None where it cannot."""
    if agreed is None or agreed.status != ArrangementStatus.AWAITING_FIRST_PAYMENT:
        return None
    until = undo_until(session, agreed)
    return until if until is not None and now() < until else None


def _state(payment: Payment) -> str:
    if payment.status == PaymentStatus.SUCCEEDED and payment.purpose == PaymentPurpose.METHOD:
        return "saved"
    if payment.status in CHECKING or (
        payment.status == PaymentStatus.OPEN and "session_id" in request.args
    ):
        return "checking"
    return STATES.get(payment.status, "unpaid")


def _note(payment: Payment) -> str | None:
    """What was not done because of this payment; a page that was opened twice is no refusal."""
    try:
        refused = Refused(request.args.get("refused", ""))
    except ValueError:
        return None
    if refused is Refused.PAY and payment.status not in (*MOVING, PaymentStatus.SUCCEEDED):
        return None
    now_said, after = NOT_DONE[refused]
    return _(now_said if payment.status in MOVING else after)


def _reason(payment: Payment) -> str:
    """Why it did not go through, as far as it helps; never Stripe's own English."""
    code = payment.decline_code or payment.failure_code or ""
    if code in NO_FUNDS:
        return _("Your bank says there was not enough money. You can try again, or another day.")
    if code in CARD_OVER:
        return _("This card cannot be used any more. Please use another way to pay.")
    if payment.status == PaymentStatus.NEEDS_DEBTOR:
        return _("Your bank wants to check that it is you. Please pay this one yourself.")
    return _("Your bank said no. You can try again, or use another way to pay.")


def _remaining(view: PaymentView) -> Cents:
    """What is still to be paid: of the agreement where one is open, else of the account."""
    return view.left_cents if view.plan_cents is None else view.plan_cents


def _outside(view: PaymentView) -> Cents:
    if view.arrangement is None or view.plan_cents is None:
        return Cents(0)
    return outside_cents(view.arrangement.kind, view.plan_cents, view.account.balance_cents)
