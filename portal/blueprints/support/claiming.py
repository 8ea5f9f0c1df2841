"""Who has what waits: the bar on its page, and acts that leave alone what a colleague has."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from portal.db import commit
from portal.domain.waiting import Queue
from portal.models import Account, Claim, Client
from portal.security import current_staff
from portal.services import call_sessions, claims
from portal.services.claims import Key, key_of
from portal.services.queues import waiting
from portal.services.staff import names_of
from portal.web import now, session


def bar(queue: Queue, client_id: UUID, item_id: UUID) -> dict[str, Any]:
    """What the page of an entry says of who has it, for ``support/parts/claim.html``."""
    client, held = (
        session.get_one(Client, client_id),
        claims.holder(session, (client_id, queue, item_id), now=now()),
    )
    return {"claimed": _said(queue, item_id, client, held)}


def bars(account: Account, *which: Queue) -> list[dict[str, Any]]:
    """The same for what waits in these queues about an account, for the page of the account."""
    here = [Account.id == account.id]
    found = [one for queue in which for one in waiting(session, queue, now=now(), only=here)]
    return [_said(one.queue, one.item.id, one.client, one.claim) for one in found]


def _said(queue: Queue, item_id: UUID, client: Client, held: Claim | None) -> dict[str, Any]:
    return {
        "queue": queue,
        "item_id": item_id,
        "held": held is not None,
        "until": held and held.until,
        "mine": held is not None and held.staff_id == current_staff().id,
        "name": names_of(session, [held.staff_id]).get(held.staff_id) if held else None,
        "zone": client.time_zone,
    }


def unclaimed(key: Key, do: Callable[[], object]) -> Callable[[], None]:
    """The same act, refused where a colleague has the entry.

    It stays one's own for longer, and is nobody's any more once it is done.
    """

    def first() -> None:
        claims.work_on(session, key, staff=current_staff(), now=now())
        commit(session, "claims.work_on")
        do()
        session.flush()
        claims.done(session, key, now=now())

    return first


def unclaimed_in(queue: Queue, account: Account, do: Callable[[], object]) -> Callable[[], None]:
    """The same act, refused where a colleague has what waits in a queue about the debtor.

    Whoever is on the line with the debtor does it all the same.
    """

    def first() -> None:
        acts: Callable[[], object] = do
        if not call_sessions.verified(session, current_staff(), account, now()):
            theirs = [Account.debtor_id == account.debtor_id]
            for one in waiting(session, queue, now=now(), only=theirs):
                acts = unclaimed(key_of(one), acts)
        acts()

    return first
