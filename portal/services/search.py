"""One search box for staff: references, names, e-mail addresses and phone numbers.

Every look-up is an equality or the start of a word, so that it reads an index of the client's own
rows. Row-level security keeps the rest out of sight.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from portal.domain.wording import clean_text, search_key
from portal.models import (
    Account,
    Arrangement,
    Client,
    Contact,
    Debtor,
    DebtorWord,
    HelpRequest,
    Payment,
    Proposal,
)
from portal.rules.emails import parse_email
from portal.rules.phones import parse_phone

MOST = 50
MOST_WORDS = 4
FEWEST_DIGITS = 7
_LAST = "\U0010ffff"

_REFERENCED = (
    (Arrangement, "arrangement"),
    (Payment, "payment"),
    (Proposal, "proposal"),
    (HelpRequest, "request"),
)

Key = tuple[UUID, UUID]


@dataclass(frozen=True, slots=True)
class Hit:
    """One account that answers a search, with whose it is.

    ``by`` is what was found: a reference of an account, arrangement, payment, proposal or request,
    else an address or a name.
    """

    account: Account
    debtor: Debtor
    client: Client
    by: str


@dataclass(frozen=True, slots=True)
class Found:
    """What a search came to; ``more`` says that it stopped at ``MOST``."""

    hits: Sequence[Hit]
    more: bool


def search(session: Session, typed: str) -> Found:
    """The accounts that a reference, a name, an address or a number leads to, at most ``MOST``.

    References are those of accounts, arrangements, payments, proposals and help requests. A name
    is found by any of its words or their beginnings, without accents, in any order.
    """
    typed = clean_text(typed)
    if not typed:
        return Found((), False)
    accounts = dict(reversed(list(_by_reference(session, typed))))
    debtors = [] if accounts else list(_debtors(session, typed))
    known = list(accounts)
    wanted = _of_keys(Account.id, known) if known else _of_keys(Account.debtor_id, debtors)
    if wanted is None:
        return Found((), False)
    person = "address" if any(_addresses(typed)) else "name"
    hits = session.execute(_hits(wanted)).all()
    return Found(
        [Hit(*hit, accounts.get((hit[0].client_id, hit[0].id), person)) for hit in hits[:MOST]],
        len(hits) > MOST,
    )


def _hits(wanted: ColumnElement[bool]) -> Select[Account, Debtor, Client]:
    return (
        select(Account, Debtor, Client)
        .join(Debtor, and_(Debtor.client_id == Account.client_id, Debtor.id == Account.debtor_id))
        .join(Client, Client.id == Account.client_id)
        .where(wanted)
        .order_by(Debtor.name_key, Account.reference, Account.id)
        .limit(MOST + 1)
    )


def _of_keys(
    column: InstrumentedAttribute[UUID], keys: Sequence[Key]
) -> ColumnElement[bool] | None:
    return tuple_(Account.client_id, column).in_(keys) if keys else None


def _by_reference(session: Session, typed: str) -> Iterator[tuple[Key, str]]:
    spellings = list(dict.fromkeys((typed, typed.upper())))
    mine = Account.client_id.in_(_clients(session))
    for row in session.execute(
        select(Account.client_id, Account.id).where(mine, Account.reference.in_(spellings))
    ):
        yield (row.client_id, row[1]), "account"
    for table, name in _REFERENCED:
        for row in session.execute(
            select(table.client_id, table.account_id).where(
                table.client_id.in_(_clients(session)), table.reference.in_(spellings)
            )
        ):
            yield (row.client_id, row[1]), name


def _debtors(session: Session, typed: str) -> Iterator[Key]:
    if addresses := list(_addresses(typed)):
        rows = session.execute(
            select(Contact.client_id, Contact.debtor_id)
            .where(Contact.client_id.in_(_clients(session)), Contact.address.in_(addresses))
            .limit(MOST + 1)
        )
        yield from ((row.client_id, row.debtor_id) for row in rows)
    elif words := search_key(typed).split()[:MOST_WORDS]:
        rows = session.execute(_named(session, words))
        yield from ((row.client_id, row.debtor_id) for row in rows)


def _addresses(typed: str) -> Iterator[str]:
    if "@" in typed:
        email = parse_email(typed)
        yield email.address if email else typed
    elif sum(mark.isdigit() for mark in typed) >= FEWEST_DIGITS:
        phone = parse_phone(typed)
        yield phone.e164 if phone else typed


def _named(session: Session, words: Sequence[str]) -> Select[UUID, UUID]:
    """Debtors with a word that begins like each of these; the longest is looked up first."""
    first, *others = sorted(words, key=len, reverse=True)
    query = select(DebtorWord.client_id, DebtorWord.debtor_id).where(
        DebtorWord.client_id.in_(_clients(session)), _begins(DebtorWord.word, first)
    )
    for word in others:
        other = aliased(DebtorWord)
        query = query.join(
            other,
            and_(
                other.client_id == DebtorWord.client_id,
                other.debtor_id == DebtorWord.debtor_id,
                _begins(other.word, word),
            ),
        )
    return query.distinct().limit(MOST + 1)


def _begins(column: InstrumentedAttribute[str], start: str) -> ColumnElement[bool]:
    return and_(column >= start, column < start + _LAST)


def _clients(session: Session) -> tuple[UUID, ...]:
    """The clients that the session may see: named in the query too, before the database's rule."""
    return tuple(session.info["client_ids"])
