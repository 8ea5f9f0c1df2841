"""Rehearsals: a draft of limits run over a client's open accounts, before anybody is offered it.

One job for each batch. The rehearsal's own row says how far it is and is locked while a batch is
counted, so that each batch counts once however often a job is cut off or comes again.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from sqlalchemy import ColumnElement, TextClause, delete, select, text
from sqlalchemy.orm import Session

from portal.domain import compiler, policy
from portal.domain.policy import Policy
from portal.domain.rehearsal import Figures, Rehearsing
from portal.jobs import enqueue
from portal.models import Client, Rehearsal, RehearsalChange, RehearsalStatus, Staff
from portal.services import evidence, rehearsed_accounts
from portal.services.evidence import Actor, Payload
from portal.services.policies import NotPublishable, live_version, policy_version
from portal.services.rehearsed_accounts import Where

BATCH = 10_000
AT_ONCE = 1_000
SHOWN = 50
KEPT_FOR = timedelta(days=90)
"""How long it can be read which accounts a rehearsal would have changed; its figures stay."""


def ask(
    session: Session, client_id: UUID, document: Policy, *, staff: Staff, now: datetime
) -> Rehearsal:
    """Have a draft run over the client's open accounts by a worker; the caller commits.

    While the same document runs against the same live version, that rehearsal is the answer.
    Raises NotPublishable where the draft breaks a rule.
    """
    if problems := compiler.check(replace(document, version=1)):
        raise NotPublishable(problem=str(problems[0]))
    session.get_one(Client, client_id, with_for_update=True)
    live = live_version(session, client_id, now)
    body = policy.canonical_bytes(document)
    found = latest_of(session, client_id, sha256(body).digest())
    version = live.version if live else None
    runs = (version, RehearsalStatus.STARTED)
    if found is None or (found.live_version, found.status) != runs:
        found = Rehearsal(
            client_id=client_id,
            sha256=sha256(body).digest(),
            document=body.decode(),
            live_version=version,
            asked_by=staff.id,
            started_at=now,
        )
        session.add(found)
        session.flush()
        actor = evidence.staff(staff.id)
        _tell(session, found, "policy.rehearsal_asked", {}, actor=actor, now=now)
    _queue(session, found)
    return found


def _queue(session: Session, rehearsal: Rehearsal) -> None:
    """Let a worker take the next batch, unless that waits already."""
    enqueue(
        session,
        "policy.rehearse",
        client_id=rehearsal.client_id,
        rehearsal_id=rehearsal.id,
        queueing_lock=f"policy.rehearse:{rehearsal.id}",
    )


def latest_of(session: Session, client_id: UUID, sha256: bytes) -> Rehearsal | None:
    """The newest rehearsal of a document by the hash of its canonical bytes, however far it is."""
    return session.scalar(
        select(Rehearsal)
        .where(Rehearsal.client_id == client_id, Rehearsal.sha256 == sha256)
        .order_by(Rehearsal.started_at.desc(), Rehearsal.id.desc())
        .limit(1)
    )


def run_batch(session: Session, client_id: UUID, rehearsal_id: UUID, *, now: datetime) -> None:
    """Count the next accounts of a rehearsal and queue the batch after, or complete it.

    The caller commits. What is over already stays as it is.
    """
    found = _locked(session, client_id, rehearsal_id)
    if found.status is not RehearsalStatus.STARTED:
        return
    client = session.get_one(Client, client_id)
    where = Where(client_id, client.currency, found.started_at, found.after)
    if found.after is None:
        found.total = rehearsed_accounts.number_of(session, where)
    run = Rehearsing(policy.from_bytes(found.document), _live(session, found))
    rows = rehearsed_accounts.read(session, where, BATCH)
    seen_since = rehearsed_accounts.live_since(session, client_id, found.live_version)
    changes = rehearsed_accounts.weigh(session, where, run, rows, seen_since=seen_since)
    rehearsed_accounts.keep(session, found, changes)
    found.figures = dict(Counter(found.figures) + run.sums)
    found.done += len(rows)
    if len(rows) == BATCH:
        found.after = rows[-1].id
        _queue(session, found)
    else:
        _complete(session, found, where, now)


def _locked(session: Session, client_id: UUID, rehearsal_id: UUID) -> Rehearsal:
    key = (client_id, rehearsal_id)
    return session.get_one(Rehearsal, key, with_for_update=True, populate_existing=True)


def _live(session: Session, rehearsal: Rehearsal) -> Policy | None:
    if rehearsal.live_version is None:
        return None
    return policy_version(session, rehearsal.client_id, rehearsal.live_version).policy


def _complete(session: Session, found: Rehearsal, where: Where, now: datetime) -> None:
    found.figures = found.figures | rehearsed_accounts.take_up(session, where)
    found.status, found.completed_at = RehearsalStatus.COMPLETED, now
    figures = Figures(found.figures)
    told = {
        "accounts": found.done,
        "loses": figures.loses.accounts,
        "loses_seen": figures.seen_loses.accounts,
        "gains": figures.gains.accounts,
        "worst_offered_cents": figures.given("offered"),
        "worst_agreed_cents": figures.given("agreed"),
    }
    _tell(session, found, "policy.rehearsed", told, actor=evidence.SYSTEM, now=now)
    _forget(session, found.client_id, now)


def _forget(session: Session, client_id: UUID, now: datetime) -> None:
    old = select(Rehearsal.id).where(
        Rehearsal.client_id == client_id, Rehearsal.started_at < now - KEPT_FOR
    )
    session.execute(
        delete(RehearsalChange).where(
            RehearsalChange.client_id == client_id, RehearsalChange.rehearsal_id.in_(old)
        )
    )


def interrupt(session: Session, client_id: UUID, rehearsal_id: UUID, *, now: datetime) -> None:
    """Record that a rehearsal was given up before its end. The caller commits."""
    found = _locked(session, client_id, rehearsal_id)
    if found.status is RehearsalStatus.STARTED:
        found.status = RehearsalStatus.INTERRUPTED
        told = {"accounts": found.done}
        system = evidence.SYSTEM
        _tell(session, found, "policy.rehearsal_interrupted", told, actor=system, now=now)


def _tell(
    session: Session, found: Rehearsal, kind: str, told: Payload, *, actor: Actor, now: datetime
) -> None:
    client = session.get_one(Client, found.client_id)
    named: Payload = {"rehearsal": str(found.id), "sha256": found.sha256.hex()}
    if found.live_version is not None:
        named["live_version"] = found.live_version
    evidence.record(
        session,
        client_id=client.id,
        chain_id=client.chain_id,
        type=kind,
        payload={"actor": actor, **named, **told},
        now=now,
    )


def rehearsal(session: Session, client_id: UUID, rehearsal_id: UUID) -> Rehearsal:
    """A client's rehearsal. Raises NoResultFound."""
    return session.get_one(Rehearsal, (client_id, rehearsal_id))


def losing(session: Session, found: Rehearsal) -> Sequence[RehearsalChange]:
    """The first accounts that lose something which they are offered today."""
    lose = text("difference IN ('worse', 'different', 'gone')")  # as the index has it
    return _changes(session, found, lose, size=SHOWN)


def every_change(session: Session, found: Rehearsal) -> Iterator[RehearsalChange]:
    """Every account that would be offered something else, read part by part."""
    part = _changes(session, found, size=AT_ONCE)
    while part:
        yield from part
        after = part[-1].account_id
        session.expunge_all()
        part = _changes(session, found, RehearsalChange.account_id > after, size=AT_ONCE)


def _changes(
    session: Session, found: Rehearsal, *such: ColumnElement[bool] | TextClause, size: int
) -> Sequence[RehearsalChange]:
    return session.scalars(
        select(RehearsalChange)
        .where(
            RehearsalChange.client_id == found.client_id,
            RehearsalChange.rehearsal_id == found.id,
            *such,
        )
        .order_by(RehearsalChange.account_id)
        .limit(size)
    ).all()
