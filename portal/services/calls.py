"""Telephone calls to debtors: whether one may be made, that it began, and how it went (CT-06)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.domain.access import Permission, may
from portal.domain.calls import SPAN, Asking, Call, Ground, Outcome, Verdict, may_call, why_not
from portal.domain.channels import Channel
from portal.domain.debts import CollectorRole
from portal.domain.help import kept_words
from portal.domain.holds import HoldKind
from portal.domain.outgoing import Rule
from portal.domain.permissions import Address
from portal.models import (
    Account,
    CallAttempt,
    Client,
    Contact,
    Debtor,
    HelpRequest,
    HelpStatus,
    Staff,
    StopKind,
)
from portal.services import call_me, evidence
from portal.services.clearance import made_lately, wait_for_others
from portal.services.contact_facts import facts_about, rules_of
from portal.services.dossier import REVEALED_FOR, ReasonMissing
from portal.services.evidence import Payload
from portal.services.ledger import lock_account, lock_row
from portal.services.standing import holds_in_force, standing, today_of
from portal.services.stops import kinds_at, stop_number, stop_wrong_address
from portal.services.whereabouts import zones_of

STOPPED = {StopKind.WRONG_PERSON: Rule.WRONG_PERSON, StopKind.REASSIGNED: Rule.NUMBER_STALE}
"""What closes a number to calls; who wants no more texts may be called."""


class CallForbidden(DomainError):
    """The person may not be called now; ``verdict`` names the rule and until when."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__()
        self.verdict = verdict
        self.message = why_not(verdict)


class SupervisorDecides(CallForbidden):
    """Past the limits only a supervisor calls, and says why."""


class LoggedBefore(DomainError):
    """Somebody said how the call went."""

    message = N_("It is on the record how this call went.")


class NobodySpoke(DomainError):
    """A consent that nobody can have given."""

    message = N_("Only somebody you spoke with can agree to more calls.")


class TalkNeedsNote(DomainError):
    """What a conversation was about is for whoever calls next."""

    message = N_("Write what you spoke about.")


@dataclass(frozen=True, slots=True)
class Said:
    """How a call went. ``consented``: the debtor agreed to be called again within seven days."""

    outcome: Outcome
    note: str = ""
    consented: bool = False


@dataclass(frozen=True, slots=True)
class Number:
    """A number to call (E.164) and where it is from: an address on file or a wish for a call."""

    number: str
    contact: Contact | None = None
    request: HelpRequest | None = None

    @property
    def id(self) -> UUID:
        """What it is chosen by on a page."""
        source = self.request or self.contact
        if source is None:
            raise LookupError(self.number)
        return source.id


def numbers_of(session: Session, account: Account) -> Sequence[Number]:
    """The numbers of an account's debtor: first those at which they asked to be called."""
    asked = session.scalars(
        select(HelpRequest)
        .where(
            HelpRequest.client_id == account.client_id,
            HelpRequest.account_id == account.id,
            HelpRequest.topic == call_me.TOPIC,
            HelpRequest.status == HelpStatus.OPENED,
        )
        .order_by(HelpRequest.opened_at, HelpRequest.id)
    )
    phones = session.scalars(
        select(Contact)
        .where(
            Contact.client_id == account.client_id,
            Contact.debtor_id == account.debtor_id,
            Contact.channel == Channel.SMS,
            Contact.retired_at.is_(None),
        )
        .order_by(Contact.id)
    )
    return [
        *(Number(one.answers["phone"], request=one) for one in asked),
        *(Number(one.address, contact=one) for one in phones),
    ]


def calls_about(session: Session, account: Account) -> Sequence[CallAttempt]:
    """The calls about an account, the newest first."""
    session.flush()
    return session.scalars(
        select(CallAttempt)
        .where(CallAttempt.client_id == account.client_id, CallAttempt.account_id == account.id)
        .order_by(CallAttempt.at.desc(), CallAttempt.id.desc())
    ).all()


def counted(rows: Sequence[CallAttempt]) -> list[Call]:
    """The same for the limits."""
    return [
        Call(
            at=row.at,
            on=row.on_day,
            outcome=row.outcome,
            ground=row.ground,
            consented=row.consented,
        )
        for row in rows
    ]


