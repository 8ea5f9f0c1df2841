"""Somebody is on the line: who they are is asked, counted and recorded; once known, data shows.

A call shows what it may to the member of staff who opened it, until it is wrapped up, a quarter of
an hour idle, an hour old, or its log-in ended. Nothing of a wrong answer is kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.domain.callers import LOGGED, Disposition, runs_until
from portal.domain.calls import Outcome
from portal.domain.help import LONGEST_NOTE, kept_words
from portal.domain.identity import Factor
from portal.domain.keys import Keys
from portal.domain.wording import mask_name
from portal.models import (
    Account,
    CallAttempt,
    CallSession,
    Client,
    Debtor,
    Staff,
    StaffSession,
    fresh_id,
)
from portal.services import attempts, calls, evidence, identity, lock_outs
from portal.services.attempts import Locked
from portal.services.corrected_lately import require_other_hands
from portal.services.evidence import Payload
from portal.services.identity import NotMatched, Passed, mark_of_callers, marks_at_doors
from portal.services.ledger import lock_account, lock_accounts, lock_row
from portal.services.links import accounts_of, tell_accounts

MINUTE = timedelta(minutes=1)


class OnACall(DomainError):
    """One person is on one call at a time."""

    message = N_("You are on a call already. Wrap it up first.")


class CallOver(DomainError):
    """The call was wrapped up, or ran out: who was known by it is not any more."""

    message = N_("This call is over. Wrap it up, and begin another one.")


class KnownAlready(DomainError):
    """The answers of this call matched before, so none are checked any more."""

    message = N_("The answers matched already. You see the personal data until you wrap up.")


class NobodyKnown(DomainError):
    """Who was not checked may be anybody."""

    message = N_("Only somebody whose answers matched is known to be the debtor.")


class NotOurCall(DomainError):
    """What only a call that we made can have been."""

    message = N_("They called us, so it was no wrong number of ours.")


@dataclass(frozen=True, slots=True)
class Ending:
    """How a call ended. ``consented``: the debtor agreed to be called within seven days.

    ``by_portal``: its agent could not wrap it up any more.
    """

    disposition: Disposition
    note: str = ""
    consented: bool = False
    by_portal: bool = False


@dataclass(frozen=True, slots=True)
class OnLine:
    """The call of a member of staff that is not wrapped up; ``until`` is when it ends by itself.

    ``until`` None: it ran out, and shows nothing. ``minutes``: for how long it lasts.
    """

    call: CallSession
    account: Account
    debtor: Debtor
    until: datetime | None
    minutes: int

    @property
    def name(self) -> str:
        """Whose account it is about, masked until they are known."""
        full = f"{self.debtor.first_name} {self.debtor.last_name}"
        return full if self.call.verified_at and self.until else mask_name(full)


def open_session(
    session: Session,
    account: Account,
    *,
    call: CallAttempt | None = None,
    staff: Staff,
    log_in_id: UUID,
    now: datetime,
) -> CallSession:
    """Say that somebody is on the line about an account; the caller commits.

    ``call`` is our own call to them; without one they called us. Raises OnACall.
    """
    account = lock_account(session, account.id)
    session.flush()
    row = insert(CallSession).values(
        client_id=account.client_id,
        id=fresh_id(),
        account_id=account.id,
        debtor_id=account.debtor_id,
        staff_id=staff.id,
        log_in_id=log_in_id,
        call_id=call.id if call else None,
        opened_at=now,
        seen_at=now,
    )
    made = session.scalars(row.on_conflict_do_nothing().returning(CallSession)).one_or_none()
    if made is None:
        raise OnACall
    told: Payload = {"call": str(call.id)} if call else {"theirs": True}
    tell_accounts(session, [account], "call_session.opened", _told(made, **told), now)
    return made


def open_call(session: Session, staff: Staff, *, now: datetime) -> OnLine | None:
    """The call that a member of staff has not wrapped up, also one that ran out."""
    found = session.execute(
        select(CallSession, Account, Debtor, StaffSession.id)
        .join(
            Account,
            (Account.client_id == CallSession.client_id) & (Account.id == CallSession.account_id),
        )
        .join(
            Debtor,
            (Debtor.client_id == CallSession.client_id) & (Debtor.id == CallSession.debtor_id),
        )
        .outerjoin(
            StaffSession,
            (StaffSession.id == CallSession.log_in_id)
            & StaffSession.ended_at.is_(None)
            & (StaffSession.expires_at > now),
        )
        .where(
            CallSession.client_id.in_(session.info["client_ids"]),
            CallSession.staff_id == staff.id,
            CallSession.ended_at.is_(None),
        )
    ).one_or_none()
    if found is None:
        return None
    call, account, debtor, log_in = found
    until = runs_until(call.opened_at, call.seen_at)
    minutes = (now - call.opened_at) // MINUTE
    return OnLine(call, account, debtor, until if log_in and now < until else None, minutes)


def current(session: Session, staff: Staff, now: datetime) -> CallSession | None:
    """The call that a member of staff is on now."""
    line = open_call(session, staff, now=now)
    return line.call if line and line.until else None


def verified(session: Session, staff: Staff, account: Account, now: datetime) -> bool:
    """Whether this member of staff is on the line with the debtor of this account, who is known."""
    return revealed_until(session, staff, account, now=now) is not None


def revealed_until(
    session: Session, staff: Staff, account: Account, *, now: datetime
) -> datetime | None:
    """Until when a call shows the personal data of this account's debtor, as long as it is idle."""
    return reveals(open_call(session, staff, now=now), account)


