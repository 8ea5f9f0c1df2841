"""Agreements against the record of their acceptance (invariants 3, 4 and 5)."""

# ``terms`` is text: what is no JSON at all differs by its hash, and is then compared as nothing.
CHECKS: dict[str, str] = {
    "no acceptance without its leaf, no leaf without its arrangement": """
        SELECT coalesce(r.reference, 'leaf ' || l.n || ' of ' || l.chain_id)
        FROM (SELECT r.*, a.chain_id FROM arrangement r
          JOIN account a ON (a.client_id, a.id) = (r.client_id, r.account_id)
          WHERE r.client_id = :client) r
        FULL JOIN (SELECT * FROM said WHERE type = 'acceptance') l
          ON l.told ->> 'arrangement' = r.id::text AND l.chain_id = r.chain_id
        WHERE r.id IS NULL OR l.n IS NULL""",
    "an acceptance names the terms as they are stored (EV-02)": """
        SELECT r.reference || ': ' || CASE
          WHEN l.told ->> 'terms_sha256' IS DISTINCT FROM encode(r.terms_sha256, 'hex')
            THEN 'accepted were ' || coalesce(l.told ->> 'terms_sha256', 'no terms')
              || ', stored is ' || encode(r.terms_sha256, 'hex')
          WHEN r.terms_sha256 <> sha256(convert_to(r.terms, 'UTF8'))
            THEN 'the stored terms are not what their hash says'
          ELSE 'the terms in leaf ' || l.n || ' are not the stored ones' END
        FROM arrangement r JOIN said l
          ON l.type = 'acceptance' AND l.told ->> 'arrangement' = r.id::text
        WHERE r.client_id = :client
          AND (l.told ->> 'terms_sha256' IS DISTINCT FROM encode(r.terms_sha256, 'hex')
            OR r.terms_sha256 <> sha256(convert_to(r.terms, 'UTF8'))
            OR l.told -> 'terms' IS DISTINCT FROM
              CASE WHEN pg_input_is_valid(r.terms, 'jsonb') THEN r.terms::jsonb END)""",
    "an acceptance follows the review of the same terms (PY-03)": """
        SELECT 'leaf ' || l.n || ' of ' || l.chain_id FROM said l
        WHERE l.type = 'acceptance' AND NOT EXISTS (SELECT FROM said e
          WHERE e.type = 'terms.reviewed' AND e.chain_id = l.chain_id AND e.n < l.n
            AND e.told ->> 'terms_sha256' = l.told ->> 'terms_sha256')""",
    "an agreement of Quebec in another language follows its French version and a wish (CA-04)": """
        SELECT 'leaf ' || l.n || ' of ' || l.chain_id FROM said l
        WHERE l.type = 'acceptance' AND l.told #>> '{rules,french_first}' = 'true'
          AND l.told #>> '{visit,locale}' NOT LIKE 'fr%' AND NOT EXISTS (
            SELECT FROM said w JOIN said f ON f.type = 'french.delivered'
              AND f.chain_id = w.chain_id AND f.n < w.n
              AND f.told ->> 'terms_sha256' = w.told ->> 'terms_sha256'
            WHERE w.type = 'language.wished' AND w.chain_id = l.chain_id AND w.n < l.n
              AND w.told ->> 'terms_sha256' = l.told ->> 'terms_sha256'
              AND starts_with(l.told #>> '{visit,locale}', w.told ->> 'language'))""",
    "an acceptance was made in a visit of the account's own debtor": """
        SELECT 'leaf ' || l.n || ' of ' || l.chain_id FROM said l
        JOIN account a ON a.client_id = :client AND a.chain_id = l.chain_id
        WHERE l.type = 'acceptance' AND l.told ? 'visit' AND NOT EXISTS (
          SELECT FROM debtor_session s WHERE (s.client_id, s.debtor_id) = (:client, a.debtor_id)
            AND s.id::text = l.told #>> '{visit,id}')""",
    "an acceptance is of the account's own debtor": """
        SELECT 'leaf ' || l.n || ' of ' || l.chain_id FROM said l
        JOIN account a ON a.client_id = :client AND a.chain_id = l.chain_id
        WHERE l.type = 'acceptance' AND a.debtor_id::text IS DISTINCT FROM
          coalesce(l.told #>> '{party,debtor}', l.told #>> '{actor,id}')""",
    "a payment of an agreement comes after its acceptance": """
        SELECT 'leaf ' || l.n || ' of ' || l.chain_id FROM said l JOIN said e
          ON e.type = 'acceptance' AND e.chain_id = l.chain_id
          AND e.told ->> 'arrangement' = l.told ->> 'arrangement'
        WHERE starts_with(l.type, 'payment.') AND l.n < e.n""",
    "a permission to charge is the one in its acceptance, or in an amendment (PY-05)": """
        SELECT r.reference || ': permission ' || z.id FROM payment_authorization z
        JOIN arrangement r ON (r.client_id, r.id) = (z.client_id, z.arrangement_id)
        JOIN said l ON l.type = 'acceptance' AND l.told ->> 'arrangement' = r.id::text
        WHERE z.client_id = :client AND (
          l.told #>> '{authorization,document_sha256}' IS DISTINCT FROM
            encode(z.document_sha256, 'hex')
          OR l.told #>> '{authorization,cap_cents}' IS DISTINCT FROM z.cap_cents::text)
          AND NOT EXISTS (SELECT FROM said e WHERE e.type = 'arrangement.amended'
            AND e.told ->> 'arrangement' = r.id::text
            AND e.told #>> '{authorization,document_sha256}' = encode(z.document_sha256, 'hex')
            AND e.told #>> '{authorization,cap_cents}' = z.cap_cents::text)""",
    "an arrangement is what its terms say": """
        , agreed AS (SELECT r.*, CASE WHEN pg_input_is_valid(r.terms, 'jsonb') THEN r.terms::jsonb
            END AS t FROM arrangement r WHERE r.client_id = :client)
        SELECT r.reference FROM agreed r
        WHERE (r.kind, r.offer_key, r.policy_version::text, r.currency, r.balance_cents::text,
            r.saved_cents::text, r.frequency, r.valid_until::text) IS DISTINCT FROM
          (t ->> 'kind', t ->> 'offer_key', t ->> 'policy_version', t ->> 'currency',
            t ->> 'balance_cents', t ->> 'saved_cents', t ->> 'frequency', t ->> 'valid_until')
          OR (r.method <> 'manual' AND r.method IS DISTINCT FROM t ->> 'method')
          OR (r.total_cents::text IS DISTINCT FROM t ->> 'total_cents' AND NOT EXISTS (
            SELECT FROM said e WHERE e.type = 'arrangement.amended'
              AND e.told ->> 'arrangement' = r.id::text))""",
    "the parts of an arrangement are those of its terms, or as amended on the record": """
        , told AS (SELECT r.id::text AS id, r.reference, part, -1 AS at FROM arrangement r,
            LATERAL jsonb_path_query(CASE WHEN pg_input_is_valid(r.terms, 'jsonb')
              THEN r.terms::jsonb END, '$.schedule[*]') part WHERE r.client_id = :client
          UNION ALL SELECT e.told ->> 'arrangement', e.told ->> 'reference', part, e.n
          FROM said e, LATERAL jsonb_path_query(e.told, '$.after[*]') part
          WHERE e.type = 'arrangement.amended'),
        agreed AS (SELECT DISTINCT ON (id, part -> 'n') id, reference, part ->> 'n' AS n,
            part ->> 'due_on' AS due_on, part ->> 'amount_cents' AS cents
          FROM told ORDER BY id, part -> 'n', at DESC),
        present AS (SELECT i.*, r.reference FROM installment i
          JOIN arrangement r ON (r.client_id, r.id) = (i.client_id, i.arrangement_id)
          WHERE i.client_id = :client)
        SELECT coalesce(m.reference, i.reference) || ' part ' || coalesce(m.n, i.n::text)
        FROM agreed m FULL JOIN present i ON i.arrangement_id::text = m.id AND i.n::text = m.n
        WHERE (i.due_on::text, i.amount_cents::text) IS DISTINCT FROM (m.due_on, m.cents)""",
    "the unpaid parts of a changed arrangement have rising dates": """
        SELECT r.reference || ' part ' || i.n FROM installment i
        JOIN arrangement r ON (r.client_id, r.id) = (i.client_id, i.arrangement_id)
        JOIN installment b ON (b.client_id, b.arrangement_id) = (i.client_id, i.arrangement_id)
          AND b.n < i.n AND b.due_on >= i.due_on
        WHERE i.client_id = :client AND i.status IN ('scheduled', 'failed', 'processing')
          AND b.status IN ('scheduled', 'failed', 'processing')""",
    "an amendment stands on the record as it is, and none is missing between two": """
        SELECT r.reference || ': amendment ' || x.n FROM amendment x
        JOIN arrangement r ON (r.client_id, r.id) = (x.client_id, x.arrangement_id)
        WHERE x.client_id = :client AND NOT EXISTS (SELECT FROM said e
          WHERE e.type = 'arrangement.amended' AND e.told ->> 'amendment' = x.id::text
            AND e.told ->> 'arrangement' = x.arrangement_id::text
            AND e.told ->> 'kind' = x.kind AND e.told -> 'rhythm' = x.rhythm
            AND e.told -> 'before' = x.before -> 'parts'
            AND e.told -> 'after' = x.after -> 'parts'
            AND e.told ->> 'change_sha256' = encode(x.change_sha256, 'hex'))
        UNION ALL SELECT r.reference || ': amendment ' || x.n || ' after ' || count(b.id)
        FROM amendment x JOIN arrangement r ON (r.client_id, r.id) = (x.client_id, x.arrangement_id)
        LEFT JOIN amendment b ON (b.client_id, b.arrangement_id) = (x.client_id, x.arrangement_id)
          AND b.n < x.n
        WHERE x.client_id = :client GROUP BY r.reference, x.id, x.n
        HAVING count(b.id) <> x.n - 1""",
    "no amendment collects more than was agreed": """
        SELECT r.reference || ': amendment ' || x.n FROM amendment x
        JOIN arrangement r ON (r.client_id, r.id) = (x.client_id, x.arrangement_id)
        CROSS JOIN LATERAL (SELECT
          (SELECT sum((part ->> 'amount_cents')::bigint)
            FROM jsonb_path_query(x.before, '$.parts[*]') part) AS before,
          (SELECT sum((part ->> 'amount_cents')::bigint)
            FROM jsonb_path_query(x.after, '$.parts[*]') part) AS after) c
        WHERE x.client_id = :client AND c.before IS DISTINCT FROM c.after""",
    "an arrangement that was not kept ended by its client's rule": """
        SELECT r.reference || ': ' || coalesce(l.told ->> 'until_on', 'no facts on the record')
        FROM arrangement r LEFT JOIN said l ON l.type = 'arrangement.broken'
          AND l.told ->> 'arrangement' = r.id::text
        LEFT JOIN offer_policy p ON (p.client_id, p.version) = (r.client_id, r.policy_version)
        CROSS JOIN LATERAL (SELECT
            coalesce((p.document::jsonb #>> '{keeping,failures}')::int, 3) AS failures,
            coalesce((p.document::jsonb #>> '{keeping,grace_days}')::int, 21) AS grace) k
        WHERE r.client_id = :client AND r.status = 'broken' AND r.ended_reason = 'not_kept'
          AND (l.told IS NULL
            OR (l.told ->> 'until_on')::date > (l.at AT TIME ZONE 'UTC')::date
            OR NOT (jsonb_array_length(l.told -> 'late') >= k.failures
              OR EXISTS (SELECT FROM jsonb_array_elements(l.told -> 'late') part
                WHERE (part ->> 'late_since')::date + k.grace
                  < (l.at AT TIME ZONE 'UTC')::date)))""",
    "an arrangement that was not kept ended after its debtor was told": """
        SELECT r.reference FROM arrangement r
        WHERE r.client_id = :client AND r.status = 'broken' AND r.ended_reason = 'not_kept'
          AND NOT EXISTS (SELECT FROM message m
            WHERE (m.client_id, m.account_id) = (r.client_id, r.account_id)
              AND m.template IN ('payment_failed', 'payment_missed')
              AND m.created_at BETWEEN r.accepted_at AND r.ended_at
              AND (m.sent_at IS NOT NULL OR m.status NOT IN ('suppressed', 'failed'))
              AND (m.sent_at IS NULL OR m.sent_at <= r.ended_at))""",
    "nothing of an arrangement that was not kept is still asked for": """
        SELECT r.reference || ' part ' || i.n FROM arrangement r JOIN installment i
          ON (i.client_id, i.arrangement_id) = (r.client_id, r.id)
        WHERE r.client_id = :client AND r.status = 'broken' AND r.ended_reason = 'not_kept'
          AND i.status NOT IN ('paid', 'canceled')""",
    "no proposal is open beside an agreement, or where nothing is owed to us": """
        SELECT s.reference FROM proposal s
        JOIN account a ON (a.client_id, a.id) = (s.client_id, s.account_id)
        WHERE s.client_id = :client AND s.status IN ('submitted', 'accepted', 'countered')
          AND (a.status <> 'open' OR EXISTS (SELECT FROM arrangement r
            WHERE (r.client_id, r.account_id) = (a.client_id, a.id)
              AND r.status IN ('awaiting_first_payment', 'active')))""",
    "what the portal offers by itself was asked of supervisors first": """
        SELECT s.reference FROM proposal s
        WHERE s.client_id = :client AND s.granted_terms IS NOT NULL AND s.answered_by IS NULL
          AND (s.escalated_at IS NULL OR s.answered_at <= s.escalated_at)""",
    "a hold ends when the record says, a rest within half a year": """
        SELECT h.kind || ' ' || h.id FROM hold h
        JOIN LATERAL (SELECT s.told ->> 'ends_at' AS ends FROM said s
          WHERE s.type IN ('hold.set', 'hold.moved') AND s.told ->> 'hold' = h.id::text
            AND s.told ? 'ends_at' ORDER BY s.n DESC LIMIT 1) l ON true
        WHERE h.client_id = :client
          AND (date_trunc('milliseconds', h.ends_at) IS DISTINCT FROM l.ends::timestamptz
            OR h.kind = 'hardship' AND h.source LIKE 'help:%'
              AND h.ends_at > h.starts_at + interval '182 days')""",
    "an agreement was taken back by its debtor in the client's time for it": """
        SELECT r.reference FROM arrangement r
        JOIN said l ON l.type = 'arrangement.withdrawn' AND l.told ->> 'arrangement' = r.id::text
        LEFT JOIN offer_policy p ON (p.client_id, p.version) = (r.client_id, r.policy_version)
        WHERE r.client_id = :client AND l.told ? 'until'
          AND (l.at >= (l.told ->> 'until')::timestamptz
            OR (l.told ->> 'until')::timestamptz <> date_trunc('milliseconds', r.accepted_at)
              + coalesce((p.document::jsonb #>> '{keeping,undo_hours}')::int,
                24) * interval '1 hour')""",
    "an agreement that was paid on is in force (invariant 5)": """
        SELECT r.reference || ' is ' || r.status FROM arrangement r
        WHERE r.client_id = :client AND r.status IN ('awaiting_first_payment', 'withdrawn')
          AND EXISTS (SELECT FROM installment i WHERE (i.client_id, i.arrangement_id) =
            (r.client_id, r.id) AND i.paid_cents > 0)""",
}
