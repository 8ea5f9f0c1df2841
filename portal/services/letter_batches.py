"""Letters: the list that staff print from, what was printed, and what left (ES-01, EC-09)."""

import csv
import io
import zipfile
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError, labels
from portal.domain.debts import Country
from portal.domain.keys import Keys
from portal.domain.outgoing import Rule
from portal.domain.statuses import MessageStatus, move
from portal.models import Account, Channel, Client, Debtor, Letter, LetterBatch, Message, Staff
from portal.services import evidence
from portal.services.dispatch import NotWritten
from portal.services.evidence import Payload
from portal.services.message_facts import MessageFacts, OutOfDate, facts_of
from portal.services.messages import drop, letter_forbidden, letter_held, tell
from portal.services.placements.rejects import guarded
from portal.services.references import fresh_reference

MOST = 100
"""Letters in one batch, and on one page."""
LATEST = 20
PACKED_AT = (1980, 1, 1, 0, 0, 0)
"""The time of every file in a package, so that the same letters make the same bytes."""


class BatchFinished(DomainError):
    """Somebody else was faster."""

    message = N_("Somebody said in the meantime which of these letters left.")


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


@dataclass(frozen=True, slots=True)
class WaitingLetter:
    """A letter on the list with whom it goes to."""

    message: Message
    debtor: Debtor
    client: Client
    account: Account | None

    @property
    def has_address(self) -> bool:
        """Whether a letter would arrive: a street, a city and a postal code are on file."""
        return has_address(self.debtor)


@dataclass(frozen=True, slots=True)
class PrintedLetter:
    """A letter of a batch; ``rule`` is what has come to forbid it since it was printed."""

    letter: Letter
    message: Message
    debtor: Debtor
    account: Account | None
    rule: str | None = None


def has_address(debtor: Debtor) -> bool:
    """Whether a letter to a debtor would arrive: a street, a city and a postal code are on file."""
    return bool(debtor.address_line and debtor.city and debtor.postal_code)


def waiting(session: Session) -> Sequence[WaitingLetter]:
    """The letters that wait to be printed, the oldest first."""
    query = (
        select(Message, Debtor, Client, Account)
        .join(Debtor, and_(Debtor.client_id == Message.client_id, Debtor.id == Message.debtor_id))
        .join(Client, Client.id == Message.client_id)
        .outerjoin(
            Account,
            and_(Account.client_id == Message.client_id, Account.id == Message.account_id),
        )
        .where(Message.client_id.in_(session.info["client_ids"]), *_ON_LIST)
        .order_by(Message.created_at, Message.id)
        .limit(MOST)
    )
    return [WaitingLetter(*row) for row in session.execute(query)]


def how_many_wait(session: Session) -> int:
    """How many letters wait to be printed."""
    mine = Message.client_id.in_(session.info["client_ids"])
    return session.scalar(select(func.count(Message.id)).where(mine, *_ON_LIST)) or 0


def batches(session: Session) -> Sequence[tuple[LetterBatch, Client, int]]:
    """The newest batches with how many letters each has; those that are not finished come first."""
    how_many = (
        select(func.count(Letter.id))
        .where(Letter.client_id == LetterBatch.client_id, Letter.batch_id == LetterBatch.id)
        .scalar_subquery()
    )
    query = (
        select(LetterBatch, Client, how_many)
        .join(Client, Client.id == LetterBatch.client_id)
        .where(LetterBatch.client_id.in_(session.info["client_ids"]))
        .order_by(LetterBatch.finished_at.is_(None).desc(), LetterBatch.printed_at.desc())
        .limit(LATEST)
    )
    return [(row[0], row[1], row[2]) for row in session.execute(query)]


def find_batch(session: Session, batch_id: UUID) -> LetterBatch:
    """A batch of a client that the session sees. Raises NoResultFound."""
    mine = LetterBatch.client_id.in_(session.info["client_ids"])
    return session.scalars(select(LetterBatch).where(mine, LetterBatch.id == batch_id)).one()


