"""The rest of somebody who cannot pay now: until when it lasts, and how to end it."""

from uuid import UUID

from flask import request
from flask.typing import ResponseReturnValue

from portal.blueprints.debtor import bp
from portal.blueprints.debtor.balance import RESTED
from portal.blueprints.debtor.common import open_account, show
from portal.db import commit
from portal.domain.help import Topic
from portal.security import audience
from portal.services import rests
from portal.web import now, see_other, session, url_for


@bp.route("/account/<uuid:account_id>/rest", methods=["GET", "POST"])
@audience("debtor")
def rest(account_id: UUID) -> ResponseReturnValue:
    """Until when everything rests: GET says what that means, POST ends it at once.

    A second tap says the same as the first.
    """
    view = open_account(account_id)
    found = rests.rest_of(session, view.account, now())
    if request.method == "POST":
        if found is not None:
            rests.end(session, view.account, now=now())
            commit(session, "rests.end")
        return see_other(url_for(".account", account_id=account_id, done=RESTED))
    if found is None:
        topic = Topic.CANNOT_PAY.value
        return see_other(url_for(".help_topic", account_id=account_id, topic=topic))
    return show("debtor/rest.html", view, ends_at=found.ends_at)
