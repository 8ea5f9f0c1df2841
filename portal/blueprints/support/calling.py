"""Call a debtor: whether it may be now, the number, and how the call went (CT-06)."""

from typing import Any
from uuid import UUID

from flask import flash
from sqlalchemy import select
from wtforms import BooleanField, RadioField, StringField, TextAreaField

from portal.blueprints.consoles import Task, attempt, colleagues_on, options, page, perform
from portal.blueprints.opening import open_account
from portal.blueprints.support import bp
from portal.blueprints.support.accounts import back_to
from portal.domain import N_, DomainError
from portal.domain.access import Permission
from portal.domain.calls import GROUNDS, MOST, OUTCOMES, Outcome, tries, why_not
from portal.domain.wording import mask_phone
from portal.models import Account, CallAttempt, Client, Debtor
from portal.security import audience, current_staff, may
from portal.services import calls
from portal.services.dossier import REVEALED_FOR
from portal.services.standing import today_of
from portal.web import Form, now, see_other, session, url_for
from portal.web import gettext as _

CONSENTS = N_("They agreed to be called again within seven days")
SPOKE_OF = N_("What you spoke about, or what to know next time. It is kept on the record.")


class CallForm(Form):
    """Which number, and why where it is past the limits."""

    number = RadioField(N_("Number"))
    reason = StringField(N_("Reason"), description=N_("Only past the limits. It is kept."))


class HowForm(Form):
    """How a call went."""

    outcome = RadioField(N_("How did it go?"), choices=options(OUTCOMES))
    consented = BooleanField(CONSENTS)
    note = TextAreaField(N_("What was said"), description=SPOKE_OF)


class TheirForm(Form):
    """What a debtor said who called us."""

    note = TextAreaField(N_("What was said"), description=SPOKE_OF)
    consented = BooleanField(CONSENTS)


class NoNumber(DomainError):
    """No number was chosen, or it is none of this debtor's any more."""

    message = N_("Choose the number to call.")


@bp.route("/accounts/<uuid:account_id>/call", methods=["GET", "POST"])
@audience(Permission.CONTACT)
def place_call(account_id: UUID) -> Any:
    """Whether this person may be called now, number by number; then the number itself."""
    account = open_account(account_id)
    numbers = calls.numbers_of(session, account)
    form = CallForm(number=str(numbers[0].id) if len(numbers) == 1 else None)
    form.number.choices = [(str(one.id), mask_phone(one.number)) for one in numbers]
    begun: list[CallAttempt] = []

    def do() -> None:
        chosen = next((one for one in numbers if str(one.id) == form.number.data), None)
        if chosen is None:
            raise NoNumber
        staff, reason = current_staff(), form.reason.data or ""
        begun.append(
            calls.begin_call(session, account, chosen, reason=reason, staff=staff, now=now())
        )

    if form.validate_on_submit() and attempt(form, do):
        return see_other(url_for("support.call_made", attempt_id=begun[0].id))
    answer = page("support/calling.html", form=form, **_about(account))
    return (answer, 422) if form.errors else answer


def _about(account: Account) -> dict[str, Any]:
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    at, supervises = now(), may(Permission.SUPERVISE)
    numbers = calls.numbers_of(session, account)
    found = [(one, calls.verdict_on(session, account, one, now=at)) for one in numbers]
    made = calls.counted(calls.calls_about(session, account))
    return {
        "account": account,
        "also_calling": colleagues_on(account),
        "found": found,
        "reachable": [one for one, it in found if it.allowed or (it.by_supervisor and supervises)],
        "past": supervises and any(it.by_supervisor for _one, it in found),
        "tried": tries(made, today_of(debtor, at)),
        "most": MOST,
        "why_not": why_not,
        "grounds": GROUNDS,
        "masked": mask_phone,
        "zone": session.get_one(Client, account.client_id).time_zone,
    }


@bp.route("/call-attempts/<uuid:attempt_id>", methods=["GET", "POST"])
@audience(Permission.CONTACT)
def call_made(attempt_id: UUID) -> Any:
    """The number to call, for whoever began the call, and how it went."""
    mine = CallAttempt.client_id.in_(session.info["client_ids"])
    made = session.scalars(select(CallAttempt).where(mine, CallAttempt.id == attempt_id)).one()
    account, form = open_account(made.account_id), HowForm()

    def do() -> None:
        said = calls.Said(Outcome(form.outcome.data), form.note.data or "", form.consented.data)
        calls.log_call(session, made, said, staff=current_staff(), now=now())

    if form.validate_on_submit() and attempt(form, do):
        flash(_("It is on the record."), "ok")
        return see_other(back_to(account))
    about = {"account": account, "made": made, "outcomes": OUTCOMES, "shown": _shown(made)}
    answer = page("support/call_made.html", form=form, **about)
    return (answer, 422) if form.errors else answer


def _shown(made: CallAttempt) -> bool:
    """Whether the number is shown: to who began the call, for a while, before it is logged."""
    fresh = made.at + REVEALED_FOR > now()
    return made.staff_id == current_staff().id and fresh and made.outcome is None


@bp.route("/accounts/<uuid:account_id>/called-us", methods=["GET", "POST"])
@audience(Permission.CONTACT)
def called_us(account_id: UUID) -> Any:
    """The debtor called and spoke with us: it counts as a conversation, not as an attempt."""
    account, form = open_account(account_id), TheirForm()

    def do() -> None:
        said = calls.Said(Outcome.CONVERSATION, form.note.data or "", form.consented.data)
        calls.log_their_call(session, account, said, staff=current_staff(), now=now())

    task = Task(
        title=_("They called us: account %(reference)s", reference=account.reference),
        button=_("Put it on the record"),
        back=back_to(account),
        notes=(_("After a conversation we do not call about this account for seven days."),),
    )
    return perform(form, do, task=task, done=_("It is on the record."), to=back_to(account))
