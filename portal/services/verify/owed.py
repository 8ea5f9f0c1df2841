"""What is owed is what the record says: ledger entries that are no money, against their leaves."""

from portal.services.ledger import LEAVES
from portal.services.openings import OF_BEFORE, TYPE, stated

_TYPES = ", ".join(f"'{type}'" for type in LEAVES.values())
_KINDS = ", ".join(f"('{kind}', '{type}')" for kind, type in LEAVES.items())
_PLACED = "l.on_record AND l.source LIKE 'placement:%'"
_OF_FILES = stated(
    f"""{_PLACED} AND (:whole OR l.source IN (
          SELECT 'placement:' || (s.told ->> 'placement') FROM said s
          WHERE s.type LIKE 'placement.%'))""",  # noqa: S608
    "l.source",
)

CHECKS: dict[str, str] = {
    "an entry that says what is owed is on the record as it stands": f"""
        SELECT a.reference || ': ' || l.kind || ' ' || l.source FROM ledger_entry l
        JOIN account a ON (a.client_id, a.id) = (l.client_id, l.account_id)
        LEFT JOIN (VALUES {_KINDS}) AS v (kind, type) ON v.kind = l.kind
        LEFT JOIN said s ON s.type IN ({_TYPES}) AND s.chain_id = a.chain_id
          AND s.told ->> 'entry' = CAST(l.id AS text)
        WHERE l.client_id = :client AND l.on_record AND NOT ({_PLACED})
          AND (v.type, l.kind, l.source, CAST(l.amount_cents AS text), a.currency,
            to_char(date_trunc('milliseconds', l.at AT TIME ZONE 'UTC'),
              'YYYY-MM-DD"T"HH24\\:MI\\:SS.MS"Z"'))
          IS DISTINCT FROM (s.type, s.told ->> 'kind', s.told ->> 'source',
            s.told ->> 'amount_cents', s.told ->> 'currency', s.told ->> 'effective_at')""",  # noqa: S608
    "what the record says is owed stands in the ledger": f"""
        SELECT 'leaf ' || s.n || ' of ' || s.chain_id || ': ' || s.type FROM said s
        LEFT JOIN public.ledger_entry l
          ON l.client_id = :client AND l.on_record AND l.id = CASE
            WHEN pg_input_is_valid(s.told ->> 'entry', 'uuid')
            THEN CAST(s.told ->> 'entry' AS uuid) END
        LEFT JOIN public.account a ON (a.client_id, a.id) = (l.client_id, l.account_id)
        WHERE s.type IN ({_TYPES}) AND a.chain_id IS DISTINCT FROM s.chain_id""",  # noqa: S608
    "the entries of a placement are those that its leaf states": f"""
        SELECT coalesce(t.source, s.source) || ': ' || coalesce(t.entries, 0) || ' entries, stated'
          || ' were ' || coalesce(s.entries, '0')
        FROM ({_OF_FILES}) t
        FULL JOIN (SELECT 'placement:' || (o.told ->> 'placement') AS source,
            o.told ->> 'entries' AS entries, o.told ->> 'entries_sha256' AS sha256
          FROM said o JOIN client c ON (c.id, c.chain_id) = (:client, o.chain_id)
          WHERE o.type LIKE 'placement.%' AND o.told ? 'entries_sha256') s ON s.source = t.source
        LEFT JOIN public.placement p ON p.client_id = :client
          AND 'placement:' || p.id = t.source
        WHERE p.status IS DISTINCT FROM 'started'
          AND (CAST(t.entries AS text), t.sha256) IS DISTINCT FROM (s.entries, s.sha256)""",  # noqa: S608
    "the entries without a leaf of their own are those that the record stated once": f"""
        SELECT coalesce(t.entries, 0) || ' entries, stated were ' || (s.told ->> 'entries')
        FROM (SELECT o.told FROM said o JOIN client c
          ON (c.id, c.chain_id) = (:client, o.chain_id)
          WHERE o.type = '{TYPE}' ORDER BY o.n LIMIT 1) s
        LEFT JOIN ({OF_BEFORE}) t ON true
        WHERE :whole AND (coalesce(CAST(t.entries AS text), '0'), t.sha256) IS DISTINCT FROM
          (s.told ->> 'entries', s.told ->> 'entries_sha256')""",  # noqa: S608
}
"""Ledger entries that say what is owed are in a leaf: of their own, or of the file they came in."""
