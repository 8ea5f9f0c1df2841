"""What staff are told about a debtor that changes everything: carried out at once, on the record.

What follows from each mark stands in `domain.marks`; it is done by the holds, stops and requests
that there are, whose source names the mark, so that they go when it is taken back.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain.help import LONGEST_NOTE, Topic, kept_words
from portal.domain.marks import (
    MARKS,
    Consequence,
    Mark,
    TakenBackBefore,
    checked,
)
from portal.models import (
    Account,
    Contact,
    ContactStop,
    Debtor,
    HelpRequest,
    HelpStatus,
    Hold,
    Staff,
    ThreadEntry,
    fresh_id,
)
from portal.services import evidence
from portal.services.ceasing import drop_invitations, lock_invitations
from portal.services.dossier import ReasonMissing
from portal.services.evidence import Payload
from portal.services.first_notices import first_day
from portal.services.help import Answers, open_request
from portal.services.ledger import lock_account, lock_accounts, lock_row
from portal.services.links import revoke_all, tell_accounts
from portal.services.posted import Posted
from portal.services.standing import lift_hold, set_hold, today_of
from portal.services.stops import lift_stop, stop_letters, stop_wrong_address

MARKED, TAKEN_BACK = "account.marked", "account.mark_taken_back"
MOST = 200
"""Leaves of marks that are looked through."""

POSTAL = "postal"
"""The postal address among those at which somebody else may have been reached."""


@dataclass(frozen=True, slots=True)
class Marked:
    """A mark as its leaf says it; ``gone``: it was taken back."""

    id: UUID
    what: Mark
    facts: Mapping[str, str]
    at: datetime
    told: Payload
    gone: bool = False

    def day(self, name: str) -> date:
        """A fact that is a day."""
        return date.fromisoformat(self.facts[name])


@dataclass(frozen=True, slots=True)
class _Act:
    """A mark while it is carried out; its accounts are locked."""

    session: Session
    debtor: Debtor
    accounts: Sequence[Account]
    facts: Mapping[str, str]
    source: str
    staff: Staff
    now: datetime

    @property
    def actor(self) -> evidence.Actor:
        """Who was told of it."""
        return evidence.staff(self.staff.id)


def source_of(mark_id: UUID) -> str:
    """How holds and stops name the mark that they follow from."""
    return f"mark:{mark_id}"


def mark_behind(hold: Hold) -> UUID | None:
    """The mark that a hold follows from, with which it ends."""
    kind, _, name = hold.source.partition(":")
    return UUID(name) if kind == "mark" else None


def mark(
    session: Session,
    account: Account,
    what: Mark,
    typed: Mapping[str, str],
    *,
    staff: Staff,
    now: datetime,
) -> UUID:
    """Take down what happened and do what follows from it; the caller commits. Its id.

    Raises FactMissing, DayToCome, DayTooEarly, TextTooLong, CardNumberTyped (PC-01).
    """
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    first, today = first_day(account, debtor), today_of(debtor, now)
    it, facts = MARKS[what], checked(what, typed, first, today)
    all_of = (debtor.client_id, debtor.id)
    accounts = lock_accounts(session, *all_of) if it.person else [lock_account(session, account.id)]
    mark_id = fresh_id()
    act = _Act(session, debtor, accounts, facts, source_of(mark_id), staff, now)
    told: Payload = {
        "actor": act.actor,
        "mark": str(mark_id),
        "what": str(what),
        "facts": facts,
        "accounts": [str(one.id) for one in accounts],
        **_carry_out(act, it),
    }
    tell_accounts(session, accounts, MARKED, told, now)
    return mark_id


def _carry_out(act: _Act, it: Consequence) -> Payload:
    """Do what follows; what else the leaf names."""
    if it.topic is not None:
        return _ask(act, it.topic, it.option or act.facts["about"])
    kinds = it.kinds(act.facts)
    if not kinds:
        _close(act, act.facts["where"])
        return {}
    account = None if it.person else act.accounts[0]
    waiting = lock_invitations(act.session, act.debtor, account)
    why = " · ".join(act.facts.values())
    about: dict[str, Any] = {"source": act.source, "evidence": why, "actor": act.actor}
    for one in act.accounts:
        for kind in kinds:
            set_hold(act.session, one, kind, now=act.now, **about)
    drop_invitations(act.session, waiting, now=act.now)
    if it.closes:
        revoke_all(act.session, act.debtor, reason="marked", actor=act.actor, now=act.now)
    return {"holds": [str(kind) for kind in kinds]}


def _close(act: _Act, where: str) -> None:
    """Close the one address at which somebody else was reached."""
    if where == POSTAL:
        stop_letters(act.session, act.debtor, source=act.source, actor=act.actor, now=act.now)
        return
    contact = lock_row(act.session, Contact, (act.debtor.client_id, UUID(where)))
    stop_wrong_address(act.session, contact, source=act.source, actor=act.actor, now=act.now)


def _ask(act: _Act, topic: Topic, option: str) -> Payload:
    """Take what came by post as the request that it is."""
    received_on = date.fromisoformat(act.facts["received_on"])
    by = Posted(received_on, act.facts.get("scan", ""), act.staff.id, act.debtor.language)
    details = " · ".join(act.facts[name] for name in ("report", "words") if name in act.facts)
    answers = Answers(option, details)
    request = open_request(act.session, act.accounts[0], topic, answers, by=by, now=act.now)
    return {"request": str(request.id)}


def marks_of(session: Session, account: Account) -> list[Marked]:
    """The marks of an account that count, newest first."""
    return [one for one in _marks(session, account) if not one.gone]


def _marks(session: Session, account: Account) -> Iterator[Marked]:
    span = evidence.Span(types=[MARKED, TAKEN_BACK])
    found = evidence.some_leaves(session, account, span, most=MOST)
    said = [one for one in found if one.payload]
    gone = {one.payload["mark"] for one in said if one.type == TAKEN_BACK}
    for one in said:
        if one.type == MARKED:
            yield Marked(
                id=UUID(one.payload["mark"]),
                what=Mark(one.payload["what"]),
                facts=one.payload["facts"],
                at=one.at,
                told=one.payload,
                gone=one.payload["mark"] in gone,
            )


def find_mark(session: Session, account: Account, mark_id: UUID) -> Marked | None:
    """A mark of an account, also one that was taken back; None for any other."""
    return next((one for one in _marks(session, account) if one.id == mark_id), None)


def take_back(
    session: Session, account: Account, found: Marked, *, reason: str, staff: Staff, now: datetime
) -> None:
    """Undo a mark with the reason on the record: its holds and stops end; the caller commits.

    What was revoked or dropped stays so, and so does a request that others asked for as well.
    Raises ReasonMissing, TakenBackBefore, TextTooLong, CardNumberTyped (PC-01).
    """
    if not (words := kept_words(reason, most=LONGEST_NOTE)):
        raise ReasonMissing
    accounts = [lock_account(session, UUID(one)) for one in sorted(found.told["accounts"])]
    again = find_mark(session, account, found.id)
    if again is None or again.gone:
        raise TakenBackBefore
    sources = [source_of(found.id), *_close_request(session, accounts, found, words, staff, now)]
    for hold in _holds_from(session, account.client_id, sources):
        lift_hold(session, hold, reason=words, by=staff.id, now=now)
    for stop in _stops_from(session, account.client_id, sources):
        lift_stop(session, stop, by=staff.id, now=now)
    told: Payload = {
        "actor": evidence.staff(staff.id),
        "mark": str(found.id),
        "what": str(found.what),
        "reason": words,
    }
    tell_accounts(session, accounts, TAKEN_BACK, told, now)


def _close_request(
    session: Session,
    accounts: Sequence[Account],
    found: Marked,
    reason: str,
    staff: Staff,
    now: datetime,
) -> list[str]:
    """Close the request that is of this mark alone, unless it was answered; where its holds are of.

    One that the debtor or another letter asked for too stays as it is, with its holds.
    """
    if is_asked_besides(session, accounts[0], found):
        return []
    if "request" not in found.told:
        return []
    key = (accounts[0].client_id, UUID(found.told["request"]))
    request = lock_row(session, HelpRequest, key)
    source = f"help:{request.reference}"
    if request.status is not HelpStatus.OPENED:
        return [source]
    request.status = HelpStatus.CLOSED
    told: Payload = {"actor": evidence.staff(staff.id), "request": str(request.id)}
    tell_accounts(session, accounts, "help.closed", {**told, "reason": reason}, now)
    return [source]


def is_asked_besides(session: Session, account: Account, found: Marked) -> bool:
    """Whether somebody else asked for the request of a mark as well: it is not the mark's to close.

    The debtor on their page, before or after the letter, or another letter.
    """
    if "request" not in found.told:
        return False
    asked = [
        one
        for one in evidence.some_leaves(
            session, account, evidence.Span(types=["help.opened"]), most=MOST
        )
        if one.payload.get("request") == found.told["request"]
    ]
    request_id = UUID(found.told["request"])
    request = session.get_one(HelpRequest, (account.client_id, request_id))
    written = select(ThreadEntry.id).where(
        ThreadEntry.client_id == account.client_id,
        ThreadEntry.help_request_id == request_id,
        ThreadEntry.staff_id.is_(None),
        ThreadEntry.at > request.opened_at,
    )
    return len(asked) != 1 or session.scalar(written.limit(1)) is not None


def _holds_from(session: Session, client_id: UUID, sources: Sequence[str]) -> Sequence[Hold]:
    return session.scalars(
        select(Hold)
        .where(Hold.client_id == client_id, Hold.source.in_(sources), Hold.lifted_at.is_(None))
        .order_by(Hold.id)
    ).all()


def _stops_from(session: Session, client_id: UUID, sources: Sequence[str]) -> Sequence[ContactStop]:
    return session.scalars(
        select(ContactStop)
        .where(
            ContactStop.client_id == client_id,
            ContactStop.source.in_(sources),
            ContactStop.lifted_at.is_(None),
        )
        .order_by(ContactStop.id)
    ).all()
