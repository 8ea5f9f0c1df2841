"""Give a payment back, in full or in part."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from wtforms import HiddenField, StringField

from portal.blueprints.consoles import Task, perform
from portal.blueprints.fields import MoneyField
from portal.blueprints.support import bp
from portal.blueprints.support.accounts import back_to
from portal.blueprints.support.meanwhile import SeenForm, unless_stale
from portal.domain import N_
from portal.domain.access import Permission
from portal.domain.money import Cents
from portal.models import Payment
from portal.security import audience, current_staff
from portal.services import forgiveness
from portal.services.dossier import find_account
from portal.services.giving_back import give_back, refundable, require_left
from portal.web import gettext as _
from portal.web import now, session


class RefundForm(SeenForm):
    """How much goes back, and why."""

    amount = MoneyField(N_("Amount"))
    reason = StringField(N_("Reason"), description=N_("It is kept on the record."))
    left = HiddenField()

    def shown(self, most: Cents) -> Cents:
        """What the page that was sent said is left; the next one says what is left now."""
        said = self.left.data or ""
        self.left.data = str(most)
        return Cents(int(said)) if said.isascii() and said.isdigit() else Cents(0)


@bp.route("/payments/<uuid:payment_id>/refund", methods=["GET", "POST"])
@audience(Permission.GIVE_BACK)
def refund(payment_id: UUID) -> Any:
    """Ask for money to go back to the card or account that paid."""
    mine = Payment.client_id.in_(session.info["client_ids"])
    payment = session.scalars(select(Payment).where(mine, Payment.id == payment_id)).one()
    account, most = find_account(session, payment.account_id), refundable(session, payment)
    form = RefundForm(amount=most)
    form.amount.currency = payment.currency
    shown = form.shown(most)

    def do() -> None:
        reason, staff = form.reason.data or "", current_staff()
        require_left(session, payment, shown)
        give_back(session, payment, form.amount.data, reason=reason, staff=staff, now=now())

    task = Task(
        title=_("Give back payment %(reference)s", reference=payment.reference),
        button=_("Give back"),
        back=back_to(account),
        notes=_notes(payment, most),
    )
    act = unless_stale(form, account, do)
    return perform(form, act, task=task, done=_("The refund is on its way."), to=back_to(account))


def _notes(payment: Payment, most: Cents) -> list[str]:
    """What giving money back does, before somebody does it."""
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
