"""Texts that are neither a keyword nor a wrong number: put before staff, who answer them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.db import set_tenant
from portal.domain.help import LONGEST_ANSWER, UNCLEAR_TEXT, CardNumberTyped, check_free_text
from portal.domain.replies import LONGEST, Meaning, read_reply
from portal.domain.statuses import AccountStatus
from portal.models import Account, Channel, Contact, Debtor, HelpRequest, HelpStatus, Message
from portal.services import evidence
from portal.services.help import answer_by, ask_by_text
from portal.services.ledger import lock_account
from portal.services.references import fresh_reference
from portal.services.stops import is_wrong_person

KEPT = (Meaning.OTHER, Meaning.DOUBTFUL, Meaning.REVOKED)
"""What a person reads. Words that stopped texts may have said more, or something else (EC-06)."""


@dataclass(frozen=True, slots=True)
class _Holder:
    """A client that uses a number: for which accounts, and when it last texted there.

    ``alone``: one debtor has the number, and one account that can be meant.
    """

    client_id: UUID
    account: Account
    alone: bool
    texted_at: datetime | None


def keep_text(
    session: Session, client_ids: Sequence[UUID], sender: str, body: str, *, now: datetime
) -> bool:
    """Put a free text from this number (E.164) before staff; whether it was kept.

    It is one account's question only where nobody else has the number. Else whose words they are is
    for a person to find out: it waits with the client that texted the number last. Nothing is kept
    of a number that no client uses, and no card number (PC-01). The caller commits.
    """
    words = body[:LONGEST]
    if not words or read_reply(body) not in KEPT:
        return False
    holders = list(_holders(session, client_ids, sender))
    meant = _meant(holders)
    if meant is None:
        return False
    set_tenant(session, meant.client_id)
    account, language = meant.account, _language(session, meant.account)
    try:
        if meant.alone and len(holders) == 1:
            ask_by_text(session, account, words, locale=language, now=now)
        else:
            _ask_whose(session, account, sender, words, now=now)
    except CardNumberTyped:
        return False
    return True


def _meant(holders: Sequence[_Holder]) -> _Holder | None:
    """Whom a text answers: who has the number alone, else who texted it last."""
    if len(holders) == 1:
        return holders[0]
    texted = [(one.texted_at, n) for n, one in enumerate(holders) if one.texted_at]
    return holders[max(texted)[1]] if texted else None


def _holders(session: Session, client_ids: Sequence[UUID], sender: str) -> Iterator[_Holder]:
    for client_id in client_ids:
        set_tenant(session, client_id)
        used = [
            one
            for one in _contacts(session, client_id, sender)
            if not is_wrong_person(session, one)
        ]
        mine = session.scalars(
            select(Account)
            .where(
                Account.client_id == client_id,
                Account.debtor_id.in_([one.debtor_id for one in used]),
            )
            .order_by(Account.id)
        ).all()
        meant = [one for one in mine if one.status is AccountStatus.OPEN] or mine
        if meant:
            alone = len(meant) == 1 and len({one.debtor_id for one in mine}) == 1
            yield _Holder(client_id, meant[0], alone, _texted_at(session, used))


def _contacts(session: Session, client_id: UUID, sender: str) -> Sequence[Contact]:
    return session.scalars(
        select(Contact).where(
            Contact.client_id == client_id,
            Contact.channel == Channel.SMS,
            Contact.address == sender,
            Contact.retired_at.is_(None),
        )
    ).all()


def _texted_at(session: Session, contacts: Sequence[Contact]) -> datetime | None:
    return session.scalar(
        select(func.max(Message.sent_at)).where(
            Message.client_id == contacts[0].client_id,
            Message.debtor_id.in_([one.debtor_id for one in contacts]),
            Message.contact_id.in_([one.id for one in contacts]),
        )
    )


def _language(session: Session, account: Account) -> str:
    return session.get_one(Debtor, (account.client_id, account.debtor_id)).language


def _ask_whose(
    session: Session, account: Account, sender: str, body: str, *, now: datetime
) -> None:
    """Let a person find out whose text this is; what follows it joins it, told twice it is one."""
    lock_account(session, account.id)
    waiting = session.scalar(
        select(HelpRequest).where(
            HelpRequest.client_id == account.client_id,
            HelpRequest.account_id == account.id,
            HelpRequest.topic == UNCLEAR_TEXT,
            HelpRequest.status == HelpStatus.OPENED,
        )
    )
    before = waiting.answers["details"].split("\n\n") if waiting else []
    if body in before:
        return
    said = check_free_text("\n\n".join([*before, body])[-LONGEST_ANSWER:], most=LONGEST_ANSWER)
    if waiting:
        waiting.answers = waiting.answers | {"details": said}
        return
    request = HelpRequest(
        client_id=account.client_id,
        account_id=account.id,
        reference=fresh_reference(),
        topic=UNCLEAR_TEXT,
        status=HelpStatus.OPENED,
        answers={"phone": sender, "details": said},
        locale=_language(session, account),
        opened_at=now,
        promised_on=answer_by(session, account, now),
    )
    session.add(request)
    session.flush()
    _tell(session, account, request)


def _tell(session: Session, account: Account, request: HelpRequest) -> None:
    """On the record that a text waits, without words that may be somebody else's."""
    evidence.record(
        session,
        client_id=account.client_id,
        chain_id=account.chain_id,
        type="help.opened",
        payload={
            "actor": evidence.SYSTEM,
            "request": str(request.id),
            "reference": request.reference,
            "topic": UNCLEAR_TEXT,
            "promised_on": request.promised_on.isoformat(),
        },
        now=request.opened_at,
    )
