"""Clients, and what providers know them by: written here, shown again by its end alone."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import abort, request
from wtforms import StringField

from portal.blueprints.consoles import Task, page, perform
from portal.blueprints.operating import LAYOUT, bp
from portal.domain import N_
from portal.domain.access import Permission
from portal.domain.wording import mask_tail
from portal.models import Client
from portal.security import audience, current_staff, danger
from portal.services import operating, providers
from portal.web import Form, now, session, url_for
from portal.web import gettext as _


class StripeForm(Form):
    """Where the client's payments go; never filled in with what is kept."""

    account = StringField(N_("Stripe account"), description=N_("It begins with acct_."))


class RegistrationForm(Form):
    """What carriers know the client's texts by; never filled in with what is kept."""

    registration = StringField(
        N_("Registration of text messages"),
        description=N_("The ids of the brand and the campaign, as the carriers gave them."),
    )


@bp.get("", endpoint="home")
@audience(Permission.OPERATE)
def clients() -> Any:
    """Every client with its state, by name."""
    found = operating.client_states(session, after=request.args.get("after", type=UUID))
    shown = found[: operating.CLIENTS]
    onward = (
        url_for("operator.home", after=shown[-1].client.id) if len(found) > len(shown) else None
    )
    return page(
        "operator/clients.html",
        section="clients",
        states=shown,
        next=onward,
        most=operating.MOST_COUNTED,
        ending=mask_tail,
    )


def _client(client_id: UUID) -> Client:
    if client_id not in session.info["client_ids"]:
        abort(404)
    return session.get_one(Client, client_id)


@bp.route("/clients/<uuid:client_id>/stripe-account", methods=["GET", "POST"])
@audience(Permission.OPERATE)
@danger
def stripe_account(client_id: UUID) -> Any:
    """Say in which Stripe account a client is paid."""
    client, form = _client(client_id), StripeForm()

    def do() -> None:
        typed = form.account.data or ""
        providers.set_stripe_account(session, client, typed, staff=current_staff(), now=now())

    notes = (
        _("Payments from now on are made there. After the first one it cannot be changed."),
        _("What is kept is not shown again, but for its last four characters."),
    )
    title = _("Stripe account of %(client)s", client=client.trade_name)
    return _write(form, do, title, notes)


@bp.route("/clients/<uuid:client_id>/sms-registration", methods=["GET", "POST"])
@audience(Permission.OPERATE)
@danger
def sms_registration(client_id: UUID) -> Any:
    """Say what carriers know a client's texts by (EC-07)."""
    client, form = _client(client_id), RegistrationForm()

    def do() -> None:
        typed = form.registration.data or ""
        providers.set_sms_registration(session, client, typed, staff=current_staff(), now=now())

    notes = (
        _("Texts leave only for a client that carriers know."),
        _("What is kept is not shown again, but for its last four characters."),
    )
    title = _("Registration of text messages of %(client)s", client=client.trade_name)
    return _write(form, do, title, notes)


def _write(form: Form, do: Callable[[], object], title: str, notes: tuple[str, ...]) -> Any:
    home = url_for("operator.home")
    task = Task(title=title, button=_("Save"), back=home, notes=notes, layout=LAYOUT)
    return perform(form, do, task=task, done=_("It is saved, and on the record."), to=home)
