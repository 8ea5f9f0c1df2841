"""Help: a debtor asks, a hold is set at once, a person answers by the day that was promised."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.domain.calendars import add_working_days
from portal.domain.help import LONGEST_ANSWER, OPTIONS, Topic, check_free_text, hold_for
from portal.domain.wording import clean_text
from portal.models import (
    Account,
    Client,
    Debtor,
    HelpRequest,
    HelpStatus,
    Hold,
    Staff,
    ThreadEntry,
    fresh_id,
)
from portal.services import evidence, notices
from portal.services.ledger import lock_account
from portal.services.references import fresh_reference
from portal.services.standing import lift_hold, set_hold, today_of
from portal.services.threads import post_entry
from portal.services.visits import Visit


class OptionMissing(DomainError):
    """The topic needs to know which of its cases it is."""

    message = N_("Choose what fits best.")


class RequestClosed(DomainError):
    """The request was answered and closed."""

    message = N_("This request was answered before.")


@dataclass(frozen=True, slots=True)
class Answers:
    """What a debtor filled in: one of the topic's options, and free words."""

    option: str | None = None
    details: str = ""


def open_request(
    session: Session,
    account: Account,
    topic: Topic,
    answers: Answers,
    *,
    visit: Visit,
    now: datetime,
) -> HelpRequest:
    """Take a request: its hold counts from now on, and the answer has its promised day.

    The same topic while it is open is one request: what is new joins its thread. The confirmation
    needs no capability, since it answers the debtor. Raises OptionMissing, TextTooLong,
    CardNumberTyped.
    """
    details = check_free_text(clean_text(answers.details), most=LONGEST_ANSWER)
    if answers.option is not None and answers.option not in OPTIONS[topic]:
        raise OptionMissing
    try:
        kind = hold_for(topic, answers.option)
    except KeyError:
        raise OptionMissing from None
    account = lock_account(session, account.id)
    request = _open_one(session, account, topic) or _write(
        session, account, topic, visit=visit, now=now
    )
    request.answers = _merged(request, answers.option, details)
    if kind is not None:
        source = f"help:{request.reference}"
        actor = evidence.debtor(account.debtor_id)
        hold = set_hold(session, account, kind, source=source, now=now, actor=actor)
        request.hold_id = hold.id
    session.flush()
    _tell_opened(session, account, request, visit, now)
    if details:
        post_entry(session, account, details, now=now, request=request)
    return request


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

    ``lift`` is the reason to lift its hold; without it the hold stays. Raises RequestClosed,
    NothingWritten.
    """
    session.refresh(request, with_for_update=True)
    if request.status is HelpStatus.CLOSED:
        raise RequestClosed
    account = session.get_one(Account, (request.client_id, request.account_id))
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
    if lift is not None and request.hold_id is not None:
        hold = session.get_one(Hold, (request.client_id, request.hold_id))
        if hold.lifted_at is None:
            lift_hold(session, hold, reason=lift, by=staff.id, now=now)
    return entry


def request_by_reference(session: Session, account: Account, reference: str) -> HelpRequest | None:
    """One request of an account."""
    return session.scalar(
        select(HelpRequest).where(
            HelpRequest.client_id == account.client_id,
            HelpRequest.account_id == account.id,
            HelpRequest.reference == reference,
        )
    )


def requests_of(session: Session, account: Account) -> Sequence[HelpRequest]:
    """The requests of an account, newest first."""
    return session.scalars(
        select(HelpRequest)
        .where(HelpRequest.client_id == account.client_id, HelpRequest.account_id == account.id)
        .order_by(HelpRequest.opened_at.desc(), HelpRequest.id.desc())
    ).all()


def answer_by(session: Session, account: Account, now: datetime) -> date:
    """The day by which a person answers, as the client promises: working days from today."""
    client = session.get_one(Client, account.client_id)
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    country = client.country if client.country in ("US", "CA") else "US"
    return add_working_days(today_of(debtor, now), client.answer_working_days, country=country)


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
    session: Session, account: Account, topic: Topic, *, visit: Visit, now: datetime
) -> HelpRequest:
    request = HelpRequest(
        client_id=account.client_id,
        id=fresh_id(),
        account_id=account.id,
        reference=fresh_reference(),
        topic=str(topic),
        status=HelpStatus.OPENED,
        answers={},
        locale=visit.locale,
        opened_at=now,
        promised_on=answer_by(session, account, now),
    )
    session.add(request)
    return request


def _merged(request: HelpRequest, option: str | None, details: str) -> dict[str, str]:
    kept = dict(request.answers)
    if option is not None:
        kept["option"] = option
    if details:
        kept["details"] = details
    return kept


def _tell_opened(
    session: Session, account: Account, request: HelpRequest, visit: Visit, now: datetime
) -> None:
    told = {
        "actor": evidence.debtor(account.debtor_id),
        "request": str(request.id),
        "reference": request.reference,
        "topic": request.topic,
        "answers": request.answers,
        "promised_on": request.promised_on.isoformat(),
        "visit": str(visit.session_id),
    }
    _record(session, account, "help.opened", told, now)
    notices.tell(session, account, "help_received", fact=f"help:{request.id}", now=now)


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
