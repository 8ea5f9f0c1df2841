"""Help: a debtor asks, a hold is set at once, a person answers by the day that was promised."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.domain.calendars import HOLIDAYS, add_working_days
from portal.domain.help import (
    DISPUTES,
    LONGEST_ANSWER,
    UNCLEAR_TEXT,
    WITHDRAWABLE,
    Topic,
    check_free_text,
    holds_for,
)
from portal.domain.holds import HoldKind
from portal.domain.wording import clean_text
from portal.models import (
    Account,
    Channel,
    Client,
    Debtor,
    HelpRequest,
    HelpStatus,
    Hold,
    Staff,
    ThreadEntry,
    fresh_id,
)
from portal.services import evidence, notices, rests
from portal.services.ceasing import drop_invitations, lock_invitations
from portal.services.contesting import in_time
from portal.services.ledger import lock_account
from portal.services.posted import Posted
from portal.services.references import fresh_reference
from portal.services.standing import close_pages, holds_in_force, lift_hold, set_hold, today_of
from portal.services.threads import About, NothingWritten, post_entry
from portal.services.visits import Visit, keep_language

RESTS = (HoldKind.HARDSHIP,)
"""Holds that a request sets for a time, within which nothing is asked of the debtor."""


class OptionMissing(DomainError):
    """The topic needs to know which of its cases it is."""

    message = N_("Choose what fits best.")


class RequestClosed(DomainError):
    """The request was answered and closed."""

    message = N_("This request was answered before.")


class NotTakenBack(DomainError):
    """A request that a person must look at first, whoever asked for it."""

    message = N_("Please call us to take this back.")


@dataclass(frozen=True, slots=True)
class Answers:
    """What a debtor filled in: one of the topic's options, and free words.

    ``also``: what else was ticked, where the topic takes several options.
    """

    option: str | None = None
    details: str = ""
    also: tuple[str, ...] = ()

    @property
    def options(self) -> tuple[str, ...]:
        """Everything that was ticked."""
        return (self.option, *self.also) if self.option is not None else self.also


def open_request(
    session: Session,
    account: Account,
    topic: Topic,
    answers: Answers,
    *,
    by: Visit | Posted,
    now: datetime,
) -> HelpRequest:
    """Take a request: its holds count from now on, and the answer has its promised day.

    ``by``: the visit in which a debtor sent it, or the letter that came. The same topic while it is
    open is one request: what is new joins its thread. The confirmation needs no capability, since
    it answers the debtor. Raises OptionMissing, TextTooLong, CardNumberTyped, NothingWritten.
    """
    details = check_free_text(clean_text(answers.details), most=LONGEST_ANSWER)
    if topic is Topic.QUESTION and not details:
        raise NothingWritten
    try:
        kinds = holds_for(topic, answers.options)
    except KeyError:
        raise OptionMissing from None
    account = lock_account(session, account.id)
    if isinstance(by, Visit):
        keep_language(session, by, now)
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    ceasing = HoldKind.CEASE_ALL in kinds
    waiting = lock_invitations(session, debtor, account) if ceasing else ()
    request = _open_one(session, account, topic) or _begin(session, account, topic, by, now)
    is_new = bool(details) and details != request.answers.get("details")
    request.answers = _merged(request, answers.options, details)
    how = _how(account, by)
    _hold(session, account, request, kinds, how["actor"], now)
    drop_invitations(session, waiting, now=now)
    _tell_opened(session, account, request, how, now)
    notices.tell(session, account, "help_received", fact=f"help:{request.id}", now=now)
    if is_new:
        post_entry(session, account, details, now=now, **_about(request, by))
    return request


def _about(request: HelpRequest, by: Visit | Posted) -> About:
    return {"request": request, "posted": by} if isinstance(by, Posted) else {"request": request}


def _how(account: Account, by: Visit | Posted) -> evidence.Payload:
    if isinstance(by, Posted):
        return by.how
    return {"visit": str(by.session_id), "actor": evidence.debtor(account.debtor_id)}


def _begin(
    session: Session, account: Account, topic: Topic, by: Visit | Posted, now: datetime
) -> HelpRequest:
    request = _write(session, account, topic, locale=by.locale, now=now)
    request.answers = by.told if isinstance(by, Posted) else {}
    return request


def ask_by_text(
    session: Session, account: Account, body: str, *, locale: str, now: datetime
) -> HelpRequest:
    """Put what a debtor texted into the thread, as a question that a person answers.

    Told twice it is one question, and nothing but the text's own answer goes back. Raises
    NothingWritten, TextTooLong, CardNumberTyped.
    """
    words = check_free_text(clean_text(body), most=LONGEST_ANSWER)
    if not words:
        raise NothingWritten
    account = lock_account(session, account.id)
    request = _open_one(session, account, Topic.QUESTION)
    if request is None:
        request = _write(session, account, Topic.QUESTION, locale=locale, now=now)
        _tell_opened(session, account, request, {"source": "text"}, now)
    if request.answers.get("details") != words:
        request.answers = _merged(request, (), words) | {"by": str(Channel.SMS)}
        post_entry(session, account, words, now=now, request=request, channel=Channel.SMS)
    return request


def _hold(  # noqa: PLR0913
    session: Session,
    account: Account,
    request: HelpRequest,
    kinds: Iterable[HoldKind],
    actor: evidence.Actor,
    now: datetime,
) -> None:
    for kind in kinds:
        source = _source(request)
        ends_at = None
        if kind in RESTS:
            ends_at = rests.ends_at(session, account, request.promised_on, now)
        hold = set_hold(
            session, account, kind, source=source, ends_at=ends_at, now=now, actor=actor
        )
        if kind in RESTS:
            close_pages(session, account)
            rests.move_plan(session, account, hold, actor=actor, now=now)
        request.hold_id = request.hold_id or hold.id
    session.flush()


def _source(request: HelpRequest) -> str:
    return f"help:{request.reference}"


def holds_of(session: Session, account: Account, request: HelpRequest, now: datetime) -> list[Hold]:
    """The holds in force that follow from a request."""
    found = holds_in_force(session, account, now)
    return [hold for hold in found if hold.source == _source(request)]


def add_to_request(
    session: Session, request: HelpRequest, body: str, *, now: datetime
) -> ThreadEntry:
    """Let a debtor add to a request; one that was answered is open again, with a new promised day.

    Raises RequestClosed, NothingWritten, TextTooLong, CardNumberTyped.
    """
    account = lock_account(session, request.account_id)
    session.refresh(request, with_for_update=True)
    if request.status is HelpStatus.CLOSED:
        raise RequestClosed
    entry = post_entry(session, account, body, now=now, request=request)
    if request.status is HelpStatus.ANSWERED:
        request.status, request.promised_on = HelpStatus.OPENED, answer_by(session, account, now)
        told = {
            "actor": evidence.debtor(account.debtor_id),
            "request": str(request.id),
            "promised_on": request.promised_on.isoformat(),
        }
        _record(session, account, "help.reopened", told, now)
    return entry


def can_withdraw(request: HelpRequest, holds: Iterable[Hold]) -> bool:
    """Whether a debtor may take an open request back: nothing of it needs a person first."""
    kinds = {HoldKind(hold.kind) for hold in holds}
    return request.status is HelpStatus.OPENED and kinds <= WITHDRAWABLE


def withdraw_request(session: Session, request: HelpRequest, *, now: datetime) -> None:
    """Let a debtor take a request back: it is closed and its holds are lifted, on the record.

    Raises NotTakenBack, RequestClosed.
    """
    account = lock_account(session, request.account_id)
    session.refresh(request, with_for_update=True)
    if request.status is HelpStatus.CLOSED:
        raise RequestClosed
    holds = holds_of(session, account, request, now)
    if not can_withdraw(request, holds):
        raise NotTakenBack
    request.status = HelpStatus.CLOSED
    actor = evidence.debtor(account.debtor_id)
    _record(session, account, "help.withdrawn", {"actor": actor, "request": str(request.id)}, now)
    for hold in holds:
        lift_hold(session, hold, reason="withdrawn", actor=actor, now=now)


def answer_request(
    session: Session,
    request: HelpRequest,
    body: str,
    *,
    staff: Staff,
    now: datetime,
    lift: str | None = None,
) -> ThreadEntry:
    """Answer a request; the debtor is told that an answer waits.

    ``lift`` is the reason to lift its holds; without it they stay. Raises RequestClosed,
    NothingWritten.
    """
    account = lock_account(session, request.account_id)
    session.refresh(request, with_for_update=True)
    if request.status is HelpStatus.CLOSED:
        raise RequestClosed
    entry = post_entry(session, account, body, now=now, staff=staff, request=request)
    request.status, request.answered_at = HelpStatus.ANSWERED, now
    request.answered_by = staff.id
    _record(
        session,
        account,
        "help.answered",
        {
            "actor": evidence.staff(staff.id),
            "request": str(request.id),
            "entry": str(entry.id),
        },
        now,
    )
    notices.tell(session, account, "help_answered", fact=f"entry:{entry.id}", now=now)
    if lift is not None:
        for hold in holds_of(session, account, request, now):
            lift_hold(session, hold, reason=lift, by=staff.id, now=now)
    return entry


def request_by_reference(session: Session, account: Account, reference: str) -> HelpRequest | None:
    """One request of an account that its debtor knows of."""
    return session.scalar(
        select(HelpRequest).where(
            HelpRequest.client_id == account.client_id,
            HelpRequest.account_id == account.id,
            HelpRequest.reference == reference,
            HelpRequest.topic != UNCLEAR_TEXT,
        )
    )


def requests_of(session: Session, account: Account) -> Sequence[HelpRequest]:
    """The requests of an account that its debtor knows of, newest first."""
    return session.scalars(
        select(HelpRequest)
        .where(
            HelpRequest.client_id == account.client_id,
            HelpRequest.account_id == account.id,
            HelpRequest.topic != UNCLEAR_TEXT,
        )
        .order_by(HelpRequest.opened_at.desc(), HelpRequest.id.desc())
    ).all()


def answer_by(
    session: Session, account: Account, now: datetime, *, working_days: int | None = None
) -> date:
    """The day by which a person answers, as the client promises: working days from today."""
    client = session.get_one(Client, account.client_id)
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    days = client.answer_working_days if working_days is None else working_days
    return add_working_days(today_of(debtor, now), days, country=country_of(client))


def country_of(client: Client) -> str:
    """The country whose working days a client's promises are counted in."""
    return client.country if client.country in HOLIDAYS else "US"


