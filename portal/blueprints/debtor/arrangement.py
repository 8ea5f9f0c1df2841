"""My plan: what is next, what is done, and every change a debtor can make alone."""

import html
from typing import Any
from uuid import UUID

from flask import Response, abort, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from portal.blueprints.debtor import bp
from portal.blueprints.debtor.agreement_words import named, naming
from portal.blueprints.debtor.change_links import changes_of
from portal.blueprints.debtor.common import refuse_copies, refuse_hidden, runtime, show, welcome
from portal.blueprints.debtor.documents import card_text, stored_blocks
from portal.blueprints.debtor.next_payment import is_missed, next_payment, stopped
from portal.blueprints.debtor.paying import (
    Refused,
    go_to_checkout,
    may_leave_for_checkout,
    to_payment,
)
from portal.blueprints.debtor.words import method_name
from portal.db import commit
from portal.domain import N_, DomainError
from portal.domain.amendments import Change
from portal.domain.curing import Cure
from portal.domain.money import Cents
from portal.domain.statuses import ArrangementStatus, InstallmentStatus, PaymentStatus
from portal.models import Arrangement, PaymentPurpose
from portal.security import audience, current_visit
from portal.services import arrangements, evidence, payments
from portal.services.agreements import (
    OPEN_PARTS,
    AgreementPage,
    Part,
    read_agreement,
    read_copy,
    read_permission,
)
from portal.services.arrangements import NOT_KEPT, NothingAutomatic
from portal.services.balance import Balance
from portal.services.forgiveness import LOST, gone_of_parts
from portal.services.payments import PaymentOnItsWay
from portal.services.receipts import BACK, outside_cents
from portal.web import explain, locale, now, see_other, session, url_for
from portal.web import gettext as _

STATES = {
    InstallmentStatus.SCHEDULED: (N_("○ To pay"), ""),
    InstallmentStatus.PROCESSING: (N_("… On its way"), ""),
    InstallmentStatus.PAID: (N_("✓ Paid"), "good"),
    InstallmentStatus.FAILED: (N_("! Did not go through"), "bad"),
    InstallmentStatus.CANCELED: (N_("– Not needed any more"), ""),
}
ENDS = {
    ArrangementStatus.COMPLETED: N_("This is done. You paid what we agreed. Thank you."),
    ArrangementStatus.WITHDRAWN: N_("You took this back. Nothing was taken."),
    ArrangementStatus.CANCELED: N_("This has ended. Nothing more is taken."),
    ArrangementStatus.BROKEN: N_("This has ended. What you paid still counts."),
}
WHY_ENDED = {
    "expired": N_("This has ended, because no first payment came in time. Nothing was taken."),
    LOST: N_(
        "This has ended, because money that you paid for it went back. The part that you did"
        " not have to pay is owed again. What is still paid counts."
    ),
    NOT_KEPT: N_(
        "This has ended, because a payment was missing for too long. What you paid still"
        " counts. You can choose a new plan, suggest what you can pay, or ask for help."
    ),
}

DONE: dict[str, str] = {
    "cured": N_("Your plan has changed. Thank you for telling us."),
    "stopped": N_("Automatic payments are off. Nothing more is taken without you."),
    Change.MOVED: N_("Done. Your payment has its new date."),
    Change.SKIPPED: N_("Done. You pay nothing on that date, and the payment comes at the end."),
    Change.PAUSED: N_("Done. Your plan rests once, and each payment comes one date later."),
    Change.REPLANNED: N_("Done. This is your plan from now on."),
    Change.SPREAD: N_("Done. What was missing is now part of your later payments."),
    "ended": N_("Done. This agreement has ended. Nothing more is taken for it."),
    "before": N_("You had agreed to this before. What you chose just now changed nothing."),
}


def own_agreement(account_id: UUID) -> tuple[Balance, AgreementPage]:
    """The reader's own account with its agreement; 404 where there is none."""
    view, agreed = any_agreement(account_id)
    refuse_hidden(view)
    return view, agreed


