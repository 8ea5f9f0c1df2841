"""Proposals: the wish beside the limits, and the three answers to it."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import flash, g, request
from sqlalchemy import select
from wtforms import HiddenField, SelectField, StringField

from portal import i18n
from portal.blueprints.consoles import Answer, attempt, options, page
from portal.blueprints.debtor.words import on_days
from portal.blueprints.fields import DateBoxes, MoneyField
from portal.blueprints.opening import open_account
from portal.blueprints.support import bp
from portal.blueprints.support.claiming import bar, unclaimed
from portal.blueprints.support.replies import Reply, look
from portal.blueprints.support.typed import typed_in
from portal.domain import N_, DomainError, labels, wording
from portal.domain import proposals as domain
from portal.domain.access import Permission
from portal.domain.limits import FirstPaymentTooSoon
from portal.domain.money import Cents
from portal.domain.schedules import Frequency
from portal.domain.terms import Terms
from portal.domain.terms import sha256 as terms_sha256
from portal.domain.waiting import Queue
from portal.models import Account, Client, Debtor, Proposal
from portal.security import audience, current_staff
from portal.services import proposals as services
from portal.services.dossier import find_account
from portal.services.evidence import Span, some_leaves
from portal.services.history import PAGE, types_of
from portal.services.late_proposals import (
    OPEN_FOR,
    BetterTermsThere,
    alternative,
    alternatives,
    client_day,
    refuse_worse,
)
from portal.services.offers import offers_for, read_facts
from portal.services.open_proposals import granted_until
from portal.services.policies import live_policy
from portal.services.standing import today_of
from portal.services.timeline import Event, timeline
from portal.web import Form, explain, locale, now, see_other, session, url_for
from portal.web import gettext as _

DAYS = {"7": N_("7 days"), "14": N_("14 days"), "30": N_("30 days")}

REASONS = {
    "too_low": N_("The payments are too low for us."),
    "too_long": N_("It would take too long."),
    "too_late": N_("The first payment would be too late."),
    "less_than_all": N_("We cannot close the account for that amount."),
    "other": N_("We cannot agree to that now. Please call us, so that we find a way together."),
}


class AcceptForm(Form):
    """Until when the debtor may take what they proposed."""

    days = SelectField(N_("The debtor can agree within"), choices=options(DAYS), default="14")


class CounterForm(Form):
    """Other terms, and until when the debtor may take them."""

    total = MoneyField(N_("Total"))
    amount = MoneyField(N_("Each payment"))
    frequency = SelectField(N_("How often"), choices=options(labels.FREQUENCIES))
    first_on = DateBoxes(N_("First payment"))
    until = SelectField(N_("The debtor can agree within"), choices=options(DAYS), default="14")
    knowing = HiddenField()


class MoreThanDebtorOwes(DomainError):
    """Staff would offer terms above the balance."""

    message = N_("The debtor owes %(balance)s. Enter that amount or less.")


class OfferForm(Form):
    """One of the alternatives that the page showed, by the hash of its terms."""

    terms = HiddenField()


class DeclineForm(Form):
    """Why not, in words that the debtor reads."""

    reason = SelectField(N_("Reason that the debtor reads"), choices=options(REASONS))
    more = StringField(N_("More words to the debtor"))


def _proposal(proposal_id: UUID) -> Proposal:
    mine = Proposal.client_id.in_(session.info["client_ids"])
    found = session.scalars(select(Proposal).where(mine, Proposal.id == proposal_id)).one()
    open_account(found.account_id)
    return found


@bp.get("/proposals/<uuid:proposal_id>")
@audience(Permission.SEE_ACCOUNTS)
def proposal(proposal_id: UUID) -> Any:
    """The wish, the limits, what the portal could agree to, and the three answers."""
    return _show(_proposal(proposal_id))


def _show(found: Proposal, form: Form | None = None, reply: Reply | None = None) -> Answer:
    """The page; with a form that was sent, what is wrong with it, or how its reply reads."""
    account, debtor = _account(found)
    client = session.get_one(Client, account.client_id)
    wished, refused = _wished(found), services.why_not_accept(session, found, now())
    answer = page(
        "support/proposal.html",
        section="proposals",
        form=form,
        forms=_forms(form, wished, refused),
        typed=typed_in(form),
        reply=reply,
        picked=form.terms.data if isinstance(form, OfferForm) else None,
        found=found,
        account=account,
        debtor=debtor,
        wished=wished,
        granted=services.granted_of(found),
        until=granted_until(session, account, found, now=now()),
        why_not=explain(refused) if refused else None,
        why_not_answer=services.why_not_answer(session, found, current_staff(), now()),
        alternatives=alternatives(session, found, now()),
        days_left=(found.answer_due_on - client_day(client, now())).days,
        events=_history(account),
        zone=client.time_zone,
        masked=wording.mask_name,
        frequencies=labels.FREQUENCIES,
        on_days=lambda days: on_days(days, locale()),
        fingerprint=terms_sha256,
        **bar(Queue.PROPOSALS, found.client_id, found.id),
        **_limits(account),
    )
    wrong = form is not None and form.is_submitted() and reply is None
    return (answer, 422) if wrong else answer


def _forms(form: Form | None, wished: Terms | None, refused: DomainError | None) -> dict[str, Form]:
    return {
        "accept": form if isinstance(form, AcceptForm) else AcceptForm(None),
        "counter": form if isinstance(form, CounterForm) else _counter(wished, refused),
        "decline": form if isinstance(form, DeclineForm) else DeclineForm(None),
    }


def _limits(account: Account) -> dict[str, Any]:
    """The limits in force, and where this account is in them."""
    sheet = offers_for(session, account, now())
    policy = live_policy(session, account.client_id, now()).policy
    band = policy.band(sheet.facts, sheet.today)
    return {
        "policy": policy,
        "agreed_bps": policy.agreed_settlement_bps(band),
        "band": band,
        "age_days": sheet.facts.age_days(sheet.today),
        "offers": sheet.offers,
    }


def _history(account: Account) -> Sequence[Event]:
    """What the log says lately of the account's proposals, the first one first."""
    about = [one for one in types_of("proposals") if one.startswith("proposal.")]
    leaves = some_leaves(session, account, Span(types=about), most=PAGE)
    return timeline(session, account, leaves[::-1])[::-1]


