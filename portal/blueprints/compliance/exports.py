"""What was exported, by whom and when: from the record itself."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from portal.blueprints.compliance import bp
from portal.blueprints.compliance.finding import Asked, actors_of, asked, key_asked, key_text
from portal.blueprints.consoles import download, page
from portal.domain.access import Permission
from portal.domain.evidence import format_time
from portal.security import audience, danger
from portal.services.record_search import EXPORT, every_export, leaves_between
from portal.web import session, url_for

COLUMNS = ("at", "account", "agreement", "by", "name", "leaf", "sha256", "client")
NAMED_AT_ONCE = 200


@bp.get("/exports")
@audience(Permission.EXAMINE)
def exported() -> Any:
    """The bundles that were made in some days, the newest first."""
    here = asked(all_clients=True)
    if here is None or here.days is None:
        status = 400 if here else 200
        return page("compliance/exports.html", section="exports", asked=here, leaves=None), status
    before = key_asked()
    part = leaves_between(session, here.ids, here.days, type=EXPORT, before=before)
    at = key_text(part.before)
    return page(
        "compliance/exports.html",
        section="exports",
        asked=here,
        leaves=part.leaves,
        names={one.id: one.trade_name for one in here.clients},
        actors=actors_of(part.leaves),
        file=url_for("compliance.exports_file", **here.where),
        first=url_for("compliance.exported", **here.where) if before else None,
        following=url_for("compliance.exported", **here.where, before=at) if at else None,
    )


@bp.get("/exports.csv")
@audience(Permission.EXAMINE)
@danger
def exports_file() -> Any:
    """The same list, whole."""
    here = asked(all_clients=True)
    if here is None or here.days is None:
        return page("compliance/exports.html", section="exports", asked=here, leaves=None), 400
    of = here.client.slug if here.client else "all"
    name = f"exports-{of}-{here.days.first}-{here.days.last}.csv"
    return download(name, COLUMNS, _lines(here))


def _lines(here: Asked) -> Iterator[list[object]]:
    slugs = {one.id: one.slug for one in here.clients}
    found = every_export(session, here.ids, here.days) if here.days else iter(())
    while part := list(islice(found, NAMED_AT_ONCE)):
        actors = actors_of(part)
        for one in part:
            yield [
                format_time(one.at),
                one.reference,
                one.payload.get("reference"),
                one.payload.get("actor", {}).get("kind"),
                actors[one.chain_id, one.n],
                one.n,
                one.hash,
                slugs[one.client_id],
            ]
