"""What may be done with an account now, and the holds that say otherwise."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Required, TypedDict, Unpack
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import TIMESTAMP, TextClause, bindparam, func, select, text
from sqlalchemy.orm import Session, aliased

from portal.domain import N_, DomainError
from portal.domain import capabilities as law
from portal.domain.capabilities import AccountStanding, Capabilities
from portal.domain.deadlines import Held, Promise, last_day
from portal.domain.debts import CollectorRole, Country, DebtPurpose
from portal.domain.evidence import format_time
from portal.domain.holds import Capability, HoldKind, Permission, permissions_under
from portal.domain.windows import candidate_zones
from portal.jobs import enqueue
from portal.models import Account, Client, Debtor, Hold
from portal.rules.regions import find_region
from portal.services import evidence
from portal.services.evidence import Actor, Payload

# Machines' clocks are up to so much apart: a hold counts as soon as it can be read, though the
# clock that wrote it runs ahead.
CLOCKS_APART = timedelta(minutes=10)
IN_FORCE = f"""(h.starts_at <= :now + INTERVAL '{CLOCKS_APART.seconds} seconds'
  AND h.lifted_at IS NULL AND (h.ends_at IS NULL OR h.ends_at > :now))"""
"""Which holds count now, as SQL over ``hold h``: the one way in which holds are read."""


class HoldLifted(DomainError):
    """The hold was lifted before."""

    message = N_("This was lifted already.")


class HoldDetails(TypedDict, total=False):
    """Where a hold comes from, and what is known about its end."""

    source: Required[str]
    evidence: str | None
    review_on: date | None
    ends_at: datetime | None


def today_of(debtor: Debtor, now: datetime) -> date:
    """The day it is for a debtor: in the first of the time zones that they may be in."""
    return now.astimezone(ZoneInfo(zone_of(debtor))).date()


def zone_of(debtor: Debtor) -> str:
    """The zone that a debtor declared, else the first one of their region (CT-02)."""
    return debtor.time_zone or _zone_of_region(debtor.region, debtor.country)


@lru_cache(1024)
def _zone_of_region(name: str, country: str) -> str:
    region = find_region(name, country)
    return candidate_zones(Country(country), region=region.zones if region else ()).names[0]


def standing(session: Session, account: Account, now: datetime) -> Capabilities:
    """What is allowed on an account at this instant; every path asks here (SC-04, DH-08)."""
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    kinds = [hold.kind for hold in holds_in_force(session, account, now)]
    client = session.get_one(Client, account.client_id)
    frozen = client.frozen_at is not None
    return judge(account, kinds, today_of(debtor, now), frozen=frozen)


def standing_on(session: Session, account: Account, day: date) -> Capabilities:
    """What will be allowed as a day of the debtor's begins, as far as it is known now."""
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    return standing(session, account, datetime.combine(day, time(), ZoneInfo(zone_of(debtor))))


def require(
    session: Session,
    account: Account,
    capability: Capability,
    *,
    now: datetime,
    staff: bool = False,
) -> None:
    """Go on only if it is allowed on this account now, to staff where ``staff``.

    Raises NotAllowedNow, which says why.
    """
    standing(session, account, now).require(capability, staff=staff)


def judge(
    account: Account, kinds: Iterable[str], today: date, *, frozen: bool = False
) -> Capabilities:
    """The same for holds and a day that are at hand already; ``frozen``: as the client is."""
    facts = AccountStanding(
        role=CollectorRole(account.collector_role),
        purpose=DebtPurpose(account.debt_purpose),
        status=account.status,
        balance_cents=account.balance_cents,
        currency=account.currency,
        validation_notice_sent_on=account.validation_notice_sent_on,
        sol_expires_on=account.sol_expires_on,
        frozen=frozen,
    )
    return law.capabilities(facts, [HoldKind(kind) for kind in kinds], today)


def holds_in_force(session: Session, account: Account, now: datetime) -> Sequence[Hold]:
    """The holds of an account that were set and have neither ended nor been lifted."""
    session.flush()
    h = aliased(Hold, name="h")
    return session.scalars(
        select(h)
        .where(h.client_id == account.client_id, h.account_id == account.id, in_force(now))
        .order_by(h.starts_at, h.id)
    ).all()


