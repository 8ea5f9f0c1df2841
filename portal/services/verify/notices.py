"""What the debtor of a plan was told, and when (PY-07, PY-12)."""

from portal.domain.deadlines import PATIENCE
from portal.domain.noticing import (
    EARLIEST,
    LATEST,
    OFTEN,
    TOLD_BY_COPY,
    Notice,
)
from portal.services.pre_debit import CHANGED
from portal.services.satisfaction import FULFILLED, TEMPLATE

# Days are those of the zone that the debtor declared; else of one that is a day off at most, so a
# day more is allowed on each side. A letter that came to nothing because the day had gone by had
# been on the list in its days.
CHECKS: dict[str, str] = {
    "a charge had its notice in its days, or the copy or a weekly schedule told of it (PY-07)": """
        SELECT p.reference || ' of ' || p.created_at || ': nothing told of part ' || i.n
        FROM charge p
        JOIN installment i ON (i.client_id, i.id) = (p.client_id, p.installment_id)
        JOIN arrangement r ON (r.client_id, r.id) = (p.client_id, p.arrangement_id)
        JOIN account a ON (a.client_id, a.id) = (p.client_id, p.account_id)
        JOIN debtor d ON (d.client_id, d.id) = (a.client_id, a.debtor_id)
        CROSS JOIN LATERAL (SELECT coalesce(d.time_zone, 'UTC') AS zone,
          CASE WHEN d.time_zone IS NULL THEN 1 ELSE 0 END AS slack) t
        WHERE coalesce(r.frequency, '') <> ALL(CAST(:often AS text[]))
          AND least(i.due_on, (p.created_at AT TIME ZONE t.zone)::date) - t.slack > :by_copy
            + (greatest(r.accepted_at,
              (SELECT max(z.granted_at) FROM payment_authorization z
                WHERE (z.client_id, z.arrangement_id) = (p.client_id, p.arrangement_id)
                  AND z.granted_at <= p.created_at),
              (SELECT max(CASE WHEN c.channel <> 'letter' THEN c.sent_at
                  WHEN c.status NOT IN ('suppressed', 'failed') OR c.rule = 'out_of_date'
                  THEN c.created_at END) FROM message c
                WHERE (c.client_id, c.account_id) = (a.client_id, a.id) AND c.template = :changed
                  AND c.created_at <= p.created_at)) AT TIME ZONE t.zone)::date
          AND NOT EXISTS (SELECT FROM message m
            CROSS JOIN LATERAL (SELECT (m.context ->> 'due_on')::date AS due_on,
              (CASE WHEN m.channel <> 'letter' THEN m.sent_at
                WHEN m.status NOT IN ('suppressed', 'failed') OR m.rule = 'out_of_date'
                THEN m.created_at END AT TIME ZONE t.zone)::date AS left_on) n
            WHERE (m.client_id, m.debtor_id) = (a.client_id, a.debtor_id)
              AND m.template = :notice AND m.context ->> 'installment' = i.id::text
              AND m.created_at <= p.created_at
              AND (m.context ->> 'cents')::bigint >= p.amount_cents
              AND n.left_on BETWEEN n.due_on - :earliest - t.slack AND n.due_on - :latest + t.slack
              AND n.due_on <= (p.created_at AT TIME ZONE t.zone)::date + t.slack)""",
    "no debit is announced of a part whose bank had asked for its owner (PY-07, PY-09)": """
        SELECT m.template || ' of ' || m.created_at || ': after ' || p.reference FROM message m
        JOIN charge p ON m.context ->> 'installment' = p.installment_id::text
          AND p.status = 'needs_debtor' AND p.settled_at < m.created_at
        WHERE m.client_id = :client AND m.template = :notice
          AND m.status NOT IN ('suppressed', 'failed')
          AND NOT EXISTS (SELECT FROM payment_authorization z
            WHERE (z.client_id, z.arrangement_id) = (p.client_id, p.arrangement_id)
              AND z.method_id <> p.method_id AND z.granted_at <= m.created_at
              AND (z.revoked_at IS NULL OR z.revoked_at >= m.created_at))""",
    "an agreement whose first charge failed is kept a week from then, and from each next try": """
        SELECT r.reference || ' ended ' || r.ended_at FROM arrangement r
        JOIN account a ON (a.client_id, a.id) = (r.client_id, r.account_id)
        JOIN debtor d ON (d.client_id, d.id) = (a.client_id, a.debtor_id)
        CROSS JOIN LATERAL (SELECT coalesce(d.time_zone, 'UTC') AS zone,
          CASE WHEN d.time_zone IS NULL THEN 1 ELSE 0 END AS slack) t
        WHERE r.client_id = :client AND r.status = 'withdrawn' AND r.ended_reason = 'expired'
          AND EXISTS (SELECT FROM charge p JOIN installment i
            ON (i.client_id, i.id) = (p.client_id, p.installment_id)
            WHERE (p.client_id, p.arrangement_id) = (r.client_id, r.id)
              AND p.status IN ('failed', 'needs_debtor')
              AND (r.ended_at AT TIME ZONE t.zone)::date + 2 * t.slack <= :patience + greatest(
                (p.settled_at AT TIME ZONE t.zone)::date, i.next_attempt_on))""",
    "a fulfilled agreement has its letter within twenty working days (PY-12)": """
        SELECT r.reference || ' was fulfilled ' || r.ended_at FROM arrangement r
        WHERE r.client_id = :client AND r.status = 'completed' AND r.ended_reason = :fulfilled
          AND NOT EXISTS (SELECT FROM message m WHERE (m.client_id, m.account_id) =
              (r.client_id, r.account_id) AND m.template = 'plan_completed'
            AND m.context ->> 'completed' = r.id::text
            AND m.created_at <= r.ended_at + INTERVAL '26 days')""",
    "an account that was paid without a plan has its letter (PY-12)": """
        SELECT a.reference || ' was paid ' || e.at FROM account a
        JOIN LATERAL (SELECT l.* FROM ledger_entry l
          WHERE (l.client_id, l.account_id) = (a.client_id, a.id) AND l.kind <> 'forgiven'
          ORDER BY l.at DESC, l.id DESC LIMIT 1) e ON e.kind = 'payment'
        WHERE a.client_id = :client AND a.status IN ('paid', 'settled') AND a.balance_cents = 0
          AND NOT EXISTS (SELECT FROM message m
            WHERE (m.client_id, m.account_id) = (a.client_id, a.id)
              AND m.template IN ('plan_completed', :paid)
              AND m.created_at BETWEEN e.at AND e.at + INTERVAL '26 days')""",
    "an agreement was confirmed in writing within five days (PY-12)": """
        SELECT r.reference || ' of ' || r.accepted_at FROM arrangement r
        WHERE r.client_id = :client AND r.copy_sha256 IS NOT NULL AND NOT EXISTS (
          SELECT FROM message m WHERE (m.client_id, m.account_id) = (r.client_id, r.account_id)
            AND m.template = 'agreement_copy' AND m.context ->> 'arrangement' = r.id::text
            AND m.created_at <= r.accepted_at + INTERVAL '5 days')""",
}

VALUES = {
    "often": [str(one) for one in OFTEN],
    "by_copy": TOLD_BY_COPY,
    "patience": PATIENCE.days,
    "earliest": EARLIEST,
    "latest": LATEST,
    "notice": str(Notice.DEBIT),
    "changed": CHANGED,
    "fulfilled": FULFILLED,
    "paid": TEMPLATE,
}
