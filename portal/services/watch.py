"""Looking over a client's record: what is new in short intervals, all of it each night (EV-08)."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal.db import begin_snapshot, commit, hook, set_tenant
from portal.gateways.signer import Signer, SignerRefuses
from portal.models import EvidenceAlarm, EvidenceCheck, fresh_id
from portal.services import tree
from portal.services.alarms import raise_alarms
from portal.services.evidence import log_name
from portal.services.tree import TreeBroken
from portal.services.verify import Broken, Only, verify_client, verify_database
from portal.services.verify.tree import OUTSIDE

_NEW = text("""
    SELECT chain_id FROM leaf_position WHERE client_id = :client AND index >= :since
    UNION SELECT chain_id FROM pending_leaf WHERE client_id = :client""")


def sequence(session: Session, client_id: UUID, signer: Signer, *, now: datetime) -> bool:
    """Place what waits and sign where that is due; commits. Whether the log is in order.

    A signer that refuses, or a tree that is not whole, raises an alarm.
    """
    set_tenant(session, client_id)
    try:
        tree.place_all(session, client_id)
        if tree.is_due(session, client_id, now):
            tree.sign(session, client_id, signer, now)
            commit(session, "evidence.signed")
    except (SignerRefuses, TreeBroken) as error:
        session.rollback()
        raise_alarms(session, client_id, [Broken(OUTSIDE, _place(error))], now=now)
        commit(session, "evidence.alarmed")
        return False
    return True


def look_over(
    session: Session, client_id: UUID, signer: Signer, *, whole: bool, now: datetime
) -> Sequence[EvidenceAlarm]:
    """Hold a client's record against itself, its rows and the copies outside; the new alarms.

    Not ``whole``: the chains with leaves since the last time that nothing was broken. All is read
    as it is at one instant, while others write; the copies outside are read before it. The caller
    commits.
    """
    set_tenant(session, client_id)
    session.rollback()
    outside = list(signer.seen(log_name(client_id)))
    hook("before looking over")
    begin_snapshot(session)
    size = tree.size_of(session, client_id)
    only = None if whole else _new(session, client_id)
    hook("while looking over")
    found = list(verify_client(session, client_id, outside=outside, only=only))
    if whole:
        found += verify_database(session)
    session.rollback()
    row = {"client_id": client_id, "whole": whole, "size": size, "at": now}
    session.add(EvidenceCheck(id=fresh_id(), broken=len(found), **row))
    return raise_alarms(session, client_id, found, now=now)


def last_check(session: Session, client_id: UUID, *, whole: bool) -> EvidenceCheck | None:
    """The newest run over all of a client's record, or the newest one of any kind."""
    query = select(EvidenceCheck).where(EvidenceCheck.client_id == client_id)
    if whole:
        query = query.where(EvidenceCheck.whole)
    return session.scalar(query.order_by(EvidenceCheck.at.desc(), EvidenceCheck.id.desc()).limit(1))


def _new(session: Session, client_id: UUID) -> Only:
    since = session.scalar(
        select(EvidenceCheck.size)
        .where(EvidenceCheck.client_id == client_id, EvidenceCheck.broken == 0)
        .order_by(EvidenceCheck.size.desc())
        .limit(1)
    )
    values = {"client": client_id, "since": since or 0}
    return Only(session.scalars(_NEW, values).all(), since or 0)


def _place(error: SignerRefuses | TreeBroken) -> str:
    """The same words at every run, so that one fault is one alarm."""
    if isinstance(error, SignerRefuses):
        seen = error.params["seen"]
        return f"checkpoint of {seen}: not continued, as in an older copy of the database"
    return f"the tree is not whole: {error}"
