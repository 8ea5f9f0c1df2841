"""The timeline of an account by pages and filters, and what colleagues did since one looked."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.models import Account, Staff
from portal.services import evidence
from portal.services.evidence import Entry, Span, some_leaves
from portal.services.timeline import WORDS, Event, timeline
from portal.services.timeline.wording import actor_of

PAGE = 50
BATCH = 200
MOST_READ = 2_000
"""So many leaves are read for one page where few of them are by whom it asks for."""

GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "contact": (
        N_("Contact"),
        (
            *("call.", "call_session.", "contact.", "debtor.", "esign.", "letter.", "message."),
            *("notice.", "preference."),
        ),
    ),
    "money": (
        N_("Money"),
        (
            *("balance.", "charge.", "exception.", "forgiveness.", "payer_link.", "payment."),
            *("refund.", "second_look."),
        ),
    ),
    "agreement": (
        N_("Agreement"),
        ("acceptance", "arrangement.", "authorization.", "automatic.", "french.", "language."),
    ),
    "proposals": (N_("Offers and proposals"), ("offers.", "proposal.", "terms.")),
    "identity": (N_("Links and identity"), ("identity.", "link.", "lock_out.")),
    "holds": (N_("Holds"), ("hold.", "account.")),
    "messages": (N_("Messages and requests"), ("help.", "thread.")),
    "staff": (N_("Work of staff"), ()),
}
"""What somebody may ask for, with the beginnings of its types; ``staff`` has all the others."""

WHO = {
    "debtor": N_("The debtor"),
    "staff": N_("Staff"),
    "system": N_("The portal"),
    "stripe": N_("Stripe"),
    "client": N_("The client"),
}
QUIET = (
    *("staff.looked", "staff.revealed", "staff.read"),
    *("queue.taken", "queue.given_back", "queue.assigned"),
    *("call_session.opened", "call_session.matched", "call_session.not_matched"),
)
"""What a colleague did that changes nothing for whoever acts after them."""


class Meanwhile(DomainError):
    """Colleagues worked on the account since a page was opened."""

    message = N_(
        "A colleague worked on this account since you opened this page. Look first, or press the"
        " button again to do it anyway. What you typed is still here."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which part of a timeline: a group, who acted, days of the client, and before which number."""

    group: str | None = None
    who: str | None = None
    first_on: date | None = None
    last_on: date | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class History:
    """A page of a timeline, newest first; ``older`` is the number before which it goes on."""

    events: Sequence[Event]
    older: int | None


def types_of(group: str) -> tuple[str, ...]:
    """The types of leaves in a group: each type is in one."""
    return tuple(type for type in WORDS if _group_of(type) == group)


def _group_of(type: str) -> str:  # noqa: A002
    named = (name for name, (_, begins) in GROUPS.items() if begins and type.startswith(begins))
    return next(named, "staff")


def read_history(session: Session, account: Account, wanted: Wanted, zone: str) -> History:
    """One page of what happened on an account; however long its record, only that is read."""
    found, older = list[Entry](), None
    for read, entry in enumerate(_newest_first(session, account, _span(wanted, zone)), 1):
        if len(found) == PAGE or read > MOST_READ:
            break
        older = entry.n
        if wanted.who is None or actor_of(entry.payload) == wanted.who:
            found.append(entry)
    else:
        older = None
    return History(timeline(session, account, found[::-1]), older)


def _span(wanted: Wanted, zone: str) -> Span:
    anywhere, days = Span(), ZoneInfo(zone)
    last_on = wanted.last_on and wanted.last_on + timedelta(days=1)
    return Span(
        types=types_of(wanted.group) if wanted.group else None,
        before=anywhere.before if wanted.before is None else wanted.before,
        since=_midnight(wanted.first_on, days) if wanted.first_on else anywhere.since,
        until=_midnight(last_on, days) if last_on else anywhere.until,
    )


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def _newest_first(session: Session, account: Account, span: Span) -> Iterator[Entry]:
    most = PAGE + 1
    while batch := some_leaves(session, account, span, most=most):
        yield from batch
        span, most = replace(span, before=batch[-1].n), BATCH


def by_staff(session: Session, account: Account, seen: int) -> Sequence[Event]:
    """What members of staff did on an account after a leaf, newest first."""
    return timeline(session, account, _acts(session, account, seen)[::-1])


def by_colleagues(session: Session, account: Account, seen: int, me: Staff) -> Sequence[Event]:
    """The same without what one did oneself."""
    mine = evidence.staff(me.id)
    acts = _acts(session, account, seen)
    theirs = [entry for entry in acts if entry.payload["actor"] != mine]
    return timeline(session, account, theirs[::-1])


def by_me(session: Session, account: Account, seen: int, me: Staff, kind: str) -> Sequence[Entry]:
    """What one did oneself on an account after a leaf: the leaves of a kind, newest first.

    A form that is sent twice finds what its first sending did.
    """
    after = some_leaves(session, account, Span(after=seen, types=[kind]), most=BATCH)
    mine = evidence.staff(me.id)
    return [entry for entry in after if entry.payload.get("actor") == mine]


def _acts(session: Session, account: Account, seen: int) -> Sequence[Entry]:
    after = some_leaves(session, account, Span(after=seen), most=BATCH)
    return [
        entry for entry in after if entry.type not in QUIET and actor_of(entry.payload) == "staff"
    ]
