"""One message as it was sent, but for what opens its link and, until shown, who it went to."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Response, abort
from sqlalchemy import select

from portal.blueprints.consoles import page
from portal.blueprints.opening import open_account
from portal.blueprints.papers import as_kept
from portal.blueprints.support import bp
from portal.blueprints.support.accounts import RevealForm, revealed_until
from portal.domain import labels
from portal.domain.access import Permission
from portal.models import Account, Client, Debtor, Message
from portal.security import audience
from portal.security.redaction import redact
from portal.services.deliveries import deliveries_of
from portal.services.dossier import contacts_of
from portal.services.evidence import Kept
from portal.services.masking import masker
from portal.services.messages import about
from portal.web import now, session


@bp.get("/messages/<uuid:message_id>", endpoint="message")
@audience(Permission.SEE_ACCOUNTS)
def sent(message_id: UUID) -> Any:
    """The words, the headers of an e-mail, and what its carrier said of it."""
    message, account = _message(message_id)
    revealed = revealed_until(account, now())
    shown = _shown(message, account)
    return page(
        "support/message.html",
        message=message,
        account=account,
        zone=session.get_one(Client, message.client_id).time_zone,
        deliveries=deliveries_of(session, [message]).get(message.id, ()),
        headers={name: shown(str(value)) for name, value in (message.headers or {}).items()},
        words=shown(message.body or ""),
        subject=shown(message.subject or ""),
        revealed=revealed,
        reveal=RevealForm(message=str(message.id)),
        labels=labels,
    )


@bp.get("/messages/<uuid:message_id>/html")
@audience(Permission.SEE_ACCOUNTS)
def message_html(message_id: UUID) -> Response:
    """The HTML part of an e-mail, kept from doing anything but being read."""
    message, account = _message(message_id)
    if not message.body_html:
        abort(404)
    return as_kept(Kept("text/html", _shown(message, account)(message.body_html).encode()))


def _message(message_id: UUID) -> tuple[Message, Account]:
    mine = Message.client_id.in_(session.info["client_ids"])
    message = session.scalars(select(Message).where(mine, Message.id == message_id)).one()
    return message, open_account(about(session, message)[0].id)


def _shown(message: Message, account: Account) -> Callable[[str], str]:
    """How its words are shown: names and addresses only to whom the personal data shows."""
    if revealed_until(account, now()):
        return redact
    debtor = session.get_one(Debtor, (message.client_id, message.debtor_id))
    mask = masker(session, debtor, contacts_of(session, debtor, retired=True))
    return lambda words: mask(message, redact(words))
