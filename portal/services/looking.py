"""Staff look at a debtor's pages as the debtor sees them: read-only, and on the record.

Nothing here is a visit: no link is opened, no answer is counted, and no row stands for it.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.db import Reading
from portal.models import Account, Staff
from portal.services import evidence
from portal.services.visits import Visit

LOOKED = "staff.looked"
ONE_LOOK = timedelta(minutes=15)
"""Within this time a page that is looked at again is one look."""


def look(session: Session, account: Account, page: str, *, staff: Staff, now: datetime) -> bool:
    """Write down that a member of staff looks at a page of the debtor's; the caller commits.

    False where the same page was written down a moment ago.
    """
    actor = evidence.staff(staff.id)
    for leaf in evidence.newest_of(session, account, (LOOKED,)):
        if leaf.at + ONE_LOOK <= now:
            break
        if leaf.payload.get("actor") == actor and leaf.payload.get("page") == page:
            return False
    evidence.record(
        session,
        client_id=account.client_id,
        chain_id=account.chain_id,
        type=LOOKED,
        payload={"actor": actor, "page": page},
        now=now,
    )
    return True


def only_read(session: Session) -> None:
    """Let the database refuse whatever the rest of the transaction would write."""
    session.execute(text("SET TRANSACTION READ ONLY"))


def reader(account: Account, *, locale: str, now: datetime) -> Visit:
    """The account's debtor as whoever reads a page; there is no such visit, so nothing finds it."""
    return Visit(
        client_id=account.client_id,
        debtor_id=account.debtor_id,
        session_id=account.id,
        link_id=account.id,
        identity_method="preview",
        ip="",
        user_agent="",
        locale=locale,
        started_at=now,
    )


def read_as(
    read: Reading, visit: Visit, beside: str, wanted: Mapping[str, object]
) -> tuple[Any, ...]:
    """What a page reads beside a visit, for a reader who has none; scoped to their client."""
    whose = {"client_id_of": visit.client_id, "debtor_id_of": visit.debtor_id}
    row = read(_together(beside), {**whose, **wanted})
    return tuple(row or ())


@lru_cache(16)
def _together(beside: str) -> str:
    """One statement in which PostgreSQL can read the page's rows only after the reader's scope."""
    return f"""
        SELECT beside.* FROM (
          SELECT CAST(%(client_id_of)s AS uuid) AS client_id,
            CAST(%(debtor_id_of)s AS uuid) AS debtor_id,
            set_config('app.client_ids', '{{' || CAST(%(client_id_of)s AS text) || '}}', true)
              AS scope
          OFFSET 0) AS visit
        LEFT JOIN LATERAL ({beside} OFFSET 0) AS beside ON visit.scope IS NOT NULL
    """  # noqa: S608
