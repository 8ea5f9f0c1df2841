"""A rehearsal of the draft: begun, watched, read, and downloaded account by account."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from flask import Response, flash, make_response, request

from portal.blueprints.client import bp, current_client
from portal.blueprints.consoles import Amount, download, page
from portal.domain import labels, rehearsal
from portal.domain.access import Permission
from portal.domain.compiler import percent
from portal.domain.money import Cents
from portal.domain.policy import Policy, from_bytes
from portal.domain.rehearsal import ASSUMED_BPS, ENOUGH_VISITS, Difference, Figures, Gets
from portal.domain.terms import Kind
from portal.models import Rehearsal, RehearsalStatus
from portal.security import audience, current_staff, danger
from portal.services import drafts, rehearsals
from portal.services.policies import NotPublishable
from portal.services.staff import names_of
from portal.web import explain, now, see_other, session, url_for
from portal.web import gettext as _

COLUMNS = (
    *("reference", "change", "settlement_before", "settlement_after"),
    *("plan_smallest_payment_before", "plan_smallest_payment_after"),
    *("offers_before", "offers_after", "seen"),
)
AGAIN_S = 5


@bp.post("/offers/rehearse")
@audience(Permission.SET_LIMITS)
def rehearse() -> Any:
    """Have the draft run over all open accounts, and watch."""
    client, staff = current_client(), current_staff()
    document = _draft()
    if document is None:
        return see_other(url_for("client.offers"))
    try:
        found = rehearsals.ask(session, client.id, document, staff=staff, now=now())
    except NotPublishable as refused:
        session.rollback()
        flash(explain(refused), "err")
        return see_other(url_for("client.draft"))
    session.commit()
    return see_other(url_for("client.rehearsal", rehearsal_id=found.id))


def _draft() -> Policy | None:
    draft = drafts.draft_of(session, current_client().id)
    return drafts.limits_of(draft) if draft else None


@bp.get("/offers/rehearsals/<uuid:rehearsal_id>", endpoint="rehearsal")
@audience(Permission.SET_LIMITS)
def shown(rehearsal_id: UUID) -> Any:
    """How far a rehearsal is, then what it found; the page comes again by itself while it runs."""
    client = current_client()
    found = rehearsals.rehearsal(session, client.id, rehearsal_id)
    runs = found.status is RehearsalStatus.STARTED
    answer = make_response(
        page(
            "client/rehearsal.html",
            section="offers",
            found=found,
            runs=runs,
            states=labels.PLACEMENTS,
            asked_by=names_of(session, [found.asked_by]).get(found.asked_by, ""),
            zone=client.time_zone,
            currency=client.currency,
            **({} if runs else _result(found)),
        )
    )
    if runs:
        answer.headers["Refresh"] = str(AGAIN_S)
    return answer


def _result(found: Rehearsal) -> dict[str, Any]:
    """What the page says once it is over."""
    figures = Figures(found.figures)
    typed = request.args.get("take_up", type=int)
    chosen = None if typed is None else min(max(typed, 0), 100) * 100
    take_up = next(bps for bps in (chosen, figures.take_up_bps, ASSUMED_BPS) if bps is not None)
    return {
        "figures": figures,
        "take_up": take_up,
        "assumed": chosen is not None or figures.take_up_bps is None,
        "enough": ENOUGH_VISITS,
        "gets": Gets,
        "differences": Difference,
        "labels": labels,
        "bands": _bands(from_bytes(found.document), figures),
        "months": [(_span(*group[:2]), group[2]) for group in figures.months()],
        "smallest": figures.smallest(),
        "losing": rehearsals.losing(session, found) if figures.loses.accounts else (),
        "file": url_for("client.rehearsal_file", rehearsal_id=found.id),
    }


def _span(first: int, last: int | None) -> str:
    return f"{first}–{last}" if last else f"{first}+"


def _bands(draft: Policy, figures: Figures) -> list[dict[str, Any]]:
    """Each band with its accounts, and how many are offered each of its settlements."""
    return [
        {
            "band": band,
            "number": figures.of("band", n),
            "tiers": [
                (_tier(tier.pay_bps, tier.pay_cents, tier.max_parts, draft.currency), found)
                for k, tier in enumerate(band.tiers)
                if (found := figures.of("tier", f"{n}:{k}")).accounts
            ],
        }
        for n, band in enumerate(draft.bands)
    ]


def _tier(bps: int, cents: int, parts: int, currency: str) -> str:
    pay = _("%(amount)s", amount=(Cents(cents), currency)) if cents else f"{percent(bps)}%"
    if parts == 1:
        return _("%(pay)s at once", pay=pay)
    return _("%(pay)s in up to %(parts)s payments", pay=pay, parts=parts)


def _words(line: str, currency: str) -> str:
    """What somebody is offered, from the line that is kept of it."""
    return _("; ").join(
        _one(kind, (cents, currency), parts) for kind, cents, parts in rehearsal.read(line)
    )


def _one(kind: Kind, amount: tuple[Cents, str], parts: int) -> str:
    if kind is Kind.PLAN:
        return _("plan from %(amount)s in up to %(parts)s payments", amount=amount, parts=parts)
    if kind is Kind.FULL:
        return _("all of it, %(amount)s", amount=amount)
    if parts == 1:
        return _("settlement of %(amount)s at once", amount=amount)
    return _("settlement of %(amount)s in up to %(parts)s payments", amount=amount, parts=parts)


@bp.get("/offers/rehearsals/<uuid:rehearsal_id>/changes.csv")
@audience(Permission.SET_LIMITS)
@danger
def rehearsal_file(rehearsal_id: UUID) -> Response:
    """Every account that would be offered something else."""
    client = current_client()
    found = rehearsals.rehearsal(session, client.id, rehearsal_id)
    return download("rehearsal.csv", COLUMNS, _lines(found, client.currency))


def _lines(found: Rehearsal, currency: str) -> Iterator[list[object]]:
    for one in rehearsals.every_change(session, found):
        yield [
            one.reference,
            one.difference,
            _amount(one.settlement_before_cents),
            _amount(one.settlement_after_cents),
            _amount(one.plan_before_cents),
            _amount(one.plan_after_cents),
            _words(one.offers_before, currency),
            _words(one.offers_after, currency),
            "yes" if one.seen else "no",
        ]


def _amount(cents: Cents | None) -> Amount | None:
    return None if cents is None else Amount(cents)
