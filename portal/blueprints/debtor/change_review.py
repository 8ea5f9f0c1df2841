"""The review of a change: the plan now and after it, then one button that says what it does."""

from datetime import date
from uuid import UUID

from flask import request
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from wtforms import BooleanField

from portal.blueprints.debtor import bp, change_documents, french
from portal.blueprints.debtor.agreement_words import named
from portal.blueprints.debtor.arrangement import me, own_agreement, plan_page, row_of
from portal.blueprints.debtor.change_documents import Changing
from portal.blueprints.debtor.common import runtime, show
from portal.blueprints.debtor.documents import card_text
from portal.blueprints.debtor.paying import (
    Refused,
    go_to_checkout,
    may_leave_for_checkout,
    to_payment,
)
from portal.blueprints.debtor.review import ALLOWED
from portal.blueprints.debtor.shown import Shown, read_shown, sign_shown
from portal.blueprints.errors import status_of
from portal.db import commit
from portal.domain import N_, DomainError
from portal.domain.amendments import Change
from portal.domain.holds import Capability
from portal.domain.money import Cents, Money
from portal.domain.schedules import Frequency
from portal.domain.statuses import PaymentStatus
from portal.i18n import translate
from portal.models import Amendment, PaymentPurpose
from portal.security import audience, current_visit, load_choice, sign_choice
from portal.services import payments
from portal.services.agreements import AgreementPage
from portal.services.amending import (
    EFFECTS,
    PaymentMoving,
    PlanChanged,
    Wish,
    agree_to_extra,
    amend,
    change_for,
)
from portal.services.amendment_record import Reviewed
from portal.services.balance import Balance
from portal.services.payments import PaymentOnItsWay
from portal.services.running_pages import running_page
from portal.web import Form, explain, locale, now, see_other, session, url_for
from portal.web import gettext as _

WISH, SHOWN = "wish", "shown_change"
BUTTONS = {
    Change.MOVED: N_("Move my payment to %(day)s"),
    Change.SKIPPED: N_("Skip my payment of %(day)s"),
    Change.PAUSED: N_("Let my plan rest once"),
    Change.REPLANNED: N_("Change my plan to this"),
    Change.SHORTENED: N_("Pay %(amount)s now"),
    Change.LOWERED: N_("Pay %(amount)s now"),
    Change.SPREAD: N_("Add it to my later payments"),
}
TITLES = {
    Change.MOVED: N_("Check the new date"),
    Change.SKIPPED: N_("Skip your payment of %(day)s?"),
    Change.PAUSED: N_("Let your plan rest once, on %(day)s?"),
    Change.REPLANNED: N_("Check your new plan"),
    Change.SHORTENED: N_("Check before you pay extra"),
    Change.LOWERED: N_("Check before you pay extra"),
    Change.SPREAD: N_("Add what is missing to your later payments?"),
}


class ChangeForm(Form):
    """The one tick, for a permission that changes."""

    permission = BooleanField()


def sign_wish(wish: Wish) -> str:
    """A wish as it goes into an address."""
    said = {
        "k": str(wish.change),
        "d": wish.due_on.isoformat() if wish.due_on else None,
        "t": wish.to.isoformat() if wish.to else None,
        "f": str(wish.frequency) if wish.frequency else None,
        "a": wish.amount_cents,
    }
    return sign_choice({name: one for name, one in said.items() if one is not None}, purpose=WISH)


def _wish(signed: str) -> Wish:
    """The wish of an address. Raises ChoiceUnreadable."""
    said = load_choice(signed, purpose=WISH)
    return Wish(
        Change(said["k"]),
        due_on=date.fromisoformat(said["d"]) if "d" in said else None,
        to=date.fromisoformat(said["t"]) if "t" in said else None,
        frequency=Frequency(said["f"]) if "f" in said else None,
        amount_cents=Cents(said["a"]) if "a" in said else None,
    )


def to_review(view: Balance, wish: Wish) -> ResponseReturnValue:
    """On to the review of a wish."""
    return see_other(url_for(".change", account_id=view.account.id, c=sign_wish(wish)))


@bp.get("/account/<uuid:account_id>/change")
@audience("debtor")
def change(account_id: UUID) -> ResponseReturnValue:
    """What a change would make of the plan; nothing is changed by looking at it."""
    view, agreed = own_agreement(account_id)
    try:
        return _review(view, agreed, request.args.get("c", ""))
    except DomainError as error:
        return plan_page(view, agreed, note=explain(error)), status_of(error)


def _review(view: Balance, agreed: AgreementPage, c: str) -> str:
    it = changing(view, agreed, _wish(c))
    hashes = (it.change.sha256, row_of(agreed).terms_sha256.hex())
    way = french.first(view, "debtor.wish_change_in", *hashes)
    tick = tick_label(it, locale())
    made = change_documents.documents(it, locale(), tick)
    pays = it.change.change in EFFECTS
    if pays:
        may_leave_for_checkout()
    return show(
        "debtor/change.html",
        view,
        form=ChangeForm(),
        c=c,
        title=_(named(TITLES[it.change.change], agreed.terms.kind), day=it.day),
        summary=Markup(made[0].body.decode()),  # noqa: S704
        texts=change_documents.texts(it, locale()),
        tick=tick if it.permission_changes else None,
        card=card_text(view, locale()) if pays else None,
        button=button_label(it, locale()),
        shown=sign_shown(it.change.sha256, made, purpose=SHOWN),
        other_language=way,
    )


