"""The letter that nothing is owed any more, to read and to print (PY-12)."""

from uuid import UUID

from flask import abort, make_response
from flask.typing import ResponseReturnValue

from portal.blueprints.debtor import bp
from portal.blueprints.debtor.balance import balance_page
from portal.blueprints.debtor.common import any_account, refuse_copies, refuse_hidden, show
from portal.models import Account, Client, Debtor
from portal.security import audience, current_visit
from portal.services.satisfaction import satisfaction
from portal.web import gettext as _
from portal.web import now, session


@bp.get("/account/<uuid:account_id>/letter")
@audience("debtor")
def satisfied(account_id: UUID) -> ResponseReturnValue:
    """The letter, as the account stands."""
    return satisfied_page(account_id)


def satisfied_page(account_id: UUID, *, paper: bool = False) -> str:
    """The letter for the screen, or on paper; 404 where nothing was ever paid, or it owes.

    What is owed is said then: a payment may have gone back since the letter was written.
    """
    view = any_account(account_id)
    refuse_copies(view)
    visit = current_visit()
    found = satisfaction(session, session.get_one(Account, (visit.client_id, account_id)))
    if found is None and view.account.balance_cents > 0:
        refuse_hidden(view)
        owed = (view.account.balance_cents, view.account.currency)
        note = _("There is no letter that you owe nothing: you owe %(amount)s now.", amount=owed)
        abort(make_response(balance_page(view, note=note), 404))
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
