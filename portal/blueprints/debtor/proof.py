"""The proof of an agreement: a file that the debtor keeps, and that holds without us (EV-06)."""

import logging
from uuid import UUID

from flask.typing import ResponseReturnValue

from portal.blueprints.bundles import ERASED, NOT_MADE, made_for, saved_zip
from portal.blueprints.debtor import bp
from portal.blueprints.debtor.arrangement import own_record
from portal.blueprints.debtor.common import show
from portal.models import Arrangement
from portal.security import audience, current_visit
from portal.services import evidence
from portal.services.no_proof import RecordErased, TooManyExports
from portal.web import explain, session

log = logging.getLogger(__name__)


@bp.post("/account/<uuid:account_id>/proof")
@audience("debtor")
def proof(account_id: UUID) -> ResponseReturnValue:
    """The evidence bundle of the agreement, made whole to this second; that it was asked for."""
    view, agreed = own_record(account_id)
    actor = evidence.debtor(current_visit().debtor_id)
    row = session.get_one(Arrangement, (current_visit().client_id, agreed.id))
    try:
        made = made_for(actor, row)
    except TooManyExports as error:
        return show("debtor/no_proof.html", view, reason=explain(error), erased=False), 429
    except RecordErased as error:
        return show("debtor/no_proof.html", view, reason=explain(error), erased=True), ERASED
    except NOT_MADE:
        session.rollback()
        log.exception("no proof of %s", agreed.reference)
        return show("debtor/no_proof.html", view, reason=None, erased=False), 503
    return saved_zip(made)