def _wished(found: Proposal) -> Terms | None:
    try:
        return services.wished_terms(session, found, now())
    except DomainError:
        return None


def _counter(wished: Terms | None, refused: DomainError | None) -> CounterForm:
    """The wish to start from, on the first day that may be asked for."""
    if wished is None:
        return CounterForm(None)
    soonest = refused.params["earliest"] if isinstance(refused, FirstPaymentTooSoon) else None
    return CounterForm(
        None,
        total=wished.total_cents,
        amount=wished.first_cents,
        frequency=str(wished.frequency or Frequency.MONTHLY),
        first_on=soonest or wished.first_on,
    )


def _answer(found: Proposal, form: Form, do: Callable[[], object], done: str) -> Any:
    """Give the reply, or only show how it reads where that was asked.

    Opened by its address, it shows what was typed before a log-in ended.
    """
    if not form.is_submitted() and "held" not in g:
        return see_other(url_for("support.proposal", proposal_id=found.id))
    if not form.validate_on_submit():
        return _show(found, form)
    if "look" in request.form:
        return _show(found, form, look(form, found, do))
    if attempt(form, unclaimed((found.client_id, Queue.PROPOSALS, found.id), do)):
        flash(done, "ok")
        return see_other(url_for("support.queue", kind=Queue.PROPOSALS))
    return _show(found, form)