def verdict_on(session: Session, account: Account, number: Number, *, now: datetime) -> Verdict:
    """Whether this number may be called about this account at this instant."""
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    role = CollectorRole(session.get_one(Client, account.client_id).collector_role)
    contact = number.contact
    facts = facts_about(session, debtor, [contact] if contact else [], [account])
    asking = Asking(
        address=facts.address(contact, role) if contact else Address(channel=Channel.SMS),
        zones=zones_of(session, debtor),
        debt=facts.debt(account, standing(session, account, now)),
        today=today_of(debtor, now),
        rules=rules_of(debtor, role),
        wishes=facts.wished(debtor.id),
        closed=_closed(session, account, number),
        calls=counted(_lately(session, account, today_of(debtor, now))),
        made=made_lately(session, account.client_id, account.debtor_id, now),
        asked_at=_asked_at(session, account, number, now),
    )
    return may_call(asking, now)


def _lately(session: Session, account: Account, today: date) -> Sequence[CallAttempt]:
    return [row for row in calls_about(session, account) if row.on_day > today - 2 * SPAN]


def _closed(session: Session, account: Account, number: Number) -> str | None:
    kinds = kinds_at(session, account.client_id, Channel.SMS, number.number)
    return next((rule for kind, rule in STOPPED.items() if kind in kinds), None)


def _asked_at(session: Session, account: Account, number: Number, now: datetime) -> datetime | None:
    """When the debtor asked for this call; what they stopped afterwards took it back."""
    if number.request is None:
        return None
    opened = number.request.opened_at
    held = holds_in_force(session, account, now)
    ceased = any(one.kind == HoldKind.CEASE_ALL and one.starts_at >= opened for one in held)
    return None if ceased else opened


def begin_call(
    session: Session,
    account: Account,
    number: Number,
    *,
    reason: str,
    staff: Staff,
    now: datetime,
) -> CallAttempt:
    """Put a call on the record before its number is shown; the caller commits.

    Decided under the account's lock, so that two people never make one attempt too many together.
    Pressed again while the number is shown and nobody said how the call went, it is that call. Past
    the limits a supervisor's ``reason`` lets it be. Raises CallForbidden, SupervisorDecides,
    ReasonMissing, TextTooLong, CardNumberTyped.
    """
    account = lock_account(session, account.id)
    wait_for_others(session, account.debtor_id)
    verdict = verdict_on(session, account, number, now=now)
    begun = _open_call(session, account, number, staff, now)
    if begun is not None and verdict.rule in ("", Rule.CALLS, Rule.CAP):
        return begun  # which may be what the limits were reached by
    words = None if verdict.allowed else _why(verdict, reason, staff)
    attempt = CallAttempt(
        client_id=account.client_id,
        account_id=account.id,
        contact_id=number.contact.id if number.contact else None,
        request_id=number.request.id if number.request else None,
        number=number.number,
        at=now,
        on_day=_today(session, account, now),
        staff_id=staff.id,
        ground=Ground.SUPERVISOR if words else verdict.ground,
        reason=words,
    )
    session.add(attempt)
    session.flush()
    _tell(session, attempt, "call.begun", _begun(attempt, verdict), staff, now)
    return attempt


def _open_call(
    session: Session, account: Account, number: Number, staff: Staff, now: datetime
) -> CallAttempt | None:
    """The call to this number that this member of staff has begun and not logged yet."""
    begun = open_calls(session, account, staff, now)
    return next((one for one in begun if one.number == number.number), None)


def open_calls(
    session: Session, account: Account, staff: Staff, now: datetime
) -> Sequence[CallAttempt]:
    """The calls about an account that somebody has begun lately and not logged, newest first."""
    return session.scalars(
        select(CallAttempt)
        .where(
            CallAttempt.client_id == account.client_id,
            CallAttempt.account_id == account.id,
            CallAttempt.staff_id == staff.id,
            CallAttempt.outcome.is_(None),
            CallAttempt.at > now - REVEALED_FOR,
        )
        .order_by(CallAttempt.at.desc())
    ).all()


