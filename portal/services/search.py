"""One search box for staff: references, names, addresses, phone numbers and last four digits.

Every look-up reads an index of the client's own rows, and a bounded number of them. Row-level
security keeps the rest out of sight.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import ARRAY, Select, Uuid, and_, func, literal, select, tuple_, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session

from portal.domain.codes import spellings
from portal.domain.identity import Factor, keyed_hash
from portal.domain.keys import Keys
from portal.domain.likeness import Likeness
from portal.domain.wording import clean_text, search_key
from portal.models import (
    Account,
    Arrangement,
    Client,
    Contact,
    Debtor,
    HelpRequest,
    Payment,
    Proposal,
)
from portal.rules.emails import parse_email
from portal.rules.phones import parse_phone
from portal.services.names import (
    MOST_LOOKED_AT,
    MOST_WORDS,
    Key,
    find_named,
    how_named,
    meant_by,
)

MOST = 50
LONGEST = 200
"""Letters of what was typed that are looked at."""
FEWEST_DIGITS = 7
"""Of a phone number."""

_REFERENCED = {
    "account": (Account.client_id, Account.id, Account.reference),
    **{
        name: (table.client_id, table.account_id, table.reference)
        for name, table in (
            ("arrangement", Arrangement),
            ("payment", Payment),
            ("proposal", Proposal),
            ("request", HelpRequest),
        )
    },
}
_CERTAIN = {"address", *_REFERENCED}


@dataclass(frozen=True, slots=True)
class Hit:
    """One account that answers a search, with whose it is; ``by`` is of `likeness.FOUND_BY`."""

    account: Account
    debtor: Debtor
    client: Client
    by: str


@dataclass(frozen=True, slots=True)
class Found:
    """What a search came to; ``more`` says that it stopped at ``MOST``.

    ``shared``: nothing but four digits was typed, which many people have.
    """

    hits: Sequence[Hit]
    more: bool = False
    shared: bool = False

    @property
    def only(self) -> Account | None:
        """The account that a reference or an address leads to alone; a name never does."""
        certain = len(self.hits) == 1 and self.hits[0].by in _CERTAIN
        return self.hits[0].account if certain else None


def search(session: Session, typed: str, *, keys: Keys) -> Found:
    """The accounts that a reference, a name, an address or digits lead to, at most ``MOST``.

    References are those of accounts, arrangements, payments, proposals and help requests. A name
    is found by any of its words or their beginnings, without accents, in any order, by words that
    sound alike and with one letter wrong; the surest come first.
    """
    typed = clean_text(typed[:LONGEST])
    if not typed:
        return Found(())
    if accounts := _by_reference(session, typed):
        return _found(session, Account.id, accounts)
    if addresses := list(_addresses(typed)):
        return _found(session, Account.debtor_id, _by_address(session, addresses))
    words = list(dict.fromkeys(search_key(typed).split()))[:MOST_WORDS]
    fours = [word for word in words if len(word) == 4 and word.isascii() and word.isdecimal()]
    if len(fours) == 1:
        words.remove(fours[0])
        return _by_last_four(session, fours[0], words, keys)
    named = find_named(session, words, most=MOST + 1) if words else []
    return _found(session, Account.debtor_id, {one.key: _name(one.how) for one in named})


def _found(
    session: Session,
    column: InstrumentedAttribute[UUID],
    by: Mapping[Key, str],
    *,
    more: bool = False,
) -> Found:
    """The accounts of these keys, in the order of the keys."""
    if not by:
        return Found((), more)
    rows = session.execute(_hits(column, list(by)[: MOST + 1])).all()
    hits = [Hit(*row, by[row[0].client_id, getattr(row[0], column.key)]) for row in rows]
    return Found(hits[:MOST], more or len(hits) > MOST or len(by) > MOST)


def _hits(
    column: InstrumentedAttribute[UUID], keys: Sequence[Key]
) -> Select[Account, Debtor, Client]:
    wanted = func.unnest(*(literal(list(ids), ARRAY(Uuid)) for ids in zip(*keys, strict=True)))
    key = wanted.table_valued("client_id", "id", with_ordinality="n").render_derived(name="wanted")
    return (
        select(Account, Debtor, Client)
        .join(key, and_(Account.client_id == key.c.client_id, column == key.c.id))
        .join(Debtor, and_(Debtor.client_id == Account.client_id, Debtor.id == Account.debtor_id))
        .join(Client, Client.id == Account.client_id)
        .order_by(key.c.n, Account.reference)
        .limit(MOST + 1)
    )


def _by_reference(session: Session, typed: str) -> dict[Key, str]:
    mine, written = _clients(session), spellings(typed)
    asked = (
        select(client_id, account_id, literal(name)).where(
            client_id.in_(mine), reference.in_(written)
        )
        for name, (client_id, account_id, reference) in _REFERENCED.items()
    )
    rows = session.execute(union_all(*asked))
    return {(client_id, account_id): name for client_id, account_id, name in rows}


def _addresses(typed: str) -> Iterator[str]:
    if "@" in typed:
        email = parse_email(typed)
        yield email.address if email else typed
    elif sum(mark.isdigit() for mark in typed) >= FEWEST_DIGITS:
        phone = parse_phone(typed)
        yield phone.e164 if phone else typed


def _by_address(session: Session, addresses: Sequence[str]) -> dict[Key, str]:
    rows = session.execute(
        select(Contact.client_id, Contact.debtor_id)
        .where(Contact.client_id.in_(_clients(session)), Contact.address.in_(addresses))
        .limit(MOST + 1)
    )
    return {(row.client_id, row.debtor_id): "address" for row in rows}


def _by_last_four(session: Session, digits: str, words: Sequence[str], keys: Keys) -> Found:
    """Debtors with these last four digits and all these words, the surest first."""
    hashes = [
        (client_id, keyed_hash(keys.pepper, client_id, Factor.LAST_FOUR, digits))
        for client_id in _clients(session)
    ]
    most = MOST_LOOKED_AT if words else MOST + 1
    rows = session.execute(
        select(Debtor.client_id, Debtor.id, Debtor.name_key)
        .where(tuple_(Debtor.client_id, Debtor.last_four_hash).in_(hashes))
        .order_by(Debtor.id)
        .limit(most)
    ).all()
    meant = meant_by(session, words) if rows else []
    ways = [(how_named(row.name_key, meant), row) for row in rows]
    likely = sorted((how, row.name_key, row) for how, row in ways if how is not None)
    by = {(row.client_id, row.id): _name(how) if words else "last_four" for how, _, row in likely}
    found = _found(session, Account.debtor_id, by, more=len(rows) == most)
    return replace(found, shared=not words and len(found.hits) > 1)


def _name(how: Likeness) -> str:
    return how.name.lower()


def _clients(session: Session) -> tuple[UUID, ...]:
    """The clients that the session may see: named in the query too, before the database's rule."""
    return tuple(session.info["client_ids"])
