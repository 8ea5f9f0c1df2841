"""Messages to debtors: written with the fact they tell, sent by a job after the commit."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, TypedDict, Unpack
from uuid import UUID

from sqlalchemy import case, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.domain import labels
from portal.domain.outgoing import Rule, forbidden_by, template_named
from portal.domain.statuses import MessageStatus, move
from portal.jobs import enqueue, enqueue_batch
from portal.models import (
    AccessLink,
    Account,
    Chain,
    Channel,
    Client,
    Contact,
    ContactStop,
    Debtor,
    Message,
    fresh_id,
)
from portal.services import evidence
from portal.services.closing_rule import message_barred
from portal.services.contact_facts import facts_about
from portal.services.evidence import Payload
from portal.services.ledger import open_exception
from portal.services.letters import letter_stops
from portal.services.links import accounts_of, tell_accounts
from portal.services.standing import standing

CLOSED_ADDRESS = (
    *(Rule.OPTED_OUT, Rule.NO_TEXTS, Rule.WRONG_PERSON, Rule.BOUNCED, Rule.NO_ADDRESS),
    *(Rule.WISH, Rule.WORK, Rule.NO_PERMISSION, Rule.NUMBER_STALE, Rule.UNREAD),
)
WAITING = (MessageStatus.QUEUED, MessageStatus.DEFERRED)
KEPT_BACK = "copy_kept_back"
"""The kind of question that a copy raises which a hold keeps from the debtor (CT-08)."""
PERMISSION_COPY = "authorization_copy"
BESIDE = ":letter"
"""What the key of a message ends with that goes by letter beside another one."""
BATCH = 25
"""Messages a job: each may wait for its carrier."""
AT_ONCE = 10
"""The priority of the job for what somebody waits for."""


class MessageDetails(TypedDict, total=False):
    """What a message is about and where it goes; what is left out is chosen for the debtor."""

    account: Account | None
    contact: Contact | None
    channel: Channel | None
    link: AccessLink | None
    asked_for: bool
    by: UUID | None
    decided: bool


def queue(
    session: Session,
    debtor: Debtor,
    *,
    template: str,
    context: dict[str, Any],
    dedupe_key: str,
    now: datetime,
    **details: Unpack[MessageDetails],
) -> list[Message]:
    """Write a message and the job that sends it, in the caller's transaction.

    ``context`` holds ids, cents and ISO dates only; ``dedupe_key`` names the fact, which is told
    once: told again, the list is empty. Without ``contact`` or ``channel`` it goes to the debtor's
    e-mail, else a phone that takes texts, else by letter. ``asked_for``: the debtor waits for it.
    Letters stay queued for whoever prints them, unless somebody else lives at the address or a hold
    forbids it (CT-08); ``decided``: a person sends it despite a hold.
    Raises TemplateUnknown.
    """
    template_named(template)
    told = {"template": template, "context": context, "dedupe_key": dedupe_key}
    values = told | _fresh(debtor, details, now) | _addressed(session, debtor, details)
    session.flush()
    if _was_told(session, debtor, dedupe_key):
        return []  # an insert would wait for whoever sends it, who waits for our account
    row = insert(Message).values(values).on_conflict_do_nothing()
    written = list(session.scalars(row.returning(Message)))
    if values["channel"] == Channel.LETTER:
        for letter in written:
            _put_on_list(session, letter, now=now)
    elif written:
        enqueue(
            session,
            "messages.dispatch",
            client_id=debtor.client_id,
            message_ids=[str(message.id) for message in written],
            priority=AT_ONCE if values["asked_for"] else None,
        )
    return written


def _was_told(session: Session, debtor: Debtor, dedupe_key: str) -> bool:
    told = select(Message.id).where(
        Message.client_id == debtor.client_id, Message.dedupe_key == dedupe_key
    )
    return session.scalar(told.limit(1)) is not None


def _fresh(debtor: Debtor, details: MessageDetails, now: datetime) -> dict[str, Any]:
    return {
        "client_id": debtor.client_id,
        "id": fresh_id(),
        "debtor_id": debtor.id,
        "locale": debtor.language,
        "asked_for": details.get("asked_for", False),
        "decided": details.get("decided", False),
        "status": MessageStatus.QUEUED,
        "created_at": now,
        "created_by": details.get("by"),
        "send_at": now,
        "attempts": 0,
    }


def enqueue_dispatch(
    session: Session, client_id: UUID, ids: Sequence[UUID], *, run_at: datetime | None = None
) -> None:
    """Put the jobs that send these messages into the queue, a batch of them each."""
    batches = [ids[at : at + BATCH] for at in range(0, len(ids), BATCH)]
    jobs = [
        {"client_id": str(client_id), "message_ids": [str(one) for one in batch]}
        for batch in batches
    ]
    enqueue_batch(session, "messages.dispatch", jobs, run_at=run_at)


def drop(session: Session, message: Message, rule: str, *, now: datetime, **facts: Any) -> None:
    """Never send a message, and keep the rule and the facts that forbade it (RT-02).

    A copy that the law wants goes by letter instead, where only the address was the reason. Where
    a hold was, a person is asked to send it. The caller holds the lock of the row.
    """
    message.status = move(message.status, MessageStatus.SUPPRESSED)
    message.rule = rule
    tell(session, message, "message.suppressed", {"rule": rule, **facts}, now=now)
    if rule in CLOSED_ADDRESS:
        send_by_letter(session, message, now=now)
    elif message.template != PERMISSION_COPY:  # asked about before it is charged under (PY-05)
        _ask_for_a_person(session, message, rule, now=now)


def _put_on_list(session: Session, letter: Message, *, now: datetime) -> None:
    if rule := letter_forbidden(session, letter, now=now):
        drop(session, letter, rule, now=now)
        return
    actor = evidence.staff(letter.created_by) if letter.created_by else evidence.SYSTEM
    tell(session, letter, "letter.queued", {"actor": actor}, now=now)


def letter_forbidden(session: Session, message: Message, *, now: datetime) -> str | None:
    """The rule against a letter, asked as it is put on the list and again as it is printed."""
    if letter_stops(session, session.get_one(Debtor, (message.client_id, message.debtor_id))):
        return Rule.WRONG_PERSON
    if rule := message_barred(session, message, now):
        return rule
    wanted = message.asked_for or template_named(message.template).required
    if not wanted and _unwanted(session, message):
        return Rule.WISH
    return None if message.decided else letter_held(session, message, now=now)


def _unwanted(session: Session, message: Message) -> bool:
    """Whether the debtor wants to be written to in another way only (CT-03)."""
    debtor = session.get_one(Debtor, (message.client_id, message.debtor_id))
    return _only(session, debtor) not in (None, Channel.LETTER)


def _only(session: Session, debtor: Debtor) -> Channel | None:
    return facts_about(session, debtor, (), ()).wished(debtor.id).only


def letter_held(session: Session, message: Message, *, now: datetime) -> str | None:
    """The hold that keeps a letter from the debtor, whatever a person decided.

    About all accounts, one that allows it is enough.
    """
    needs = template_named(message.template).needs
    return forbidden_by(
        [standing(session, account, now) for account in about(session, message)], needs
    )


def _ask_for_a_person(session: Session, message: Message, rule: str, *, now: datetime) -> None:
    """Ask for a copy that the law wants to be sent to who acts for the debtor (PY-12, CT-08)."""
    account = _account(session, message)
    if account is None or not template_named(message.template).required:
        return
    answer = standing(session, account, now).answer
    if rule in answer.rules and answer.staff_allowed:
        open_exception(
            session,
            account,
            kind=KEPT_BACK,
            source=f"message:{message.id}",
            detail=f"{labels.TEMPLATES[message.template]}: {rule} keeps it from the debtor."
            " Whoever acts for them gets it.",
            now=now,
        )


def lock_waiting(
    session: Session, contact: Contact, *, keep: Collection[str] = ()
) -> Sequence[Message]:
    """What waits to go to an address, in whoever's record, locked before anything is written.

    Templates to ``keep`` are left out.

    Messages first and chains second, both in the order of their ids: whoever sends does the same.
    """
    same = select(Contact.id).where(
        Contact.client_id == contact.client_id,
        Contact.channel == contact.channel,
        Contact.address == contact.address,
    )
    waiting = session.scalars(
        select(Message)
        .where(
            Message.client_id == contact.client_id,
            Message.contact_id.in_(same),
            Message.status.in_(WAITING),
            Message.template.not_in(keep),
        )
        .order_by(Message.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    debtors = {contact.debtor_id, *(message.debtor_id for message in waiting)}
    session.execute(
        select(Chain.id)
        .join(Account, (Account.client_id == Chain.client_id) & (Account.chain_id == Chain.id))
        .where(Account.client_id == contact.client_id, Account.debtor_id.in_(debtors))
        .order_by(Account.id)
        .with_for_update(of=Chain)
    )
    return waiting


def send_by_letter(
    session: Session, message: Message, *, now: datetime, decided: bool = False
) -> list[Message]:
    """Put a copy that the law wants on the list of letters, once; nothing for other messages.

    ``decided``: a person sends it despite a hold, which kept a letter back too.
    """
    already = message.channel == Channel.LETTER and not decided
    if not template_named(message.template).required or already:
        return []
    return queue(
        session,
        session.get_one(Debtor, (message.client_id, message.debtor_id)),
        template=message.template,
        context=message.context,
        account=_account(session, message),
        channel=Channel.LETTER,
        dedupe_key=message.dedupe_key + BESIDE,
        decided=decided,
        now=now,
    )


def copy_on_paper(session: Session, message: Message, *, by: UUID, now: datetime) -> bool:
    """Put a required copy on the list of letters because its debtor asked for paper, once a day.

    False where it is there, a rule keeps it from the list, or it is no required copy. ``by`` is
    staff. The caller commits.
    """
    if not template_named(message.template).required:
        return False
    written = queue(
        session,
        session.get_one(Debtor, (message.client_id, message.debtor_id)),
        template=message.template,
        context=message.context,
        account=_account(session, message),
        channel=Channel.LETTER,
        dedupe_key=f"{message.dedupe_key.partition(BESIDE)[0]}{BESIDE}:asked:{now:%Y-%m-%d}",
        by=by,
        now=now,
    )
    return any(letter.status == MessageStatus.QUEUED for letter in written)


def tell(session: Session, message: Message, kind: str, facts: Payload, *, now: datetime) -> None:
    """Write what became of a message on the chain of its account, or of all of its debtor's."""
    payload: Payload = {
        "actor": evidence.SYSTEM,
        "message": str(message.id),
        "template": message.template,
        "channel": str(message.channel),
        **facts,
    }
    if message.contact_id:
        payload["contact"] = str(message.contact_id)
    tell_accounts(session, about(session, message), kind, payload, now)


