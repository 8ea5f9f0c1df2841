"""Balances, payments, refunds, settlements and placements add up (invariants 1, 2, 3 and 5)."""

CHECKS: dict[str, str] = {
    "a balance is the sum of its ledger": """
        SELECT a.reference || ': balance ' || a.balance_cents || ', ledger '
          || coalesce(sum(l.amount_cents), 0)
        FROM account a LEFT JOIN ledger_entry l ON (l.client_id, l.account_id) = (a.client_id, a.id)
        WHERE a.client_id = :client GROUP BY a.id, a.reference, a.balance_cents
        HAVING a.balance_cents <> coalesce(sum(l.amount_cents), 0)""",
    "a succeeded payment stands in the ledger once, and no other does": """
        SELECT p.reference || ' is ' || p.status || ' with ' || count(l.id) || ' entries'
        FROM payment p LEFT JOIN ledger_entry l ON l.client_id = p.client_id
          AND l.account_id = p.account_id AND l.kind = 'payment' AND l.source = 'payment:' || p.id
          AND l.amount_cents = -p.amount_cents
        WHERE p.client_id = :client AND p.purpose <> 'method' GROUP BY p.id, p.reference, p.status
        HAVING count(l.id) <> CASE WHEN p.status = 'succeeded' THEN 1 ELSE 0 END""",
    "at most one payment of an account is open": """
        SELECT a.reference || ': ' || string_agg(p.reference, ', ') FROM payment p
        JOIN account a ON (a.client_id, a.id) = (p.client_id, p.account_id)
        WHERE p.client_id = :client
          AND p.status IN ('created', 'open', 'attempting', 'processing')
        GROUP BY a.id, a.reference HAVING count(*) > 1""",
    "a payment entry has its payment": """
        SELECT l.source FROM ledger_entry l WHERE l.client_id = :client AND l.kind = 'payment'
          AND NOT EXISTS (SELECT FROM payment p WHERE p.client_id = l.client_id
            AND 'payment:' || p.id = l.source AND p.account_id = l.account_id)""",
    "money that moved names its payment": """
        SELECT l.source FROM ledger_entry l WHERE l.client_id = :client AND l.kind IN ('payment',
          'refund', 'refund_failed', 'chargeback', 'chargeback_reversed', 'returned')
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
        GROUP BY p.client_id, p.id, p.reference, p.amount_cents
        HAVING coalesce(sum(x.amount_cents), 0) NOT IN (p.amount_cents, CASE WHEN EXISTS (
          SELECT FROM ledger_entry l WHERE (l.client_id, l.payment_id, l.kind) =
            (p.client_id, p.id, 'returned')) THEN 0 ELSE p.amount_cents END)""",
    "installments sum to their arrangement": """
        SELECT r.reference || ': ' || sum(i.amount_cents) || ' of ' || r.total_cents
        FROM arrangement r JOIN installment i
          ON (i.client_id, i.arrangement_id) = (r.client_id, r.id)
        WHERE r.client_id = :client GROUP BY r.id, r.reference, r.total_cents, r.status
        HAVING CASE WHEN r.status IN ('withdrawn', 'canceled', 'broken')
          THEN sum(i.amount_cents) < r.total_cents
          ELSE sum(i.amount_cents) FILTER (WHERE i.status <> 'canceled' OR i.paid_cents > 0)
            IS DISTINCT FROM r.total_cents END""",
    "what an installment got is what was allocated to it": """
        SELECT r.reference || ' part ' || i.n || ': ' || i.paid_cents
        FROM installment i JOIN arrangement r
          ON (r.client_id, r.id) = (i.client_id, i.arrangement_id)
        LEFT JOIN payment_allocation x ON (x.client_id, x.installment_id) = (i.client_id, i.id)
        WHERE i.client_id = :client GROUP BY r.reference, i.id, i.n, i.paid_cents
        HAVING i.paid_cents <> coalesce(sum(x.amount_cents), 0)""",
    "an arrangement collects no more than was agreed": """
        SELECT r.reference FROM arrangement r JOIN installment i
          ON (i.client_id, i.arrangement_id) = (r.client_id, r.id)
        WHERE r.client_id = :client GROUP BY r.id, r.reference, r.total_cents
        HAVING sum(i.paid_cents) > r.total_cents""",
    "somebody else pays once, and no more than they were asked for": """
        SELECT k.reference FROM payer_link k JOIN payment p
          ON (p.client_id, p.payer_link_id) = (k.client_id, k.id)
        WHERE k.client_id = :client GROUP BY k.id, k.reference, k.amount_cents
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
    "a payment goes back once, by its refunds and chargebacks alone": """
        SELECT l.kind || ' ' || l.source FROM ledger_entry l WHERE l.client_id = :client
          AND (l.kind IN ('refund', 'refund_failed') AND NOT EXISTS (SELECT FROM refund r
              WHERE (r.client_id, r.payment_id) = (l.client_id, l.payment_id)
                AND 'refund:' || r.refund_id = l.source AND r.amount_cents = abs(l.amount_cents))
            OR l.kind IN ('chargeback', 'chargeback_reversed') AND NOT EXISTS (
              SELECT FROM chargeback c
              WHERE (c.client_id, c.payment_id) = (l.client_id, l.payment_id)))
        UNION ALL SELECT p.reference || ': ' || sum(l.amount_cents) || ' of ' || p.amount_cents
        FROM payment p JOIN ledger_entry l ON (l.client_id, l.account_id, l.payment_id) =
          (p.client_id, p.account_id, p.id) AND l.kind IN ('refund', 'refund_failed')
        WHERE p.client_id = :client GROUP BY p.id, p.reference, p.amount_cents
        HAVING sum(l.amount_cents) NOT BETWEEN 0 AND p.amount_cents""",
    "a settlement forgives while all that was agreed is here, and no longer": """
        SELECT r.reference || ': ' || greatest(coalesce(sum(g.lost), 0), c.lost) || ' lost, '
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
          GROUP BY p.client_id, p.account_id, p.id, p.amount_cents) g ON true
        CROSS JOIN LATERAL (SELECT coalesce(greatest(r.total_cents + r.counted_cents
            + r.paid_before_cents + coalesce(sum(l.amount_cents), 0), 0), 0) AS lost
          FROM ledger_entry l WHERE (l.client_id, l.account_id) = (r.client_id, r.account_id)
            AND l.kind IN ('payment', 'refund', 'refund_failed', 'chargeback',
              'chargeback_reversed', 'returned')
            AND NOT (l.kind <> 'payment' AND l.at > r.accepted_at AND EXISTS (
              SELECT FROM ledger_entry e WHERE (e.client_id, e.payment_id, e.kind) =
                (l.client_id, l.payment_id, 'payment') AND e.at < (
                  SELECT min(o.shown_at) FROM shown_offer o
                  WHERE (o.client_id, o.account_id, o.policy_version, o.key, o.paid_cents) =
                    (r.client_id, r.account_id, r.policy_version, r.offer_key,
                     r.paid_before_cents))))) c
        WHERE r.client_id = :client
        GROUP BY r.id, r.reference, r.kind, r.status, f.cents, c.lost
        HAVING r.kind <> 'settlement' OR f.cents > 0
          OR (r.status <> 'active'
            AND (r.status = 'completed') <> (greatest(coalesce(sum(g.lost), 0), c.lost) = 0))
          OR (r.status <> 'completed' AND f.cents <> 0)""",
    "what is forgiven belongs to a settlement of the account, or a person decided it": """
        SELECT a.reference || ': ' || l.source FROM ledger_entry l
        JOIN account a ON (a.client_id, a.id) = (l.client_id, l.account_id)
        WHERE l.client_id = :client AND l.kind IN ('forgiven', 'forgiveness_reversed')
          AND NOT EXISTS (SELECT FROM arrangement r
            WHERE (r.client_id, r.account_id) = (l.client_id, l.account_id)
              AND starts_with(l.source, 'arrangement:' || r.id))
          AND NOT EXISTS (SELECT FROM money_exception e
            WHERE (e.client_id, e.account_id) = (l.client_id, l.account_id)
              AND e.kind = 'too_little_left' AND e.resolved_by IS NOT NULL
              AND l.source = 'question:' || e.id)""",
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
        WHERE p.client_id = :client GROUP BY p.id, p.file_name, p.started_at, p.rows, p.landed,
          p.updated, p.unchanged, p.refused
        HAVING count(r.line) > 0 AND (p.rows <> count(r.line)
          OR p.rows <> p.landed + p.updated + p.unchanged + p.refused
          OR p.refused <> count(*) FILTER (WHERE r.outcome = 'refused'))""",
}