def _open_one(session: Session, account: Account, topic: Topic) -> HelpRequest | None:
    return session.scalar(
        select(HelpRequest).where(
            HelpRequest.client_id == account.client_id,
            HelpRequest.account_id == account.id,
            HelpRequest.topic == str(topic),
            HelpRequest.status == HelpStatus.OPENED,
        )
    )


def _write(
    session: Session, account: Account, topic: Topic, *, locale: str, now: datetime
) -> HelpRequest:
    request = HelpRequest(
        client_id=account.client_id,
        id=fresh_id(),
        account_id=account.id,
        reference=fresh_reference(),
        topic=str(topic),
        status=HelpStatus.OPENED,
        answers={},
        locale=locale,
        opened_at=now,
        promised_on=answer_by(session, account, now),
    )
    session.add(request)
    return request


def _merged(request: HelpRequest, options: Iterable[str], details: str) -> dict[str, Any]:
    kept = dict(request.answers)
    earlier = [kept["option"], *kept.get("also", ())] if "option" in kept else []
    first, *rest = [*dict.fromkeys((*earlier, *options))] or [None]
    if first is not None:
        kept["option"] = first
    if rest:
        kept["also"] = rest
    if details:
        kept["details"] = details
    return kept


def _tell_opened(
    session: Session,
    account: Account,
    request: HelpRequest,
    how: evidence.Payload,
    now: datetime,
) -> None:
    told: evidence.Payload = {
        "actor": evidence.debtor(account.debtor_id),
        "request": str(request.id),
        "reference": request.reference,
        "topic": request.topic,
        "answers": request.answers,
        "promised_on": request.promised_on.isoformat(),
        **how,
    }
    if request.topic in DISPUTES:
        told["in_time"] = in_time(session, account, request)
    _record(session, account, "help.opened", told, now)


def _record(
    session: Session, account: Account, kind: str, payload: evidence.Payload, now: datetime
) -> None:
    evidence.record(
        session,
        client_id=account.client_id,
        chain_id=account.chain_id,
        type=kind,
        payload=payload,
        now=now,
    )
