"""What an account owed on a past day, and the timeline with its filters."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

from flask import request

from portal.blueprints.opening import open_account
from portal.blueprints.owed_then import show_balance, typed_day
from portal.blueprints.support import bp
from portal.domain.access import Permission
from portal.models import Account, Client
from portal.security import audience
from portal.services import history
from portal.services.history import GROUPS, WHO, Wanted
from portal.web import session, url_for


@bp.get("/accounts/<uuid:account_id>/balance")
@audience(Permission.SEE_ACCOUNTS)
def balance_on(account_id: UUID) -> Any:
    """What was owed at the end of a day, and the movements that made it."""
    account = open_account(account_id)
    zone = session.get_one(Client, account.client_id).time_zone
    at = url_for("support.balance_on", account_id=account.id)
    return show_balance("support/balance.html", account, zone=zone, balance_at=at)


def timeline_of(account: Account, zone: str) -> dict[str, Any]:
    """The page of the timeline that the address asks for, its filters, and where it goes on."""
    wanted = _wanted()
    found = history.read_history(session, account, wanted, zone)
    return {
        "events": found.events,
        "wanted": wanted,
        "groups": {name: title for name, (title, _types) in GROUPS.items()},
        "actors": WHO,
        "older": _address(account, replace(wanted, before=found.older)) if found.older else None,
        "newest": _address(account, replace(wanted, before=None)) if wanted.before else None,
    }


def _wanted() -> Wanted:
    before = request.args.get("before", type=int)
    return Wanted(
        group=_one_of("what", GROUPS.__contains__),
        who=_one_of("who", WHO.__contains__),
        first_on=typed_day("first"),
        last_on=typed_day("last"),
        before=before if before is not None and 0 <= before < 2**31 else None,
    )


def _one_of(name: str, known: Callable[[object], bool]) -> str | None:
    typed = request.args.get(name, "")
    return typed if known(typed) else None


def _address(account: Account, wanted: Wanted) -> str:
    asked = {
        "what": wanted.group,
        "who": wanted.who,
        "first": wanted.first_on,
        "last": wanted.last_on,
        "before": wanted.before,
    }
    given = {name: value for name, value in asked.items() if value is not None}
    return url_for("support.account", account_id=account.id, _anchor="happened", **given)
