"""What left, when and to whom (invariants 6 and 8)."""

from portal.domain.holds import HoldKind, Permission, permissions_under
from portal.domain.outgoing import INVITATIONS, TEMPLATES
from portal.domain.packs import PACKS
from portal.domain.replies import Meaning
from portal.services.text_answers import ENDINGS, MOST_HELP, TEMPLATE

# What the debtor asked for may leave at any hour (CT-04), and so may what somebody delivered by
# hand on the page of the outbox, which its leaf says (``despite``).
CHECKS: dict[str, str] = {
    "an e-mail or text left within the hours of every zone the debtor may be in (CT-01, CT-02)": """
        , hours AS (SELECT * FROM unnest(CAST(:packs AS text[]), CAST(:days AS int[]),
            CAST(:opens AS time[]), CAST(:closes AS time[])) AS h (pack, day, opens, closes)),
        gone AS MATERIALIZED (SELECT m.template || ' ' || m.id AS what, m.sent_at,
            z #>> '{}' AS zone, p #>> '{}' AS pack FROM message m
          JOIN said l ON l.type = 'message.sent' AND l.told ->> 'message' = m.id::text
          LEFT JOIN LATERAL jsonb_path_query(l.told, '$.zones[*]') z ON true
          LEFT JOIN LATERAL jsonb_path_query(
            CASE WHEN l.told ? 'packs' THEN l.told ELSE '{"packs": ["US@1"]}' END,
            '$.packs[*]') p ON true
          WHERE m.client_id = :client AND m.channel <> 'letter' AND NOT m.asked_for
            AND NOT l.told ? 'despite')
        SELECT DISTINCT g.what || ' left ' || CASE WHEN k.name IS NULL
          THEN g.sent_at || ', with no zone on the record' ELSE
          to_char(g.sent_at AT TIME ZONE k.name, 'YYYY-MM-DD HH24:MI') || ' in ' || k.name END
        FROM gone g LEFT JOIN pg_timezone_names k ON k.name = g.zone
        WHERE NOT EXISTS (SELECT FROM hours h
          WHERE h.pack = g.pack AND h.day = extract(isodow FROM g.sent_at AT TIME ZONE k.name)
            AND (g.sent_at AT TIME ZONE k.name)::time >= h.opens
            AND (g.sent_at AT TIME ZONE k.name)::time < h.closes)""",
    "nothing is sent under a hold that forbids it on every account it is about (DH-08)": """
        SELECT m.template || ' ' || m.id || ' left ' || m.sent_at || ': ' || min(h.kind)
        FROM message m
        JOIN account a ON (a.client_id, a.debtor_id) = (m.client_id, m.debtor_id)
          AND a.id = coalesce(m.account_id, a.id)
        LEFT JOIN hold h ON (h.client_id, h.account_id) = (a.client_id, a.id)
          AND m.template || ' ' || h.kind = ANY(CAST(:forbidden AS text[]))
          AND h.starts_at < m.sent_at AND (h.ends_at IS NULL OR h.ends_at > m.sent_at)
          AND (h.lifted_at IS NULL OR h.lifted_at > m.sent_at)
        WHERE m.client_id = :client AND m.channel <> 'letter' AND m.sent_at IS NOT NULL
        GROUP BY m.id, m.template, m.sent_at HAVING bool_and(h.id IS NOT NULL)""",
    "no letter left, or went to a print house, under a hold that forbids it (CT-08, DH-08)": """
        , given AS (SELECT b.id AS batch_id, f ->> 'name' AS name, l.at FROM said l
          JOIN letter_batch b ON b.client_id = :client AND b.reference = l.told ->> 'batch'
          CROSS JOIN LATERAL jsonb_path_query(l.told, '$.files[*]') f
          WHERE l.type = 'letters.downloaded'),
        gone AS (
          SELECT r.message_id, r.recipient, g.at FROM letter r JOIN given g
            ON g.batch_id = r.batch_id AND g.name = lpad(r.n::text, 3, '0') || '-letter.pdf'
          WHERE r.client_id = :client
          UNION ALL SELECT r.message_id, r.recipient, r.sent_at FROM letter r
          WHERE r.client_id = :client AND r.sent_at IS NOT NULL AND NOT EXISTS (SELECT FROM given g
            WHERE g.batch_id = r.batch_id AND g.name = lpad(r.n::text, 3, '0') || '-letter.pdf'))
        SELECT m.template || ' ' || m.id || ' left ' || g.at || ': ' || min(h.kind)
        FROM gone g JOIN message m ON (m.client_id, m.id) = (:client, g.message_id)
        JOIN account a ON (a.client_id, a.debtor_id) = (m.client_id, m.debtor_id)
          AND a.id = coalesce(m.account_id, a.id)
        LEFT JOIN hold h ON (h.client_id, h.account_id) = (a.client_id, a.id)
          AND m.template || ' ' || h.kind = ANY(CAST(:forbidden AS text[]))
          AND h.starts_at < g.at AND (h.ends_at IS NULL OR h.ends_at > g.at)
          AND (h.lifted_at IS NULL OR h.lifted_at > g.at)
        WHERE NOT m.decided OR position(E'\n' IN g.recipient) > 0
        GROUP BY m.id, m.template, g.at HAVING bool_and(h.id IS NOT NULL)""",
    "no invitation is printed under a hold that forbids it on every account (CT-08, DH-08)": """
        SELECT m.template || ' ' || m.id || ' was printed ' || b.printed_at || ': ' || min(h.kind)
        FROM message m JOIN letter r ON (r.client_id, r.message_id) = (m.client_id, m.id)
        JOIN letter_batch b ON (b.client_id, b.id) = (r.client_id, r.batch_id)
        JOIN account a ON (a.client_id, a.debtor_id) = (m.client_id, m.debtor_id)
          AND a.id = coalesce(m.account_id, a.id)
        LEFT JOIN hold h ON (h.client_id, h.account_id) = (a.client_id, a.id)
          AND m.template || ' ' || h.kind = ANY(CAST(:forbidden AS text[]))
          AND h.starts_at < b.printed_at AND (h.ends_at IS NULL OR h.ends_at > b.printed_at)
          AND (h.lifted_at IS NULL OR h.lifted_at > b.printed_at)
        WHERE m.client_id = :client AND m.template = 'link'
        GROUP BY m.id, m.template, b.printed_at HAVING bool_and(h.id IS NOT NULL)""",
    "an invitation by letter brings its own debtor's link, open when it was printed (SC-04)": """
        SELECT m.template || ' ' || m.id FROM message m
        JOIN letter r ON (r.client_id, r.message_id) = (m.client_id, m.id)
        JOIN letter_batch b ON (b.client_id, b.id) = (r.client_id, r.batch_id)
        WHERE m.client_id = :client AND m.template = ANY(CAST(:invitations AS text[]))
          AND NOT EXISTS (SELECT FROM access_link k
            WHERE (k.client_id, k.id) = (r.client_id, r.link_id)
              AND (k.debtor_id, k.channel) = (m.debtor_id, m.channel)
              AND k.expires_at > b.printed_at)""",
    "nothing of a debt goes to an address where nobody proved who they are (EC-08)": """
        SELECT m.template || ' ' || m.id || ' names ' || a.reference FROM message m
        JOIN account a ON (a.client_id, a.debtor_id) = (m.client_id, m.debtor_id)
        WHERE m.client_id = :client AND m.channel <> 'letter' AND m.sent_at IS NOT NULL
          AND length(a.reference) > 5
          AND position(a.reference IN concat_ws(' ', m.subject, m.body, m.body_html)) > 0
          AND (m.channel = 'sms' OR position(a.reference IN m.subject) > 0 OR NOT (
            EXISTS (SELECT FROM access_link k WHERE (k.client_id, k.contact_id) =
              (m.client_id, m.contact_id) AND k.verified_at <= m.sent_at)
            OR EXISTS (SELECT FROM esign_consent e WHERE (e.client_id, e.contact_id) =
              (m.client_id, m.contact_id) AND e.consented_at <= m.sent_at)
            OR EXISTS (SELECT FROM one_time_code o WHERE (o.client_id, o.contact_id) =
              (m.client_id, m.contact_id) AND o.passed_at <= m.sent_at)))""",
    "nothing goes to an address after it was stopped (CT-08)": """
        SELECT m.template || ' ' || m.id FROM message m JOIN contact_stop s
          ON (s.client_id, s.channel, s.address) = (m.client_id, m.channel, m.address)
        WHERE m.client_id = :client AND m.sent_at > s.stopped_at
          AND (s.lifted_at IS NULL OR m.sent_at < s.lifted_at)
          AND NOT (s.kind IN ('opted_out', 'unread') AND m.asked_for
            AND m.template IN ('new_link', 'one_time_code', 'payment_link'))
          AND m.template <> :answer""",
    "a text is answered by itself three times a day at most, but for stops (EC-09)": """
        SELECT m.debtor_id || ' at ' || m.sent_at FROM message m
        WHERE m.client_id = :client AND m.template = :answer
          AND m.context ->> 'meaning' <> ALL(CAST(:endings AS text[])) AND (
            SELECT count(*) FROM message o WHERE (o.client_id, o.template, o.address) =
                (m.client_id, m.template, m.address)
              AND (o.context ->> 'meaning' = :help) = (m.context ->> 'meaning' = :help)
              AND o.context ->> 'meaning' <> ALL(CAST(:endings AS text[]))
              AND o.sent_at > m.sent_at - INTERVAL '1 day'
              AND (o.sent_at, o.id) <= (m.sent_at, m.id))
          > CASE WHEN m.context ->> 'meaning' = :help THEN :most_help ELSE 1 END""",
    "no text that ended texts, or may have, permits them (EC-02, EC-06)": """
        SELECT p.id::text FROM contact_permission p
        JOIN contact c ON (c.client_id, c.id) = (p.client_id, p.contact_id)
        JOIN contact_stop s ON (s.client_id, s.channel, s.address) =
          (c.client_id, c.channel, c.address) AND s.source = 'text' AND s.stopped_at = p.at
        WHERE p.client_id = :client AND p.basis = 'used' AND p.source = 'text'""",
    "after a stop of everything one notice goes, and none without a stop (CT-08)": """
        SELECT m.template || ' ' || m.id FROM message m
        WHERE m.client_id = :client AND m.template = 'closing_notice' AND m.sent_at IS NOT NULL
          AND NOT EXISTS (SELECT FROM hold h WHERE h.kind = 'cease_all'
            AND (h.client_id, h.account_id) = (m.client_id, m.account_id)
            AND h.starts_at <= m.created_at AND NOT EXISTS (SELECT FROM message o
              WHERE (o.client_id, o.account_id, o.template) =
                (m.client_id, m.account_id, m.template)
                AND o.id < m.id AND o.sent_at IS NOT NULL AND o.created_at >= h.starts_at))""",
    "nobody is written to first more than three times in seven days (CT-05)": """
        SELECT n.debtor_id::text FROM (SELECT m.debtor_id, m.asked_for, count(*) OVER (
            PARTITION BY m.debtor_id ORDER BY m.sent_at
            RANGE BETWEEN INTERVAL '167:59:59' PRECEDING AND CURRENT ROW) AS contacts
          FROM message m WHERE m.client_id = :client AND m.sent_at IS NOT NULL
            AND m.template = ANY(CAST(:capped AS text[]))) n
        WHERE n.contacts > 3 AND NOT n.asked_for""",
    "a message that left has its leaf, and so has one that was held back (RT-02)": """
        SELECT m.template || ' ' || m.id FROM message m
        WHERE m.client_id = :client AND m.status IN ('sent', 'delivered', 'suppressed')
          AND NOT EXISTS (SELECT FROM said l
            WHERE l.type IN ('message.sent', 'message.suppressed', 'letter.sent')
              AND l.told ->> 'message' = m.id::text)
          AND NOT (m.status = 'suppressed' AND EXISTS (SELECT FROM said l
            WHERE l.type = 'campaign.sent' AND l.told ->> 'campaign' = m.batch_id::text))
          AND NOT (m.rule = 'campaign_stopped' AND EXISTS (SELECT FROM said l
            WHERE l.type = 'campaign.dropped' AND l.told ->> 'campaign' = m.campaign_id::text))""",
    "a message left when its leaf says (RT-02)": """
        SELECT DISTINCT m.template || ' ' || m.id || ': ' || coalesce(m.sent_at::text, 'not sent')
          || ', its leaf ' || l.at
        FROM message m JOIN said l ON l.type = 'message.sent' AND l.told ->> 'message' = m.id::text
        WHERE m.client_id = :client AND NOT l.told ? 'clock_held'
          AND l.at IS DISTINCT FROM date_trunc('milliseconds', m.sent_at)""",
}

_HOURS = [
    (pack.mark, day, hours)
    for pack in PACKS.values()
    for day, open_on in enumerate(pack.week, start=1)
    for hours in open_on
]

VALUES = {
    "answer": TEMPLATE,
    "endings": sorted(ENDINGS),
    "help": str(Meaning.HELP),
    "most_help": MOST_HELP,
    "invitations": list(INVITATIONS),
    "capped": [template.name for template in TEMPLATES.values() if template.capped],
    "packs": [mark for mark, _, _ in _HOURS],
    "days": [day for _, day, _ in _HOURS],
    "opens": [hours.opens for _, _, hours in _HOURS],
    "closes": [hours.closes for _, _, hours in _HOURS],
    "forbidden": [
        f"{template.name} {kind}"
        for template in TEMPLATES.values()
        for kind in HoldKind
        if any(permissions_under(kind)[one] is not Permission.ALLOWED for one in template.needs)
    ],
}
