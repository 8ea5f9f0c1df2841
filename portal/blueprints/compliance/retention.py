"""How long records are kept, and erasing those whose day has passed: by two people (RT-01, EV-07).

What the schedule lists is computed when it is looked at; looking at it changes nothing.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from typing import Any
from uuid import UUID

from flask import abort, flash, request
from sqlalchemy import select
from wtforms import TextAreaField

from portal.blueprints.compliance import bp
from portal.blueprints.consoles import attempt, page
from portal.domain import N_
from portal.domain import retention as rules
from portal.domain.access import Permission
from portal.models import BatchStatus, Client, ErasureStatus
from portal.security import audience, current_staff, danger
from portal.services import erasures
from portal.services.retention import FIRST, Asked, page_after, today_of_client
from portal.services.staff import names_of
from portal.web import Form, now, see_other, session, url_for
from portal.web import gettext as _

STATES = {
    BatchStatus.ASKED: N_("waits for a second person"),
    BatchStatus.DECLINED: N_("declined"),
    BatchStatus.APPROVED: N_("being erased"),
    BatchStatus.FINISHED: N_("finished"),
}
FATES = {
    ErasureStatus.WAITING: N_("not erased yet"),
    ErasureStatus.ERASED: N_("erased"),
    ErasureStatus.SKIPPED: N_("kept"),
}
HELD_BY: dict[str, str] = {
    **{str(one): words for one, words in rules.HOLDINGS.items()},
    "not_over": N_("its last day moved, and has not passed"),
    "erased_before": N_("it was erased before"),
}


class ReasonForm(Form):
    """Why it is done, or why not."""

    reason = TextAreaField(N_("Reason"), description=N_("It is kept on the record."))


def clients_in_sight() -> Sequence[Client]:
    """The clients of whoever reads this page, by name."""
    mine = Client.id.in_(session.info["client_ids"])
    return session.scalars(select(Client).where(mine).order_by(Client.trade_name)).all()


def _client(client_id: UUID) -> Client:
    return next((one for one in clients_in_sight() if one.id == client_id), None) or abort(404)


def _asked(client: Client) -> Asked:
    """What the address asks for: today, or a day to come, with the limitation period or without."""
    at, as_of = now(), None
    with suppress(ValueError):
        as_of = date.fromisoformat(request.args.get("day", ""))
    limitation = request.args.get("limitation") != "no"
    return Asked(client, as_of or today_of_client(client, at), at, limitation)


def _after() -> UUID:
    with suppress(ValueError):
        return UUID(request.args.get("after", ""))
    return FIRST


def words_of_holding(why: str | None) -> list[str]:
    """What holds a record back, in marked words."""
    return [HELD_BY.get(one, one) for one in (why or "").split()]


@bp.get("/retention")
@audience(Permission.KEEP_RECORDS)
def retention() -> Any:
    """Choose a client, where there are several."""
    found = clients_in_sight()
    if len(found) == 1:
        return see_other(url_for("compliance.schedule", client_id=found[0].id))
    return page("compliance/retention_clients.html", section="retention", clients=found)


@bp.route("/retention/<uuid:client_id>", methods=["GET", "POST"])
@audience(Permission.KEEP_RECORDS)
@danger
def schedule(client_id: UUID) -> Any:
    """What would be erased, and what holds the rest back; ask to have it done."""
    asked, form, after = _asked(_client(client_id)), ReasonForm(), _after()
    is_today = asked.as_of == today_of_client(asked.client, asked.now)

    def do() -> None:
        why = form.reason.data or ""
        erasures.ask(session, asked, after, why, staff=current_staff(), now=now())

    if is_today and form.validate_on_submit() and attempt(form, do):
        flash(_("Somebody else must approve it before anything is erased."), "ok")
        return see_other(url_for("compliance.schedule", client_id=client_id))
    answer = page(
        "compliance/retention.html",
        section="retention",
        asked=asked,
        found=page_after(session, asked, after),
        is_today=is_today,
        form=form,
        batches=erasures.batches(session, client_id),
        words={"rules": rules.RULES, "states": STATES, "holdings": rules.HOLDINGS},
    )
    return (answer, 422) if form.errors else answer


@bp.route("/erasures/<uuid:batch_id>", methods=["GET", "POST"])
@audience(Permission.KEEP_RECORDS)
@danger
def erasure(batch_id: UUID) -> Any:
    """One batch: what it is about, what became of it; approve it, or decline it with a reason."""
    batch, form = erasures.find_batch(session, batch_id), ReasonForm()

    def do() -> None:
        why, staff, at = form.reason.data or "", current_staff(), now()
        if "approve" in request.form:
            erasures.approve(session, batch, staff=staff, now=at)
        else:
            erasures.decline(session, batch, why, staff=staff, now=at)

    if form.validate_on_submit() and attempt(form, do):
        flash(_("It is decided, and on the record."), "ok")
        return see_other(url_for("compliance.erasure", batch_id=batch_id))
    answer = page(
        "compliance/retention_batch.html",
        section="retention",
        form=form,
        **_about(batch_id),
    )
    return (answer, 422) if form.errors else answer


def _about(batch_id: UUID) -> dict[str, Any]:
    batch = erasures.find_batch(session, batch_id)
    people = [one for one in (batch.asked_by, batch.decided_by) if one]
    mine = batch.asked_by == current_staff().id
    return {
        "batch": batch,
        "client": session.get_one(Client, batch.client_id),
        "rows": erasures.erasures_of(session, batch),
        "names": names_of(session, people),
        "may_decide": batch.status is BatchStatus.ASKED and not mine,
        "held": words_of_holding,
        "words": {"rules": rules.RULES, "states": STATES, "fates": FATES},
    }
