"""What an account owed on a past day, as staff and its client read it."""

from datetime import date
from typing import Any

from flask import request

from portal.blueprints.consoles import page
from portal.domain import DomainError, labels, wording
from portal.models import Account
from portal.services.owed_then import owed_on
from portal.web import explain, now, session
from portal.web import gettext as _


def show_balance(template: str, account: Account, **about: Any) -> Any:
    """What was owed at the end of the day that the address asks for, or why that is not known."""
    day, owed, problem = typed_day("on"), None, None
    try:
        if day is None:
            problem = _("Choose a day.")
        else:
            owed = owed_on(session, account, day, now=now())
    except DomainError as error:
        problem = explain(error)
    answer = page(
        template,
        account=account,
        typed=request.args.get("on", "")[:10],
        day=day,
        owed=owed,
        problem=problem,
        labels=labels,
        **about,
    )
    return (answer, 422) if problem else answer


def typed_day(name: str) -> date | None:
    """A day that the address names; None where there is no such day."""
    typed = wording.clean_text(request.args.get(name, "")[:10])
    try:
        found = date.fromisoformat(typed)
    except ValueError:
        return None
    return found if 1900 < found.year < 9000 else None
