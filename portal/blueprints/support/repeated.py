"""The same form sent twice: the second time is answered with what the first one did."""

from collections.abc import Callable

from flask import flash

from portal import i18n
from portal.blueprints.support.meanwhile import SeenForm, place_of
from portal.models import Account, Client
from portal.security import current_staff
from portal.services import history
from portal.services.evidence import Payload
from portal.services.ledger import lock_account
from portal.web import gettext as _
from portal.web import locale, session


def sent_before(
    form: SeenForm, account: Account, kind: str, same: Callable[[Payload], bool]
) -> Payload | None:
    """What this form did when it was sent before, as a leaf of this kind tells it.

    The next page says so. ``same``: whether a leaf is of what is asked for now; what was typed
    anew is something else. Locks the account.
    """
    lock_account(session, account.id)
    seen = place_of(form)
    if seen is None:
        return None
    done = history.by_me(session, account, seen, current_staff(), kind)
    first = next((entry for entry in done if same(entry.payload)), None)
    if first is None:
        return None
    zone = session.get_one(Client, account.client_id).time_zone
    at = i18n.voice(locale()).time(first.at, zone)
    flash(_("You sent this before, at %(at)s. Nothing was done twice.", at=at), "ok")
    return first.payload
