"""One message exactly as it was sent, but for what opens its link."""

from typing import Any
from uuid import UUID

from flask import Response, abort
from sqlalchemy import select

from portal.blueprints.consoles import page
from portal.blueprints.papers import as_kept
from portal.blueprints.support import bp
from portal.domain import labels
from portal.domain.access import Permission
from portal.models import Client, Message
from portal.security import audience
from portal.security.redaction import redact
from portal.services.deliveries import deliveries_of
from portal.services.evidence import Kept
from portal.services.messages import about
from portal.web import session


@bp.get("/messages/<uuid:message_id>", endpoint="message")
@audience(Permission.SEE_ACCOUNTS)
def sent(message_id: UUID) -> Any:
    """The words, the headers of an e-mail, and what its carrier said of it."""
    message = _message(message_id)
    account = about(session, message)[0]
    return page(
        "support/message.html",
        message=message,
        account=account,
        zone=session.get_one(Client, message.client_id).time_zone,
        deliveries=deliveries_of(session, [message]).get(message.id, ()),
        headers={name: redact(str(value)) for name, value in (message.headers or {}).items()},
        words=redact(message.body or ""),
        labels=labels,
    )


@bp.get("/messages/<uuid:message_id>/html")
@audience(Permission.SEE_ACCOUNTS)
def message_html(message_id: UUID) -> Response:
    """The HTML part of an e-mail, kept from doing anything but being read."""
    message = _message(message_id)
    if not message.body_html:
        abort(404)
    return as_kept(Kept("text/html", redact(message.body_html).encode()))


def _message(message_id: UUID) -> Message:
    mine = Message.client_id.in_(session.info["client_ids"])
    return session.scalars(select(Message).where(mine, Message.id == message_id)).one()
