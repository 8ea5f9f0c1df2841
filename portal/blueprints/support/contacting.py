"""Links of a debtor, and the addresses that were closed."""

from typing import Any
from uuid import UUID

from flask import abort
from sqlalchemy import select
from wtforms import SelectField

from portal.blueprints.consoles import Task, options, perform, words_of
from portal.blueprints.opening import open_account, open_account_of
from portal.blueprints.support import bp
from portal.blueprints.support.accounts import back_to
from portal.blueprints.support.meanwhile import SeenForm, unless_stale
from portal.blueprints.support.sending import masked_contact
from portal.domain import N_, DomainError, labels
from portal.domain.access import Permission
from portal.models import AccessLink, Account, Contact, ContactStop, Debtor, Message, StopKind
from portal.security import audience, current_staff
from portal.services import esign, evidence, links, messages
from portal.services.letters import is_of_letters
from portal.services.no_proof import RecordErased
from portal.services.stops import lift_stop
from portal.web import Form, now, session
from portal.web import gettext as _


class RevokeForm(SeenForm):
    """Why a link is closed."""

    reason = SelectField(N_("Reason"), choices=options(labels.WHY_REVOKE))


class NoLetter(DomainError):
    """A letter waits already, or none may be sent."""

    message = N_("It is on the list already, or no letter may go to this person.")


class ReopenForm(SeenForm):
    """Nothing to fill in: one button, and up to where its page told of the account."""


class PaperForm(Form):
    """Nothing to fill in: one button."""


@bp.route("/links/<uuid:link_id>/revoke", methods=["GET", "POST"])
@audience(Permission.CONTACT)
def revoke(link_id: UUID) -> Any:
    """Close a link for good."""
    mine = AccessLink.client_id.in_(session.info["client_ids"])
    link = session.scalars(select(AccessLink).where(mine, AccessLink.id == link_id)).one()
    account, form = open_account_of(link), RevokeForm()

    def do() -> None:
        actor = evidence.staff(current_staff().id)
        links.revoke_link(session, link, reason=form.reason.data, actor=actor, now=now())

    task = Task(
        title=_("Revoke a link of account %(reference)s", reference=account.reference),
        button=_("Revoke"),
        back=back_to(account),
        notes=(_("It opens nothing any more, and whoever uses it now is shown out."),),
    )
    act = unless_stale(form, account, do)
    return perform(form, act, task=task, done=_("The link is revoked."), to=back_to(account))


@bp.route("/accounts/<uuid:account_id>/revoke-links", methods=["GET", "POST"])
@audience(Permission.CONTACT)
def revoke_all(account_id: UUID) -> Any:
    """Close every link of a person at once."""
    account, form = open_account(account_id), RevokeForm()
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))

    def do() -> None:
        actor = evidence.staff(current_staff().id)
        links.revoke_all(session, debtor, reason=form.reason.data, actor=actor, now=now())

    task = Task(
        title=_("Revoke every link of this person"),
        button=_("Revoke all"),
        back=back_to(account),
        notes=(
            _("None opens anything any more, and whoever uses one now is shown out."),
            _("An invitation that waits with one of them is not sent."),
        ),
    )
    act = unless_stale(form, account, do)
    return perform(form, act, task=task, done=_("Every link is revoked."), to=back_to(account))


@bp.route("/accounts/<uuid:account_id>/stops/<uuid:stop_id>", methods=["GET", "POST"])
@audience(Permission.CONTACT)
def reopen(account_id: UUID, stop_id: UUID) -> Any:
    """Open an address again that was closed by mistake; never one that wanted no more messages."""
    account, form = open_account(account_id), ReopenForm()
    stop, address = _stop_of(account, stop_id)

    def do() -> None:
        lift_stop(session, stop, by=current_staff().id, now=now())

    task = Task(
        title=_("Open %(address)s again", address=address),
        button=_("Open it again"),
        back=back_to(account),
        notes=(
            words_of(stop.kind, labels.STOPS),
            _("Do this only if the text that came from there was no stop.")
            if stop.kind == StopKind.UNREAD
            else _("Do this only if it was a mistake. Revoked links stay closed: send a new one."),
        ),
    )
    act = unless_stale(form, account, do)
    return perform(form, act, task=task, done=_("The address is open."), to=back_to(account))


@bp.route("/accounts/<uuid:account_id>/paper", methods=["GET", "POST"])
@audience(Permission.CONTACT)
def paper_again(account_id: UUID) -> Any:
    """End the consent to required copies by e-mail only, for a debtor who calls or writes."""
    account, form = open_account(account_id), PaperForm()
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))

    def do() -> None:
        actor = evidence.staff(current_staff().id)
        esign.withdraw(session, debtor, actor=actor, now=now())

    task = Task(
        title=_("Required copies on paper again"),
        button=_("On paper again"),
        back=back_to(account),
        notes=(_("From now on they go by letter too. Nothing else changes."),),
    )
    return perform(form, do, task=task, done=_("Letters go from now on."), to=back_to(account))


@bp.route("/messages/<uuid:message_id>/letter", methods=["GET", "POST"])
@audience(Permission.CONTACT)
def copy_on_paper(message_id: UUID) -> Any:
    """Put a copy on the list of letters, for a debtor who asks for paper."""
    mine = Message.client_id.in_(session.info["client_ids"])
    message = session.scalars(select(Message).where(mine, Message.id == message_id)).one()
    if message.account_id is None:
        abort(404)
    account, form = open_account(message.account_id), PaperForm()

    def do() -> None:
        if account.erased_at is not None and message.created_at <= account.erased_at:
            raise RecordErased
        if not messages.copy_on_paper(session, message, by=current_staff().id, now=now()):
            raise NoLetter

    task = Task(
        title=_("Send a copy of %(reference)s by letter", reference=account.reference),
        button=_("Put it on the list"),
        back=back_to(account),
        notes=(words_of(message.template, labels.TEMPLATES),),
    )
    return perform(form, do, task=task, done=_("It is on the list."), to=back_to(account))


def _stop_of(account: Account, stop_id: UUID) -> tuple[ContactStop, str]:
    """A stop of the account's debtor, and the address in words that give nothing away.

    Also one that a colleague has lifted, so that whoever is second is told so.
    """
    stop = session.get(ContactStop, (account.client_id, stop_id))
    if stop is not None and is_of_letters(stop, account.debtor_id):
        return stop, _("the postal address")
    found = session.execute(_stops_of(account).where(ContactStop.id == stop_id)).one()
    return found[0], masked_contact(found[1])


def _stops_of(account: Account) -> Any:
    same = (
        (Contact.client_id == ContactStop.client_id)
        & (Contact.channel == ContactStop.channel)
        & (Contact.address == ContactStop.address)
    )
    return (
        select(ContactStop, Contact)
        .join(Contact, same)
        .where(
            Contact.client_id == account.client_id,
            Contact.debtor_id == account.debtor_id,
            ContactStop.kind != StopKind.OPTED_OUT,
        )
    )
