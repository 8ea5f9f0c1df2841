"""Find an account and see everything about it."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import current_app, g, request
from wtforms import HiddenField, StringField, TextAreaField
from wtforms.validators import Length

from portal.blueprints.consoles import Task, on_call, page, perform
from portal.blueprints.opening import open_account
from portal.blueprints.support import bp
from portal.blueprints.support.claiming import bars
from portal.blueprints.support.diagnosing import causes_of
from portal.blueprints.support.meanwhile import SeenForm, unless_stale
from portal.blueprints.support.naming import TITLES
from portal.blueprints.support.past import timeline_of
from portal.blueprints.support.queues import listed
from portal.blueprints.support.repeated import sent_before
from portal.blueprints.support.resuming import unsent_of
from portal.blueprints.support.sending import masked_contact, on_the_phone
from portal.blueprints.wished import wish_words
from portal.domain import N_, labels, wording
from portal.domain.access import Permission
from portal.domain.calls import GROUNDS, OUTCOMES
from portal.domain.holds import MAY_END, Capability
from portal.domain.likeness import FOUND_BY
from portal.domain.marks import MARKS
from portal.domain.outgoing import REQUIRED
from portal.domain.statuses import InstallmentStatus, MessageStatus
from portal.domain.waiting import Queue
from portal.models import Account
from portal.security import audience, current_staff, keys, may
from portal.security.redaction import redact
from portal.services import call_sessions, claims, dossier, evidence, threads
from portal.services.dossier import Dossier
from portal.services.giving_back import left_of
from portal.services.holding import may_undo
from portal.services.links import state_of
from portal.services.marks import marks_of
from portal.services.masking import masker
from portal.services.notes import notes_of
from portal.services.recents import recent_accounts
from portal.services.search import LONGEST, search
from portal.services.staff import names_of
from portal.web import Form, now, see_other, session, url_for
from portal.web import gettext as _

CAPABILITIES = {
    Capability.LINK: N_("Give a link"),
    Capability.SHOW: N_("Show the debt"),
    Capability.OFFER: N_("Make offers"),
    Capability.ACCEPT: N_("Agree"),
    Capability.PAY: N_("Take a payment"),
    Capability.CHARGE: N_("Charge a saved card"),
    Capability.SEND: N_("Write first"),
    Capability.ANSWER: N_("Answer"),
}


class RevealForm(Form):
    """Why somebody needs to see who the debtor is."""

    reason = StringField(N_("Reason"), [Length(max=200, message=N_("Use 200 characters at most."))])
    message = HiddenField()


class ReplyForm(SeenForm):
    """A message to the debtor."""

    body = TextAreaField(N_("Message"))


@bp.get("", endpoint="home")
@audience(Permission.SEE_ACCOUNTS)
def home() -> Any:
    """The search box and what it found; else what was opened last, and what waits.

    A reference or an address that is of one account opens it.
    """
    typed = wording.clean_text(request.args.get("q", "")[:LONGEST])
    found = search(session, typed, keys=keys())
    if found.only:
        return see_other(back_to(found.only))
    return page(
        "support/home.html",
        typed=typed,
        found=found,
        found_by=FOUND_BY,
        recent=() if typed else recent_accounts(session, current_staff()),
        examples=current_app.extensions["portal"].settings.outbox,
        counts=g.waiting,
        **listed(claims.mine(session, current_staff(), now=now())),
    )


@bp.get("/accounts/<uuid:account_id>")
@audience(Permission.SEE_ACCOUNTS)
def account(account_id: UUID) -> Any:
    """One account: what is owed and why, what was agreed, what was said, what happened."""
    found = open_account(account_id)
    at = now()
    all_of_it = dossier.read_dossier(session, found, now=at)
    told_up_to = evidence.head(session, found)
    return page(
        "support/account.html",
        it=all_of_it,
        reader=current_staff().id,
        **timeline_of(found, all_of_it.client.time_zone),
        revealed=revealed_until(found, at),
        reply=ReplyForm().of(found, told_up_to),
        told_up_to=told_up_to,
        balance_at=url_for("support.balance_on", account_id=found.id),
        reveal=RevealForm(),
        unsent=unsent_of(found),
        left_of=lambda payment: left_of(payment, all_of_it.refunds, all_of_it.chargebacks),
        why=causes_of(found),
        bars=bars(found, *_queues(all_of_it)) if may(Permission.ANSWER) else (),
        **_written(found),
        **_words(all_of_it, at),
        **on_the_phone(found, all_of_it.debtor, at),
    )


def revealed_until(account: Account, at: datetime) -> datetime | None:
    """Until when the personal data shows: for a reason, or to who is on the line with them."""
    staff = current_staff()
    leaves = dossier.looked_at_lately(session, account, now=at)
    given = dossier.revealed_until(leaves, staff, now=at)
    heard = call_sessions.reveals(on_call(), account)
    return max(filter(None, (given, heard)), default=None)


def _queues(it: Dossier) -> Iterator[Queue]:
    """The queues of what is worked on from the account, in which something of it may wait."""
    if any(part.status is InstallmentStatus.FAILED for part in it.installments):
        yield Queue.CHARGES
    if any(one.status is MessageStatus.QUEUED for one in it.messages):
        yield Queue.BOUNCED


def _written(account: Account) -> dict[str, Any]:
    """The thread with the debtor, the notes, who wrote them, and what happened to the person."""
    thread, notes = threads.thread_of(session, account), notes_of(session, account)
    wrote = [entry.staff_id for entry in thread if entry.staff_id]
    wrote += [UUID(one.payload["actor"]["id"]) for one in notes]
    names = {str(id_): name for id_, name in names_of(session, wrote).items()}
    marked = {"marked": marks_of(session, account), "what": MARKS}
    return {"thread": thread, "notes": notes, "names": names, **marked}


def _words(it: Dossier, at: Any) -> dict[str, Any]:
    return {
        "contact_of": masked_contact,
        "wish_words": wish_words,
        "labels": labels,
        "capabilities": CAPABILITIES,
        "required": REQUIRED,
        "outcomes": OUTCOMES,
        "grounds": GROUNDS,
        "wording": wording,
        "without_tokens": redact,
        "mask": masker(session, it.debtor, it.contacts),
        "may_end": MAY_END,
        "may_undo": lambda hold: may_undo(hold, at),
        "state_of": lambda link: state_of(link, at),
        "titles": TITLES,
        "full_name": f"{it.debtor.first_name} {it.debtor.last_name}",
    }


def back_to(account: Account) -> str:
    """The page of an account."""
    return url_for("support.account", account_id=account.id)


@bp.route("/accounts/<uuid:account_id>/reveal", methods=["GET", "POST"])
@audience(Permission.REVEAL)
def reveal(account_id: UUID) -> Any:
    """Show the personal data for a while; the reason goes on the record.

    Whoever asked on the page of a message reads on there.
    """
    found, form = open_account(account_id), RevealForm()
    to = _asked_at(form) or back_to(found)

    def do() -> None:
        reason = form.reason.data or ""
        dossier.reveal(session, found, reason=reason, staff=current_staff(), now=now())

    task = Task(title=_("Show personal data"), button=_("Show"), back=to)
    done = _("You see the personal data for 15 minutes. Your reason is on the record.")
    return perform(form, do, task=task, done=done, to=to)


def _asked_at(form: RevealForm) -> str | None:
    try:
        return url_for("support.message", message_id=UUID(form.message.data or ""))
    except ValueError:
        return None


@bp.route("/accounts/<uuid:account_id>/reply", methods=["GET", "POST"])
@audience(Permission.CONTACT)
def reply(account_id: UUID) -> Any:
    """Write to the debtor in the account's thread; they are told that a message waits."""
    found, form = open_account(account_id), ReplyForm()

    def do() -> None:
        typed = form.body.data or ""
        if not sent_before(
            form, found, "thread.written", lambda told: told["body"] == wording.clean_text(typed)
        ):
            threads.reply(session, found, typed, staff=current_staff(), now=now())

    task = Task(title=_("Write to the debtor"), button=_("Send"), back=back_to(found))
    act = unless_stale(form, found, do)
    return perform(
        form, act, task=task, done=_("Your message is in the thread."), to=back_to(found)
    )