def print_letters(
    session: Session, client_id: UUID, printing: Printing, *, now: datetime
) -> LetterBatch | None:
    """Print the letters of a client that wait, the oldest first; None where none could be printed.

    What a stop or a hold has come to forbid is taken from the list, on the record (CT-08). What
    has no postal address stays on it. The caller commits.
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
    for message in session.scalars(_to_print(batch.client_id)).all():
        if rule := letter_forbidden(session, message, now=now):
            drop(session, message, rule, now=now)
        elif written := _write(session, message, printing, now):
            n += 1
            yield _keep(session, batch, n, message, written, now)


@dataclass(frozen=True, slots=True)
class _Written:
    recipient: Recipient
    page: str
    facts: MessageFacts


def _write(
    session: Session, message: Message, printing: Printing, now: datetime
) -> _Written | None:
    debtor = session.get_one(Debtor, (message.client_id, message.debtor_id))
    to = _recipient(session, message, debtor, now)
    zone = session.get_one(Client, message.client_id).time_zone
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
    return _Written(to, page, facts)


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
    client_id, copy = message.client_id, written.facts.copy
    page = evidence.store_document(session, client_id, "text/html", written.page.encode(), now)
    enclosed = copy and evidence.store_document(session, client_id, copy.media, copy.body, now)
    letter = Letter(
        client_id=client_id,
        batch_id=batch.id,
        message_id=message.id,
        n=n,
        recipient="\n".join(written.recipient.lines),
        document_sha256=bytes.fromhex(page),
        enclosure_sha256=bytes.fromhex(enclosed) if enclosed else None,
    )
    message.status = move(message.status, MessageStatus.SENDING)
    session.add(letter)
    session.flush()
    _tell(session, batch, letter, message, "letter.printed", (batch.printed_by, now))
    return letter


def _recipient(session: Session, message: Message, debtor: Debtor, now: datetime) -> Recipient:
    name = f"{debtor.first_name} {debtor.last_name}"
    if message.decided and letter_held(session, message, now=now):
        return Recipient((name,), represented=True)
    region = debtor.region.partition("-")[2] or debtor.region
    place = f"{debtor.city}, {region} {debtor.postal_code}"
    if debtor.country == Country.CA:
        place = f"{debtor.city} {region}  {debtor.postal_code}"
    return Recipient((name, debtor.address_line or "", place, _NAMES.get(debtor.country, "")))


def _to_print(client_id: UUID) -> Select[Message]:
    return (
        select(Message)
        .join(Debtor, and_(Debtor.client_id == Message.client_id, Debtor.id == Message.debtor_id))
        .where(
            Message.client_id == client_id,
            *_ON_LIST,
            or_(Message.decided, and_(*_HAS_ADDRESS)),
        )
        .order_by(Message.created_at, Message.id)
        .limit(MOST)
        .with_for_update(of=Message, skip_locked=True)
        .execution_options(populate_existing=True)
    )


_ON_LIST = (Message.status == MessageStatus.QUEUED, Message.channel == Channel.LETTER)
_HAS_ADDRESS = [
    func.coalesce(part, "") != "" for part in (Debtor.address_line, Debtor.city, Debtor.postal_code)
]
_NAMES = {"US": "USA", "CA": "CANADA"}


def letters_of(session: Session, batch: LetterBatch, *, now: datetime) -> Sequence[PrintedLetter]:
    """The letters of a batch in their order; until it is finished, with what forbids them now."""
    found = []
    for letter, message, debtor, account in session.execute(_of(batch)):
        rule = None if batch.finished_at else letter_forbidden(session, message, now=now)
        found.append(PrintedLetter(letter, message, debtor, account, rule))
    return found


def _of(batch: LetterBatch) -> Select[Letter, Message, Debtor, Account]:
    return (
        select(Letter, Message, Debtor, Account)
        .join(Message, and_(Message.client_id == Letter.client_id, Message.id == Letter.message_id))
        .join(Debtor, and_(Debtor.client_id == Message.client_id, Debtor.id == Message.debtor_id))
        .outerjoin(
            Account,
            and_(Account.client_id == Message.client_id, Account.id == Message.account_id),
        )
        .where(Letter.client_id == batch.client_id, Letter.batch_id == batch.id)
        .order_by(Letter.n)
    )


def finish(
    session: Session, batch: LetterBatch, left: Collection[str], *, staff: Staff, now: datetime
) -> None:
    """Keep which letters of a batch ``left``, by id; the others go back on the list.

    The caller commits.
    Raises BatchFinished.
    """
    session.refresh(batch, with_for_update=True)
    if batch.finished_at is not None:
        raise BatchFinished
    batch.finished_at, batch.finished_by = now, staff.id
    by = (staff.id, now)
    rows = session.execute(_of(batch).with_for_update(of=Message)).all()
    for letter, message, _, _ in rows:
        if str(letter.id) in left:
            message.status = move(message.status, MessageStatus.SENT)
            message.sent_at = letter.sent_at = now
            message.rule = None
            _tell(session, batch, letter, message, "letter.sent", by)
        else:
            message.status = move(message.status, MessageStatus.QUEUED)
            _tell(session, batch, letter, message, "letter.put_back", by)
    session.flush()


def _tell(
    session: Session,
    batch: LetterBatch,
    letter: Letter,
    message: Message,
    kind: str,
    by: tuple[UUID, datetime],
) -> None:
    documents = [{"name": "letter", "sha256": letter.document_sha256.hex()}]
    if letter.enclosure_sha256:
        documents.append({"name": "enclosure", "sha256": letter.enclosure_sha256.hex()})
    told: Payload = {
        "actor": evidence.staff(by[0]),
        "batch": batch.reference,
        "letter": str(letter.id),
        "documents": documents,
    }
    tell(session, message, kind, told, now=by[1])


def package(session: Session, batch: LetterBatch, *, staff: Staff, now: datetime) -> bytes:
    """A zip of every letter of a batch as it was printed, with the addresses as ``letters.csv``.

    Who took it is on the record of the client. The caller commits.
    """
    client = session.get_one(Client, batch.client_id)
    evidence.record(
        session,
        client_id=client.id,
        chain_id=client.chain_id,
        type="letters.downloaded",
        payload={"actor": evidence.staff(staff.id), "batch": batch.reference},
        now=now,
    )
    rows = session.execute(_of(batch)).all()
    lines = [["file", "enclosure", "kind", "name", "address_1", "address_2", "address_3"]]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as into:
        for letter, message, _, _ in rows:
            names = [*_files(session, letter, into)]
            kind = labels.TEMPLATES.get(message.template, message.template)
            lines.append([*names, kind, *letter.recipient.split("\n")])
        _put(into, "letters.csv", _csv(lines))
    return packed.getvalue()


def _files(session: Session, letter: Letter, into: zipfile.ZipFile) -> Iterator[str]:
    """Put a letter's files into a package; the name of each, empty where there is none."""
    for what, digest in (
        ("letter", letter.document_sha256),
        ("enclosure", letter.enclosure_sha256),
    ):
        if digest is None:
            yield ""
            continue
        document = evidence.document(session, letter.client_id, digest.hex())
        ending = "html" if document.media.startswith("text/html") else "txt"
        name = f"{letter.n:03}-{what}.{ending}"
        _put(into, name, bytes(document.body))
        yield name


def _put(into: zipfile.ZipFile, name: str, body: bytes) -> None:
    into.writestr(zipfile.ZipInfo(name, PACKED_AT), body, zipfile.ZIP_DEFLATED)


def _csv(lines: Sequence[Sequence[str]]) -> bytes:
    written = io.StringIO()
    csv.writer(written).writerows([guarded(cell) for cell in line] for line in lines)
    return b"\xef\xbb\xbf" + written.getvalue().encode()
