"""A call for somebody who cannot pass the identity check: a person on our side takes over."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.domain.keys import Keys
from portal.domain.statuses import AccountStatus
from portal.domain.waiting import CALL_BACK
from portal.models import Account, HelpRequest, HelpStatus
from portal.services import attempts, evidence
from portal.services.attempts import Locked, Mark, Scope
from portal.services.help import answer_by
from portal.services.ledger import lock_account
from portal.services.links import OpenedLink, accounts_of, tell_accounts
from portal.services.references import fresh_reference

TOPIC = CALL_BACK


class CallsUsedUp(DomainError):
    """Somebody asked for several calls already."""

    message = N_("You asked us to call you already. You can also call us.")


class PartOfDay(StrEnum):
    """When somebody likes to be called."""

    MORNING = "morning"
    AFTERNOON = "afternoon"
    EVENING = "evening"


@dataclass(frozen=True, slots=True)
class CallWish:
    """The number to call (E.164), when, and the language to speak."""

    phone: str
    part_of_day: PartOfDay
    language: str


def ask_for_call(
    session: Session,
    opened: OpenedLink,
    wish: CallWish,
    *,
    keys: Keys,
    ip: str | None,
    now: datetime,
) -> HelpRequest:
    """Put a call on the list of staff, with the day by which it is made. Says nothing of a debt.

    It stands with the debtor's first open account; the same wish again is the call that is on the
    list. Commits the count of wishes first. Raises CallsUsedUp.
    """
    marks = (Mark(Scope.CALL_ME, str(opened.link.id)), attempts.network(ip))
    if isinstance(attempts.take(session, keys, marks, now=now), Locked):
        raise CallsUsedUp
    account = lock_account(session, _account(session, opened).id)
    answers = {"phone": wish.phone, "part_of_day": str(wish.part_of_day)}
    if waiting := _on_the_list(session, account, answers):
        return waiting
    request = HelpRequest(
        client_id=opened.client.id,
        account_id=account.id,
        reference=fresh_reference(),
        topic=TOPIC,
        status=HelpStatus.OPENED,
        answers=answers,
        locale=wish.language,
        opened_at=now,
        promised_on=answer_by(session, account, now),
    )
    session.add(request)
    session.flush()
    _tell(session, opened, account, request)
    return request


def _on_the_list(session: Session, account: Account, answers: dict[str, str]) -> HelpRequest | None:
    return session.scalars(
        select(HelpRequest)
        .where(
            HelpRequest.client_id == account.client_id,
            HelpRequest.account_id == account.id,
            HelpRequest.topic == TOPIC,
            HelpRequest.status == HelpStatus.OPENED,
            HelpRequest.answers == answers,
        )
        .limit(1)
    ).first()


def _tell(session: Session, opened: OpenedLink, account: Account, request: HelpRequest) -> None:
    told = {
        "actor": evidence.SYSTEM,
        "link": str(opened.link.id),
        "request": str(request.id),
        "reference": request.reference,
        "topic": TOPIC,
        "promised_on": request.promised_on.isoformat(),
    }
    tell_accounts(session, [account], "help.opened", told, request.opened_at)


def _account(session: Session, opened: OpenedLink) -> Account:
    accounts = accounts_of(session, opened.debtor)
    is_open = [one for one in accounts if one.status == AccountStatus.OPEN]
    return (is_open or list(accounts))[0]
