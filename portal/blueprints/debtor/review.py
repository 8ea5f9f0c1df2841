"""Review and agree: every date and amount first, then one button that says what it does."""

from dataclasses import replace
from uuid import UUID

from flask import request
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from wtforms import BooleanField

from portal.blueprints.debtor import bp, documents, french
from portal.blueprints.debtor.balance import balance_page
from portal.blueprints.debtor.common import open_account, picked, runtime, show
from portal.blueprints.debtor.paying import go_to_checkout, may_leave_for_checkout
from portal.blueprints.debtor.shown import read_shown, sign_shown
from portal.blueprints.errors import status_of
from portal.db import commit
from portal.domain import N_, DomainError
from portal.domain import terms as wording
from portal.domain.deadlines import undo_until
from portal.domain.money import Cents
from portal.domain.statuses import InstallmentStatus
from portal.domain.terms import Kind, Method
from portal.i18n import translate
from portal.models import Arrangement, PaymentPurpose
from portal.security import audience, browser, current_visit
from portal.services.acceptance import (
    ArrangementExists,
    PermissionMissing,
    TermsChanged,
    accept,
)
from portal.services.arrangements import installments_of
from portal.services.balance import Balance
from portal.services.choices import Draft, draft
from portal.services.references import fresh_reference
from portal.services.reviews import Reviewed
from portal.services.visits import Visit
from portal.web import Form, explain, locale, now, see_other, session, url_for
from portal.web import gettext as _

PURPOSE = "shown"
PAYABLE = (InstallmentStatus.SCHEDULED, InstallmentStatus.FAILED)
ALLOWED = N_(
    "I allow %(company)s to take these payments, never more than %(total)s in all. "
    "I can stop them at any time."
)


class ReviewForm(Form):
    """The one tick, for payments that we take later."""

    permission = BooleanField()


def _visit_here(locale: str) -> Visit:
    """The visit, with where this very request comes from: a phone moves between networks.

    Its language is that of the page that was agreed to.
    """
    here = browser()
    language, _, _ = locale.partition("_")
    return replace(current_visit(), ip=here.ip, user_agent=here.user_agent, locale=language)


@bp.get("/account/<uuid:account_id>/review")
@audience("debtor")
def review(account_id: UUID) -> ResponseReturnValue:
    """What would be agreed, to the cent and the day; nothing is agreed by looking at it."""
    view = open_account(account_id)
    if view.live is not None:
        return see_other(url_for(".arrangement", account_id=account_id, done="before"))
    if view.paused:
        return balance_page(view), 503
    try:
        return review_page(view, request.args.get("c", ""), ReviewForm())
    except DomainError as error:
        return balance_page(view, note=explain(error)), status_of(error)


def review_page(view: Balance, c: str, form: ReviewForm) -> str:
    """The review of a signed choice. Raises what ``choices.draft`` raises, ChoiceUnreadable."""
    chosen = picked(c)
    drafted = draft(session, view.account, chosen, now=now(), sheet=view.offers)
    terms_sha256 = wording.sha256(drafted.terms)
    way = french.first(view, "debtor.wish_agreement_in", terms_sha256)
    tick = tick_label(view, drafted, locale())
    shown = documents.shown_documents(view, drafted, c, locale=locale(), tick=tick)
    may_leave_for_checkout()
    return show(
        "debtor/review.html",
        view,
        form=form,
        c=c,
        drafted=drafted,
        title=_title(drafted),
        summary=Markup(documents.fragment(view, drafted, c, locale=locale())),  # noqa: S704
        texts=documents.texts(view, drafted, locale()),
        tick=tick if drafted.automatic else None,
        button=button_label(drafted, locale()),
        undo_until=undo_until(now(), drafted.published.policy.keeping.undo_hours),
        shown=sign_shown(terms_sha256, shown, purpose=PURPOSE),
        other_language=way,
    )


