"""The one thread of messages between a debtor and staff about an account."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypedDict, Unpack
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.domain.help import LONGEST_ANSWER, check_free_text
from portal.domain.wording import clean_text
from portal.models import Account, Channel, HelpRequest, Proposal, Staff, ThreadEntry
from portal.services import evidence, notices
from portal.services.ledger import lock_account
from portal.services.posted import Posted

PRESSED_AGAIN = timedelta(minutes=5)
"""Within it the same words in the same place are the same entry, sent once more."""


class NothingWritten(DomainError):
    """An entry without words."""

    message = N_("Write a message first.")


class About(TypedDict, total=False):
    """What an entry belongs to; ``staff`` is who wrote it, absent where the debtor did.

    ``channel``: how it came, where nobody's identity was checked. ``posted``: the letter of the
    debtor that it was copied from.
    """

    channel: Channel
    posted: Posted
    staff: Staff | None
    request: HelpRequest | None
    proposal: Proposal | None


def reply(
    session: Session, account: Account, body: str, *, staff: Staff, now: datetime
) -> ThreadEntry:
    """Write to the debtor, who is told that a message waits; locks the account.

    Raises what ``post_entry`` raises.
    """
    entry = post_entry(session, lock_account(session, account.id), body, now=now, staff=staff)
    notices.tell(session, account, "thread_reply", fact=f"entry:{entry.id}", now=now)
    return entry


def post_entry(
    session: Session, account: Account, body: str, *, now: datetime, **about: Unpack[About]
) -> ThreadEntry:
    """Add to the thread, on the record; what was sent twice within minutes stands there once.

    Raises NothingWritten, TextTooLong, CardNumberTyped.
    """
    words = check_free_text(clean_text(body), most=LONGEST_ANSWER)
    if not words:
        raise NothingWritten
    staff, request, proposal = about.get("staff"), about.get("request"), about.get("proposal")
    place = (staff and staff.id, request and request.id, proposal and proposal.id)
    last = _last(session, account)
    if last and now - last.at < PRESSED_AGAIN and (*_place(last), last.body) == (*place, words):
        return last
    entry = ThreadEntry(
        client_id=account.client_id,
        account_id=account.id,
        staff_id=place[0],
        help_request_id=place[1],
        proposal_id=place[2],
        body=words,
        at=now,
    )
    session.add(entry)
    session.flush()
    evidence.record(
        session,
        client_id=account.client_id,
        chain_id=account.chain_id,
        type="thread.written",
        payload={**_how(account, about), "entry": str(entry.id), "body": words},
        now=now,
    )
    return entry


def _how(account: Account, about: About) -> evidence.Payload:
    """Who put an entry there, and how it came."""
    if "posted" in about:
        day = about["posted"].received_on.isoformat()
        letter = {"channel": str(Channel.LETTER), "received_on": day}
        return {"actor": about["posted"].actor, **letter}
    staff = about.get("staff")
    actor = evidence.staff(staff.id) if staff else evidence.debtor(account.debtor_id)
    return {"actor": actor} | ({"channel": str(about["channel"])} if "channel" in about else {})


def _place(entry: ThreadEntry) -> tuple[UUID | None, UUID | None, UUID | None]:
    return entry.staff_id, entry.help_request_id, entry.proposal_id


def _last(session: Session, account: Account) -> ThreadEntry | None:
    return session.scalars(
        _thread(account).order_by(ThreadEntry.at.desc(), ThreadEntry.id.desc()).limit(1)
    ).first()


def thread_of(session: Session, account: Account) -> Sequence[ThreadEntry]:
    """Every entry of an account's thread, oldest first."""
    session.flush()
    return session.scalars(_thread(account).order_by(ThreadEntry.at, ThreadEntry.id)).all()


def _thread(account: Account) -> Select[ThreadEntry]:
    return select(ThreadEntry).where(
        ThreadEntry.client_id == account.client_id, ThreadEntry.account_id == account.id
    )
