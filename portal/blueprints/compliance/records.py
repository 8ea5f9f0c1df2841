"""One record: the chain of an account with its places, one leaf with its proof, the bundle."""

import json
from typing import Any
from uuid import UUID

from flask import abort, request

from portal.blueprints import bundles
from portal.blueprints.compliance import bp
from portal.blueprints.compliance.reading import PAPERS, ReadForm, may_read
from portal.blueprints.consoles import page
from portal.domain import wording
from portal.domain.access import Permission
from portal.security import audience
from portal.services import records
from portal.services.records import Record, find_record
from portal.services.timeline.staff import UNKNOWN, WORDS
from portal.services.timeline.wording import remarks_for_auditors
from portal.services.tree import newest_checkpoint
from portal.web import session, url_for

ACCEPTED = ("acceptance", "terms.reviewed")
"""Leaves that name what was on a page."""


def about(record: Record) -> dict[str, Any]:
    """Whose a record is, as each of its pages says it."""
    debtor = record.debtor
    name = wording.mask_name(f"{debtor.first_name} {debtor.last_name}") if debtor else None
    return {"section": "find", "record": record, "account": record.account, "name": name}


@bp.get("/records/<uuid:chain_id>")
@audience(Permission.EXAMINE)
def record(chain_id: UUID) -> Any:
    """Every leaf of a chain: what it is, when, who, its hash, and its place in the tree."""
    found = find_record(session, chain_id)
    after = request.args.get("after", default=-1, type=int)
    part = records.lines_of(session, found, after=max(-1, min(after, 2**31 - 1)))
    here = {"chain_id": chain_id}
    following = None
    if part.after is not None:
        following = url_for("compliance.record", **here, after=part.after)
    return page(
        "compliance/record.html",
        lines=part.lines,
        broken=records.broken_at(session, found),
        signed=newest_checkpoint(session, found.client.id),
        agreements=records.agreements_of(session, found.account) if found.account else (),
        first=url_for("compliance.record", **here) if after >= 0 else None,
        following=following,
        **about(found),
    )


@bp.get("/records/<uuid:chain_id>/leaves/<int:n>")
@audience(Permission.EXAMINE)
def leaf(chain_id: UUID, n: int) -> Any:
    """One leaf with all that proves it; what it says only to who gave a reason."""
    found = find_record(session, chain_id)
    it = records.inspect(session, found, min(n, 2**31 - 1))
    until = may_read(found)
    return page(
        "compliance/leaf.html",
        it=it,
        until=until,
        said=_pretty(it.entry.payload) if until else None,
        title=WORDS.get(it.entry.type, UNKNOWN)[0],
        remarks=() if "words" in it.broken else remarks_for_auditors(it.entry),
        named=records.named_in(it.entry) if until else (),
        papers=PAPERS,
        accepted=it.entry.type in ACCEPTED,
        reading=ReadForm(),
        **about(found),
    )


def _pretty(payload: dict[str, Any]) -> str:
    """A payload as people read it; its canonical bytes are in the bundle."""
    return json.dumps(payload, indent=2, ensure_ascii=False)


@bp.post("/records/<uuid:chain_id>/agreements/<uuid:arrangement_id>/export")
@audience(Permission.EXAMINE)
def export(chain_id: UUID, arrangement_id: UUID) -> Any:
    """The bundle of an agreement; that it was exported is a leaf."""
    found = find_record(session, chain_id)
    agreed = records.agreements_of(session, found.account) if found.account else ()
    wanted = next((one for one in agreed if one.id == arrangement_id), None)
    if wanted is None:
        abort(404)
    back = url_for("compliance.record", chain_id=chain_id)
    return bundles.for_staff(wanted, back=back, section="find")