def moved_day(
    session: Session,
    account: Account,
    until: date,
    *needs: Capability,
    since: datetime,
    now: datetime,
) -> date:
    """A last day, moved by the holds that kept the debtor since then from what it needs."""
    session.flush()
    rows = session.execute(
        select(Hold.kind, Hold.starts_at, func.least(Hold.lifted_at, Hold.ends_at)).where(
            Hold.client_id == account.client_id, Hold.account_id == account.id
        )
    )
    holds = [Held(HoldKind(kind), began, ended) for kind, began, ended in rows]
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    promise = Promise(until, since, needs, zone_of(debtor), account.sol_expires_on)
    return last_day(promise, holds, now)


def in_force(now: datetime) -> TextClause:
    """``IN_FORCE`` at this instant, for a statement over ``aliased(Hold, name="h")``."""
    return text(IN_FORCE).bindparams(bindparam("now", now, TIMESTAMP(timezone=True)))


def set_hold(
    session: Session,
    account: Account,
    kind: HoldKind,
    *,
    now: datetime,
    actor: Actor,
    **details: Unpack[HoldDetails],
) -> Hold:
    """Hold an account from now on, on the record; the same kind from the same source is one hold.

    ``source`` names what it follows from (``help:HR-…``, ``staff``), ``evidence`` a document. The
    account is locked by the caller.
    """
    for hold in holds_in_force(session, account, now):
        if (hold.kind, hold.source) == (kind, details["source"]):
            return hold
    hold = Hold(
        client_id=account.client_id, account_id=account.id, kind=kind, starts_at=now, **details
    )
    session.add(hold)
    session.flush()
    told: Payload = {"source": hold.source, "kind": str(kind), "hold": str(hold.id)}
    if hold.review_on:
        told["review_on"] = hold.review_on.isoformat()
    if hold.ends_at:
        told["ends_at"] = format_time(hold.ends_at)
    if hold.evidence:
        told["evidence"] = hold.evidence
    _tell(session, account, "hold.set", {**told, "actor": actor}, now)
    if permissions_under(kind)[Capability.PAY] is not Permission.ALLOWED:
        close_pages(session, account)
    return hold


def move_end(
    session: Session, hold: Hold, ends_at: datetime, *, reason: str, by: UUID, now: datetime
) -> Hold:
    """Let a hold end at another instant, by a member of staff, with the reason on the record.

    Raises HoldLifted.
    """
    session.refresh(hold, with_for_update=True)
    if hold.lifted_at is not None or (hold.ends_at is not None and hold.ends_at <= now):
        raise HoldLifted
    hold.ends_at = ends_at
    account = session.get_one(Account, (hold.client_id, hold.account_id))
    told: Payload = {
        "actor": evidence.staff(by),
        "hold": str(hold.id),
        "kind": hold.kind,
        "ends_at": format_time(ends_at),
        "reason": reason,
    }
    _tell(session, account, "hold.moved", told, now)
    return hold


def close_pages(session: Session, account: Account) -> None:
    """Have the account's open Checkout page closed at Stripe, soon after the caller's commit."""
    enqueue(session, "payments.release", client_id=account.client_id, account_id=account.id)


def lift_hold(
    session: Session,
    hold: Hold,
    *,
    reason: str,
    by: UUID | None = None,
    actor: Actor | None = None,
    now: datetime,
) -> Hold:
    """Lift a hold on the record. ``by`` is the member of staff; else ``actor``, or the portal.

    Raises HoldLifted.
    """
    session.refresh(hold, with_for_update=True)
    if hold.lifted_at is not None:
        raise HoldLifted
    hold.lifted_at, hold.lifted_by, hold.lifted_reason = now, by, reason
    account = session.get_one(Account, (hold.client_id, hold.account_id))
    actor = evidence.staff(by) if by else actor or evidence.SYSTEM
    told = {"actor": actor, "hold": str(hold.id), "kind": hold.kind, "reason": reason}
    _tell(session, account, "hold.lifted", told, now)
    return hold


def _tell(session: Session, account: Account, kind: str, payload: Payload, now: datetime) -> None:
    evidence.record(
        session,
        client_id=account.client_id,
        chain_id=account.chain_id,
        type=kind,
        payload=payload,
        now=now,
    )
