"""The letter that nothing is owed any more, to read and to print (PY-12)."""

from uuid import UUID

from flask import abort
from flask.typing import ResponseReturnValue

from portal.blueprints.debtor import bp
from portal.blueprints.debtor.common import any_account, refuse_copies, show
from portal.models import Account, Client, Debtor
from portal.security import audience, current_visit
from portal.services.satisfaction import satisfaction
from portal.web import now, session


@bp.get("/account/<uuid:account_id>/letter")
@audience("debtor")
def satisfied(account_id: UUID) -> ResponseReturnValue:
    """The letter, as the account stands."""
    return satisfied_page(account_id)


def satisfied_page(account_id: UUID, *, paper: bool = False) -> str:
    """The letter for the screen, or on paper; 404 where it owes or nothing was ever paid."""
    view = any_account(account_id)
    refuse_copies(view)
    visit = current_visit()
    found = satisfaction(session, session.get_one(Account, (visit.client_id, account_id)))
    if found is None:
        abort(404)
    return show(
        "debtor/satisfied.html",
        view,
        paper=paper,
        letter=found,
        client=session.get_one(Client, visit.client_id),
        debtor=session.get_one(Debtor, (visit.client_id, visit.debtor_id)),
        written_at=now(),
    )