@bp.post("/account/<uuid:account_id>/change/language")
@audience("debtor")
def wish_change_in(account_id: UUID) -> ResponseReturnValue:
    """Have the change in another language, now that its French version was shown (CA-04)."""
    view, agreed = own_agreement(account_id)
    c, asked = request.form.get("c", ""), request.form.get("language", "")
    try:
        shown = read_shown(request.form.get("shown", ""), purpose=SHOWN, stale=PlanChanged)
        it = changing(view, agreed, _wish(c))
        tick = tick_label(it, shown.locale)
        french.keep_wish(
            *(view, shown, asked),
            again=lambda: change_documents.documents(it, shown.locale, tick),
            stale=PlanChanged(),
            build=runtime().settings.build,
        )
    except DomainError as error:
        return plan_page(view, agreed, note=explain(error)), status_of(error)
    commit(session, "french.wish")
    return see_other(url_for(".change", account_id=account_id, c=c, lang=asked))


def refuse_moving(view: Balance, agreed: AgreementPage) -> None:
    """Go on only where no payment is on its way. Raises PaymentMoving."""
    for paid in agreed.payments:
        if paid.status is not PaymentStatus.SUCCEEDED:
            raise PaymentMoving(amount=Money(paid.amount_cents, view.account.currency))


def changing(view: Balance, agreed: AgreementPage, wish: Wish) -> Changing:
    """A wish with what it makes of the plan as the page has it. Raises what ``amend`` raises."""
    plan = running_page(view, agreed)
    if plan is None:
        raise PlanChanged
    view.offers.capabilities.require(Capability.ACCEPT)
    refuse_moving(view, agreed)
    return Changing(view, agreed, plan, change_for(plan, view.offers.facts, wish))


@bp.post("/account/<uuid:account_id>/change")
@audience("debtor")
def make_change(account_id: UUID) -> ResponseReturnValue:
    """Change the plan as the review showed it; an extra payment goes on to its page first."""
    view, agreed = own_agreement(account_id)
    try:
        signed, wish = request.form.get("shown", ""), _wish(request.form.get("c", ""))
        shown = read_shown(signed, purpose=SHOWN, stale=PlanChanged)
        if not _made_before(shown):
            payments.release_checkout(session, runtime().stripe, account_id, now=now())
            _make(view, agreed, wish, shown)
    except PaymentOnItsWay as error:
        return to_payment(error, Refused.CHANGE)
    except DomainError as error:
        session.rollback()
        return plan_page(*own_agreement(account_id), note=explain(error)), 409
    commit(session, "amending.amend")
    if wish.change in EFFECTS:
        return _to_checkout(account_id, agreed, wish)
    return see_other(url_for(".arrangement", account_id=account_id, done=str(wish.change)))


def _made_before(shown: Shown) -> bool:
    key = (current_visit().client_id, shown.id)
    return session.get(Amendment, key) is not None


def _make(view: Balance, agreed: AgreementPage, wish: Wish, shown: Shown) -> None:
    reviewed = _reviewed(view, agreed, wish, shown)
    act = agree_to_extra if wish.change in EFFECTS else amend
    act(session, row_of(agreed), wish, reviewed=reviewed, actor=me(), now=now())


def _to_checkout(account_id: UUID, agreed: AgreementPage, wish: Wish) -> ResponseReturnValue:
    return go_to_checkout(
        account_id=account_id,
        purpose=PaymentPurpose.INSTALLMENT,
        amount_cents=wish.amount_cents,
        arrangement_id=agreed.id,
        effect=EFFECTS[wish.change],
    )


def _reviewed(view: Balance, agreed: AgreementPage, wish: Wish, shown: Shown) -> Reviewed:
    """The page as it would be made now, which must be the one that was shown."""
    it = changing(view, agreed, wish)
    tick = tick_label(it, shown.locale)
    made = change_documents.documents(it, shown.locale, tick)
    if tuple(one.sha256 for one in made) != shown.hashes:
        raise PlanChanged
    ticked = bool(ChangeForm().permission.data) and it.permission_changes
    return Reviewed(
        amendment_id=shown.id,
        change_sha256=shown.sha256,
        documents=made,
        shown_at=shown.at,
        visit_id=current_visit().session_id,
        control_label=button_label(it, shown.locale),
        build=runtime().settings.build,
        ticked=tick if ticked else None,
    )


def button_label(it: Changing, locale: str) -> str:
    """The words of the button: the act."""
    amount = (it.extra_cents, it.agreed.terms.currency)
    words = named(BUTTONS[it.change.change], it.agreed.terms.kind)
    return translate(locale, words, {"day": it.day, "amount": amount})


def tick_label(it: Changing, locale: str) -> str:
    """The words beside the tick: the changed permission with its cap."""
    terms = change_documents.terms_of(it)
    values = {
        "company": it.view.client.trade_name,
        "total": (terms.total_cents, terms.currency),
    }
    return translate(locale, ALLOWED, values)
