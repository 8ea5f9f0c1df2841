"""Record money that came by check, cash or transfer, and take it back where it did not come."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from wtforms import RadioField, StringField
from wtforms.validators import DataRequired

from portal.blueprints.consoles import options
from portal.blueprints.fields import DateBoxes, MoneyField
from portal.blueprints.opening import open_account
from portal.blueprints.support import bp
from portal.blueprints.support.moving import Move, MovingForm, show_and_move
from portal.domain import N_
from portal.domain.access import Permission
from portal.domain.counter import KINDS, WHYS, CounterKind, Why
from portal.models import Account, Payment
from portal.security import audience, danger
from portal.services import counter_payments, second_person
from portal.services.counter_payments import Received
from portal.services.second_person import Act
from portal.web import gettext as _
from portal.web import session


class ReceivedForm(MovingForm):
    """What came in."""

    came_as = RadioField(
        N_("What came"), [DataRequired(N_("Choose what came."))], choices=options(KINDS)
    )
    amount = MoneyField(N_("Amount"))
    received = DateBoxes(N_("Received on"))
    number = StringField(
        N_("Number"),
        description=N_("Of the check, money order, slip or transfer. The debtor reads it."),
    )
    note = StringField(N_("Note"), description=N_("It is kept on the record."))


class ReturnForm(MovingForm):
    """Why a payment does not count any more."""

    why = RadioField(
        N_("What happened"), [DataRequired(N_("Choose what happened."))], choices=options(WHYS)
    )
    reason = StringField(N_("Reason"), description=N_("It is kept on the record."))


@bp.route("/accounts/<uuid:account_id>/record-payment", methods=["GET", "POST"])
@audience(Permission.RECORD_MONEY)
@danger
def record_payment(account_id: UUID) -> Any:
    """Record money that arrived outside of Stripe."""
    account, form = open_account(account_id), ReceivedForm()
    form.amount.currency = account.currency
    most = counter_payments.most_cents(session, account)
    move = Move(
        account=account,
        act=lambda: _recorded(account, form),
        title=_("Record a payment"),
        button=_("Record the payment"),
        done=_("The payment counts, and a receipt is on its way."),
        notes=[
            _("For money that is here: a check, a money order, cash or a bank transfer."),
            _("At most %(most)s can be recorded.", most=(most, account.currency)),
        ],
    )
    return show_and_move(form, move)


def _recorded(account: Account, form: ReceivedForm) -> Act:
    kind = CounterKind(form.came_as.data)
    received = Received(
        kind=kind,
        amount_cents=form.amount.data,
        received_on=form.received.data,
        number=counter_payments.kept_number(form.number.data, kind),
    )
    return second_person.recording(account, received, form.note.data or "")


@bp.route("/payments/<uuid:payment_id>/returned", methods=["GET", "POST"])
@audience(Permission.RECORD_MONEY)
@danger
def returned(payment_id: UUID) -> Any:
    """Take a recorded payment out again: its check came back, or it was a mistake."""
    mine = Payment.client_id.in_(session.info["client_ids"])
    payment = session.scalars(select(Payment).where(mine, Payment.id == payment_id)).one()
    form = ReturnForm()

    def act() -> Act:
        return second_person.returning(payment, Why(form.why.data), form.reason.data or "")

    move = Move(
        account=open_account(payment.account_id),
        act=act,
        title=_("Take back payment %(reference)s", reference=payment.reference),
        button=_("Take it back"),
        done=_("The payment does not count any more. The debtor is told."),
        notes=[_("All of it is owed again. A mistake of another day needs a second person.")],
    )
    return show_and_move(form, move)
