"""Counting who opens links, by kind of visitor alone: no address and no name of a browser is kept.

Nothing that a debtor sees or may do depends on it, so a page that is only read may count.
"""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.domain.openings import Opening, opener_of
from portal.domain.statuses import MessageStatus
from portal.models import AccessLink, fresh_id

MOST = 50
"""Openings that are counted of one link."""

_COUNT = text("""
    INSERT INTO link_opening (client_id, id, link_id, at, opener)
    SELECT :client, :id, :link, :at, :opener WHERE (SELECT count(*) FROM link_opening
      WHERE client_id = :client AND link_id = :link) < :most""")
_AROUND = text("""
    SELECT (SELECT count(*) FROM link_opening WHERE client_id = :client AND link_id = :link
        AND at >= CAST(:at AS timestamptz) - INTERVAL '1 second') AS beside,
      m.sent_at, m.status
    FROM (VALUES (1)) one (row) LEFT JOIN message m
      ON m.client_id = :client AND m.dedupe_key = :told""")


def count(session: Session, link: AccessLink, opening: Opening, *, now: datetime) -> None:
    """Count one opening of a link, as long as there are not too many. The caller commits.

    Only where somebody seems to look at the page does it matter what was around it.
    """
    at = now.replace(microsecond=0)
    values = {"client": link.client_id, "link": link.id, "at": at}
    seen = _around(session, link, opening, now, values) if opening.drew else opening
    given = {"id": fresh_id(), "opener": opener_of(seen), "most": MOST}
    session.execute(_COUNT, values | given)


def _around(
    session: Session, link: AccessLink, opening: Opening, now: datetime, values: dict[str, object]
) -> Opening:
    """The opening with how long after its message it came, and what came beside it."""
    found = session.execute(_AROUND, values | {"told": f"link:{link.id}"}).one()
    after_s = int((now - found.sent_at).total_seconds()) if found.sent_at else None
    if found.status == MessageStatus.SENDING:
        after_s = 0
    return replace(opening, after_s=after_s, beside=max(found.beside - 1, 0))
