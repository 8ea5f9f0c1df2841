"""Find a record: by a reference or a name, or the entries of some days, of one type or of any."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from flask import request

from portal.blueprints.compliance import bp
from portal.blueprints.consoles import page
from portal.domain import wording
from portal.domain.access import Permission
from portal.domain.evidence import format_time
from portal.domain.likeness import FOUND_BY
from portal.models import Client
from portal.security import audience, keys
from portal.services.record_search import FoundLeaf, Key, leaves_between, utc_days
from portal.services.record_state import clients_seen
from portal.services.reports import LONGEST_DAYS, RangeUnclear, Span
from portal.services.search import search
from portal.services.staff import names_of
from portal.services.timeline.staff import ACTORS, WORDS
from portal.services.timeline.wording import actor_of
from portal.web import explain, now, say, session, url_for

SHOWN_DAYS = 29


@dataclass(frozen=True, slots=True)
class Asked:
    """The client and the days that a list is asked for; ``days`` is None where they are unclear.

    ``client`` is None where it is of all of them.
    """

    client: Client | None
    clients: Sequence[Client]
    typed: tuple[str, str]
    days: Span | None
    problem: str | None

    @property
    def ids(self) -> Sequence[UUID]:
        """The ids of the clients that it is of."""
        return [self.client.id] if self.client else [one.id for one in self.clients]

    @property
    def where(self) -> dict[str, Any]:
        """The same as parts of an address."""
        client = self.client.id if self.client else None
        return {"client": client, "first": self.typed[0], "last": self.typed[1]}


def asked(*, all_clients: bool = False) -> Asked | None:
    """What the address asks for; its client if it is seen, else the first or all of them.

    None without clients.
    """
    clients = clients_seen(session)
    if not clients:
        return None
    wanted = request.args.get("client", type=UUID)
    usually = None if all_clients else clients[0]
    client = next((one for one in clients if one.id == wanted), usually)
    today = now().date()
    usual = ((today - timedelta(days=SHOWN_DAYS)).isoformat(), today.isoformat())
    given = [wording.clean_text(request.args.get(name, "")[:10]) for name in ("first", "last")]
    typed = (given[0], given[1]) if any(given) else usual
    try:
        days = utc_days(*_days(typed))
    except RangeUnclear as unclear:
        return Asked(client, clients, typed, None, explain(unclear))
    return Asked(client, clients, typed, days, None)


def _days(typed: tuple[str, str]) -> tuple[date, date]:
    try:
        return date.fromisoformat(typed[0]), date.fromisoformat(typed[1])
    except ValueError:
        raise RangeUnclear(days=LONGEST_DAYS) from None


def key_text(key: Key | None) -> str | None:
    """Where a list goes on, as a part of an address."""
    return f"{format_time(key[0])}_{key[1]}_{key[2]}" if key else None


def key_asked() -> Key | None:
    """Where the address says that the list goes on; None at its beginning, or where it says it
    in a way of its own."""
    parts = request.args.get("before", "")[:100].split("_")
    try:
        at, chain_id, n = datetime.fromisoformat(parts[0]), UUID(parts[1]), int(parts[2])
    except (ValueError, IndexError):
        return None
    return (at, chain_id, n) if at.tzinfo and 0 <= n < 2**31 else None


def actors_of(leaves: Iterable[FoundLeaf]) -> Mapping[tuple[UUID, int], str]:
    """Who acted, by chain and n: the name of a member of staff, or words for anybody else."""
    actors = {(one.chain_id, one.n): one.payload.get("actor", {}) for one in leaves}
    staff = {who: UUID(actor["id"]) for who, actor in actors.items() if _is_staff(actor)}
    names = names_of(session, staff.values())
    return {
        who: names.get(staff[who], actor["id"]) if who in staff else _kind(actor)
        for who, actor in actors.items()
    }


def _is_staff(actor: Mapping[str, str]) -> bool:
    return actor.get("kind") == "staff"


def _kind(actor: Mapping[str, str]) -> str:
    kind = actor_of({"actor": actor} if actor else {})
    return say(ACTORS.get(kind, kind))


@bp.get("/find")
@audience(Permission.EXAMINE)
def find() -> Any:
    """Accounts by what was typed, or entries by day and type."""
    typed, here = wording.clean_text(request.args.get("q", "")[:200]), asked()
    wanted = request.args.get("type", "")
    kind = wanted if wanted in WORDS else None
    shown: dict[str, Any] = {"leaves": None, "found": None}
    if typed:
        shown["found"] = search(session, typed, keys=keys())
    elif here and here.days:
        shown |= _listed(here, here.days, kind)
    answer = page(
        "compliance/find.html",
        section="find",
        typed=typed,
        asked=here,
        masked=wording.mask_name,
        kinds=WORDS,
        kind=kind,
        found_by=FOUND_BY,
        **shown,
    )
    return answer, 400 if here and here.problem and not typed else 200


def _listed(here: Asked, days: Span, kind: str | None) -> dict[str, Any]:
    before = key_asked()
    part = leaves_between(session, here.ids, days, type=kind, before=before)
    at, where = key_text(part.before), here.where | {"type": kind}
    return {
        "leaves": part.leaves,
        "actors": actors_of(part.leaves),
        "first": url_for("compliance.find", **where) if before else None,
        "following": url_for("compliance.find", **where, before=at) if at else None,
    }
