"""The one thread of messages between a debtor and staff about an account."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypedDict, Unpack

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.domain.help import LONGEST_ANSWER, check_free_text
from portal.domain.wording import clean_text
from portal.models import Account, Channel, HelpRequest, Proposal, Staff, ThreadEntry
from portal.services import evidence, notices


class NothingWritten(DomainError):
    """An entry without words."""

    message = N_("Write a message first.")


class About(TypedDict, total=False):
    """What an entry belongs to; ``staff`` is who wrote it, absent where the debtor did.

    ``channel``: how it came, where nobody's identity was checked.
    """

    channel: Channel
    staff: Staff | None
    request: HelpRequest | None
    proposal: Proposal | None


def post_entry(
    session: Session, account: Account, body: str, *, now: datetime, **about: Unpack[About]
) -> ThreadEntry:
    """Add to the thread, on the record; what staff write is announced to the debtor.

    Raises NothingWritten, TextTooLong, CardNumberTyped.
    """
    words = check_free_text(clean_text(body), most=LONGEST_ANSWER)
    if not words:
        raise NothingWritten
    staff, request, proposal = about.get("staff"), about.get("request"), about.get("proposal")
    entry = ThreadEntry(
        client_id=account.client_id,
        account_id=account.id,
        help_request_id=request.id if request else None,
        proposal_id=proposal.id if proposal else None,
        staff_id=staff.id if staff else None,
        body=words,
        at=now,
    )
    session.add(entry)
    session.flush()
    actor = evidence.staff(staff.id) if staff else evidence.debtor(account.debtor_id)
    how = {"channel": str(about["channel"])} if "channel" in about else {}
    evidence.record(
        session,
        client_id=account.client_id,
        chain_id=account.chain_id,
        type="thread.written",
        payload={"actor": actor, "entry": str(entry.id), "body": words, **how},
        now=now,
    )
    if staff and not request and not proposal:
        notices.tell(session, account, "thread_reply", fact=f"entry:{entry.id}", now=now)
    return entry


def thread_of(session: Session, account: Account) -> Sequence[ThreadEntry]:
    """Every entry of an account's thread, oldest first."""
    session.flush()
    return session.scalars(
        select(ThreadEntry)
        .where(ThreadEntry.client_id == account.client_id, ThreadEntry.account_id == account.id)
        .order_by(ThreadEntry.at, ThreadEntry.id)
    ).all()
