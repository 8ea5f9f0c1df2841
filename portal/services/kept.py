"""Which earlier versions of a client's limits still bind an account: those its debtor was shown.

A page writes nothing, so what was shown is known by who came: an offer of a version stands for a
debtor who passed the identity check while that version was in force.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.domain import policy
from portal.domain.kept_offers import Kept
from portal.models import Account, Debtor
from portal.services.policies import STARTS
from portal.services.standing import today_of

LONGEST: Final = timedelta(days=400)
"""Longer than any offer stands: a year, and a validation period."""

KEPT: Final = f"""
SELECT json_agg(json_build_array(v.document, v.seen_at)) FROM (
  SELECT p.document, (
    SELECT max(least(coalesce(s.ended_at, s.expires_at), later.starts_at)) FROM debtor_session s
    WHERE s.client_id = account.client_id AND s.debtor_id = account.debtor_id
      AND s.started_at < later.starts_at AND coalesce(s.ended_at, s.expires_at) > {STARTS}
  ) AS seen_at
  FROM offer_policy p CROSS JOIN LATERAL (
    SELECT min(coalesce(w.live_from, w.published_at)) AS starts_at FROM offer_policy w
    WHERE w.client_id = p.client_id AND w.version > p.version
  ) later
  WHERE p.client_id = account.client_id
    AND later.starts_at > {STARTS} AND later.starts_at <= :now
    AND later.starts_at > :now - make_interval(days => {LONGEST.days})
) v WHERE v.seen_at IS NOT NULL
"""  # noqa: S608
"""Earlier versions of the client of ``account``, each with when its debtor last saw it, in SQL."""

_OF_ACCOUNT = text(f"""
SELECT ({KEPT}) FROM account WHERE account.client_id = :client_id AND account.id = :account_id
""")  # noqa: S608

Row = tuple[str, str]


def kept_of(rows: Iterable[Row] | None, debtor: Debtor) -> tuple[Kept, ...]:
    """What ``KEPT`` found, with days in the debtor's own calendar."""
    return tuple(
        Kept(policy.from_bytes(document), today_of(debtor, datetime.fromisoformat(seen_at)))
        for document, seen_at in rows or ()
    )


def read_kept(
    session: Session, account: Account, debtor: Debtor, now: datetime
) -> tuple[Kept, ...]:
    """The earlier versions that still bind an account, in one SELECT."""
    asked = {"client_id": account.client_id, "account_id": account.id, "now": now}
    return kept_of(session.scalar(_OF_ACCOUNT, asked), debtor)
