"""Who has what waits: the bar on its page, and acts that leave alone what a colleague has."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from portal.db import commit
from portal.domain.waiting import Queue
from portal.models import Client
from portal.security import current_staff
from portal.services import claims
from portal.services.claims import Key
from portal.services.staff import names_of
from portal.web import now, session


def bar(queue: Queue, client_id: UUID, item_id: UUID) -> dict[str, Any]:
    """What the page of an entry says of who has it, for ``support/parts/claim.html``."""
    held, me = claims.in_force(session, (client_id, queue, item_id), now=now()), current_staff()
    client = session.get_one(Client, client_id)
    return {
        "claimed": {
            "queue": queue,
            "item_id": item_id,
            "until": held and held.until,
            "mine": held is not None and held.staff_id == me.id,
            "name": names_of(session, [held.staff_id]).get(held.staff_id) if held else None,
            "zone": client.time_zone,
        }
    }


def unclaimed(key: Key, do: Callable[[], object]) -> Callable[[], None]:
    """The same act, refused where a colleague has the entry; it stays one's own for longer."""

    def first() -> None:
        claims.work_on(session, key, staff=current_staff(), now=now())
        commit(session, "claims.work_on")
        do()

    return first