def about(session: Session, message: Message) -> Sequence[Account]:
    """The account that a message is about, or all of its debtor's."""
    if account := _account(session, message):
        return [account]
    return accounts_of(session, session.get_one(Debtor, (message.client_id, message.debtor_id)))


def _account(session: Session, message: Message) -> Account | None:
    if message.account_id is None:
        return None
    return session.get_one(Account, (message.client_id, message.account_id))


def _addressed(session: Session, debtor: Debtor, details: MessageDetails) -> dict[str, Any]:
    contact = details.get("contact")
    if contact is None:
        contact = contact_for(session, debtor, _channel_for(session, debtor, details))
    account, link = details.get("account"), details.get("link")
    channel = contact.channel if contact else details.get("channel") or Channel.LETTER
    return {
        "account_id": account.id if account else None,
        "contact_id": contact.id if contact else None,
        "link_id": link.id if link else None,
        "channel": channel,
        "rule": Rule.LETTER if channel == Channel.LETTER else None,
    }


def _channel_for(session: Session, debtor: Debtor, details: MessageDetails) -> Channel | None:
    """The way that is asked for, else the only one that the debtor wants (CT-03); None for any."""
    if (channel := details.get("channel")) or details.get("asked_for"):
        return channel
    return _only(session, debtor)


def contact_for(session: Session, debtor: Debtor, channel: Channel | None = None) -> Contact | None:
    """The open address that messages to a debtor go to, of this channel or of any; no letters."""
    if channel is Channel.LETTER:
        return None
    stopped = select(ContactStop.id).where(
        ContactStop.client_id == Contact.client_id,
        ContactStop.channel == Contact.channel,
        ContactStop.address == Contact.address,
        ContactStop.lifted_at.is_(None),
    )
    usable = (
        select(Contact)
        .where(
            Contact.client_id == debtor.client_id,
            Contact.debtor_id == debtor.id,
            Contact.retired_at.is_(None),
            Contact.channel.in_(_channels(session, debtor, channel)),
            ~stopped.exists(),
        )
        .order_by(case((Contact.channel == Channel.EMAIL, 0), else_=1), Contact.id)
        .limit(1)
    )
    return session.scalar(usable)


def _channels(session: Session, debtor: Debtor, channel: Channel | None) -> Sequence[Channel]:
    if channel is not None:
        return [channel]
    client = session.get_one(Client, debtor.client_id)
    return [Channel.EMAIL, Channel.SMS] if client.texts else [Channel.EMAIL]
