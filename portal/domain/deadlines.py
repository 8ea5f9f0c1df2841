"""Last days, and the holds that move them: whoever asks for help loses no day of a promise."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from portal.domain.holds import Capability, HoldKind, Permission, permissions_under

PATIENCE = timedelta(days=7)
A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Held:
    """A hold and its time; ``ended`` is None while its end is not known."""

    kind: HoldKind
    began: datetime
    ended: datetime | None


@dataclass(frozen=True, slots=True)
class Promise:
    """What stands until a day in the debtor's zone, since when, and what taking it up needs.

    ``barred_on`` is the day on which the limitation period ends, if it is known (TB-01).
    """

    until: date
    since: datetime
    needs: tuple[Capability, ...]
    zone: str
    barred_on: date | None = None


def first_payment_until(
    due_on: date,
    again_on: date | None,
    told_on: date | None,
    valid_until: date | None,
    *,
    tried: bool,
) -> date:
    """The last day for a first payment: its offer's, at most ``PATIENCE`` after its own date.

    ``again_on``: when a charge is tried again; ``told_on``: when its debtor was last told that one
    failed. It is waited for from the later of them, so no day that was told becomes an earlier one.
    Once one was ``tried``, the offer was taken up. A rest alone moves a first payment beyond the
    offer's last day, and then it is waited for.
    """
    patient = max(due_on, again_on or due_on, told_on or due_on) + PATIENCE
    if valid_until is None or tried or due_on > valid_until:
        return patient
    return min(patient, valid_until)


def undo_until(agreed_at: datetime, hours: int) -> datetime | None:
    """The instant from which what was agreed cannot be taken back whole; None where never."""
    return agreed_at + timedelta(hours=hours) if hours else None


def last_day(promise: Promise, holds: Iterable[Held], now: datetime) -> date:
    """The last day of a promise, moved by each hold that kept the debtor from taking it up.

    After the hold there are as many days left as when it began, and at least ``PATIENCE``; one
    still in force counts up to now. Holds that overlap count once. The day is never moved into
    the time after the limitation period, and never to an earlier one.
    """
    until = promise.until
    for began, ended in _spans(promise, holds, now):
        if began <= until:
            until = max(until, ended + max(until - began, PATIENCE))
    if promise.barred_on is not None:
        until = min(until, promise.barred_on - A_DAY)
    return max(promise.until, until)


def _spans(promise: Promise, holds: Iterable[Held], now: datetime) -> list[tuple[date, date]]:
    """From which day to which one it could not be taken up, in order and apart."""
    zone, spans = ZoneInfo(promise.zone), list[tuple[date, date]]()
    for hold in sorted(holds, key=lambda one: one.began):
        began, ended = max(hold.began, promise.since), min(hold.ended or now, now)
        if ended <= began or not _stops(hold.kind, promise.needs):
            continue
        first, last = (at.astimezone(zone).date() for at in (began, ended))
        if spans and first <= spans[-1][1]:
            spans[-1] = spans[-1][0], max(spans[-1][1], last)
        else:
            spans.append((first, last))
    return spans


def _stops(kind: HoldKind, needs: tuple[Capability, ...]) -> bool:
    """Whether a hold keeps somebody from a promise; who said that they cannot pay is not asked."""
    if kind is HoldKind.HARDSHIP and Capability.PAY in needs:
        return True
    leaves = permissions_under(kind)
    return any(leaves[needed] is not Permission.ALLOWED for needed in needs)
