"""Sending what is queued: decided at this instant, handed over outside any transaction.

What is promised: a message leaves at least once, and in all but one case once. It is claimed by a
commit before it is handed over and marked by another one after. If the process dies between the
two, or the carrier gives no answer, nobody knows whether it left; it is handed over again under
the same Message-ID (e-mail), the same key (a provider by HTTP) or after asking Twilio whether it
has that text already. So a mailbox may show an e-mail twice; nothing is lost in silence. There are
five tries in all, whatever ends them.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import Session

from portal.db import commit, hook
from portal.domain.debts import CollectorRole
from portal.domain.evidence import format_time
from portal.domain.keys import Keys
from portal.domain.outgoing import SEND, Action, Rule, decide, template_named
from portal.domain.sms import segments
from portal.domain.statuses import MessageStatus, move
from portal.gateways.delivery import NotDelivered, RecipientStopped, Refused, Unreachable
from portal.gateways.mail import Attachment, Mail, Mailer
from portal.gateways.sms import Text, Texter
from portal.jobs import enqueue
from portal.models import Account, Channel, Client, Contact, Debtor, Message, StopKind
from portal.services import evidence
from portal.services.campaign_release import halted, waits_for_turn
from portal.services.clearance import contact_of, situation_of
from portal.services.contact_facts import rules_of
from portal.services.deliveries import catch_up
from portal.services.esign import covers
from portal.services.message_facts import MessageFacts, facts_of
from portal.services.message_subject import OutOfDate
from portal.services.messages import about, drop, send_by_letter, tell
from portal.services.stops import stop_address
from portal.services.whereabouts import zones_of

TRIES = 5
FIRST_WAIT = timedelta(minutes=1)
LEASE = timedelta(minutes=10)
"""Longer than any carrier has to answer: an older claim was left by a process that died."""
OVERDUE = timedelta(minutes=15)
UNANSWERED = "Unanswered in five tries: nobody knows whether it left."
SWEPT = 500
WAITING = (MessageStatus.QUEUED, MessageStatus.DEFERRED, MessageStatus.SENDING)

_NO_SUCH_ADDRESS = re.compile(r"\b5\.1\.[0-9]\b")


@dataclass(frozen=True, slots=True)
class Words:
    """A message as the person reads it; a text message has neither subject nor HTML."""

    text: str
    subject: str = ""
    html: str = ""


class NotWritten(Exception):
    """The words of a message could not be made: a template or its facts are wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carriers:
    """How messages leave this process. ``write`` raises NotWritten.

    ``outbox``: nothing leaves, so what is kept is all there is, with its codes and links.
    """

    mailer: Mailer
    texter: Texter
    write: Callable[[MessageFacts], Words]
    keys: Keys
    outbox: bool = False


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A claimed message with what is handed over, as values and as bytes, and what is kept of it.

    The two differ by what is secret: tables hold no code and no link that works. ``whole``: it
    holds all that it is about, and does not merely say that there is something to read.
    ``despite``: the rule by which it would have waited for its hour, had nobody delivered it now.
    """

    message: Message
    handed: Mail | Text
    exact: bytes
    kept: bytes
    media: str
    whole: bool
    despite: str | None = None


def dispatch(
    session: Session,
    client_id: UUID,
    message_id: UUID,
    *,
    carriers: Carriers,
    now: datetime,
    at_any_hour: bool = False,
) -> MessageStatus | None:
    """Send a message if it may leave now; else it waits or is dropped, and its row says why.

    None where it is not for now: already sent, not yet due, or in other hands. Commits, so that no
    transaction is open while a carrier is asked. ``at_any_hour`` is for the outbox page.
    """
    message = _claim(session, (client_id, message_id), now, early=at_any_hour)
    if message is None:
        commit(session, "message.left")
        return None
    prepared = _prepare(session, message, carriers, now, at_any_hour=at_any_hour)
    commit(session, "message.prepared")
    if prepared is None:
        return message.status
    try:
        provider_id = _hand_over(prepared, carriers)
    except NotDelivered as failure:
        _failed(session, message, failure, now=now)
    else:
        _sent(session, prepared, provider_id, now=now)
    commit(session, "message.finished")
    return message.status


def overdue(session: Session, client_id: UUID, now: datetime) -> Sequence[UUID]:
    """Messages whose job must have been lost, or whose sender died; looked at again later.

    The caller commits.
    """
    found = session.scalars(
        select(Message)
        .where(
            Message.client_id == client_id,
            Message.status.in_(WAITING),
            Message.channel != Channel.LETTER,
            Message.send_at < now - OVERDUE,
            or_(Message.campaign_id.is_(None), Message.turn_at.is_not(None)),
        )
        .order_by(Message.send_at)
        .limit(SWEPT)
        .with_for_update(skip_locked=True)
    ).all()
    for message in found:
        message.send_at = now
    return [message.id for message in found]


def _claim(
    session: Session, key: tuple[UUID, UUID], now: datetime, *, early: bool
) -> Message | None:
    if (known := session.get(Message, key)) is not None:
        _hold_accounts(session, known)
    message = session.scalars(
        select(Message)
        .where(
            Message.client_id == key[0],
            Message.id == key[1],
            Message.status.in_(WAITING),
            Message.channel != Channel.LETTER,
        )
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if message is None or (message.send_at > now and not early):
        return None
    message.status = move(message.status, MessageStatus.QUEUED)
    return message


def _prepare(
    session: Session, message: Message, carriers: Carriers, now: datetime, *, at_any_hour: bool
) -> _Prepared | None:
    if rule := halted(session, message):
        _halt(session, message, rule, now)
        return None
    situation = situation_of(session, message, texter=carriers.texter, now=now)
    decision, zones = decide(situation, now), situation.zones
    despite = None
    if at_any_hour and decision.action is Action.WAIT and decision.rule != Rule.CAP:
        despite, decision = decision.rule, SEND
    if decision.action is Action.DROP:
        drop(session, message, decision.rule, now=now, zones=list(zones.names), basis=zones.basis)
    elif message.attempts >= TRIES:
        _give_up(session, message, UNANSWERED, now=now)
    elif decision.action is Action.WAIT and decision.until:
        message.status = move(message.status, MessageStatus.DEFERRED)
        message.rule, message.send_at = decision.rule, decision.until
        _come_back(session, message)
    elif (contact := contact_of(session, message)) is not None:
        prepared = _write(session, message, contact, carriers, now)
        return prepared and replace(prepared, despite=despite)
    return None


def _halt(session: Session, message: Message, rule: Rule, now: datetime) -> None:
    """Keep a message here because its campaign is paused, or for good because it was stopped."""
    if rule is Rule.CAMPAIGN_STOPPED:
        drop(session, message, rule, now=now)
        return
    message.status, message.rule = move(message.status, MessageStatus.DEFERRED), rule
    waits_for_turn(session, message)


def _write(
    session: Session, message: Message, contact: Contact, carriers: Carriers, now: datetime
) -> _Prepared | None:
    try:
        facts = facts_of(session, message, contact, keys=carriers.keys, now=now)
        prepared = _render(message, contact, facts, carriers, now)
    except OutOfDate:
        drop(session, message, Rule.OUT_OF_DATE, now=now)
        return None
    except (NotWritten, Refused, NoResultFound, LookupError) as error:
        _give_up(session, message, f"{type(error).__name__} {error}", now=now)
        return None
    except Unreachable as failure:
        message.attempts += 1
        _try_again(session, message, failure, now=now)
        return None
    message.status = move(message.status, MessageStatus.SENDING)
    message.attempts += 1
    message.send_at = now + LEASE
    return prepared


def _render(
    message: Message, contact: Contact, facts: MessageFacts, carriers: Carriers, now: datetime
) -> _Prepared:
    words = carriers.write(facts)
    kept = words if carriers.outbox else _without_secrets(words, facts)
    message.address, message.subject = contact.address, kept.subject or None
    message.body, message.body_html = kept.text, kept.html or None
    if contact.channel == Channel.SMS:
        tried_at = message.created_at if message.attempts else None
        message.segments = segments(words.text)
        handed = Text(key=str(message.id), to=contact.address, body=words.text, tried_at=tried_at)
        media, exact = "text/plain; charset=utf-8", words.text.encode()
        return _Prepared(message, handed, exact, kept.text.encode(), media, facts.private)
    attached = (
        (Attachment(facts.copy.name, facts.copy.media, facts.copy.body),) if facts.copy else ()
    )
    mail = Mail(
        key=str(message.id),
        to=contact.address,
        sender_name=facts.sender,
        reply_to=facts.reply_to,
        subject=words.subject,
        text=words.text,
        html=words.html,
        at=now,
        unsubscribe_url=facts.unsubscribe_url,
        attached=attached,
    )
    message.headers = dict(mail.headers)
    shown = replace(mail, subject=kept.subject, text=kept.text, html=kept.html)
    exact, hidden = carriers.mailer.message_bytes(mail), carriers.mailer.message_bytes(shown)
    return _Prepared(message, mail, exact, hidden, "message/rfc822", facts.private)


def _without_secrets(words: Words, facts: MessageFacts) -> Words:
    """The words as tables keep them: what opens a link or passes for its reader is hidden."""
    secrets = {str(facts.values.get("code") or ""): "******"}
    secrets[(facts.link_url or "").rpartition("/")[2]] = "***"
    secrets.pop("", None)

    def hide(text: str) -> str:
        for secret, shown in secrets.items():
            text = text.replace(secret, shown)
        return text

    return Words(hide(words.text), hide(words.subject), hide(words.html))


def _hand_over(prepared: _Prepared, carriers: Carriers) -> str:
    hook("before message.handed_over")
    if isinstance(prepared.handed, Text):
        provider_id = carriers.texter.send(prepared.handed)
    else:
        provider_id = carriers.mailer.send(prepared.handed, prepared.exact)
    hook("after message.handed_over")
    return provider_id


def _sent(session: Session, prepared: _Prepared, provider_id: str, *, now: datetime) -> None:
    message = prepared.message
    _hold_accounts(session, message)
    session.refresh(message, with_for_update=True)
    if message.status != MessageStatus.SENDING:  # somebody else took it for lost, and finished it
        return
    waited_for = message.rule
    message.status = move(message.status, MessageStatus.SENT)
    message.sent_at, message.provider_id = now, provider_id
    message.rule = message.error = None
    accounts = about(session, message)
    digest = evidence.keep_with(session, accounts, prepared.media, prepared.kept, now)
    debtor = session.get_one(Debtor, (message.client_id, message.debtor_id))
    zones = zones_of(session, debtor)
    role = CollectorRole(session.get_one(Client, message.client_id).collector_role)
    facts = {
        "provider_id": provider_id,
        "attempts": message.attempts,
        "locale": message.locale,
        "queued_at": format_time(message.created_at),
        "zones": list(zones.names),
        "basis": zones.basis,
        "packs": list(rules_of(debtor, role).marks),
        "documents": [{"name": "message", "sha256": digest}],
        "handed_over_sha256": sha256(prepared.exact).hexdigest(),
        "asked_for": message.asked_for,
        "waited_for": waited_for,
        "despite": prepared.despite,
    }
    said = {name: value for name, value in facts.items() if value not in (None, False)}
    tell(session, message, "message.sent", said, now=now)
    catch_up(session, message, now=now)
    if template_named(message.template).required and not _is_enough(session, prepared):
        send_by_letter(session, message, now=now)


def _hold_accounts(session: Session, message: Message) -> None:
    """Come after whoever has locked what a message is about, before its chain is written on.

    Settling locks the account first and then writes; a letter's row refers to the account.
    """
    ids = [account.id for account in about(session, message)]
    held = select(Account.id).where(Account.client_id == message.client_id, Account.id.in_(ids))
    session.execute(held.order_by(Account.id).with_for_update(read=True, key_share=True))


def _is_enough(session: Session, prepared: _Prepared) -> bool:
    """Whether what left is the copy that the law wants: whole, and with a consent (ES-01)."""
    return prepared.whole and covers(session, prepared.message)


def _failed(session: Session, message: Message, failure: NotDelivered, *, now: datetime) -> None:
    _hold_accounts(session, message)
    session.refresh(message, with_for_update=True)
    if message.status != MessageStatus.SENDING:
        return
    if isinstance(failure, Unreachable):
        _try_again(session, message, failure, now=now)
        return
    contact = session.get_one(Contact, (message.client_id, message.contact_id))
    kind = _stop_kind(failure)
    _give_up(session, message, str(failure), now=now)
    if kind is not None:
        actor = evidence.SYSTEM
        stop_address(session, contact, kind, source="carrier", actor=actor, now=now)


def _stop_kind(failure: NotDelivered) -> StopKind | None:
    """What a carrier's final no says about the address itself, if anything."""
    if isinstance(failure, RecipientStopped):
        return StopKind.OPTED_OUT
    return StopKind.BOUNCED if _NO_SUCH_ADDRESS.search(str(failure)) else None


def _try_again(session: Session, message: Message, failure: Unreachable, *, now: datetime) -> None:
    """Wait four times as long as before the last try, five tries in all."""
    if message.attempts >= TRIES:
        _give_up(session, message, str(failure), now=now)
        return
    message.status = move(message.status, MessageStatus.QUEUED)
    message.rule, message.error = Rule.UNREACHABLE, str(failure)
    message.send_at = now + FIRST_WAIT * 4 ** (message.attempts - 1)
    _come_back(session, message)


def _give_up(session: Session, message: Message, error: str, *, now: datetime) -> None:
    message.status = move(message.status, MessageStatus.FAILED)
    message.error = error
    tell(session, message, "message.failed", {"error": error.split(" ", 1)[0][:40]}, now=now)
    send_by_letter(session, message, now=now)


def _come_back(session: Session, message: Message) -> None:
    if waits_for_turn(session, message):
        return
    enqueue(
        session,
        "messages.dispatch",
        run_at=message.send_at,
        client_id=message.client_id,
        message_ids=[str(message.id)],
    )
