"""Who may open which page: every route says so, and a route that does not is closed."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import abort, current_app, g, request

from portal.domain.access import Permission, Role, holders
from portal.security.forms import bind, refuse_forgeries
from portal.security.visitors import admit_debtor
from portal.services.visits import Visit

log = logging.getLogger(__name__)

ANYONE, DEBTOR, PAYER, STAFF = "anyone", "debtor", "payer", "staff"

View = TypeVar("View", bound=Callable[..., Any])
StaffGuard = Callable[[Permission | None], None]


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom a page is for; ``needed`` is what staff must be allowed. ``forms``: check our token.

    ``beside`` is what a debtor's page reads in the statement that finds the visit.
    """

    kind: str
    needed: Permission | None = None
    forms: bool = True
    beside: str | None = None

    @property
    def roles(self) -> frozenset[Role]:
        """The roles of staff that may open the page."""
        if self.kind != STAFF:
            return frozenset()
        return holders(self.needed) if self.needed else frozenset(Role)


def audience(who: str, *, forms: bool = True, beside: str | None = None) -> Callable[[View], View]:
    """Say whom a view is for: ``anyone``, ``debtor``, ``payer``, ``staff``, or what staff may do.

    A payer is somebody else whom a debtor asked to pay: the token of the address is all they have.

    ``forms=False``: the request proves itself in another way, such as a webhook's signature.
    ``beside``: a SELECT over ``visit`` that a debtor's page shows (``read_beside``).
    """
    needed = who if isinstance(who, Permission) else None
    kind = STAFF if needed else who
    if kind not in (ANYONE, DEBTOR, PAYER, STAFF):
        raise ValueError(f"{who} is no audience")
    allowed = Audience(kind, needed, forms, beside)

    def declare(view: View) -> View:
        view.audience = allowed  # type: ignore[attr-defined]
        return view

    return declare


def danger(view: View) -> View:
    """Say of a view of staff that acting there needs a proof, made just now, of who one is.

    What was typed is kept over it. Pages that only ever show or download need it for that.
    """
    view.danger = True  # type: ignore[attr-defined]
    return view


def staff_guard(admit: StaffGuard) -> StaffGuard:
    """Let this function admit staff: it is called with what is needed and refuses by an exception.

    It scopes the session to the clients of the member of staff and calls ``bind("staff", id)``.
    """
    current_app.extensions["staff_guard"] = admit
    return admit


def guard() -> None:
    """Before each request: admit who it is for, and refuse forms that are not ours."""
    if request.endpoint is None:  # no such page: the error says so
        return
    allowed = getattr(current_app.view_functions[request.endpoint], "audience", None)
    if allowed is None:
        log.error("route %s has no audience, so it is closed", request.endpoint)
        abort(403)
    _admit(allowed)
    if allowed.forms:
        refuse_forgeries()
    if getattr(current_app.view_functions[request.endpoint], "danger", False):
        current_app.extensions["proof_guard"]()


def _admit(allowed: Audience) -> None:
    if allowed.kind == DEBTOR:
        admit_debtor(allowed.beside)
    elif allowed.kind == STAFF:
        admit: StaffGuard | None = current_app.extensions.get("staff_guard")
        if admit is None:
            abort(403)
        admit(allowed.needed)
    elif token := (request.view_args or {}).get("token"):
        bind("payer" if allowed.kind == PAYER else "link", str(token))
    else:
        bind("anyone", "")


def current_visit() -> Visit:
    """The visit of the debtor who reads this page."""
    visit: Visit = g.visit
    return visit


def read_beside() -> tuple[Any, ...]:
    """The row that the page's audience named, as it was when the visit was found."""
    row: tuple[Any, ...] = g.beside
    return row
