"""Messages of campaigns against the lists under the campaigns' leaves, both ways (RT-02)."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.db import psycopg_connection
from portal.gateways.vault import Unreadable
from portal.services.sealing import Opener

LISTED = "a message of a campaign stands in the list of a leaf of that campaign (RT-02)"

_LINE = re.compile(r" message (\S+) (?:link |letter$)", re.MULTILINE)
_TABLE = """
    DROP TABLE IF EXISTS pg_temp.listed;
    CREATE TEMP TABLE listed (campaign_id uuid, message_id uuid) ON COMMIT DROP"""
_LISTS = text("""
    SELECT s.told ->> 'campaign' AS campaign, d.chain_id, d.key_id, d.sealed, k.master,
      k.sealed AS wrapped
    FROM said s CROSS JOIN LATERAL jsonb_path_query(s.told, '$.documents[*].sha256') h (hex)
    JOIN document d ON d.client_id = :client AND d.chain_id = s.chain_id
      AND d.sha256 = decode(h.hex #>> '{}', 'hex')
    JOIN chain_key k ON (k.client_id, k.id) = (d.client_id, d.key_id)
    WHERE s.type = 'campaign.sent'""")
_COPY = "COPY pg_temp.listed (campaign_id, message_id) FROM STDIN"
_UNLISTED = text("""
    SELECT coalesce(m.template || ' ' || m.id, 'no message ' || l.message_id)
    FROM (SELECT * FROM public.message
      WHERE client_id = :client AND campaign_id IS NOT NULL) m
    FULL JOIN listed l ON (l.campaign_id, l.message_id) = (m.campaign_id, m.id)
    WHERE m.id IS NULL AND EXISTS (SELECT FROM campaign c
        WHERE c.client_id = :client AND c.id = l.campaign_id)
      OR l.message_id IS NULL""")


def unlisted(session: Session, client_id: UUID) -> Iterator[str]:
    """Messages that are on no list of their campaign, and listed ones that are not there.

    `look` opened the leaves before; the lists are read in a stream.
    """
    session.connection().exec_driver_sql(_TABLE)
    values = {"client": client_id}
    opener = Opener()
    lists = session.execute(_LISTS, values, execution_options={"yield_per": 10})
    for some in lists.partitions(10):
        _keep(session, some, opener)
    yield from session.scalars(_UNLISTED, values)


def _keep(session: Session, rows: Any, opener: Opener) -> None:
    with psycopg_connection(session).cursor() as cursor, cursor.copy(_COPY) as copy:
        for row in rows:
            for message in _messages(row, opener):
                copy.write_row((row.campaign, message))


def _messages(row: Any, opener: Opener) -> list[str]:
    """The messages that a list names; none where it cannot be opened, which its own check says."""
    try:
        body = opener.open(row)
    except Unreadable:
        body = None
    return _LINE.findall(body.decode()) if body else []