def _why(verdict: Verdict, reason: str, staff: Staff) -> str:
    if not verdict.by_supervisor:
        raise CallForbidden(verdict)
    if not may(staff.role, Permission.SUPERVISE):
        raise SupervisorDecides(verdict)
    if not (words := kept_words(reason)):
        raise ReasonMissing
    return words


def _begun(attempt: CallAttempt, verdict: Verdict) -> Payload:
    told: Payload = {"rule": verdict.rule} if verdict.rule else {}
    if attempt.reason:
        told["reason"] = attempt.reason
    return told


def log_call(
    session: Session, attempt: CallAttempt, said: Said, *, staff: Staff, now: datetime
) -> None:
    """Say how a call went, once; a wrong number is closed at once (CT-08). The caller commits.

    Raises LoggedBefore, TalkNeedsNote, NobodySpoke, TextTooLong, CardNumberTyped (PC-01).
    """
    account = lock_account(session, attempt.account_id)
    attempt = lock_row(session, CallAttempt, (attempt.client_id, attempt.id))
    if attempt.outcome is not None:
        raise LoggedBefore
    said = _checked(said)
    if said.outcome is Outcome.WRONG_NUMBER:
        _stop(session, account, attempt, staff, now)
    attempt.outcome, attempt.consented, attempt.note = said.outcome, said.consented, said.note
    attempt.logged_at, attempt.logged_by = now, staff.id
    _tell(session, attempt, "call.logged", _logged(attempt), staff, now)


def log_their_call(
    session: Session, account: Account, said: Said, *, staff: Staff, now: datetime
) -> CallAttempt:
    """The debtor called and spoke with us: no attempt, but a conversation. The caller commits.

    Raises TalkNeedsNote, TextTooLong, CardNumberTyped (PC-01).
    """
    account, said = lock_account(session, account.id), _checked(said)
    attempt = CallAttempt(
        client_id=account.client_id,
        account_id=account.id,
        number="",
        at=now,
        on_day=_today(session, account, now),
        staff_id=staff.id,
        ground=Ground.THEIRS,
        outcome=said.outcome,
        consented=said.consented,
        note=said.note,
        logged_at=now,
        logged_by=staff.id,
    )
    session.add(attempt)
    session.flush()
    _tell(session, attempt, "call.logged", _logged(attempt), staff, now)
    return attempt


def _checked(said: Said) -> Said:
    words = kept_words(said.note)
    if said.outcome is Outcome.CONVERSATION and not words:
        raise TalkNeedsNote
    if said.consented and said.outcome is not Outcome.CONVERSATION:
        raise NobodySpoke
    return Said(said.outcome, words, said.consented)


def _logged(attempt: CallAttempt) -> Payload:
    told: Payload = {"outcome": str(attempt.outcome)}
    if attempt.consented:
        told["consented"] = True
    if attempt.note:
        told["note"] = attempt.note
    return told


def _stop(
    session: Session, account: Account, attempt: CallAttempt, staff: Staff, now: datetime
) -> None:
    source, actor = f"call:{attempt.id}", evidence.staff(staff.id)
    if attempt.contact_id is not None:
        contact = session.get_one(Contact, (attempt.client_id, attempt.contact_id))
        stop_wrong_address(session, contact, source=source, actor=actor, now=now)
        return
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    stop_number(session, debtor, attempt.number, source=source, actor=actor, now=now)


def _today(session: Session, account: Account, now: datetime) -> date:
    return today_of(session.get_one(Debtor, (account.client_id, account.debtor_id)), now)


def _tell(
    session: Session, attempt: CallAttempt, kind: str, told: Payload, staff: Staff, now: datetime
) -> None:
    account = session.get_one(Account, (attempt.client_id, attempt.account_id))
    named = {
        "contact": attempt.contact_id,
        "request": attempt.request_id,
        "ground": attempt.ground,
    }
    ids = {name: str(value) for name, value in named.items() if value}
    evidence.record(
        session,
        client_id=account.client_id,
        chain_id=account.chain_id,
        type=kind,
        payload={"actor": evidence.staff(staff.id), "call": str(attempt.id), **ids, **told},
        now=now,
    )
