"""Looking over a client's record: what is new in short intervals, all of it each night (EV-08)."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError
from sqlalchemy.orm import Session

from portal.db import begin_snapshot, commit, hook, set_tenant
from portal.domain.checkpoints import NoCheckpoint
from portal.gateways.signer import Signer, SignerRefuses
from portal.models import EvidenceAlarm, EvidenceCheck, fresh_id
from portal.services import tree
from portal.services.alarms import raise_alarms
from portal.services.evidence import log_name
from portal.services.record_state import last_check
from portal.services.staff_events import HASTY, hasty
from portal.services.tree import TreeBroken
from portal.services.verify import (
    FREEZING,
    LOOKED_OVER,
    Broken,
    Only,
    verify_client,
    verify_database,
)
from portal.services.verify.tree import OUTSIDE, outside_of

log = logging.getLogger(__name__)

_NEW = text("""
    SELECT chain_id FROM leaf_position WHERE client_id = :client AND index >= :since
    UNION SELECT chain_id FROM pending_leaf WHERE client_id = :client""")


def sequence(session: Session, client_id: UUID, signer: Signer, *, now: datetime) -> bool:
    """Place what waits and sign where that is due; commits. Whether the log is in order.

    A signer that refuses, or a tree that is not whole, raises an alarm, and raises it again for as
    long as that lasts, whoever answered for it.
    """
    set_tenant(session, client_id)

    def sign() -> None:
        if tree.is_due(session, client_id, now):
            tree.sign(session, client_id, signer, now)
            commit(session, "evidence.signed")

    try:
        tree.place_all(session, client_id, then=sign)
        _demand_what_was_signed(session, client_id, signer)
        sign()
    except (SignerRefuses, TreeBroken, NoCheckpoint, IntegrityError) as error:
        session.rollback()
        log.exception("the log of %s is not continued", client_id)
        broken = [Broken(OUTSIDE, _place(error))]
        raise_alarms(session, client_id, broken, now=now, again=True)
        commit(session, "evidence.alarmed")
        return False
    return True


def _demand_what_was_signed(session: Session, client_id: UUID, signer: Signer) -> None:
    """Whether or not anything is to be signed now: an older copy is not to be agreed on."""
    origin, size = log_name(client_id), tree.size_of(session, client_id)
    last = signer.newest(origin)
    if last is not None and last.head.size > size:
        raise SignerRefuses(origin=origin, size=size, seen=last.head.size)


def look_over(
    session: Session, client_id: UUID, signer: Signer, *, whole: bool, now: datetime
) -> Sequence[EvidenceAlarm]:
    """Hold a client's record against itself, its rows and the copies outside; the new alarms.

    Not ``whole``: the chains with leaves since the last time that nothing was broken. All is read
    as it is at one instant, while others write. What cannot be looked over is an alarm itself, and
    so is whoever of staff opened accounts faster than they can be read. The caller commits.
    """
    set_tenant(session, client_id)
    session.rollback()
    before = last_check(session, client_id, whole=True)
    try:
        size, found = _look(session, client_id, signer, whole=whole)
        found += [Broken(HASTY, where) for where in hasty(session, client_id, now=now)]
    except (OperationalError, InterfaceError):
        raise  # the database went away: the job is tried again
    except Exception as error:
        log.exception("the record of %s cannot be looked over", client_id)
        size, found = 0, [Broken(LOOKED_OVER, type(error).__name__)]
    session.rollback()
    fresh = raise_alarms(session, client_id, found, now=now, gone_by=before.at if before else None)
    broken = sum(1 for one in found if one.invariant in FREEZING)
    row = {"client_id": client_id, "whole": whole, "size": size, "at": now}
    session.add(EvidenceCheck(id=fresh_id(), broken=broken, **row))
    return fresh


def _look(
    session: Session, client_id: UUID, signer: Signer, *, whole: bool
) -> tuple[int, list[Broken]]:
    before = outside_of(signer, client_id)
    hook("before looking over")
    session.rollback()
    begin_snapshot(session)
    size = tree.size_of(session, client_id)
    outside = replace(before, kept=outside_of(signer, client_id).kept)
    only = None if whole else _new(session, client_id, size)
    hook("while looking over")
    found = list(verify_client(session, client_id, outside=outside, only=only))
    if whole:
        found += verify_database(session)
    return size, found


def _new(session: Session, client_id: UUID, size: int) -> Only:
    since = session.scalar(
        select(EvidenceCheck.size)
        .where(
            EvidenceCheck.client_id == client_id,
            EvidenceCheck.broken == 0,
            EvidenceCheck.size <= size,
        )
        .order_by(EvidenceCheck.size.desc())
        .limit(1)
    )
    values = {"client": client_id, "since": since or 0}
    return Only(session.scalars(_NEW, values).all(), since or 0)


def _place(error: Exception) -> str:
    """The same words at every run, so that one fault is one alarm."""
    if isinstance(error, SignerRefuses):
        seen = error.params["seen"]
        return f"checkpoint of {seen}: not continued, as in an older copy of the database"
    if isinstance(error, NoCheckpoint):
        return "the signer's own memory is damaged"
    return "the tree is not whole"
