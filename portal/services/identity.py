"""The identity check: facts that a debtor knows, or a code sent to an address on file.

Attempts are counted before anything is compared. Every failure takes the same work and gets the
same answer, whichever fact was wrong and whether or not it is on file (EC-08).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.domain.identity import Factor, keyed_hash, same_hash
from portal.domain.keys import Keys
from portal.models import AccessLink, Channel, Client, Contact, ContactStop, Debtor, OneTimeCode
from portal.models.base import fresh_id
from portal.services import attempts, evidence, lock_outs, messages
from portal.services.attempts import Allowed, Locked, Mark, Scope
from portal.services.ledger import lock_accounts
from portal.services.links import OpenedLink, accounts_of, tell_accounts

WANTED = 2
CODE_DIGITS = 6
CODE_MINUTES = 10
CODES_COMPARED = 3
NOT_ON_FILE = bytes(32)


class CodesUsedUp(DomainError):
    """So many codes were sent that another would help nobody now."""

    message = N_("We sent several codes already. Use the newest one, or try again later.")


@dataclass(frozen=True, slots=True)
class CodeRoute:
    """A way for a one-time code, and the fact that must stand beside it.

    A code counts alone only at another address than the one the link went to.
    """

    contact: Contact
    beside: Factor | None


@dataclass(frozen=True, slots=True)
class Questions:
    """The facts that a debtor is asked for; ``answerable`` is False where too few are on file."""

    factors: tuple[Factor, ...]
    answerable: bool


@dataclass(frozen=True, slots=True)
class Passed:
    """Identity is proved; ``method`` says how, ``attempts`` how many tries were made for it."""

    method: str
    attempts: int


@dataclass(frozen=True, slots=True)
class NotMatched:
    """The answers do not match; ``left`` tries remain before a lock."""

    left: int


@dataclass(frozen=True, slots=True)
class TypedCode:
    """What somebody typed on the code page: digits, and the fact beside them."""

    digits: str
    fact: str = ""


Outcome = Passed | NotMatched | Locked


def questions_for(opened: OpenedLink) -> Questions:
    """What whoever holds a link is asked."""
    return asked_of(opened.client, opened.debtor)


def asked_of(client: Client, debtor: Debtor) -> Questions:
    """What this debtor is asked: where a fact is not on file, the next in the client's order."""
    order = [Factor(name) for name in client.identity_factors]
    wanted = min(WANTED, len(order))
    on_file = [factor for factor in order if _stored(debtor, factor) is not None]
    missing = [factor for factor in order if factor not in on_file]
    return Questions(tuple([*on_file, *missing][:wanted]), 0 < wanted <= len(on_file))


def _stored(debtor: Debtor, factor: Factor) -> bytes | None:
    stored: bytes | None = getattr(debtor, f"{factor.value}_hash")
    return stored


def code_routes(session: Session, opened: OpenedLink) -> tuple[CodeRoute, ...]:
    """The ways for a one-time code, one for each channel, another address than the link's first."""
    client, debtor, link = opened.client, opened.debtor, opened.link
    if not client.identity_codes:
        return ()
    fact = _first_fact(opened)
    routes: dict[Channel, CodeRoute] = {}
    contacts = _open_contacts(session, client, debtor)
    for contact in sorted(contacts, key=lambda one: one.id == link.contact_id):
        same = contact.id == link.contact_id
        if not same or fact is not None:
            routes.setdefault(contact.channel, CodeRoute(contact, fact if same else None))
    return tuple(routes.values())


def _open_contacts(session: Session, client: Client, debtor: Debtor) -> list[Contact]:
    stopped = (
        select(ContactStop.id)
        .where(
            ContactStop.client_id == Contact.client_id,
            ContactStop.channel == Contact.channel,
            ContactStop.address == Contact.address,
            ContactStop.lifted_at.is_(None),
        )
        .exists()
    )
    found = session.scalars(
        select(Contact)
        .where(
            Contact.client_id == client.id,
            Contact.debtor_id == debtor.id,
            Contact.retired_at.is_(None),
            ~stopped,
        )
        .order_by(Contact.created_at, Contact.id)
    )
    return [one for one in found if one.channel == Channel.EMAIL or client.texts]