@bp.route("/proposals/<uuid:proposal_id>/accept", methods=["GET", "POST"])
@audience(Permission.ANSWER)
def accept(proposal_id: UUID) -> Any:
    """Grant what was proposed; the debtor still has to agree."""
    found, form = _proposal(proposal_id), AcceptForm()

    def do() -> None:
        until = _today(found) + timedelta(days=int(form.days.data))
        services.accept(session, found, staff=current_staff(), valid_until=until, now=now())

    return _answer(found, form, do, _("Accepted. The debtor gets a message."))


@bp.route("/proposals/<uuid:proposal_id>/counter", methods=["GET", "POST"])
@audience(Permission.ANSWER)
def counter(proposal_id: UUID) -> Any:
    """Grant other terms; the debtor still has to agree."""
    found, form = _proposal(proposal_id), CounterForm()

    def do() -> None:
        until, terms = _today(found) + timedelta(days=int(form.until.data)), _terms(found, form)
        services.require_waiting(session, found)
        _refuse_worse(found, terms, form)
        services.counter(session, found, terms, staff=current_staff(), valid_until=until, now=now())

    return _answer(found, form, do, _("Answered with other terms. The debtor gets a message."))


@bp.route("/proposals/<uuid:proposal_id>/offer", methods=["GET", "POST"])
@audience(Permission.ANSWER)
def offer(proposal_id: UUID) -> Any:
    """Grant one of the alternatives as the page showed it; its terms are computed again."""
    found, form = _proposal(proposal_id), OfferForm()

    def do() -> None:
        terms = alternative(session, found, form.terms.data or "", now())
        until = _today(found) + OPEN_FOR
        services.counter(session, found, terms, staff=current_staff(), valid_until=until, now=now())

    return _answer(found, form, do, _("Answered with other terms. The debtor gets a message."))


@bp.route("/proposals/<uuid:proposal_id>/decline", methods=["GET", "POST"])
@audience(Permission.ANSWER)
def decline(proposal_id: UUID) -> Any:
    """Say no, with a reason in the debtor's language."""
    found, form = _proposal(proposal_id), DeclineForm()

    def do() -> None:
        country = session.get_one(Client, found.client_id).country
        language = _account(found)[1].language
        said = i18n.translate(i18n.locale_for(language, country), REASONS[form.reason.data])
        reason = f"{said} {(form.more.data or '').strip()}".strip()
        services.decline(session, found, reason=reason, staff=current_staff(), now=now())

    return _answer(found, form, do, _("Declined. The debtor gets a message."))


def _account(found: Proposal) -> tuple[Account, Debtor]:
    account = find_account(session, found.account_id)
    return account, session.get_one(Debtor, (account.client_id, account.debtor_id))


def _today(found: Proposal) -> Any:
    return today_of(_account(found)[1], now())


def _terms(found: Proposal, form: CounterForm) -> Terms:
    """What was typed, as terms; ``grant`` holds them against the limits."""
    account, debtor = _account(found)
    wish = domain.from_dict(found.wish)
    frequency = Frequency(form.frequency.data)
    offered = domain.Proposal(
        first_on=form.first_on.data,
        total_cents=Cents(form.total.data),
        amount_cents=Cents(min(form.amount.data, form.total.data)),
        frequency=frequency,
        method=wish.method,
        days=wish.days if frequency is wish.frequency else (),
    )
    facts = read_facts(session, account, debtor)
    policy = live_policy(session, account.client_id, now()).policy
    try:
        domain.check_proposal(offered, facts, policy, today_of(debtor, now()))
    except domain.MoreThanOwed as error:
        raise MoreThanDebtorOwes(**error.params) from error
    return domain.wish_terms(offered, facts, policy)


def _refuse_worse(found: Proposal, terms: Terms, form: CounterForm) -> None:
    """Say once that the portal would agree to better terms; sent again, the form knows of them."""
    try:
        refuse_worse(session, found, terms, knowing=form.knowing.data or "", now=now())
    except BetterTermsThere as error:
        form.knowing.data = str(error.params["sha256"])
        raise
