"""What every page about an account begins with: whose it is, and what may be shown."""

from dataclasses import replace
from typing import Any, NoReturn
from uuid import UUID

from flask import abort, current_app, g, make_response, request

from portal.domain.capabilities import Verdict
from portal.domain.disclosures import collector_line
from portal.domain.holds import HoldKind
from portal.domain.terms import Choice
from portal.models import Debtor
from portal.rules.disclosures import LegalText, legal_text
from portal.runtime import Runtime
from portal.security import current_visit, load_choice, read_beside, sign_choice
from portal.services import choices
from portal.services.balance import Balance, read_balance, shown_balance
from portal.services.choices import Picked
from portal.services.standing import zone_of
from portal.web import locale, now, render, session, wear

SOMEBODY_ELSE = (HoldKind.DECEASED, HoldKind.MINOR, HoldKind.WRONG_PERSON)


def runtime() -> Runtime:
    """What this process works with."""
    found: Runtime = current_app.extensions["portal"]
    return found


def open_account(account_id: UUID) -> Balance:
    """The reader's own account, read whole; any other is a 404.

    Where the debt may not be shown, the answer is a page that says so and how to go on.
    """
    view = any_account(account_id)
    refuse_hidden(view)
    return view


def shown_account(account_id: UUID) -> Balance:
    """The same for a page that only shows it, read beside the visit at less cost."""
    view = shown_balance(read_beside(), now=now())
    view = _found(view if view and view.account.id == account_id else None)
    refuse_hidden(view)
    return view


def any_account(account_id: UUID) -> Balance:
    """The reader's own account, even where the debt itself may not be shown."""
    return _found(read_balance(session, current_visit(), account_id, now=now()))


def _found(view: Balance | None) -> Balance:
    if view is None:
        abort(404)
    welcome(view)
    return view


def welcome(view: Balance) -> None:
    """Give the page its clock and its way to help."""
    wear(replace(g.face, help_url=help_path(view), time_zone=view.zone))


def set_clock() -> None:
    """Give a page about no one account the debtor's own clock."""
    visit = current_visit()
    debtor = session.get_one(Debtor, (visit.client_id, visit.debtor_id))
    wear(replace(g.face, time_zone=zone_of(debtor)))


def refuse_hidden(view: Balance, *, note: str | None = None) -> None:
    """Answer with a page that says why, where the debt may not be shown.

    ``note`` says above it what has just happened.
    """
    verdict = view.offers.capabilities.show
    if not verdict.allowed:
        refuse(view, verdict, note=note)


def refuse(view: Balance, verdict: Verdict, *, note: str | None = None) -> NoReturn:
    """Answer with a page that says why something is not shown, and how to go on."""
    told = not keeps_copies_back(view.offers.capabilities.show)
    page = show("debtor/not_shown.html", view, reasons=verdict.reasons, note=note, told=told)
    abort(make_response(page, 409 if request.method == "POST" else 200))


def refuse_copies(view: Balance) -> None:
    """The same for what the reader agreed to or paid, which stays theirs to read (PY-05, PY-12).

    It is kept back only where a hold makes it doubtful that the reader is the debtor.
    """
    if keeps_copies_back(view.offers.capabilities.show):
        refuse_hidden(view)


def keeps_copies_back(shown: Verdict) -> bool:
    """Whether a hold among the reasons says that the reader may be somebody else."""
    return any(reason.hold in SOMEBODY_ELSE for reason in shown.reasons)


def show(template: str, view: Balance, **context: Any) -> str:
    """A page about an account, with the line of its collector (TX-01)."""
    line = collector(view) if view.offers.capabilities.show.allowed else None
    return render(template, view=view, account=view.account, collector=line, **context)


def help_path(view: Balance) -> str:
    """Where help about this account is."""
    return f"/account/{view.account.id}/help"


def collector(view: Balance, language: str | None = None) -> LegalText | None:
    """What a debt collector must say on each page, in the page's language (TX-01)."""
    account = view.account
    line = collector_line(account.collector_role, first=account.validation_notice_sent_on is None)
    if line is None:
        return None
    names = {"company": view.client.trade_name, "creditor": account.current_creditor}
    return legal_text(line, language or locale(), version=None, **names)


def pick(view: Balance, choice: Choice, version: int | None = None) -> str:
    """A choice made on this page, signed for the address of the next.

    ``version`` is that of the limits which made it; None: those in force.
    """
    published = view.offers.published
    version = version or (published.version if published else 0)
    return signed(Picked(choice, version, view.account.balance_cents, made_on=view.today))


def signed(picked: Picked) -> str:
    """A choice as it goes into an address."""
    return sign_choice(choices.to_dict(picked))


def picked(signed_choice: str) -> Picked:
    """The choice of an address. Raises ChoiceUnreadable."""
    return choices.read(load_choice(signed_choice))