def marks_of(opened: OpenedLink, ip: str | None) -> tuple[Mark, ...]:
    """Under what an attempt on this link is counted."""
    return (*_own_marks(opened), attempts.network(ip))


def _own_marks(opened: OpenedLink) -> tuple[Mark, ...]:
    return marks_at_door(opened.debtor.id, [opened.link.id])


def marks_at_door(debtor_id: UUID, link_ids: Iterable[UUID]) -> tuple[Mark, ...]:
    """The debtor's own counters: over all their links, and of each of these."""
    of_links = (Mark(Scope.LINK, str(one)) for one in link_ids)
    return (*of_links, Mark(Scope.ACCOUNT, str(debtor_id)))


def mark_of_callers(debtor_id: UUID) -> Mark:
    """Under what the answers of whoever calls are counted, apart from links (decision 0048)."""
    return Mark(Scope.CALLER, str(debtor_id))


def marks_at_doors(session: Session, debtor: Debtor, *, now: datetime) -> tuple[Mark, ...]:
    """All counters of a debtor: of each link that opens, over all links, and of callers."""
    live = session.scalars(
        select(AccessLink.id).where(
            AccessLink.client_id == debtor.client_id,
            AccessLink.debtor_id == debtor.id,
            AccessLink.revoked_at.is_(None),
            AccessLink.expires_at > now,
        )
    )
    return (*marks_at_door(debtor.id, live), mark_of_callers(debtor.id))


def check_answers(
    session: Session,
    opened: OpenedLink,
    answers: Mapping[Factor, str],
    *,
    keys: Keys,
    ip: str | None,
    now: datetime,
) -> Outcome:
    """Whether these answers prove who somebody is. Commits the count before it looks at them.

    ``answers`` are as ``domain.identity`` reads them: an ISO date, a postal code, four digits.
    """
    taken = attempts.take(session, keys, marks_of(opened, ip), now=now)
    if isinstance(taken, Locked):
        return taken
    method = proved_by(opened.client, opened.debtor, answers, keys=keys)
    lock_accounts(session, opened.client.id, opened.debtor.id)
    if method is not None:
        attempts.forgive(session, keys, marks_at_doors(session, opened.debtor, now=now))
    return _outcome(session, opened, taken, method=method, keys=keys, now=now)


def proved_by(
    client: Client, debtor: Debtor, answers: Mapping[Factor, str], *, keys: Keys
) -> str | None:
    """The facts by which these answers prove who somebody is; None where they do not.

    Counts nothing, and compares all of them whatever the first says.
    """
    asked = asked_of(client, debtor).factors
    matched = [_matches(debtor, factor, answers.get(factor, ""), keys) for factor in asked]
    passed = bool(matched) and all(matched)
    return "+".join(factor.value for factor in asked) if passed else None


def _matches(debtor: Debtor, factor: Factor, answer: str, keys: Keys) -> bool:
    stored = _stored(debtor, factor)
    given = keyed_hash(keys.pepper, debtor.client_id, factor.value, answer)
    return same_hash(given, stored or NOT_ON_FILE) and stored is not None


def send_code(
    session: Session, opened: OpenedLink, channel: Channel, *, keys: Keys, now: datetime
) -> CodeRoute | None:
    """Send a code the debtor's way on this channel; None where there is no such way.

    Commits the count of codes first. Raises CodesUsedUp.
    """
    mark = Mark(Scope.CODE, str(opened.link.id))
    if isinstance(attempts.take(session, keys, [mark], now=now), Locked):
        raise CodesUsedUp
    routes = {route.contact.channel: route for route in code_routes(session, opened)}
    route = routes.get(channel)
    if route is None:
        return None
    code_id = fresh_id()
    code = OneTimeCode(
        client_id=opened.client.id,
        id=code_id,
        debtor_id=opened.debtor.id,
        link_id=opened.link.id,
        contact_id=route.contact.id,
        code_hash=_code_hash(keys, code_id, code_text(keys, code_id)),
        sent_at=now,
        expires_at=now + timedelta(minutes=CODE_MINUTES),
    )
    session.add(code)
    session.flush()
    messages.queue(
        session,
        opened.debtor,
        template="one_time_code",
        context={"code_id": str(code_id)},
        contact=route.contact,
        link=opened.link,
        dedupe_key=f"code:{code_id}",
        asked_for=True,
        now=now,
    )
    return route


