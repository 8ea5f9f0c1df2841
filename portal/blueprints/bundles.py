"""The bundle of an agreement as a file, for whoever may have it (EV-06)."""

import logging
from typing import TYPE_CHECKING

from flask import Response, current_app
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import IntegrityError

from portal.blueprints.consoles import page
from portal.domain import DomainError
from portal.gateways.typesetting import NotTypeset
from portal.gateways.vault import Unreadable
from portal.models import Arrangement
from portal.security import current_staff
from portal.services import evidence
from portal.services.evidence import Actor
from portal.services.no_proof import RecordErased
from portal.services.tree import TreeBroken
from portal.web import explain, now, session

if TYPE_CHECKING:
    from portal.services.exports import Exported

log = logging.getLogger(__name__)

NOT_MADE = (DomainError, IntegrityError, NotTypeset, TreeBroken, Unreadable)
"""Why a bundle cannot be made now, though it may be later."""
ERASED = 410
"""What is answered for a record that is gone for good."""


def made_for(actor: Actor, agreed: Arrangement) -> "Exported":
    """The bundle of an agreement, made whole to this second; raises what `export` raises."""
    # Only who saves a proof pays for them.
    from portal.certifying import certificate  # noqa: PLC0415
    from portal.services.exports import Outside, export  # noqa: PLC0415

    running = current_app.extensions["portal"]
    outside = Outside(running.signer, certificate, running.settings.base_url)
    return export(session, agreed, outside, actor=actor, now=now())


def saved_zip(made: "Exported") -> Response:
    """A bundle as a file to keep."""
    headers = {"Content-Disposition": f'attachment; filename="{made.name}"'}
    return Response(made.body, mimetype="application/zip", headers=headers)


def for_staff(agreed: Arrangement, *, back: str, section: str) -> ResponseReturnValue:
    """The bundle of an agreement for who is logged in, or a page that says why there is none."""
    actor = evidence.staff(current_staff().id)
    answer, reason = 503, None
    try:
        return saved_zip(made_for(actor, agreed))
    except RecordErased as error:
        answer, reason = ERASED, explain(error)
    except NOT_MADE as error:
        session.rollback()
        log.exception("no bundle of %s", agreed.reference)
        reason = explain(error) if isinstance(error, DomainError) else None
    about = {"section": section, "back_to": back, "reason": reason, "erased": answer == ERASED}
    return page("staff/no_bundle.html", **about), answer