def own_record(account_id: UUID) -> tuple[Balance, AgreementPage]:
    """What the reader agreed to, which stays theirs to keep where the debt may not be shown."""
    view, agreed = any_agreement(account_id)
    refuse_copies(view)
    return view, agreed


def any_agreement(account_id: UUID) -> tuple[Balance, AgreementPage]:
    """The same, even where the debt itself may not be shown."""
    found = read_agreement(session, current_visit(), account_id, now=now())
    if found is None or found[1] is None:
        abort(404)
    welcome(found[0])
    return found[0], found[1]


@bp.get("/account/<uuid:account_id>/arrangement")
@audience("debtor")
def arrangement(account_id: UUID) -> ResponseReturnValue:
    """The agreement: next payment first, then what is done, due or late, and what can be done."""
    view, agreed = own_agreement(account_id)
    return plan_page(view, agreed, note=_done(agreed))


def _done(agreed: AgreementPage) -> str | None:
    done = DONE.get(request.args.get("done", ""))
    return _(named(done, agreed.terms.kind)) if done else None


def plan_page(view: Balance, agreed: AgreementPage, *, note: str | None = None) -> str:
    """My plan; ``note`` says above it what has just happened."""
    may_leave_for_checkout()
    allowed = view.offers.capabilities
    when, how = next_payment(view, agreed)
    return show(
        "debtor/arrangement.html",
        view,
        agreed=agreed,
        note=note,
        title=_(named("My plan", agreed.terms.kind)),
        of_plan=naming(agreed.terms.kind),
        **_progress(view, agreed),
        **_back(view, agreed),
        state=_state(view, agreed),
        when=when,
        how=how,
        parts=[
            _row(view, part, waits=part is agreed.next_part and agreed.waits_until is not None)
            for part in agreed.parts
            if _is_shown(agreed, part)
        ],
        changes=changes_of(view, agreed),
        undo_until=agreed.undo_until,
        can_undo=can_undo(agreed),
        card=card_text(view, locale()),
        can_pay=agreed.live and allowed.pay.allowed and agreed.next_part is not None,
        cure=cure_of(view, agreed),
        missed=is_missed(view, agreed),
        can_change=allowed.charge.allowed,
        reasons=[reason.message for reason in allowed.charge.reasons],
        receipts=[paid for paid in agreed.payments if paid.status is PaymentStatus.SUCCEEDED],
        moving=[paid for paid in agreed.payments if paid.status is not PaymentStatus.SUCCEEDED],
    )


def cure_of(view: Balance, agreed: AgreementPage) -> Cure | None:
    """How my plan can be kept; only by paying where nothing can be agreed to now."""
    allowed = view.offers.capabilities
    if agreed.cure is None or not allowed.pay.allowed or view.waits:
        return None
    return agreed.cure if allowed.accept.allowed else agreed.cure.by_paying


def can_undo(agreed: AgreementPage) -> bool:
    """Whether it can be taken back whole at this instant."""
    return agreed.undo_until is not None and now() < agreed.undo_until


def _back(view: Balance, agreed: AgreementPage) -> dict[str, Any]:
    """What went back since the agreement and stayed away, and when it last did."""
    lines = [one for one in view.lines if one.kind in BACK and one.at >= agreed.accepted_at]
    gone = sum(line.amount_cents for line in lines)
    owed = gone > 0 and view.account.balance_cents > 0
    return {"back_cents": gone if owed else 0, "back_at": lines[-1].at if lines else None}


def _progress(view: Balance, agreed: AgreementPage) -> dict[str, int]:
    """How much of the agreement is paid and still here, and how much is left in how many parts."""
    left = [part.open_cents for part in agreed.parts if part.status in OPEN_PARTS]
    paid = sum(part.paid_cents for part in agreed.parts)
    went_back = any(line.kind in BACK for line in view.lines)
    gone = gone_of_parts(session, view.client.id, agreed.id) if went_back else 0
    return {
        "paid_cents": paid - gone,
        "left_cents": sum(left),
        "total_cents": paid + sum(left),
        "open_parts": len(left),
        "outside_cents": outside_cents(agreed.terms.kind, sum(left), view.account.balance_cents)
        if agreed.live
        else Cents(0),
    }


