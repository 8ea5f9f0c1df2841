"""Debtors by their names: what a typed word may stand for, and who has all of them.

Every look-up is an equality in an index of the client's own rows, or the beginning of a word among
the different words of its names, and reads a bounded number of rows (decision 0038).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.domain.likeness import (
    Likeness,
    apart,
    beginning,
    keys_like,
    likeness,
    spelled,
)

MOST_WORDS = 4
MOST_LOOKED_AT = 1_000
"""Of the debtors who share two words of three, or four digits."""
MOST_LIKE, MOST_JUDGED, MOST_TRIED = 40, 200, 400
"""Of the words that one typed word may stand for, of those compared with it, and of pairs."""

Key = tuple[UUID, UUID]
Meant = Mapping[str, Likeness]
"""The words that a typed word may stand for, the surest first."""


@dataclass(frozen=True, slots=True)
class Named:
    """A debtor with a name that was asked for; ``how`` is the least sure of its words."""

    key: Key
    name_key: str
    how: Likeness


# The limits stand in the text: a plan that is kept for any limit expects a tenth of all rows.
_LIKE = text(f"""
    SELECT DISTINCT word FROM word_key
    WHERE client_id = ANY(:clients) AND key = ANY(:keys) LIMIT {MOST_JUDGED}""")  # noqa: S608
_BEGINNING = text(f"""
    SELECT DISTINCT f.word FROM unnest(CAST(:clients AS uuid[])) AS c (id)
    CROSS JOIN LATERAL (SELECT w.word FROM word_key w
      WHERE w.client_id = c.id AND w.key >= :first AND w.key < :last LIMIT {MOST_JUDGED}) f""")  # noqa: S608
_WITH = """
    SELECT c.n, f.client_id, f.debtor_id
    FROM unnest(CAST(:words AS text[])) WITH ORDINALITY AS c (word, n)
    CROSS JOIN LATERAL (SELECT w.client_id, w.debtor_id FROM debtor_word w
      WHERE w.client_id = ANY(:clients) AND w.word = c.word COLLATE "C" LIMIT {most}) f"""
_NAMED = """
    SELECT d.client_id, d.id, d.name_key
    FROM ({found} ORDER BY c.n LIMIT {most}) f
    JOIN debtor d ON d.client_id = f.client_id AND d.id = f.debtor_id ORDER BY f.n"""
_HOW_MANY = "SELECT count(*) FROM ({found} LIMIT {most}) f"


def _of_most(query: str, most: int) -> str:
    return query.format(found=_WITH.format(most=most), most=most)


def find_named(session: Session, words: Sequence[str], *, most: int) -> list[Named]:
    """At most that many debtors who have all these words, the surest first.

    Words are as `search_key` folds them. Who has exactly these words comes before the others.
    """
    exact = [{word: Likeness.EXACT} for word in words]
    found = _having(session, exact, most)
    if len(found) < most:
        found |= _having(session, meant_by(session, words), most) | found
    return sorted(found.values(), key=lambda one: (one.how, one.name_key, one.key))[:most]


def meant_by(session: Session, words: Sequence[str]) -> list[Meant]:
    """What each typed word may stand for, at most ``MOST_LIKE`` words each."""
    return [dict(_meant(session, word)) for word in words]


def _meant(session: Session, typed: str) -> Iterator[tuple[str, Likeness]]:
    clients = list(session.info["client_ids"])
    first, last = beginning(typed)
    begun = session.scalars(_BEGINNING, {"clients": clients, "first": first, "last": last}).all()
    keys = [spelled(typed), *keys_like(typed)]
    near = session.scalars(_LIKE, {"clients": clients, "keys": keys}).all()
    judged = {word: how for word in {*begun, *near} if (how := likeness(typed, word)) is not None}
    nearest = sorted(judged, key=lambda word: (judged[word], apart(typed, word), word))
    yield from ((word, judged[word]) for word in nearest[:MOST_LIKE])


def how_named(name_key: str, meant: Sequence[Meant]) -> Likeness | None:
    """How sure it is that a name is the one asked for; None where a word of it is missing."""
    parts = name_key.split()
    ways = [[one[part] for part in parts if part in one] for one in meant]
    return max((min(way) for way in ways), default=Likeness.EXACT) if all(ways) else None


def _having(session: Session, meant: Sequence[Meant], most: int) -> dict[Key, Named]:
    """Debtors who have a word of each kind; of three kinds, the rarest two are looked up."""
    clients = list(session.info["client_ids"])
    pairs = list(combinations(meant, min(2, len(meant))))
    choices = [_together(pair)[: MOST_TRIED // len(pairs)] for pair in pairs]
    if len(choices) > 1:
        most = MOST_LOOKED_AT
        count = text(_of_most(_HOW_MANY, most))
        asked = [{"clients": clients, "words": words} for words in choices]
        counts = [session.scalar(count, one) for one in asked]
        choices = [choices[counts.index(min(counts))]]
    named = text(_of_most(_NAMED, most))
    rows = session.execute(named, {"clients": clients, "words": choices[0]}).all()
    ways = [((client_id, id_), name, how_named(name, meant)) for client_id, id_, name in rows]
    return {key: Named(key, name, how) for key, name, how in ways if how is not None}


def _together(meant: Sequence[Meant]) -> list[str]:
    """The words, or the pairs of words, that these may stand for: the surest first."""
    tried = sorted(product(*(one.items() for one in meant)), key=_sureness)
    return list(dict.fromkeys(" ".join(sorted(word for word, _ in pair)) for pair in tried))


def _sureness(pair: Sequence[tuple[str, Likeness]]) -> tuple[int, int]:
    ways = [how for _, how in pair]
    return max(ways), sum(ways)
