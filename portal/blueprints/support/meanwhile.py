"""Two people on one account: whoever is second is told who did what since they opened the page."""

import re
from collections.abc import Callable, Sequence
from typing import Self

from wtforms import HiddenField

from portal.models import Account, Client
from portal.security import current_staff
from portal.services import evidence, history
from portal.services.history import Meanwhile
from portal.services.ledger import lock_accounts
from portal.services.timeline import Event
from portal.web import Form, session

_PLACE = re.compile(r"-1|[0-9]{1,9}")
"""Of a leaf on its chain; -1 where there was none yet."""


class SeenForm(Form):
    """A form that knows up to which leaf its page told of the account.

    ``since``: what colleagues did after that, told in the client's ``zone``.
    """

    seen = HiddenField()
    since: Sequence[Event] = ()
    zone: str = "UTC"

    def of(self, account: Account, head: int | None = None) -> Self:
        """The form as a page shows it now; what was kept of it knows what its own page told.

        ``head``: the place of the record's last leaf, where the page has read it.
        """
        if self.seen.data is None:
            self.seen.data = str(evidence.head(session, account) if head is None else head)
        return self


def unless_stale(form: SeenForm, account: Account, do: Callable[[], object]) -> Callable[[], None]:
    """The same act, under the debtor's locks, unless a colleague acted since the page was opened.

    All their accounts are locked, for an act may be on the person.
    The answer to that says what they did and has all that was typed: sent again, it acts.
    """
    if not form.is_submitted():
        form.of(account)

    def first() -> None:
        lock_accounts(session, account.client_id, account.debtor_id)
        refuse_stale(form, account)
        do()

    return first


def refuse_stale(form: SeenForm, account: Account) -> None:
    """Raise Meanwhile where a colleague acted since the page was opened; the form says what.

    A page that names no place of the account's record may tell of any time, so it is stale too.
    """
    if not (typed := form.seen.data):
        return
    seen = int(typed) if _PLACE.fullmatch(typed) else None
    known = seen is not None and seen <= evidence.head(session, account)
    if seen is not None and known:
        form.since = history.by_colleagues(session, account, seen, current_staff())
    if form.since or not known:
        form.seen.data = str(evidence.head(session, account))
        form.zone = session.get_one(Client, account.client_id).time_zone
        raise Meanwhile


def place_of(form: SeenForm) -> int | None:
    """Up to which leaf the page of a form told of the account; None where the form says nothing."""
    typed = form.seen.data or ""
    return int(typed) if _PLACE.fullmatch(typed) else None


def tell_all(form: SeenForm, account: Account) -> None:
    """Let the form say what staff did since its page was opened, also oneself."""
    if (seen := place_of(form)) is not None:
        form.since = history.by_staff(session, account, seen)
        form.zone = session.get_one(Client, account.client_id).time_zone
