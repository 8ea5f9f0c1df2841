"""Somebody else will pay: the debtor asks for an amount and passes on a link that shows no debt."""

from urllib.parse import quote
from uuid import UUID

from flask.typing import ResponseReturnValue

from portal.blueprints.debtor import bp
from portal.blueprints.debtor.balance import balance_page
from portal.blueprints.debtor.common import open_account, runtime, show
from portal.blueprints.debtor.wishes import OTHER, Pick
from portal.blueprints.debtor.words import money
from portal.blueprints.fields import MoneyField
from portal.db import commit
from portal.domain import N_, DomainError
from portal.domain.money import Cents
from portal.domain.offers import part_payment
from portal.models import PayerLink, PaymentPurpose
from portal.security import audience, current_visit, keys
from portal.services import evidence, payments
from portal.services.balance import Balance
from portal.services.ledger import lock_account
from portal.services.payable import Asked
from portal.services.payer_links import (
    PayerLinkState,
    askable,
    close_payer_links,
    issue_payer_link,
    open_payer_link,
    payer_link_state,
    payer_url,
)
from portal.services.payments import PaymentOnItsWay
from portal.web import Form, explain, now, see_other, session, url_for
from portal.web import gettext as _

ALL = "all"


class HowMuchForm(Form):
    """How much somebody else is asked for, where no agreement says it."""

    amount = Pick(N_("How much may they pay?"))
    own = MoneyField(N_("A different amount"), optional=True)

    def cents(self, view: Balance) -> Cents | None:
        """The amount, if it is clear; else the form says what is missing. Raises DomainError."""
        if self.amount.data == ALL and self.own.data is None:
            return view.account.balance_cents
        if self.own.data is None:
            self.amount.errors = [_("Choose an amount, or enter your own.")]
            return None
        return part_payment(self.own.data, view.offers.facts)


@bp.route("/account/<uuid:account_id>/someone-else", methods=["GET", "POST"])
@audience("debtor")
def someone_else(account_id: UUID) -> ResponseReturnValue:
    """What may be asked of somebody else, all that they will see, and the link once it is made."""
    view = open_account(account_id)
    if not view.offers.capabilities.pay.allowed:
        return balance_page(view, note=_("You cannot choose this now.")), 409
    link = open_payer_link(session, view.account)
    if link is not None and payer_link_state(session, link, now=now()) in SHOWN:
        return _link_page(view, link)
    try:
        part = askable(session, view.account)
    except DomainError as error:
        return balance_page(view, note=explain(error)), 409
    form = _form(view)
    try:
        if form.validate_on_submit() and (asked := part or _asked(view, form)):
            return _issued(view, asked)
    except DomainError as error:
        session.rollback()
        form.form_errors.append(explain(error))
    page = show("debtor/someone_else.html", view, form=form, part=part, link=None)
    return page, 422 if form.errors else 200


def _form(view: Balance) -> HowMuchForm:
    form = HowMuchForm()
    everything = money(view.account.balance_cents, view.account.currency)
    form.amount.offer(
        [(ALL, _("All of it: %(amount)s", amount=everything)), (OTHER, _("A different amount"))]
    )
    return form


SHOWN = (PayerLinkState.LIVE, PayerLinkState.PROCESSING)


def _asked(view: Balance, form: HowMuchForm) -> Asked | None:
    amount = form.cents(view)
    if amount is None:
        return None
    return Asked(account_id=view.account.id, purpose=PaymentPurpose.ONE_OFF, amount_cents=amount)


def _issued(view: Balance, asked: Asked) -> ResponseReturnValue:
    """Make the link; the debtor's own open page is closed first, so that theirs can be opened."""
    visit = current_visit()
    try:
        payments.release_checkout(session, runtime().stripe, asked.account_id, now=now())
    except PaymentOnItsWay as found:
        return see_other(url_for(".payment", payment_id=found.payment_id))
    issue_payer_link(
        session, asked, locale=visit.locale, actor=evidence.debtor(visit.debtor_id), now=now()
    )
    commit(session, "payer_links.issue")
    return see_other(url_for(".someone_else", account_id=view.account.id))


def _link_page(view: Balance, link: PayerLink) -> ResponseReturnValue:
    url = payer_url(keys(), link)
    words = _(
        "Could you pay %(amount)s for me? You can do it here: %(url)s",
        amount=(link.amount_cents, link.currency),
        url=url,
    )
    body = quote(words, safe="")
    subject = quote(_("Could you pay this for me?"), safe="")
    return show(
        "debtor/someone_else.html",
        view,
        link=link,
        url=url,
        text_to=f"sms:?&body={body}",
        mail_to=f"mailto:?subject={subject}&body={body}",
        paying=payer_link_state(session, link, now=now()) is PayerLinkState.PROCESSING,
    )


@bp.post("/account/<uuid:account_id>/someone-else/close")
@audience("debtor")
def ask_nobody_else(account_id: UUID) -> ResponseReturnValue:
    """Take the link back: from now on it opens nothing."""
    view = open_account(account_id)
    account = lock_account(session, view.account.id)
    actor = evidence.debtor(current_visit().debtor_id)
    close_payer_links(session, account, reason="taken_back", actor=actor, now=now())
    commit(session, "payer_links.close")
    return see_other(url_for(".account", account_id=account_id))
