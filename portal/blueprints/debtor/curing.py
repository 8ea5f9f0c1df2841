"""A payment failed or is missing: another day, or a little more each time, by one tap."""

from datetime import date
from uuid import UUID

from flask import request
from flask.typing import ResponseReturnValue

from portal.blueprints.debtor import bp
from portal.blueprints.debtor.arrangement import own_agreement, plan_page
from portal.blueprints.debtor.common import runtime
from portal.db import commit
from portal.domain import DomainError
from portal.domain.curing import CureNotPossible
from portal.models import Arrangement
from portal.security import audience, current_visit
from portal.services import curing, evidence, payments
from portal.services.payments import PaymentOnItsWay
from portal.web import explain, now, see_other, session, url_for

SPREAD = "spread"


@bp.post("/account/<uuid:account_id>/cure")
@audience("debtor")
def cure(account_id: UUID) -> ResponseReturnValue:
    """Keep the plan: what is late goes to a day that was offered, or to the later payments."""
    view, agreed = own_agreement(account_id)
    try:
        payments.release_checkout(session, runtime().stripe, account_id, now=now())
        _choose(agreed.id, request.form.get("to", ""))
    except PaymentOnItsWay as error:
        return see_other(url_for(".payment", payment_id=error.payment_id))
    except DomainError as error:
        session.rollback()
        return plan_page(view, agreed, note=explain(error)), 409
    commit(session, "curing.cure")
    return see_other(url_for(".arrangement", account_id=account_id, done="cured"))


def _choose(arrangement_id: UUID, to: str) -> None:
    agreed = session.get_one(Arrangement, (current_visit().client_id, arrangement_id))
    me = evidence.debtor(current_visit().debtor_id)
    if to == SPREAD:
        curing.spread_late(session, agreed, actor=me, now=now())
    else:
        curing.move_late(session, agreed, _day(to), actor=me, now=now())


def _day(typed: str) -> date:
    try:
        return date.fromisoformat(typed)
    except ValueError as error:
        raise CureNotPossible from error
