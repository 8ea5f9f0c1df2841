"""A payment failed or is missing: another day by one tap, or a little more each time."""

from datetime import date
from uuid import UUID

from flask import request
from flask.typing import ResponseReturnValue

from portal.blueprints.debtor import bp
from portal.blueprints.debtor.arrangement import cure_of, me, own_agreement, plan_page, row_of
from portal.blueprints.debtor.change_review import to_review
from portal.blueprints.debtor.common import runtime
from portal.blueprints.debtor.paying import Refused, to_payment
from portal.db import commit
from portal.domain import DomainError
from portal.domain.amendments import Change
from portal.domain.curing import CureNotPossible
from portal.security import audience
from portal.services import curing, payments
from portal.services.amending import Wish
from portal.services.payments import PaymentOnItsWay
from portal.web import explain, now, see_other, session, url_for


@bp.post("/account/<uuid:account_id>/cure")
@audience("debtor")
def cure(account_id: UUID) -> ResponseReturnValue:
    """Keep the plan: what is late goes to a day that was offered."""
    _view, agreed = own_agreement(account_id)
    try:
        payments.release_checkout(session, runtime().stripe, account_id, now=now())
        day = _day(request.form.get("to", ""))
        curing.move_late(session, row_of(agreed), day, actor=me(), now=now())
    except PaymentOnItsWay as error:
        return to_payment(error, Refused.CHANGE)
    except DomainError as error:
        session.rollback()
        return plan_page(*own_agreement(account_id), note=explain(error)), 409
    commit(session, "curing.cure")
    return see_other(url_for(".arrangement", account_id=account_id, done="cured"))


@bp.get("/account/<uuid:account_id>/change/spread")
@audience("debtor")
def spread(account_id: UUID) -> ResponseReturnValue:
    """Add what is late to the later payments: on to its review, because payments grow (PY-05)."""
    view, agreed = own_agreement(account_id)
    found = cure_of(view, agreed)
    if found is None or not found.later:
        return plan_page(view, agreed, note=explain(CureNotPossible())), 409
    return to_review(view, Wish(Change.SPREAD, due_on=found.late[-1].due_on))


def _day(typed: str) -> date:
    try:
        return date.fromisoformat(typed)
    except ValueError as error:
        raise CureNotPossible from error
