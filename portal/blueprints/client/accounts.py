"""The client's own accounts: listed, searched, one by one, as a file."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Response, abort, request

from portal.blueprints import bundles
from portal.blueprints.client import bp, current_client
from portal.blueprints.consoles import Amount, download, page, words_of
from portal.blueprints.opening import open_account
from portal.blueprints.owed_then import show_balance
from portal.domain import labels
from portal.domain.access import Permission
from portal.domain.statuses import AccountStatus
from portal.domain.wording import clean_text
from portal.security import audience, danger, keys
from portal.services import reports
from portal.services.dossier import read_dossier
from portal.services.evidence import account_leaves
from portal.services.records import agreements_of
from portal.services.reports import Listed
from portal.services.search import search
from portal.services.timeline.client import for_client
from portal.web import gettext as _
from portal.web import now, session, url_for

COLUMNS = (
    *("reference", "first_name", "last_name", "state", "balance", "currency"),
    *("placed_on", "agreement", "agreement_state"),
)


def _status() -> AccountStatus | None:
    asked = request.args.get("status", "")
    return AccountStatus(asked) if asked in set(AccountStatus) else None


@bp.get("", endpoint="home")
@audience(Permission.SEE_CLIENT)
def accounts() -> Any:
    """The list: by state, or what the search box finds."""
    typed, status = clean_text(request.args.get("q", "")[:200]), _status()
    client = current_client()
    if typed:
        hits = search(session, typed, keys=keys()).hits
        rows = [Listed(hit.account, hit.debtor, None) for hit in hits]
        found = reports.Page([row for row in rows if status in (None, row.account.status)], None)
    else:
        after = clean_text(request.args.get("after", "")[:200])
        found = reports.accounts_page(session, client.id, status=status, after=after)
    following = url_for("client.home", status=status, after=found.after) if found.after else None
    return page(
        "client/accounts.html",
        section="accounts",
        found=found,
        typed=typed,
        status=status,
        statuses=list(AccountStatus),
        zone=client.time_zone,
        following=following,
        first=url_for("client.home", status=status) if "after" in request.args else None,
    )


@bp.get("/accounts.csv")
@audience(Permission.EXPORT)
@danger
def accounts_file() -> Response:
    """The same list, whole."""
    client = current_client()
    lines = _lines(client.id, ZoneInfo(client.time_zone), _status())
    return download("accounts.csv", COLUMNS, lines)


def _lines(client_id: UUID, zone: ZoneInfo, status: AccountStatus | None) -> Iterator[list[object]]:
    for row in reports.every_account(session, client_id, status=status):
        account, agreed = row.account, row.arrangement
        yield [
            account.reference,
            row.debtor.first_name,
            row.debtor.last_name,
            account.status,
            Amount(account.balance_cents),
            account.currency,
            account.placed_at.astimezone(zone).date(),
            agreed.kind if agreed else None,
            agreed.status if agreed else None,
        ]


@bp.get("/accounts/<uuid:account_id>")
@audience(Permission.SEE_CLIENT)
def account(account_id: UUID) -> Any:
    """One account: what is owed and why, what was agreed, what was paid."""
    found = open_account(account_id)
    it = read_dossier(session, found, now=now())
    return page(
        "client/account.html",
        section="accounts",
        it=it,
        account=found,
        agreements=agreements_of(session, found),
        events=for_client(found, account_leaves(session, found)),
        zone=current_client().time_zone,
        labels=labels,
        state=words_of(found.status),
        balance_at=url_for("client.balance_on", account_id=found.id),
        name=f"{it.debtor.first_name} {it.debtor.last_name}",
        title=_("Account %(reference)s", reference=found.reference),
    )


@bp.get("/accounts/<uuid:account_id>/balance")
@audience(Permission.SEE_CLIENT)
def balance_on(account_id: UUID) -> Any:
    """What was owed at the end of a day, and the movements that made it."""
    found, zone = open_account(account_id), current_client().time_zone
    at = url_for("client.balance_on", account_id=found.id)
    about = {"zone": zone, "balance_at": at, "section": "accounts"}
    return show_balance("client/balance.html", found, **about)


@bp.post("/accounts/<uuid:account_id>/agreements/<uuid:arrangement_id>/export")
@audience(Permission.EXPORT)
def export(account_id: UUID, arrangement_id: UUID) -> Any:
    """The proof of an agreement as a file; that it was exported is on the record."""
    found = open_account(account_id)
    agreed = (one for one in agreements_of(session, found) if one.id == arrangement_id)
    wanted = next(agreed, None)
    if wanted is None:
        abort(404)
    back = url_for("client.account", account_id=account_id)
    return bundles.for_staff(wanted, back=back, section="accounts")
