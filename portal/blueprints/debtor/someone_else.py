"""Someone else will pay: what they may pay, what they will see, and the link to share (PR-05)."""

from typing import Any
from urllib.parse import quote
from uuid import UUID

from flask.typing import ResponseReturnValue

from portal.blueprints.debtor import bp
from portal.blueprints.debtor.balance import balance_page
from portal.blueprints.debtor.common import any_account, open_account, runtime, show
from portal.blueprints.debtor.documents import card_text
from portal.blueprints.debtor.paying import Refused, to_payment
from portal.blueprints.debtor.words import money
from portal.blueprints.fields import OTHER, MoneyField, Pick
from portal.db import commit
from portal.domain import N_, DomainError
from portal.domain.money import Cents
from portal.security import audience, keys
from portal.services import payer_links, payments
from portal.services.balance import Balance
from portal.services.payer_links import Askable, PayerState, PayerView
from portal.services.payments import PaymentOnItsWay
from portal.web import Form, explain, locale, now, see_other, session, url_for
from portal.web import gettext as _

NEXT, ALL = "next", "all"
OPEN = (PayerState.LIVE, PayerState.MOVING, PayerState.CLOSED)


class SomeoneElseForm(Form):
    """What somebody else may pay; nothing is chosen."""

    what = Pick(N_("How much may they pay?"))
    own = MoneyField(N_("Your amount"), optional=True)

    def cents(self, open_now: Askable) -> Cents | None:
        """The amount that was chosen, or typed; None while it is not clear which."""
        ready = {NEXT: open_now.next_cents, ALL: open_now.all_cents}
        chosen = ready.get(self.what.data or "")
        typed: Cents | None = self.own.data
        if chosen is None and typed is None and not self.own.errors:
            self.what.errors = [_("Choose an amount, or enter your own.")]
        elif chosen is not None and typed not in (None, chosen):
            self.what.errors = [_("You chose one amount and typed another. Which one?")]
            return None
        return typed if chosen is None else chosen


@bp.route("/account/<uuid:account_id>/someone-else", methods=["GET", "POST"])
@audience("debtor")
def someone_else(account_id: UUID) -> ResponseReturnValue:
    """Ask somebody else to pay: choose an amount, see what they see, share the link."""
    view = open_account(account_id)
    links = payer_links.links_of(session, view.account, now=now())
    if links and links[0].state in OPEN:
        return _shared(view, links)
    if not view.offers.capabilities.pay.allowed:
        if links:
            return show("debtor/someone_else.html", view, form=None, links=links)
        return balance_page(view, note=_("You cannot choose this now.")), 409
    open_now = payer_links.askable(session, view.account)
    form = SomeoneElseForm()
    form.what.offer(_choices(view, open_now))
    if form.validate_on_submit() and (cents := form.cents(open_now)) and not form.errors:
        try:
            return _issued(view, cents, next_only=form.what.data == NEXT)
        except DomainError as error:
            form.form_errors.append(explain(error))
    given = {"form": form, "links": links, "card": card_text(view, locale())}
    return show("debtor/someone_else.html", view, **given), 422 if form.errors else 200


def _issued(view: Balance, cents: Cents, *, next_only: bool) -> ResponseReturnValue:
    """Make the link. A page that the debtor left open would keep the other person waiting."""
    account_id = view.account.id
    try:
        payments.release_checkout(session, runtime().stripe, account_id, now=now())
    except PaymentOnItsWay as found:
        return to_payment(found, Refused.CHANGE)
    payer_links.issue(session, view.account, cents, next_only=next_only, now=now())
    commit(session, "payer_links.issue")
    return see_other(url_for(".someone_else", account_id=account_id))


@bp.post("/account/<uuid:account_id>/someone-else/withdraw")
@audience("debtor")
def withdraw_payer(account_id: UUID) -> ResponseReturnValue:
    """Take the link back; it works where nothing may be paid, too."""
    view = any_account(account_id)
    payer_links.revoke(session, view.account, now=now())
    commit(session, "payer_links.revoke")
    return see_other(url_for(".someone_else", account_id=account_id))


def _choices(view: Balance, open_now: Askable) -> list[tuple[str, str]]:
    currency = view.account.currency
    everything = money(open_now.all_cents, currency)
    found = [
        (ALL, _("All that is left: %(amount)s", amount=everything)),
        (OTHER, _("A different amount")),
    ]
    if open_now.next_part is not None and open_now.next_cents < open_now.all_cents:
        amount = money(open_now.next_cents, currency)
        found.insert(0, (NEXT, _("The next payment: %(amount)s", amount=amount)))
    return found


def _shared(view: Balance, links: Any) -> ResponseReturnValue:
    asked: PayerView = links[0]
    url = payer_links.url_of(keys(), asked.link)
    words = _("Could you pay this for me? Here is the amount: %(url)s", url=url)
    subject = _("Could you pay this for me?")
    return show(
        "debtor/payer_link.html",
        view,
        asked=asked,
        url=url,
        text=f"sms:?&body={quote(words)}",
        mail=f"mailto:?subject={quote(subject)}&body={quote(words)}",
        links=links[1:],
    )
