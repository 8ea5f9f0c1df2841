"""The mailbox to which the signed head of a client's record goes each day (EV-05)."""

from typing import Any
from uuid import UUID

from flask import abort
from wtforms import StringField

from portal.blueprints.compliance import LAYOUT, bp
from portal.blueprints.consoles import Task, page, perform
from portal.domain import N_
from portal.domain.access import Permission
from portal.models import Client
from portal.security import audience, current_staff, danger
from portal.services.compliance_mail import change_mailbox
from portal.services.record_state import clients_seen
from portal.web import Form, now, session, url_for
from portal.web import gettext as _


class MailboxForm(Form):
    """Where the signed heads go."""

    email = StringField(
        N_("E-mail address"),
        description=N_(
            "A mailbox of the client's own that the operator of this portal cannot open."
        ),
    )


@bp.get("/settings")
@audience(Permission.EXAMINE)
def settings() -> Any:
    """The mailbox of each client."""
    return page("compliance/settings.html", section="settings", clients=clients_seen(session))


@bp.route("/settings/<uuid:client_id>", methods=["GET", "POST"])
@audience(Permission.EXAMINE)
@danger
def mailbox(client_id: UUID) -> Any:
    """Change the mailbox of one client."""
    if client_id not in session.info["client_ids"]:
        abort(404)
    client = session.get_one(Client, client_id)
    form = MailboxForm(email=client.compliance_email or "")

    def do() -> None:
        typed, staff = form.email.data or "", current_staff()
        change_mailbox(session, client, typed, staff=staff, now=now())

    task = Task(
        title=_("Compliance mailbox of %(client)s", client=client.trade_name),
        button=_("Save"),
        back=url_for("compliance.settings"),
        notes=[_("Each day it gets the signed head of the record, and what was found in it.")],
        layout=LAYOUT,
    )
    done = _("The signed heads go there from now on. That it changed is on the record.")
    return perform(form, do, task=task, done=done, to=url_for("compliance.settings"))
