"""What a record says, for who wrote down why: payloads, documents, what was on the screen."""

import re
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import abort, request
from wtforms import StringField
from wtforms.validators import Length

from portal.addresses import of_theme
from portal.blueprints.compliance import LAYOUT, bp
from portal.blueprints.consoles import Task, page, perform
from portal.blueprints.papers import as_kept, dressed
from portal.domain import N_, disclosures
from portal.domain.access import Permission
from portal.security import audience, current_staff
from portal.services import records
from portal.services.evidence import Kept
from portal.services.records import Record, find_record
from portal.web import Form, now, see_other, session, url_for
from portal.web import gettext as _

PAPERS = disclosures.TITLES | {
    "review": N_("The page’s own part"),
    "agreement": N_("The agreement as the debtor keeps it"),
    "agreement-heading": N_("The agreement, as a copy to keep"),
    "authorization-copy": N_("Permission for automatic payments"),
    "address-consent": N_("What we may use the address for"),
    "esign-consent": N_("Copies by email only"),
    "esign-sample": N_("Sample of a copy by email"),
    "sample": N_("Sample of a copy by email"),
    "message": N_("The message as it left"),
    "letter": N_("The letter as it was printed"),
    "enclosure": N_("What was enclosed with the letter"),
    "manifest": N_("The list of a mailing"),
    "payment_intent": N_("The payment service’s report of a payment"),
    "refund": N_("The payment service’s report of a refund"),
    "disclosures": N_("A text that was shown"),
    "documents": N_("A document"),
    "objects": N_("A report of another service"),
}
"""Words for whatever is kept with a record, by the name that its leaf gives it."""
_HASH = re.compile("[0-9a-f]{64}", re.ASCII)


class ReadForm(Form):
    """Why somebody needs to read what a record says."""

    reason = StringField(N_("Reason"), [Length(max=200, message=N_("Use 200 characters at most."))])


def may_read(found: Record) -> datetime | None:
    """Until when the reader of this page may see what a record says; None without a reason."""
    return records.readable_until(session, found, current_staff(), now=now())


def _asked_leaf(chain_id: UUID) -> str:
    n = request.args.get("n", type=int)
    if n is None:
        return url_for("compliance.record", chain_id=chain_id)
    return url_for("compliance.leaf", chain_id=chain_id, n=abs(n))


@bp.route("/records/<uuid:chain_id>/read", methods=["GET", "POST"])
@audience(Permission.EXAMINE)
def read(chain_id: UUID) -> Any:
    """Show what a record says for a while; the reason goes on the record."""
    found, form = find_record(session, chain_id), ReadForm()

    def do() -> None:
        reason = form.reason.data or ""
        records.read(session, found, reason=reason, staff=current_staff(), now=now())

    to = _asked_leaf(chain_id)
    task = Task(
        title=_("Read what the record says"),
        button=_("Show"),
        back=to,
        notes=[_("It holds personal data. That you read it, and why, goes on the record.")],
        layout=LAYOUT,
    )
    done = _("You see what this record says for 30 minutes. Your reason is on the record.")
    return perform(form, do, task=task, done=done, to=to)


def _ask_first(chain_id: UUID) -> Any:
    return see_other(url_for("compliance.read", chain_id=chain_id, n=request.args.get("n")))


@bp.get("/records/<uuid:chain_id>/documents/<sha256>")
@audience(Permission.EXAMINE)
def document(chain_id: UUID, sha256: str) -> Any:
    """The very bytes that were kept under a hash; a page of them in today's look, if asked for."""
    found = find_record(session, chain_id)
    if not _HASH.fullmatch(sha256):
        abort(404)
    if may_read(found) is None:
        return _ask_first(chain_id)
    kept = records.kept_as_named(session, found, sha256)
    if kept is None:
        abort(404)
    if "look" in request.args and kept.media.startswith("text/html"):
        client = found.client
        css = of_theme(request.script_root, client.brand_color, client.action_color)
        language, title = request.args["look"][:2], _("What was on the page")
        return dressed(kept, css=css, language=language, title=title)
    return as_kept(kept)


@bp.get("/records/<uuid:chain_id>/leaves/<int:n>/shown")
@audience(Permission.EXAMINE)
def shown(chain_id: UUID, n: int) -> Any:
    """An acceptance as its debtor saw it: each text of the page, and what they did there."""
    found = find_record(session, chain_id)
    it = records.inspect(session, found, min(n, 2**31 - 1))
    if may_read(found) is None:
        return see_other(url_for("compliance.read", chain_id=chain_id, n=n))
    texts = [
        (one, kept, _plain(kept)) for one, kept in records.texts_shown(session, found, it.entry)
    ]
    return page(
        "compliance/shown.html",
        section="find",
        record=found,
        it=it,
        said=it.entry.payload,
        texts=texts,
        papers=PAPERS,
    )


def _plain(kept: Kept | None) -> str | None:
    if kept is None or not kept.media.startswith("text/plain"):
        return None
    return kept.body.decode(errors="replace")
