"""The invariants of money and evidence, checked over a client's rows: for operators and tests."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from portal.db import set_tenant
from portal.domain import evidence as bytes_of
from portal.models import Chain, Document, Leaf, LeafPayload

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Broken:
    """One invariant that does not hold, and where."""

    invariant: str
    where: str


# Each query names the rows that break its invariant (design: invariants 1 to 5).
CHECKS: dict[str, str] = {
    "a balance is the sum of its ledger": """
        SELECT a.reference || ': balance ' || a.balance_cents || ', ledger '
          || coalesce(sum(l.amount_cents), 0)
        FROM account a LEFT JOIN ledger_entry l ON (l.client_id, l.account_id) = (a.client_id, a.id)
        WHERE a.client_id = :client GROUP BY a.client_id, a.id
        HAVING a.balance_cents <> coalesce(sum(l.amount_cents), 0)""",
    "a succeeded payment stands in the ledger once, and no other does": """
        SELECT p.reference || ' is ' || p.status || ' with ' || count(l.id) || ' entries'
        FROM payment p LEFT JOIN ledger_entry l ON l.client_id = p.client_id
          AND l.account_id = p.account_id AND l.kind = 'payment' AND l.source = 'payment:' || p.id
          AND l.amount_cents = -p.amount_cents
        WHERE p.client_id = :client AND p.purpose <> 'method' GROUP BY p.client_id, p.id
        HAVING count(l.id) <> CASE WHEN p.status = 'succeeded' THEN 1 ELSE 0 END""",
    "a payment entry has its payment": """
        SELECT l.source FROM ledger_entry l WHERE l.client_id = :client AND l.kind = 'payment'
          AND NOT EXISTS (SELECT FROM payment p WHERE p.client_id = l.client_id
            AND 'payment:' || p.id = l.source AND p.account_id = l.account_id)""",
    "money that moved names its payment": """
        SELECT l.source FROM ledger_entry l WHERE l.client_id = :client AND l.kind IN ('payment',
          'refund', 'refund_failed', 'chargeback', 'chargeback_reversed')
          AND NOT EXISTS (SELECT FROM payment p WHERE (p.client_id, p.id, p.account_id) =
            (l.client_id, l.payment_id, l.account_id))""",
    "the allocations of a payment sum to it": """
        SELECT p.reference || ': ' || coalesce(sum(x.amount_cents), 0) || ' of ' || p.amount_cents
        FROM payment p LEFT JOIN payment_allocation x
          ON (x.client_id, x.payment_id) = (p.client_id, p.id)
        WHERE p.client_id = :client AND p.status = 'succeeded' AND p.purpose <> 'method'
          AND NOT EXISTS (SELECT FROM refund r
            WHERE (r.client_id, r.payment_id) = (p.client_id, p.id)
              AND r.cause = 'charged_after_stop')
        GROUP BY p.client_id, p.id HAVING coalesce(sum(x.amount_cents), 0) <> p.amount_cents""",
    "installments sum to their arrangement": """
        SELECT r.reference || ': ' || sum(i.amount_cents) || ' of ' || r.total_cents
        FROM arrangement r JOIN installment i
          ON (i.client_id, i.arrangement_id) = (r.client_id, r.id)
        WHERE r.client_id = :client GROUP BY r.client_id, r.id
        HAVING CASE WHEN r.status IN ('withdrawn', 'canceled')
          THEN sum(i.amount_cents) < r.total_cents
          ELSE sum(i.amount_cents) FILTER (WHERE i.status <> 'canceled' OR i.paid_cents > 0)
            IS DISTINCT FROM r.total_cents END""",
    "what an installment got is what was allocated to it": """
        SELECT r.reference || ' part ' || i.n || ': ' || i.paid_cents
        FROM installment i JOIN arrangement r
          ON (r.client_id, r.id) = (i.client_id, i.arrangement_id)
        LEFT JOIN payment_allocation x ON (x.client_id, x.installment_id) = (i.client_id, i.id)
        WHERE i.client_id = :client GROUP BY r.reference, i.client_id, i.id
        HAVING i.paid_cents <> coalesce(sum(x.amount_cents), 0)""",
    "an arrangement collects no more than was agreed": """
        SELECT r.reference FROM arrangement r JOIN installment i
          ON (i.client_id, i.arrangement_id) = (r.client_id, r.id)
        WHERE r.client_id = :client GROUP BY r.client_id, r.id
        HAVING sum(i.paid_cents) > r.total_cents""",
    "no acceptance without its leaf, no leaf without its arrangement": """
        SELECT coalesce(r.reference, 'leaf ' || l.n || ' of ' || l.chain_id)
        FROM (SELECT * FROM arrangement WHERE client_id = :client) r
        FULL JOIN (SELECT f.*, (y.payload::jsonb ->> 'arrangement')::uuid AS arrangement_id
          FROM leaf f LEFT JOIN leaf_payload y USING (client_id, chain_id, n)
          WHERE f.client_id = :client AND f.type = 'acceptance' AND y.payload IS NOT NULL) l
          ON l.arrangement_id = r.id
        WHERE r.id IS NULL OR l.n IS NULL""",
    "no off-session charge before a permission was granted and its copy left (PY-05)": """
        SELECT p.reference FROM payment p
        WHERE p.client_id = :client AND p.purpose = 'installment' AND p.checkout_id IS NULL
          AND p.intent_id IS NOT NULL AND NOT EXISTS (SELECT FROM payment_authorization z
            WHERE z.client_id = p.client_id AND z.arrangement_id = p.arrangement_id
              AND z.granted_at <= p.created_at AND z.copied_at <= p.created_at)""",
    "somebody else pays once, and no more than they were asked for": """
        SELECT k.reference FROM payer_link k JOIN payment p
          ON (p.client_id, p.payer_link_id) = (k.client_id, k.id)
        WHERE k.client_id = :client GROUP BY k.client_id, k.id
        HAVING count(*) FILTER (WHERE p.status = 'succeeded') > 1
          OR max(p.amount_cents) > k.amount_cents
          OR bool_or(p.account_id <> k.account_id OR p.purpose <> 'one_off')""",
    "a refund stands in the ledger as Stripe has it": """
        SELECT coalesce(r.refund_id, r.id::text) || ' is ' || r.status
        FROM refund r WHERE r.client_id = :client AND r.refund_id IS NOT NULL
          AND r.status IN ('pending', 'requires_action', 'succeeded')
          AND NOT EXISTS (SELECT FROM ledger_entry l WHERE l.client_id = r.client_id
            AND l.kind = 'refund' AND l.source = 'refund:' || r.refund_id
            AND l.amount_cents = r.amount_cents)""",
    "a settlement forgives while all that was agreed is here, and no longer": """
        SELECT r.reference || ': ' || coalesce(sum(g.lost), 0) || ' lost, '
          || f.cents || ' forgiven'
        FROM arrangement r
        JOIN LATERAL (SELECT sum(l.amount_cents) AS cents, count(l.id) AS entries
          FROM ledger_entry l WHERE (l.client_id, l.account_id) = (r.client_id, r.account_id)
            AND l.kind IN ('forgiven', 'forgiveness_reversed')
            AND starts_with(l.source, 'arrangement:' || r.id)) f ON f.entries > 0
        LEFT JOIN LATERAL (SELECT greatest(sum(x.amount_cents) - p.amount_cents
            + coalesce((SELECT sum(l.amount_cents) FROM ledger_entry l
                WHERE (l.client_id, l.account_id, l.payment_id) =
                    (p.client_id, p.account_id, p.id) AND l.kind <> 'payment'
                  AND NOT EXISTS (SELECT FROM refund b WHERE b.client_id = l.client_id
                    AND b.cause = 'paid_too_much' AND 'refund:' || b.refund_id = l.source)), 0),
            0) AS lost
          FROM installment i
          JOIN payment_allocation x ON (x.client_id, x.installment_id) = (i.client_id, i.id)
          JOIN payment p ON (p.client_id, p.id) = (x.client_id, x.payment_id)
          WHERE (i.client_id, i.arrangement_id) = (r.client_id, r.id)
          GROUP BY p.client_id, p.id) g ON true
        WHERE r.client_id = :client GROUP BY r.client_id, r.id, f.cents
        HAVING r.kind <> 'settlement' OR f.cents > 0
          OR (r.status = 'completed') <> (coalesce(sum(g.lost), 0) = 0)
          OR (r.status <> 'completed' AND f.cents <> 0)""",
    "what is forgiven belongs to a settlement of the account": """
        SELECT a.reference || ': ' || l.source FROM ledger_entry l
        JOIN account a ON (a.client_id, a.id) = (l.client_id, l.account_id)
        WHERE l.client_id = :client AND l.kind IN ('forgiven', 'forgiveness_reversed')
          AND NOT EXISTS (SELECT FROM arrangement r
            WHERE (r.client_id, r.account_id) = (l.client_id, l.account_id)
              AND starts_with(l.source, 'arrangement:' || r.id))""",
    "what was paid too much is on its way back, or one question says why not": """
        SELECT a.reference || ': ' || a.balance_cents FROM account a
        WHERE a.client_id = :client AND a.balance_cents < 0
          AND -a.balance_cents > (SELECT coalesce(sum(r.amount_cents), 0) FROM refund r
            JOIN payment p ON (p.client_id, p.id) = (r.client_id, r.payment_id)
            WHERE p.client_id = a.client_id AND p.account_id = a.id AND r.status = 'wanted')
          AND NOT EXISTS (SELECT FROM money_exception e WHERE e.client_id = a.client_id
            AND e.account_id = a.id AND e.resolved_at IS NULL
            AND e.kind IN ('paid_too_much', 'refund_refused', 'refund_to_review'))""",
    "an itemization sums to what was placed (VN-02)": """
        SELECT a.reference FROM account a WHERE a.client_id = :client AND a.itemized_cents <> (
          SELECT l.amount_cents FROM ledger_entry l WHERE (l.client_id, l.account_id) =
            (a.client_id, a.id) AND l.kind = 'placed' ORDER BY l.at, l.id LIMIT 1)""",
    "a placement counts what became of its rows": """
        SELECT p.file_name || ' of ' || p.started_at || ': ' || p.rows
        FROM placement p LEFT JOIN placement_row r
          ON (r.client_id, r.placement_id) = (p.client_id, p.id)
        WHERE p.client_id = :client GROUP BY p.client_id, p.id
        HAVING count(r.line) > 0 AND (p.rows <> count(r.line)
          OR p.rows <> p.landed + p.updated + p.unchanged + p.refused
          OR p.refused <> count(*) FILTER (WHERE r.outcome = 'refused'))""",
    "nothing goes to an address after it was stopped (CT-08)": """
        SELECT m.template || ' ' || m.id FROM message m JOIN contact_stop s
          ON (s.client_id, s.channel, s.address) = (m.client_id, m.channel, m.address)
        WHERE m.client_id = :client AND m.sent_at > s.stopped_at
          AND (s.lifted_at IS NULL OR m.sent_at < s.lifted_at)
          AND NOT (s.kind = 'opted_out' AND m.asked_for
            AND m.template IN ('new_link', 'one_time_code'))""",
    "nobody is written to first more than three times in seven days (CT-05)": """
        SELECT n.debtor_id::text FROM (SELECT m.debtor_id, m.asked_for, count(*) OVER (
            PARTITION BY m.debtor_id ORDER BY m.sent_at
            RANGE BETWEEN INTERVAL '167:59:59' PRECEDING AND CURRENT ROW) AS contacts
          FROM message m WHERE m.client_id = :client AND m.sent_at IS NOT NULL
            AND m.template IN ('link', 'abandoned_checkout')) n
        WHERE n.contacts > 3 AND NOT n.asked_for""",
    "a message that left has its leaf (RT-02)": """
        SELECT m.template || ' ' || m.id FROM message m
        LEFT JOIN (SELECT DISTINCT (y.payload::jsonb ->> 'message')::uuid AS id
          FROM leaf f JOIN leaf_payload y USING (client_id, chain_id, n)
          WHERE f.client_id = :client
            AND f.type IN ('message.sent', 'message.suppressed')) l ON l.id = m.id
        WHERE m.client_id = :client AND m.status IN ('sent', 'delivered', 'suppressed')
          AND l.id IS NULL""",
    "the head of a chain is its newest leaf": """
        SELECT c.id::text FROM chain c WHERE c.client_id = :client AND NOT EXISTS (
          SELECT FROM leaf f WHERE (f.client_id, f.chain_id, f.n, f.hash)
            = (c.client_id, c.id, c.n, c.hash))""",
}


def verify_client(session: Session, client_id: UUID) -> Iterator[Broken]:
    """Every invariant of one client that does not hold; reads only.

    At most twenty places are named for each.
    """
    set_tenant(session, client_id)
    for invariant, query in CHECKS.items():
        found = session.execute(text(f"{query} LIMIT {SHOWN}"), {"client": client_id})
        yield from (Broken(invariant, str(row[0])) for row in found)
    yield from _chains(session, client_id)
    yield from _payloads(session, client_id)
    yield from _documents(session, client_id)


def _chains(session: Session, client_id: UUID) -> Iterator[Broken]:
    for chain_id in session.scalars(select(Chain.id).where(Chain.client_id == client_id)).all():
        bodies = session.scalars(
            select(Leaf.body)
            .where(Leaf.client_id == client_id, Leaf.chain_id == chain_id)
            .order_by(Leaf.n)
        )
        try:
            bytes_of.verify_chain(body.encode() for body in bodies)
        except bytes_of.ChainBroken as broken:
            yield Broken(
                "a chain of leaves is whole",
                f"{chain_id}: leaf {broken.params['n']}: {broken.params['why']}",
            )


def _payloads(session: Session, client_id: UUID) -> Iterator[Broken]:
    rows = session.execute(
        select(Leaf.chain_id, Leaf.n, Leaf.body, LeafPayload.salt, LeafPayload.payload)
        .join(
            LeafPayload,
            (LeafPayload.client_id == Leaf.client_id)
            & (LeafPayload.chain_id == Leaf.chain_id)
            & (LeafPayload.n == Leaf.n),
        )
        .where(Leaf.client_id == client_id)
        .execution_options(yield_per=1000)
    )
    for row in rows:
        commit = bytes_of.parse_leaf(row.body.encode()).commit
        if bytes_of.commitment(bytes(row.salt), row.payload.encode()) != commit:
            yield Broken("a leaf commits to its payload", f"leaf {row.n} of {row.chain_id}")


def _documents(session: Session, client_id: UUID) -> Iterator[Broken]:
    rows = session.execute(
        select(Document.sha256, Document.body)
        .where(Document.client_id == client_id)
        .execution_options(yield_per=200)
    )
    for digest, body in rows:
        if sha256(body).digest() != bytes(digest):
            yield Broken("a document is what its hash says", bytes(digest).hex())
