"""What staff did or tried beside the record: the newest first, by kind and person."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask import request
from sqlalchemy import select

from portal.blueprints.consoles import page
from portal.blueprints.operating import bp
from portal.domain.access import Permission
from portal.models import Account, Noted, StaffEvent
from portal.security import ROLE_NAMES, audience
from portal.services import staff_events
from portal.services.record_state import clients_seen
from portal.services.staff import names_of
from portal.web import session, url_for


@bp.get("/events")
@audience(Permission.OPERATE)
def events() -> Any:
    """The events that were asked for, with the account that an id is of."""
    kind = request.args.get("kind", "")
    chosen = Noted(kind) if kind in set(Noted) else None
    staff_id = request.args.get("staff", type=UUID)
    before = request.args.get("before", type=UUID)
    found = staff_events.newest(session, kind=chosen, staff_id=staff_id, before=before)
    shown = found[: staff_events.PAGE]
    asked = {"kind": chosen, "staff": staff_id}
    more = len(found) > len(shown)
    return page(
        "operator/events.html",
        section="events",
        found=shown,
        kinds=staff_events.KINDS,
        chosen=chosen,
        names=names_of(session, _people(shown)),
        as_id=UUID,
        roles=ROLE_NAMES,
        clients={one.id: one.trade_name for one in clients_seen(session)},
        accounts=_accounts(shown),
        of_account=_account_id,
        following=url_for("operator.events", **asked, before=shown[-1].id) if more else None,
    )


def _people(events: Sequence[StaffEvent]) -> list[UUID]:
    """Whom the events are about, and who did it to them."""
    about = [one.staff_id for one in events if one.staff_id]
    return [*about, *(UUID(by) for one in events if (by := one.detail.get("by")))]


def _account_id(event: StaffEvent) -> str | None:
    """The id of the account that somebody opened or asked for."""
    about: dict[str, Any] = event.detail
    found: str | None = about.get("account_id") or about.get("asked", {}).get("account_id")
    return found


def _accounts(events: Sequence[StaffEvent]) -> dict[str, Account]:
    """The accounts of these events, whoever's they are: an operator sees all clients."""
    ids = [UUID(found) for one in events if (found := _account_id(one))]
    mine = Account.client_id.in_(session.info["client_ids"])
    rows = session.scalars(select(Account).where(mine, Account.id.in_(ids)))
    return {str(one.id): one for one in rows}
