"""What was exported, by whom and when: from the record itself."""

from collections.abc import Iterator
from itertools import islice
from typing import Any
from uuid import UUID

from portal.blueprints.compliance import bp
from portal.blueprints.compliance.finding import actors_of, asked, key_asked, key_text
from portal.blueprints.consoles import EXAMINERS, download, page
from portal.domain.evidence import format_time
from portal.security import audience
from portal.services.record_search import EXPORT, every_export, leaves_between
from portal.services.reports import Span
from portal.web import session, url_for

COLUMNS = ("at", "account", "agreement", "by", "name", "leaf", "sha256")
NAMED_AT_ONCE = 200


@bp.get("/exports")
@audience(*EXAMINERS)
def exported() -> Any:
    """The bundles that were made in some days, the newest first."""
    here = asked()
    if here is None or here.days is None:
        status = 400 if here else 200
        return page("compliance/exports.html", section="exports", asked=here, leaves=None), status
    before = key_asked()
    part = leaves_between(session, here.client.id, here.days, type=EXPORT, before=before)
    at = key_text(part.before)
    return page(
        "compliance/exports.html",
        section="exports",
        asked=here,
        leaves=part.leaves,
        actors=actors_of(part.leaves),
        file=url_for("compliance.exports_file", **here.where),
        first=url_for("compliance.exported", **here.where) if before else None,
        following=url_for("compliance.exported", **here.where, before=at) if at else None,
    )


@bp.get("/exports.csv")
@audience(*EXAMINERS)
def exports_file() -> Any:
    """The same list, whole."""
    here = asked()
    if here is None or here.days is None:
        return page("compliance/exports.html", section="exports", asked=here, leaves=None), 400
    name = f"exports-{here.client.slug}-{here.days.first}-{here.days.last}.csv"
    return download(name, COLUMNS, _lines(here.client.id, here.days))


def _lines(client_id: UUID, days: Span) -> Iterator[list[object]]:
    found = every_export(session, client_id, days)
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
            ]
