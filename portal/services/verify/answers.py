"""Alarms, stopped agreements and provider settings, against the leaves that say so (EV-08)."""

CHECKS: dict[str, str] = {
    "an alarm was raised and answered for as the record says (EV-08)": """
        , told AS (SELECT DISTINCT ON (invariant, place) * FROM (
          SELECT s.n, s.type, s.at, s.told ->> 'reason' AS reason,
            s.told #>> '{actor,id}' AS answered_by, s.told ->> 'invariant' AS invariant,
            s.told ->> 'place' AS place, max(s.at) FILTER (WHERE s.type = 'alarm.raised') OVER w
              AS raised_at, bool_or(s.told ? 'clock_held') OVER w AS held
          FROM said s JOIN client c ON (c.id, c.chain_id) = (:client, s.chain_id)
          WHERE s.type IN ('alarm.raised', 'alarm.cleared')
          WINDOW w AS (PARTITION BY s.told ->> 'invariant', s.told ->> 'place')) t
          ORDER BY invariant, place, n DESC)
        SELECT coalesce(t.place, a.place) || ' (' || coalesce(t.invariant, a.invariant) || ')'
        FROM told t FULL JOIN (SELECT * FROM evidence_alarm WHERE client_id = :client) a
          ON (a.invariant, a.place) = (t.invariant, t.place)
        WHERE a.id IS NULL OR t.n IS NULL
          OR (a.cleared_at IS NULL) <> (t.type = 'alarm.raised')
          OR (NOT t.held AND date_trunc('milliseconds', a.found_at) <> t.raised_at)
          OR (a.cleared_at IS NOT NULL AND (a.reason, CAST(a.cleared_by AS text), CASE WHEN t.held
              THEN t.at ELSE date_trunc('milliseconds', a.cleared_at) END)
            IS DISTINCT FROM (t.reason, t.answered_by, t.at))""",
    "agreements are stopped and taken again as the record says (EV-08)": """
        SELECT CASE WHEN c.frozen_at IS NULL THEN 'taken' ELSE 'stopped ' || c.frozen_at END
        FROM client c LEFT JOIN LATERAL (SELECT s.* FROM said s WHERE s.chain_id = c.chain_id
          AND s.type IN ('client.frozen', 'client.unfrozen') ORDER BY s.n DESC LIMIT 1) l ON true
        WHERE c.id = :client AND CASE WHEN l.n IS NULL THEN c.frozen_at IS NOT NULL
            AND NOT EXISTS (SELECT FROM said s WHERE s.type = 'alarm.raised'
              AND s.chain_id = c.chain_id AND s.at <= c.frozen_at)
          ELSE (c.frozen_at IS NULL) = (l.type = 'client.frozen')
            OR to_char(date_trunc('milliseconds', c.frozen_at AT TIME ZONE 'UTC'),
              'YYYY-MM-DD"T"HH24\\:MI\\:SS.MS"Z"') IS DISTINCT FROM l.told ->> 'frozen_at' END""",
    "what providers know a client by was written by an operator, as the record says": """
        SELECT l.field FROM client c CROSS JOIN LATERAL (
          SELECT DISTINCT ON (s.told ->> 'field') s.told ->> 'field' AS field,
            s.told ->> 'after_sha256' AS written FROM said s
          WHERE s.chain_id = c.chain_id AND s.type = 'client.provider_changed'
          ORDER BY s.told ->> 'field', s.n DESC) l
        WHERE c.id = :client AND encode(sha256(convert_to(c.id || ' ' || coalesce(CASE l.field
            WHEN 'stripe_account' THEN c.stripe_account ELSE c.sms_registration END, ''), 'UTF8')),
          'hex') IS DISTINCT FROM l.written""",
}