def reveals(line: OnLine | None, account: Account) -> datetime | None:
    """Until when this call shows the personal data of this account's debtor."""
    if line is None or line.call.verified_at is None:
        return None
    mine = (account.client_id, account.debtor_id) == (line.call.client_id, line.call.debtor_id)
    return line.until if mine else None


def keep_up(session: Session, staff: Staff, *, now: datetime) -> bool:
    """Note that a member of staff is at work on their call; whether there is something to commit.

    Written once a minute at most, so that a page that is only read may call it.
    """
    call = current(session, staff, now)
    if call is None or now < call.seen_at + MINUTE:
        return False
    session.execute(
        update(CallSession)
        .where(CallSession.client_id == call.client_id, CallSession.id == call.id)
        .values(seen_at=now)
    )
    return True


def find_session(session: Session, session_id: UUID, staff: Staff) -> CallSession:
    """A call of this member of staff. Raises NoResultFound."""
    return session.scalars(
        select(CallSession).where(
            CallSession.client_id.in_(session.info["client_ids"]),
            CallSession.id == session_id,
            CallSession.staff_id == staff.id,
        )
    ).one()


def locked(session: Session, call: CallSession, *, keys: Keys, now: datetime) -> Locked | None:
    """Until when no answers may be tried, whoever is on the line."""
    return attempts.locked(session, keys, [mark_of_callers(call.debtor_id)], now=now)


def check(
    session: Session,
    call: CallSession,
    answers: Mapping[Factor, str],
    *,
    keys: Keys,
    staff: Staff,
    now: datetime,
) -> identity.Outcome:
    """Whether the answers heard prove that the debtor is on the line (PR-01); the caller commits.

    Commits the count before it looks at them, as for a link; links have counts of their own. A
    match opens both doors. Raises CallOver, KnownAlready, CorrectedItThemselves.
    """
    live = current(session, staff, now)
    if live is None or live.id != call.id:
        raise CallOver
    if live.verified_at is not None:
        raise KnownAlready
    debtor = session.get_one(Debtor, (call.client_id, call.debtor_id))
    require_other_hands(session, staff.id, debtor, now=now)
    taken = attempts.take(session, keys, [mark_of_callers(call.debtor_id)], now=now)
    if isinstance(taken, Locked):
        return taken
    client = session.get_one(Client, call.client_id)
    method = identity.proved_by(client, debtor, answers, keys=keys)
    accounts = lock_accounts(session, debtor.client_id, debtor.id)
    if method is None:
        return _not_matched(session, call, debtor, taken.left, keys, now)
    call = lock_row(session, CallSession, (call.client_id, call.id))
    if call.ended_at is not None:
        raise CallOver
    call.verified_at, call.method = now, method
    attempts.forgive(session, keys, marks_at_doors(session, debtor, now=now))
    lock_outs.passed(session, debtor, now=now)
    passed = _told(call, method=method, attempts=taken.made)
    tell_accounts(session, accounts, "call_session.matched", passed, now)
    return Passed(method, taken.made)


def _not_matched(  # noqa: PLR0913
    session: Session, call: CallSession, debtor: Debtor, left: int, keys: Keys, now: datetime
) -> NotMatched:
    """Put wrong answers on the record; who used up their tries waits for somebody to help."""
    failed = _told(call, left=left)
    tell_accounts(session, accounts_of(session, debtor), "call_session.not_matched", failed, now)
    if not left and (lock := locked(session, call, keys=keys, now=now)):
        lock_outs.keep(session, debtor, until=lock.until, now=now)
    return NotMatched(left)


def wrap_up(
    session: Session, call: CallSession, ending: Ending, *, staff: Staff, now: datetime
) -> None:
    """End a call, which shows nothing any more, and write the telephone log; the caller commits.

    Raises CallOver, NobodyKnown, NotOurCall, TalkNeedsNote, NobodySpoke, TextTooLong,
    CardNumberTyped (PC-01).
    """
    account = lock_account(session, call.account_id)
    call = lock_row(session, CallSession, (call.client_id, call.id))
    if call.ended_at is not None:
        raise CallOver
    spoke = ending.disposition is Disposition.SPOKE
    if spoke and call.verified_at is None:
        raise NobodyKnown
    if ending.disposition is Disposition.WRONG_NUMBER and call.call_id is None:
        raise NotOurCall
    if ending.consented and not spoke:
        raise calls.NobodySpoke
    note = kept_words(ending.note, most=LONGEST_NOTE)
    _log(session, call, account, Ending(ending.disposition, note, ending.consented), staff, now)
    call.ended_at, call.disposition, call.note = now, ending.disposition, note or None
    told: Payload = {"disposition": str(ending.disposition)} | ({"note": note} if note else {})
    if ending.by_portal:
        told["actor"] = evidence.SYSTEM
    tell_accounts(session, [account], "call_session.wrapped_up", _told(call, **told), now)


def _log(  # noqa: PLR0913
    session: Session,
    call: CallSession,
    account: Account,
    ending: Ending,
    staff: Staff,
    now: datetime,
) -> None:
    """What the telephone log says of the call: a conversation counts, whoever called (CT-06)."""
    outcome = LOGGED.get(ending.disposition)
    if outcome is None:
        return
    said = calls.Said(outcome, ending.note, ending.consented)
    if call.call_id is not None:
        made = session.get_one(CallAttempt, (call.client_id, call.call_id))
        if made.outcome is None:
            calls.log_call(session, made, said, staff=staff, now=now)
    elif outcome is Outcome.CONVERSATION:
        made = calls.log_their_call(session, account, said, staff=staff, now=now)
        call.call_id = made.id


def _told(line: CallSession, **more: object) -> Payload:
    return {"actor": evidence.staff(line.staff_id), "call_session": str(line.id)} | more