def _state(view: Balance, agreed: AgreementPage) -> str:
    if agreed.status is ArrangementStatus.COMPLETED and view.account.balance_cents > 0:
        return _("You made every payment, but money is owed again.")
    if agreed.ended_reason in WHY_ENDED:
        return _(WHY_ENDED[agreed.ended_reason])
    if agreed.status in ENDS:
        return _(ENDS[agreed.status])
    if agreed.waiting:
        return _waiting(view, agreed)
    return _("Your agreement is running.")


def _waiting(view: Balance, agreed: AgreementPage) -> str:
    part = agreed.next_part
    if view.waits or (part is not None and part.due_on > view.today):
        return _("Your agreement is saved. Nothing is due yet.")
    if part is not None and part.status is InstallmentStatus.PROCESSING:
        return _("Your first payment is on its way.")
    if view.attempt is not None:
        return _("We wait for your first payment. We have not heard of a payment yet.")
    return _("We wait for your first payment. Nothing was taken.")


def _method(agreed: AgreementPage) -> str:
    found = agreed.permission
    return method_name(found.brand, found.last4) if found else ""


def _is_shown(agreed: AgreementPage, part: Part) -> bool:
    """What fell away by the debtor's own change is not told as if it were still a date."""
    return part.status is not InstallmentStatus.CANCELED or not agreed.changes


def _row(view: Balance, part: Part, *, waits: bool) -> dict[str, Any]:
    words, kind = STATES[part.status]
    due = part.due_on <= view.today and not view.waits and not waits
    if part.status is InstallmentStatus.SCHEDULED and due:
        late = part.due_on < view.today
        words, kind = (N_("! Not paid yet"), "bad") if late else (N_("→ Due today"), "")
    return {"part": part, "words": words, "kind": kind}


@bp.post("/account/<uuid:account_id>/pay")
@audience("debtor")
def pay(account_id: UUID) -> ResponseReturnValue:
    """Pay the next part now."""
    view, agreed = own_agreement(account_id)
    part = agreed.next_part
    if part is None or not agreed.live:
        return see_other(url_for(".arrangement", account_id=account_id))
    row = next(r for r in arrangements.installments_of(session, row_of(agreed)) if r.n == part.n)
    return go_to_checkout(
        account_id=account_id,
        purpose=PaymentPurpose.FIRST if agreed.waiting else PaymentPurpose.INSTALLMENT,
        amount_cents=Cents(min(part.open_cents, view.account.balance_cents)),
        arrangement_id=agreed.id,
        installment_id=row.id,
    )


@bp.post("/account/<uuid:account_id>/method")
@audience("debtor")
def method(account_id: UUID) -> ResponseReturnValue:
    """Save a way to pay, or another one; nothing is taken."""
    view, agreed = own_agreement(account_id)
    if not (agreed.granted or agreed.wants_method):
        return plan_page(view, agreed, note=explain(NothingAutomatic())), 409
    return go_to_checkout(
        account_id=account_id,
        purpose=PaymentPurpose.METHOD,
        amount_cents=Cents(0),
        arrangement_id=agreed.id,
    )


@bp.route("/account/<uuid:account_id>/stop", methods=["GET", "POST"])
@audience("debtor")
def stop(account_id: UUID) -> ResponseReturnValue:
    """Stop automatic payments: GET says what it does and does not do, POST does it at once.

    It works where the debt may not be shown, too: a permission can always be taken back (PY-08).
    """
    view, agreed = any_agreement(account_id)
    if not (agreed.granted or agreed.wants_method):
        refuse_hidden(view, note=_done(agreed))
        return plan_page(view, agreed, note=explain(NothingAutomatic())), 409
    if request.method == "POST":
        arrangements.stop_automatic(session, row_of(agreed), actor=me(), now=now())
        commit(session, "arrangements.stop_automatic")
        shown = view.offers.capabilities.show.allowed
        to = ".arrangement" if shown else ".stop"
        return see_other(url_for(to, account_id=account_id, done="stopped"))
    return show("debtor/stop.html", view, agreed=agreed, stopped=[*stopped(view, agreed)])


