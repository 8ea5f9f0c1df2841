"""The words of names and their keys, kept as names come, change and go (decision 0038)."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import psycopg

from portal.domain.likeness import keys_of, spelled

Connection = psycopg.Connection[Any]

# The trigger that forgets a word takes the same lock, so that none is forgotten while it is learnt.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('words:' || %s, 0))"
_KNOWN = "SELECT word FROM word_key WHERE client_id = %s AND key = ANY(%s)"
_LEARN = """
    INSERT INTO word_key (client_id, key, word)
    SELECT %s, key, word FROM unnest(%s::text[], %s::text[]) AS t (key, word)"""


def learn(connection: Connection, client_id: UUID, names: Iterable[str]) -> None:
    """Make the words of names findable by their keys; others wait until the caller commits.

    ``names`` are as `search_key` folds them. Only words that the client has not yet cost anything.
    """
    words = {word for name in names for word in name.split()}
    connection.execute(_LOCK, (str(client_id),))
    asked = (client_id, [spelled(word) for word in words])
    known = {word for (word,) in connection.execute(_KNOWN, asked, prepare=False)}
    pairs = [(key, word) for word in sorted(words - known) for key in sorted(keys_of(word))]
    if pairs:
        keys, spellings = zip(*pairs, strict=True)
        connection.execute(_LEARN, (client_id, list(keys), list(spellings)))