@bp.post("/account/<uuid:account_id>/review/language")
@audience("debtor")
def wish_agreement_in(account_id: UUID) -> ResponseReturnValue:
    """Have the agreement in another language, now that its French version was shown (CA-04)."""
    view, c = open_account(account_id), request.form.get("c", "")
    asked = request.form.get("language", "")
    try:
        shown = read_shown(request.form.get("shown", ""), purpose=PURPOSE, stale=TermsChanged)
        drafted = draft(session, view.account, picked(c), now=now(), sheet=view.offers)
        tick = tick_label(view, drafted, shown.locale)
        french.keep_wish(
            *(view, shown, asked),
            again=lambda: documents.shown_documents(
                view, drafted, c, locale=shown.locale, tick=tick
            ),
            stale=TermsChanged(),
            build=runtime().settings.build,
        )
    except DomainError as error:
        return balance_page(view, note=explain(error)), status_of(error)
    commit(session, "french.wish")
    return see_other(url_for(".review", account_id=account_id, c=c, lang=asked))


@bp.post("/account/<uuid:account_id>/accept")
@audience("debtor")
def agree(account_id: UUID) -> ResponseReturnValue:
    """Agree to what the review showed, in one transaction; the money comes after it."""
    view, c = open_account(account_id), request.form.get("c", "")
    form = ReviewForm()
    try:
        agreed = _accepted(view, c, ticked=bool(form.permission.data))
    except PermissionMissing as error:
        form.permission.errors = [explain(error)]
        return review_page(view, c, form), 422
    except ArrangementExists:
        return see_other(url_for(".arrangement", account_id=account_id, done="before"))
    except DomainError as error:
        return balance_page(view, note=explain(error)), status_of(error)
    commit(session, "acceptance.accepted")
    return first_step(view, agreed)


def first_step(view: Balance, agreed: Arrangement) -> ResponseReturnValue:
    """Where an agreement leads: to what is due today, to saving a method, or to the plan."""
    first = installments_of(session, agreed)[0]
    if first.due_on <= view.today and first.status in PAYABLE:
        return go_to_checkout(
            account_id=agreed.account_id,
            purpose=PaymentPurpose.FIRST,
            amount_cents=Cents(first.amount_cents - first.paid_cents),
            arrangement_id=agreed.id,
            installment_id=first.id,
        )
    if agreed.method == Method.AUTOMATIC:
        return go_to_checkout(
            account_id=agreed.account_id,
            purpose=PaymentPurpose.METHOD,
            amount_cents=Cents(0),
            arrangement_id=agreed.id,
        )
    return see_other(url_for(".arrangement", account_id=agreed.account_id))


def _accepted(view: Balance, c: str, *, ticked: bool) -> Arrangement:
    signed = request.form.get("shown", "")
    shown, chosen = read_shown(signed, purpose=PURPOSE, stale=TermsChanged), picked(c)
    drafted = draft(session, view.account, chosen, now=now(), sheet=view.offers)
    tick = tick_label(view, drafted, shown.locale)
    reference = fresh_reference()
    reviewed = Reviewed(
        arrangement_id=shown.id,
        reference=reference,
        terms_sha256=shown.sha256,
        shown=shown.hashes,
        shown_at=shown.at,
        locale=shown.locale,
        documents=documents.shown_documents(view, drafted, c, locale=shown.locale, tick=tick),
        copy=documents.agreement(
            view, drafted, reference=reference, locale=shown.locale, now=now()
        ),
        control_label=button_label(drafted, shown.locale),
        build=runtime().settings.build,
        ticked=(tick,) if ticked and drafted.automatic else (),
    )
    visit = _visit_here(shown.locale)
    return accept(session, view.account, picked=chosen, reviewed=reviewed, visit=visit, now=now())


def button_label(drafted: Draft, locale: str) -> str:
    """The words of the button: the act, and what is taken when."""
    due, currency = drafted.due_today_cents, drafted.terms.currency
    if due:
        amount = {"amount": (due, currency)}
        return translate(locale, N_("Agree and pay %(amount)s now"), amount)
    if drafted.automatic:
        return translate(locale, N_("Agree and save my card. Nothing is taken today"))
    return translate(locale, N_("Agree to this plan. Nothing is taken today"))


def tick_label(view: Balance, drafted: Draft, locale: str) -> str:
    """The words beside the tick: the permission with its cap and its end."""
    terms = drafted.terms
    values = {
        "company": view.client.trade_name,
        "total": (terms.total_cents, terms.currency),
    }
    return translate(locale, ALLOWED, values)


def _title(drafted: Draft) -> str:
    if drafted.terms.kind is Kind.FULL:
        return _("Check before you pay")
    if len(drafted.terms.schedule) > 1:
        return _("Check your plan before you agree")
    return _("Check before you agree")