@bp.post("/account/<uuid:account_id>/withdraw")
@audience("debtor")
def withdraw(account_id: UUID) -> ResponseReturnValue:
    """Take an unpaid agreement back and choose something else; its offer stays."""
    view, agreed = own_agreement(account_id)
    try:
        payments.release_checkout(session, runtime().stripe, account_id, now=now())
        arrangements.withdraw(session, row_of(agreed), actor=me(), now=now())
    except PaymentOnItsWay as error:
        return to_payment(error, Refused.UNDO)
    except DomainError as error:
        return plan_page(view, agreed, note=explain(error)), 409
    commit(session, "arrangements.withdraw")
    return see_other(url_for(".account", account_id=account_id))


@bp.get("/account/<uuid:account_id>/authorization")
@audience("debtor")
def authorization(account_id: UUID) -> ResponseReturnValue:
    """The permission to charge later, as it was given, with its method (PY-05)."""
    return permission_page(account_id)


def permission_page(account_id: UUID, *, paper: bool = False) -> str:
    """The permission for the screen, or to be set on paper; 404 where none was given."""
    found = read_permission(session, current_visit(), account_id, now=now())
    if found is None:
        abort(404)
    view, agreed, text = found
    welcome(view)
    refuse_copies(view)
    about = {"agreed": agreed, "blocks": stored_blocks(text), "method": _method(agreed)}
    return show("debtor/authorization.html", view, paper=paper, **about)


@bp.get("/account/<uuid:account_id>/agreement")
@audience("debtor")
def agreement(account_id: UUID) -> ResponseReturnValue:
    """The agreement's text as it was agreed to: to read, print or save, byte for byte."""
    view, agreed, text = kept_agreement(account_id)
    if "save" in request.args:
        return saved_file(text, "text/html", f"{agreed.reference}.html")
    title, body = parts_of(text)
    return show("debtor/agreement.html", view, agreed=agreed, title=title, body=body)


def kept_agreement(account_id: UUID) -> tuple[Balance, AgreementPage, str]:
    """The reader's agreement with its text as it was kept; 404 where there is none."""
    found = read_copy(session, current_visit(), account_id, now=now())
    if found is None:
        abort(404)
    welcome(found[0])
    refuse_copies(found[0])
    return found


@bp.get("/account/<uuid:account_id>/dates.ics")
@audience("debtor")
def dates(account_id: UUID) -> ResponseReturnValue:
    """The dates for a calendar: neutral, whole days, the same identifiers each time."""
    from portal.blueprints.debtor.calendars import reminders  # noqa: PLC0415 - 3 MB, seldom needed

    _view, agreed = own_agreement(account_id)
    return saved_file(reminders(agreed, _("Payment reminder")), "text/calendar", "dates.ics")


def saved_file(text: str, media: str, name: str) -> Response:
    """A file to keep."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, mimetype=media, headers=headers)


def parts_of(page: str) -> tuple[str, Markup]:
    """The title and the body of a stored page of ours, without its main heading."""
    title = page.partition("<title>")[2].partition("</title>")[0]
    body = page.partition("</h1>")[2].rpartition("</body>")[0]
    return html.unescape(title), Markup(body)  # noqa: S704


def row_of(agreed: AgreementPage) -> Arrangement:
    """The row of an agreement that its page was read from."""
    return session.get_one(Arrangement, (current_visit().client_id, agreed.id))


def me() -> evidence.Actor:
    """The debtor of this visit, as the one who acts."""
    return evidence.debtor(current_visit().debtor_id)
