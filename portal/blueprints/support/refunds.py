"""Give a payment back, in full or in part."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from wtforms import StringField

from portal.blueprints.fields import MoneyField
from portal.blueprints.opening import open_account
from portal.blueprints.support import bp
from portal.blueprints.support.moving import Move, MovingForm, show_and_move
from portal.domain import N_
from portal.domain.access import Permission
from portal.domain.money import Cents
from portal.models import Payment
from portal.security import audience, danger
from portal.services import forgiveness, second_person
from portal.services.giving_back import NotThroughStripe, refundable
from portal.services.second_person import Act
from portal.web import explain, session
from portal.web import gettext as _


class RefundForm(MovingForm):
    """How much goes back, and why."""

    amount = MoneyField(N_("Amount"))
    reason = StringField(N_("Reason"), description=N_("It is kept on the record."))


@bp.route("/payments/<uuid:payment_id>/refund", methods=["GET", "POST"])
@audience(Permission.GIVE_BACK)
@danger
def refund(payment_id: UUID) -> Any:
    """Ask for money to go back to the card or account that paid."""
    mine = Payment.client_id.in_(session.info["client_ids"])
    payment = session.scalars(select(Payment).where(mine, Payment.id == payment_id)).one()
    most = refundable(session, payment)
    form = RefundForm(amount=most)
    form.amount.currency = payment.currency

    def act() -> Act:
        return second_person.refunding(payment, form.amount.data, form.reason.data or "")

    move = Move(
        account=open_account(payment.account_id),
        act=act,
        title=_("Give back payment %(reference)s", reference=payment.reference),
        button=_("Give back"),
        done=_("The refund is on its way."),
        notes=_notes(payment, most),
    )
    return show_and_move(form, move)


def _notes(payment: Payment, most: Cents) -> list[str]:
    """What giving money back does, before somebody does it."""
    if payment.counter_kind is not None:
        return [explain(NotThroughStripe())]
    notes = [
        _("At most %(most)s can go back.", most=(most, payment.currency)),
        _("It goes to the card or bank account that paid. What is owed rises again."),
    ]
    if forgiven := forgiveness.at_stake(session, payment):
        ended = _(
            "This payment belongs to a settlement. Giving any of it back ends the settlement:"
            " the %(forgiven)s that it forgave is owed again. Only money that was paid beyond"
            " what is owed can go back without that.",
            forgiven=(forgiven, payment.currency),
        )
        notes.append(ended)
    return notes
