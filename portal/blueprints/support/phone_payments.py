"""A payment while the debtor is on the line: send the page to pay on, and see how far they are."""

from typing import Any
from uuid import UUID

from flask import flash
from sqlalchemy import select
from wtforms import RadioField
from wtforms.validators import InputRequired

from portal import i18n
from portal.blueprints.consoles import attempt, options, page
from portal.blueprints.fields import MoneyField
from portal.blueprints.opening import open_account
from portal.blueprints.support import bp
from portal.blueprints.support.accounts import back_to
from portal.blueprints.support.meanwhile import SeenForm
from portal.blueprints.support.repeated import sent_before
from portal.blueprints.support.resuming import ask_who
from portal.blueprints.support.sending import name_of, texter
from portal.domain import N_
from portal.domain.access import Permission
from portal.domain.money import Cents
from portal.domain.outgoing import Action
from portal.models import Account, Debtor, PayerLink
from portal.security import audience, current_staff
from portal.services import call_sessions, payer_links, phone_payments
from portal.services.evidence import Payload
from portal.services.payer_links import Askable
from portal.services.phone_payments import Stage, Wanted
from portal.services.ways import Way, ways
from portal.web import gettext as _
from portal.web import locale, now, see_other, session, url_for

NEXT, ALL, OTHER = "next", "all", "other"
STAGES: dict[str, str] = {
    Stage.WAITING: N_("They have not opened the payment page yet."),
    Stage.AT_CHECKOUT: N_(
        "They are at the payment page. If their bank declines, that page says so, and they can try"
        " another card there. Ask for no card number."
    ),
    Stage.MOVING: N_("The payment is on its way."),
    Stage.PAID: N_("Paid. You can tell them that it arrived."),
    Stage.DECLINED: N_(
        "It did not go through, and nothing was taken. They can open the page again and pay"
        " otherwise. Ask for no card number."
    ),
    Stage.OVER: N_("Nothing can be paid with this link any more."),
}


class PaymentForm(SeenForm):
    """How much, and where the page goes."""

    what = RadioField(N_("How much do they want to pay?"), [InputRequired(N_("Choose one."))])
    own = MoneyField(N_("Another amount"), optional=True)
    way = RadioField(N_("Which way?"), [InputRequired(N_("Choose one."))])

    def wanted(self, open_now: Askable) -> Wanted:
        """It as the service takes it."""
        if self.what.data == NEXT:
            return Wanted(open_now.next_cents, next_only=True)
        whole = self.what.data == ALL
        return Wanted(open_now.all_cents if whole else Cents(self.own.data or 0))


@bp.route("/accounts/<uuid:account_id>/payment-link", methods=["GET", "POST"])
@audience(Permission.CONTACT)
def payment_link(account_id: UUID) -> Any:
    """Send the page to pay on to the debtor on the line; nobody types a card here (PC-01)."""
    account = open_account(account_id)
    if not call_sessions.verified(session, current_staff(), account, now()):
        return ask_who(account)
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    open_now, open_ways = payer_links.askable(session, account), _ways(debtor)
    form = (PaymentForm() if open_ways else PaymentForm(None)).of(account)
    form.what.choices = options(_amounts(account, open_now))
    form.way.choices = options({way.key: name_of(way) for way in open_ways})
    made = list[UUID]()

    def do() -> None:
        way = next(one for one in open_ways if one.key == form.way.data)
        made.append(_send(form, account, way, form.wanted(open_now)))

    if form.validate_on_submit() and attempt(form, do):
        flash(_("The page is on its way to them."), "ok")
        return see_other(url_for("support.phone_payment", payer_link_id=made[0]))
    about = {"account": account, "open_ways": open_ways}
    answer = page("support/payment_link.html", form=form, **about)
    return (answer, 422) if form.errors else answer


def _send(form: PaymentForm, account: Account, way: Way, wanted: Wanted) -> UUID:
    """The link that was sent, also where this form has sent it before."""

    def is_same(told: Payload) -> bool:
        to = phone_payments.sent_to(session, account, UUID(told["payer_link"]))
        return told["amount_cents"] == wanted.amount_cents and way.contact == to

    if sent := sent_before(form, account, "payer_link.issued", is_same):
        return UUID(sent["payer_link"])
    staff, at = current_staff(), now()
    return phone_payments.send_payment_link(session, account, way, wanted, staff=staff, now=at).id


def _ways(debtor: Debtor) -> list[Way]:
    """The addresses to which something that was asked for may go now."""
    found = ways(session, debtor, texter=texter(), now=now())
    return [way for way in found if way.contact and way.asked.action is not Action.DROP]


def _amounts(account: Account, open_now: Askable) -> dict[str, str]:
    def money(cents: Cents) -> str:
        return i18n.voice(locale()).money(cents, account.currency)

    due = {NEXT: _("The next payment: %(amount)s", amount=money(open_now.next_cents))}
    return {
        **(due if open_now.next_part else {}),
        ALL: _("All that is left: %(amount)s", amount=money(open_now.all_cents)),
        OTHER: _("Another amount"),
    }


@bp.get("/phone-payments/<uuid:payer_link_id>")
@audience(Permission.CONTACT)
def phone_payment(payer_link_id: UUID) -> Any:
    """How far a payment on the phone is; a page with a script asks again by itself."""
    mine = PayerLink.client_id.in_(session.info["client_ids"])
    link = session.scalars(select(PayerLink).where(mine, PayerLink.id == payer_link_id)).one()
    open_account(link.account_id)
    view = payer_links.view_of(session, link, now=now())
    stage, _newest = phone_payments.stage_of(session, view)
    return page(
        "support/phone_payment.html",
        back=back_to(view.account),
        link=link,
        stage=stage,
        stages=STAGES,
    )
