"""Settlements that a debtor was shown, written down when they come in: kept to their last day.

A page writes nothing. Who passes the identity check may see the offers of that visit's days, so
they are written down then, and again with what is paid towards a balance.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.domain import policy
from portal.domain.kept_offers import Shown
from portal.domain.money import Cents
from portal.domain.offers import Offer
from portal.domain.policy import Policy
from portal.models import Account, ShownOffer
from portal.services import evidence
from portal.services.evidence import Actor
from portal.services.ledger import MONEY, paid_cents
from portal.services.policies import HAS_BEGUN

_MONEY: Final = ", ".join(f"'{kind.value}'" for kind in MONEY)

ROW: Final = f"""
json_build_array(o.key, o.total_cents, o.balance_cents, o.parts, o.valid_until,
  (SELECT -coalesce(sum(e.amount_cents), 0) FROM ledger_entry e
   WHERE e.client_id = o.client_id AND e.account_id = o.account_id
     AND e.kind IN ({_MONEY})) - o.paid_cents,
  (SELECT v.document FROM offer_policy v
   WHERE v.client_id = o.client_id AND v.version = o.policy_version AND v.version <>
     (SELECT max(p.version) FROM offer_policy p
      WHERE p.client_id = o.client_id AND {HAS_BEGUN})))
"""  # noqa: S608
"""A shown offer ``o``: what it asks, what was paid since, and limits that are not in force."""

STANDS: Final = """
greatest(o.valid_until, account.validation_ends_on + 1) >= CAST(:now AS timestamptz)::date - 1
"""
"""Whether a shown offer ``o`` of ``account`` may still stand somewhere, in SQL."""

SHOWN: Final = f"""
SELECT json_agg({ROW}) FROM shown_offer o
WHERE o.client_id = account.client_id AND o.account_id = account.id
  AND {STANDS}
"""  # noqa: S608
"""What the debtor of ``account`` was shown and may still stand somewhere, in SQL."""

_OF_ACCOUNT = text(f"""
SELECT ({SHOWN}) FROM account WHERE account.client_id = :client_id AND account.id = :account_id
""")  # noqa: S608

Row = tuple[str, int, int, int, str, int, str | None]


def shown_of(rows: Iterable[Row] | None, live: Policy | None) -> tuple[Shown, ...]:
    """What ``SHOWN`` found; ``live``: the limits in force, whose documents it leaves out."""
    return tuple(
        Shown(
            policy=limits,
            key=key,
            total_cents=Cents(total),
            balance_cents=Cents(balance),
            parts=parts,
            valid_until=date.fromisoformat(until),
            paid_cents=Cents(paid),
        )
        for key, total, balance, parts, until, paid, document in rows or ()
        if (limits := policy.from_bytes(document) if document else live) is not None
    )


def read_shown(
    session: Session, account: Account, live: Policy | None, now: datetime
) -> tuple[Shown, ...]:
    """What an account's debtor was shown and may still stand, in one SELECT."""
    asked = {"client_id": account.client_id, "account_id": account.id, "now": now}
    return shown_of(session.scalar(_OF_ACCOUNT, asked), live)


def keep_shown(
    session: Session,
    account: Account,
    offers: Sequence[Offer],
    *,
    visit_id: UUID,
    actor: Actor,
    now: datetime,
) -> None:
    """Write down which settlements a debtor can see in a visit; what stands already stays.

    Only what has a last day is a promise. The account is locked, so that its balance and what
    was paid are of one moment. The caller commits.
    """
    about: dict[str, object] = {"client_id": account.client_id, "account_id": account.id}
    about |= {"balance_cents": account.balance_cents}
    about |= {"paid_cents": paid_cents(session, account.id)}
    about |= {"shown_at": now, "session_id": visit_id}
    rows = [{**about, **_row(one)} for one in offers if one.valid_until is not None]
    if not rows:
        return
    written = insert(ShownOffer).values(rows).on_conflict_do_nothing().returning(ShownOffer)
    new = session.scalars(written).all()
    if new:
        told = {"actor": actor, "visit": str(visit_id), "offers": [_told(row) for row in new]}
        evidence.record(
            session,
            client_id=account.client_id,
            chain_id=account.chain_id,
            type="offers.shown",
            payload=told,
            now=now,
        )


def _row(one: Offer) -> dict[str, object]:
    names = ("policy_version", "key", "total_cents", "parts", "valid_until")
    return {name: getattr(one, name) for name in names}


def _told(row: ShownOffer) -> dict[str, object]:
    return {
        "offer_key": row.key,
        "policy_version": row.policy_version,
        "total_cents": row.total_cents,
        "parts": row.parts,
        "valid_until": row.valid_until.isoformat(),
        "balance_cents": row.balance_cents,
        "paid_cents": row.paid_cents,
    }
