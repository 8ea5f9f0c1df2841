"""Money: payments, refunds and chargebacks over some days, equal to the ledger."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Response, request

from portal.blueprints.client import bp, current_client
from portal.blueprints.client.limit_words import offer_words
from portal.blueprints.consoles import Amount, download, page
from portal.domain import labels
from portal.domain.access import Permission
from portal.domain.wording import clean_text
from portal.security import audience, danger
from portal.services import reports
from portal.services.reports import RangeUnclear, Span
from portal.web import explain, now, session, url_for

COLUMNS = (*("at", "kind", "account", "payment", "currency", "received", "offer", "agreement"),)
SHOWN_DAYS = 29


@bp.get("/money", endpoint="money")
@audience(Permission.SEE_CLIENT)
def shown() -> Any:
    """The totals of the days, and the newest movements among them."""
    try:
        days = _days()
    except RangeUnclear as unclear:
        return _ask_again(unclear)
    client = current_client()
    totals = reports.totals(session, client.id, days)
    return page(
        "client/money.html",
        section="money",
        asked=(days.first, days.last),
        problem=None,
        totals=totals,
        sums=_sums(totals),
        moved=reports.movements(session, client.id, days, size=reports.PAGE * 4),
        number_of=sum(total.number for total in totals),
        file=url_for("client.money_file", first=days.first, last=days.last),
        offer=offer_words,
        entries=labels.ENTRIES,
        zone=client.time_zone,
    )


def _ask_again(unclear: RangeUnclear) -> tuple[str, int]:
    """The days as they were asked for, and what is wrong with them."""
    asked = [clean_text(request.args.get(name, "")[:10]) for name in ("first", "last")]
    shown = {"asked": asked, "problem": explain(unclear), "totals": (), "file": None}
    return page("client/money.html", section="money", **shown), 400


def _sums(totals: Any) -> dict[str, int]:
    """What is left of all movements, by currency."""
    sums: dict[str, int] = {}
    for total in totals:
        sums[total.currency] = sums.get(total.currency, 0) + total.received_cents
    return sums


def _default() -> Span:
    today = now().astimezone(ZoneInfo(current_client().time_zone)).date()
    return reports.span(current_client(), today - timedelta(days=SHOWN_DAYS), today)


def _days() -> Span:
    """The days that were asked for, or the last thirty. Raises RangeUnclear."""
    first, last = request.args.get("first"), request.args.get("last")
    if not first and not last:
        return _default()
    try:
        return reports.span(
            current_client(), date.fromisoformat(first or ""), date.fromisoformat(last or "")
        )
    except ValueError:
        raise RangeUnclear(days=reports.LONGEST_DAYS) from None


@bp.get("/money.csv")
@audience(Permission.EXPORT)
@danger
def money_file() -> Response | tuple[str, int]:
    """Every movement of the days, as the ledger has it."""
    try:
        days = _days()
    except RangeUnclear as unclear:
        return _ask_again(unclear)
    name = f"money-{days.first}-{days.last}.csv"
    return download(name, COLUMNS, _lines(current_client().id, days))


def _lines(client_id: UUID, days: Span) -> Iterator[list[object]]:
    for moved in reports.every_movement(session, client_id, days):
        yield [
            moved.at.isoformat(),
            moved.kind,
            moved.account_reference,
            moved.payment_reference,
            moved.currency,
            Amount(moved.received_cents),
            moved.offer_key,
            moved.arrangement_reference,
        ]
