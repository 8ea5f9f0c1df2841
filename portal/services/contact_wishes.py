"""What people say of how they want to be written to, and since when it counts (CT-03, CT-07)."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from portal.domain.channels import Channel
from portal.domain.statuses import MessageStatus
from portal.domain.wishes import ANY, DayPart, Slot, WishKind, read_slot, require_some_time
from portal.models import Contact, ContactPreference, Debtor, Message
from portal.services import evidence
from portal.services.evidence import Actor
from portal.services.links import accounts_of, tell_accounts

WAITING = (MessageStatus.QUEUED, MessageStatus.DEFERRED)
SINGLE = (WishKind.ONLY, WishKind.LANGUAGE)
"""Of these the newest takes the place of the one before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Where a wish was said, by whom it was written down, and the person's own words if known."""

    actor: Actor
    source: str
    words: str | None = None
    by: UUID | None = None


def on_portal(debtor: Debtor) -> Told:
    """The debtor's own choice on their page."""
    return Told(actor=evidence.debtor(debtor.id), source="portal")


def by_phone(staff_id: UUID, words: str) -> Told:
    """What a member of staff heard."""
    return Told(actor=evidence.staff(staff_id), source="staff", words=words, by=staff_id)


def in_force(session: Session, debtor: Debtor) -> Sequence[ContactPreference]:
    """The wishes of a debtor that count now, the oldest first."""
    session.flush()
    return session.scalars(
        select(ContactPreference)
        .where(
            ContactPreference.client_id == debtor.client_id,
            ContactPreference.debtor_id == debtor.id,
            ContactPreference.ended_at.is_(None),
        )
        .order_by(ContactPreference.stated_at, ContactPreference.id)
    ).all()


def state(
    session: Session, debtor: Debtor, kind: WishKind, value: str, *, told: Told, now: datetime
) -> None:
    """Take down a wish; it counts at once, for what waits too. Said again, it is one wish.

    The caller commits. Raises NothingLeft where no hour of a week would be left.
    """
    standing = in_force(session, debtor)
    if any((one.kind, one.value) == (kind, value) for one in standing):
        return
    if kind is WishKind.NOT_AT:
        never = [one.value for one in standing if one.kind == kind]
        require_some_time(map(read_slot, [*never, value]))
    for one in standing:
        if one.kind == kind and kind in SINGLE:
            end(session, debtor, one, told=told, now=now)
    session.flush()
    row = ContactPreference(
        client_id=debtor.client_id,
        debtor_id=debtor.id,
        kind=kind,
        value=value,
        words=told.words,
        source=told.source,
        stated_at=now,
        recorded_by=told.by,
    )
    session.add(row)
    session.flush()
    _tell(session, debtor, row, "preference.stated", told, now)


def end(
    session: Session, debtor: Debtor, wish: ContactPreference, *, told: Told, now: datetime
) -> None:
    """A wish counts no more. The caller commits."""
    if wish.ended_at is not None:
        return
    wish.ended_at, wish.ended_by = max(now, wish.stated_at), told.by
    _tell(session, debtor, wish, "preference.ended", told, now)


def choose_times(
    session: Session,
    debtor: Debtor,
    *,
    days: Collection[str],
    part: str,
    told: Told,
    now: datetime,
) -> None:
    """Write on none of these days, and only in this part of each: the times of before end.

    ``part`` is ``any`` for the whole day. A wish for a part of one day stays. Raises NothingLeft.
    """
    wanted = {str(Slot(day=day)) for day in days}
    if part != ANY:
        wanted |= {str(Slot(part=other)) for other in DayPart if other != part}
    times = [one for one in in_force(session, debtor) if one.kind == WishKind.NOT_AT]
    kept = [one for one in times if ANY not in one.value.split() or one.value in wanted]
    require_some_time(map(read_slot, {*wanted, *(one.value for one in kept)}))
    for one in times:
        if one not in kept:
            end(session, debtor, one, told=told, now=now)
    for value in sorted(wanted):
        state(session, debtor, WishKind.NOT_AT, value, told=told, now=now)


def choose_only(
    session: Session, debtor: Debtor, only: Channel | None, *, told: Told, now: datetime
) -> None:
    """Write in this way only; None for every way."""
    if only is not None:
        state(session, debtor, WishKind.ONLY, only, told=told, now=now)
        return
    for one in in_force(session, debtor):
        if one.kind == WishKind.ONLY:
            end(session, debtor, one, told=told, now=now)


def choose_language(
    session: Session, debtor: Debtor, language: str, *, told: Told, now: datetime
) -> None:
    """Write in this language from now on, what waits too; ``language`` is one of the client's."""
    debtor.language_chosen_at = now
    if debtor.language == language:
        return
    debtor.language = language
    session.execute(
        update(Message)
        .where(
            Message.client_id == debtor.client_id,
            Message.debtor_id == debtor.id,
            Message.status.in_(WAITING),
        )
        .values(locale=language)
    )
    state(session, debtor, WishKind.LANGUAGE, language, told=told, now=now)
    said = {"actor": told.actor, "language": language}
    tell_accounts(session, accounts_of(session, debtor), "debtor.language", said, now)


def never_at(session: Session, contact: Contact, *, told: Told, now: datetime) -> None:
    """An address is at the person's work, and they do not want to read us there (CT-03, CT-07)."""
    contact.at_work = True
    debtor = session.get_one(Debtor, (contact.client_id, contact.debtor_id))
    state(session, debtor, WishKind.NOT_TO, str(contact.id), told=told, now=now)


def wish_of(session: Session, debtor: Debtor, wish_id: UUID) -> ContactPreference | None:
    """One wish of this debtor that counts now."""
    return next((one for one in in_force(session, debtor) if one.id == wish_id), None)


def stated(session: Session, debtor: Debtor, wish_id: UUID) -> ContactPreference:
    """One wish of this debtor, whether it ended or not. Raises NoResultFound."""
    mine = (ContactPreference.client_id == debtor.client_id, ContactPreference.id == wish_id)
    query = select(ContactPreference).where(*mine, ContactPreference.debtor_id == debtor.id)
    return session.scalars(query).one()


def never(wishes: Iterable[ContactPreference]) -> list[Slot]:
    """The times that these wishes exclude."""
    return [read_slot(one.value) for one in wishes if one.kind == WishKind.NOT_AT]


def _tell(
    session: Session, debtor: Debtor, wish: ContactPreference, kind: str, told: Told, now: datetime
) -> None:
    said = {
        "actor": told.actor,
        "preference": str(wish.id),
        "kind": str(wish.kind),
        "value": wish.value,
        "source": told.source,
    }
    if told.words:
        said["words"] = told.words
    tell_accounts(session, accounts_of(session, debtor), kind, said, now)
