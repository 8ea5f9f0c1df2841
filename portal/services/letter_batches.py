"""Letters: the list that waits, the batches that were printed, and what left (ES-01, EC-09)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.domain.statuses import CampaignStatus, MessageStatus, move
from portal.models import (
    Account,
    Campaign,
    Channel,
    Client,
    Debtor,
    Letter,
    LetterBatch,
    Message,
    Staff,
)
from portal.services import evidence
from portal.services.evidence import Payload
from portal.services.messages import letter_held, tell
from portal.services.posting import letter_decision

MOST = 100
"""Letters in one batch, and on one page."""
LATEST = 20
HIDDEN = "****\u2011****"
"""What stands in the table for the code that a letter brings: nothing there opens a page (0006)."""
DOWNLOADED = "letters.downloaded"
ON_LIST = (Message.status == MessageStatus.QUEUED, Message.channel == Channel.LETTER)
"""The condition under which a message is a letter that waits."""

PAUSED = exists().where(
    Campaign.client_id == Message.client_id,
    Campaign.id == Message.campaign_id,
    Campaign.status == CampaignStatus.PAUSED,
)
"""The condition under which a message waits because its campaign is paused."""

ADDRESS = (Debtor.address_line, Debtor.city, Debtor.postal_code)
PRINTABLE = and_(
    or_(Message.decided, and_(*(func.coalesce(part, "") != "" for part in ADDRESS))), ~PAUSED
)
"""Whether its turn is now, and there is somewhere to send it: whoever acts for the debtor needs no
address.
"""


class BatchFinished(DomainError):
    """Somebody else was faster."""

    message = N_("Somebody said in the meantime which of these letters left.")


@dataclass(frozen=True, slots=True)
class WaitingLetter:
    """A letter on the list with whom it goes to."""

    message: Message
    debtor: Debtor
    client: Client
    account: Account | None
    paused: bool

    @property
    def has_address(self) -> bool:
        """Whether there is somewhere to send it: whoever acts for the debtor needs no address."""
        return self.debtor.has_address or self.message.decided

    @property
    def can_be_printed(self) -> bool:
        """Whether its turn is now: it has an address, and its campaign is not paused."""
        return self.has_address and not self.paused


@dataclass(frozen=True, slots=True)
class PrintedLetter:
    """A letter of a batch; ``rule`` is what has come to forbid it since it was printed."""

    letter: Letter
    message: Message
    debtor: Debtor
    account: Account | None
    rule: str | None = None


def waiting(session: Session, *, printable: bool) -> Sequence[WaitingLetter]:
    """The first letters that wait and can be printed, or that cannot, the oldest first."""
    query = (
        select(Message, Debtor, Client, Account, PAUSED)
        .join(Debtor, and_(Debtor.client_id == Message.client_id, Debtor.id == Message.debtor_id))
        .join(Client, Client.id == Message.client_id)
        .outerjoin(
            Account,
            and_(Account.client_id == Message.client_id, Account.id == Message.account_id),
        )
        .where(Message.client_id.in_(session.info["client_ids"]), *ON_LIST)
        .where(PRINTABLE if printable else ~PRINTABLE)
        .order_by(Message.created_at, Message.id)
        .limit(MOST)
    )
    return [WaitingLetter(*row) for row in session.execute(query)]


def printable_of(session: Session) -> Sequence[tuple[Client, int]]:
    """The clients with letters that can be printed now, by name, and how many each has."""
    how_many = (
        select(Message.client_id, func.count().label("letters"))
        .join(Debtor, and_(Debtor.client_id == Message.client_id, Debtor.id == Message.debtor_id))
        .where(Message.client_id.in_(session.info["client_ids"]), *ON_LIST, PRINTABLE)
        .group_by(Message.client_id)
        .subquery()
    )
    query = select(Client, how_many.c.letters).join(how_many, how_many.c.client_id == Client.id)
    return [(row[0], row[1]) for row in session.execute(query.order_by(Client.trade_name))]


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


def letters_of(session: Session, batch: LetterBatch, *, now: datetime) -> Sequence[PrintedLetter]:
    """The letters of a batch in their order; until it is finished, with what forbids them now."""
    found = []
    for letter, message, debtor, account in session.execute(rows_of(batch)):
        rule = None if batch.finished_at else forbidden_now(session, letter, message, now=now)
        found.append(PrintedLetter(letter, message, debtor, account, rule))
    return found


def forbidden_now(
    session: Session, letter: Letter, message: Message, *, now: datetime
) -> str | None:
    """The rule that has come to forbid a letter since it was printed (CT-08).

    What a person decided to send despite a hold may leave only as it was printed under one: to
    whoever acts for the debtor.
    """
    if rule := letter_decision(session, message, now=now).rule:
        return rule
    to_debtor = "\n" in letter.recipient
    return letter_held(session, message, now=now) if message.decided and to_debtor else None


def file_of(letter: Letter) -> str:
    """The name that a letter has in the package of its batch."""
    return f"{letter.n:03}-letter.pdf"


def rows_of(batch: LetterBatch) -> Select[Letter, Message, Debtor, Account]:
    """The query of a batch's letters in their order, with what each is about."""
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
) -> int:
    """Keep which letters of a batch ``left``, by id; the others go back on the list.

    What may not be sent did not leave either, whatever is said, unless a package had it before that
    was so (CT-08); how many those are. The caller commits. Raises BatchFinished.
    """
    session.refresh(batch, with_for_update=True)
    if batch.finished_at is not None:
        raise BatchFinished
    batch.finished_at, batch.finished_by = now, staff.id
    taken, kept_back = _taken_along(session, batch), 0
    rows = session.execute(rows_of(batch).with_for_update(of=Message)).all()
    for letter, message, _, _ in rows:
        said, kind = said_of(batch, letter, staff.id), "letter.put_back"
        rule = forbidden_now(session, letter, message, now=now)
        if str(letter.id) in left and (rule is None or file_of(letter) in taken):
            message.status = move(message.status, MessageStatus.SENT)
            message.sent_at = letter.sent_at = now
            message.rule = None
            kind = "letter.sent"
        else:
            message.status = move(message.status, MessageStatus.QUEUED)
            kept_back += str(letter.id) in left
        tell(session, message, kind, said | ({"rule": rule} if rule else {}), now=now)
    session.flush()
    return kept_back


def _taken_along(session: Session, batch: LetterBatch) -> set[str]:
    """The files of a batch that a print house was given, in whichever package."""
    client, found = session.get_one(Client, batch.client_id), set[str]()
    for entry in evidence.newest(session, client, [DOWNLOADED]):
        if entry.at < batch.printed_at:
            break
        if entry.payload["batch"] == batch.reference:
            found |= {one["name"] for one in entry.payload["files"]}
    return found


def said_of(batch: LetterBatch, letter: Letter, staff_id: UUID) -> Payload:
    """A letter as a leaf names it: who had it in hand, its batch, and the bytes on paper."""
    documents = [{"name": "letter", "sha256": letter.document_sha256.hex()}]
    if letter.enclosure_sha256:
        documents.append({"name": "enclosure", "sha256": letter.enclosure_sha256.hex()})
    return {
        "actor": evidence.staff(staff_id),
        "batch": batch.reference,
        "letter": str(letter.id),
        "documents": documents,
    }