def code_text(keys: Keys, code_id: UUID) -> str:
    """The six digits of a one-time code: derived from its id, so that no table holds them."""
    derived = int.from_bytes(keys.peppered("one-time code", code_id.bytes), "big")
    return f"{derived % 10**CODE_DIGITS:0{CODE_DIGITS}d}"


def _code_hash(keys: Keys, code_id: UUID, digits: str) -> bytes:
    return keys.peppered("one-time code hash", code_id.bytes, digits.encode())


def waiting_codes(session: Session, opened: OpenedLink, *, now: datetime) -> list[OneTimeCode]:
    """The newest codes of a link that can still be typed."""
    found = session.scalars(
        select(OneTimeCode)
        .where(
            OneTimeCode.client_id == opened.client.id,
            OneTimeCode.link_id == opened.link.id,
            OneTimeCode.passed_at.is_(None),
            OneTimeCode.expires_at > now,
        )
        .order_by(OneTimeCode.sent_at.desc(), OneTimeCode.id.desc())
        .limit(CODES_COMPARED)
    )
    return list(found)


def fact_beside(opened: OpenedLink, waiting: Sequence[OneTimeCode]) -> Factor | None:
    """The fact asked for beside the codes that wait: one if a code went the link's own way."""
    own_way = any(code.contact_id == opened.link.contact_id for code in waiting)
    return _first_fact(opened) if own_way else None


def _first_fact(opened: OpenedLink) -> Factor | None:
    asked = questions_for(opened).factors
    return next((one for one in asked if _stored(opened.debtor, one) is not None), None)


def check_code(
    session: Session,
    opened: OpenedLink,
    typed: TypedCode,
    *,
    keys: Keys,
    ip: str | None,
    now: datetime,
) -> Outcome:
    """Whether these digits were sent to the debtor within ten minutes.

    A code that went the link's own way needs a right fact beside it. Commits the count before it
    looks. A code passes once.
    """
    taken = attempts.take(session, keys, marks_of(opened, ip), now=now)
    if isinstance(taken, Locked):
        return taken
    lock_accounts(session, opened.client.id, opened.debtor.id)
    waiting = waiting_codes(session, opened, now=now)
    compared = [*waiting, *[None] * (CODES_COMPARED - len(waiting))]
    matched = [code for code in compared if _is_code(keys, code, typed.digits)]
    fact = _first_fact(opened)
    knows = _matches(opened.debtor, fact or Factor.DATE_OF_BIRTH, typed.fact, keys)
    method = None
    for code in filter(None, matched[:1]):
        beside = fact if code.contact_id == opened.link.contact_id else None
        if beside is None or knows:
            code.passed_at = now
            method = _code_method(session, code, beside)
    return _outcome(session, opened, taken, method=method, keys=keys, now=now)


def _code_method(session: Session, code: OneTimeCode, beside: Factor | None) -> str:
    contact = session.get_one(Contact, (code.client_id, code.contact_id))
    return f"code:{contact.channel}" + (f"+{beside.value}" if beside else "")


def _is_code(keys: Keys, code: OneTimeCode | None, digits: str) -> bool:
    code_id, stored = (code.id, code.code_hash) if code else (UUID(int=0), NOT_ON_FILE)
    return same_hash(_code_hash(keys, code_id, digits), stored) and code is not None


def _outcome(
    session: Session,
    opened: OpenedLink,
    taken: Allowed,
    *,
    method: str | None,
    keys: Keys,
    now: datetime,
) -> Outcome:
    if method is not None:
        attempts.forgive(session, keys, _own_marks(opened))
        lock_outs.passed(session, opened.debtor, now=now)
        return Passed(method, taken.made)
    told = {"actor": evidence.SYSTEM, "link": str(opened.link.id), "left": taken.left}
    tell_accounts(session, accounts_of(session, opened.debtor), "identity.failed", told, now)
    lock = None if taken.left else attempts.locked(session, keys, _own_marks(opened), now=now)
    if lock is not None:
        lock_outs.keep(session, opened.debtor, until=lock.until, now=now)
    return NotMatched(taken.left)
