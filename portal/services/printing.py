"""Printing the letters that wait: each as one page, kept as it was printed (ES-01, ES-02)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Select, and_, select
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import Session

from portal.domain.codes import unbroken
from portal.domain.debts import Country
from portal.domain.keys import Keys
from portal.domain.outgoing import Action, Rule
from portal.domain.statuses import MessageStatus, move
from portal.models import Client, Debtor, Letter, LetterBatch, Message, Staff
from portal.services import evidence
from portal.services.dispatch import NotWritten
from portal.services.letter_batches import HIDDEN, MOST, ON_LIST, PRINTABLE, said_of
from portal.services.message_facts import MessageFacts, facts_of
from portal.services.message_subject import OutOfDate
from portal.services.messages import about, drop, letter_held, tell
from portal.services.posting import letter_decision
from portal.services.references import fresh_reference

COUNTRIES = {"US": "USA", "CA": "CANADA"}


@dataclass(frozen=True, slots=True)
class Recipient:
    """The address on a letter, a line each, the name first.

    ``represented``: a hold keeps it from the debtor, so it goes to whoever acts for them, whose
    address staff know (CT-08).
    """

    lines: tuple[str, ...]
    represented: bool = False


@dataclass(frozen=True, slots=True)
class Printing:
    """How letters are written, and who has them printed."""

    write: Callable[[MessageFacts, Recipient, date], str]
    keys: Keys
    staff: Staff


def print_letters(
    session: Session, client_id: UUID, printing: Printing, *, now: datetime
) -> LetterBatch | None:
    """Print the letters of a client that wait, the oldest first; None where none could be printed.

    What a stop or a hold has come to forbid is taken from the list, on the record (CT-08). What
    has no postal address stays on it, as do those of a campaign that is paused. The caller commits.
    """
    batch = LetterBatch(
        client_id=client_id,
        reference=fresh_reference(),
        printed_at=now,
        printed_by=printing.staff.id,
    )
    made = [*_printed(session, batch, printing, now)]
    return batch if made else None


def _printed(
    session: Session, batch: LetterBatch, printing: Printing, now: datetime
) -> Iterator[Letter]:
    n = 0
    for message in session.scalars(_to_print(batch.client_id, now)).all():
        decision = letter_decision(session, message, now=now)
        if decision.action is Action.DROP:
            drop(session, message, decision.rule, now=now)
        elif decision.action is Action.WAIT:
            message.rule, message.send_at = decision.rule, decision.until or now
        elif written := _write(session, message, printing, now):
            n += 1
            yield _keep(session, batch, n, message, written, now)


@dataclass(frozen=True, slots=True)
class _Written:
    recipient: Recipient
    page: str
    facts: MessageFacts
    link_id: UUID | None


def _write(
    session: Session, message: Message, printing: Printing, now: datetime
) -> _Written | None:
    debtor = session.get_one(Debtor, (message.client_id, message.debtor_id))
    to = _recipient(session, message, debtor, now)
    zone = session.get_one(Client, message.client_id).time_zone
    own = message.link_id
    try:
        facts = facts_of(session, message, None, keys=printing.keys, now=now)
        page = printing.write(facts, to, now.astimezone(ZoneInfo(zone)).date())
    except OutOfDate:
        drop(session, message, Rule.OUT_OF_DATE, now=now)
        return None
    except (NotWritten, NoResultFound, LookupError) as error:
        message.status = move(message.status, MessageStatus.FAILED)
        message.error = f"{type(error).__name__} {error}"
        tell(session, message, "message.failed", {"error": type(error).__name__}, now=now)
        return None
    link_id, message.link_id = message.link_id, own  # printed anew, it brings a link that works
    return _Written(to, page, facts, link_id)


def _keep(
    session: Session,
    batch: LetterBatch,
    n: int,
    message: Message,
    written: _Written,
    now: datetime,
) -> Letter:
    if n == 1:
        session.add(batch)
        session.flush()
    copy, code, accounts = written.facts.copy, written.facts.link_code, about(session, message)
    kept = written.page.replace(unbroken(code), HIDDEN) if code else written.page
    page = evidence.keep_with(session, accounts, "text/html", kept.encode(), now)
    enclosed = copy and evidence.keep_with(session, accounts, copy.media, copy.body, now)
    letter = Letter(
        client_id=message.client_id,
        batch_id=batch.id,
        message_id=message.id,
        link_id=written.link_id,
        n=n,
        recipient="\n".join(written.recipient.lines),
        document_sha256=bytes.fromhex(page),
        enclosure_sha256=bytes.fromhex(enclosed) if enclosed else None,
    )
    message.status = move(message.status, MessageStatus.SENDING)
    session.add(letter)
    session.flush()
    said = said_of(batch, letter, batch.printed_by)
    said["handed_over_sha256"] = sha256(written.page.encode()).hexdigest()
    tell(session, message, "letter.printed", said, now=now)
    return letter


def _recipient(session: Session, message: Message, debtor: Debtor, now: datetime) -> Recipient:
    name = f"{debtor.first_name} {debtor.last_name}"
    if message.decided and letter_held(session, message, now=now):
        return Recipient((name,), represented=True)
    region = debtor.region.partition("-")[2] or debtor.region
    place = f"{debtor.city}, {region} {debtor.postal_code}"
    if debtor.country == Country.CA:
        place = f"{debtor.city} {region}  {debtor.postal_code}"
    abroad = debtor.country != session.get_one(Client, message.client_id).country
    country = (COUNTRIES.get(debtor.country, debtor.country),) if abroad else ()
    return Recipient((name, debtor.address_line or "", place, *country))


def _to_print(client_id: UUID, now: datetime) -> Select[Message]:
    return (
        select(Message)
        .join(Debtor, and_(Debtor.client_id == Message.client_id, Debtor.id == Message.debtor_id))
        .where(
            Message.client_id == client_id,
            *ON_LIST,
            PRINTABLE,
            Message.send_at <= now,
        )
        .order_by(Message.created_at, Message.id)
        .limit(MOST)
        .with_for_update(of=Message, skip_locked=True)
        .execution_options(populate_existing=True)
    )
