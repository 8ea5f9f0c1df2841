"""What carriers said of messages, and what followed from it (EC-05, EC-09)."""

from portal.domain.deliveries import CLOSING, LOST, TOLD
from portal.domain.outgoing import REQUIRED
from portal.services.messages import BESIDE

CHECKS: dict[str, str] = {
    "what a carrier said of a message that left is on the record (EC-09)": """
        SELECT d.kind || ' ' || m.template || ' ' || m.id FROM delivery d
        JOIN message m ON (m.client_id, m.id) = (d.client_id, d.message_id)
        WHERE d.client_id = :client AND d.kind = ANY(CAST(:told_fates AS text[]))
          AND m.sent_at IS NOT NULL AND NOT EXISTS (SELECT FROM said s
            WHERE s.type = 'message.' || d.kind AND s.told ->> 'delivery' = d.id::text
              AND s.told ->> 'message' = m.id::text)""",
    "what the record says of a delivery stands in its row (EC-09)": """
        SELECT DISTINCT s.type || ' ' || (s.told ->> 'delivery') FROM said s
        WHERE s.type = ANY(SELECT 'message.' || f FROM unnest(CAST(:told_fates AS text[])) f)
          AND s.told ? 'delivery' AND NOT EXISTS (SELECT FROM delivery d
            WHERE d.client_id = :client AND d.id::text = s.told ->> 'delivery'
              AND 'message.' || d.kind = s.type AND d.message_id::text = s.told ->> 'message')""",
    "a message counts as delivered only where its carrier said so (EC-09)": """
        SELECT m.template || ' ' || m.id FROM message m
        WHERE m.client_id = :client AND m.status = 'delivered' AND NOT EXISTS (
          SELECT FROM delivery d WHERE (d.client_id, d.message_id) = (m.client_id, m.id)
            AND d.kind = 'delivered')""",
    "a message that came back or did not arrive counts as not sent (EC-09)": """
        SELECT d.kind || ' ' || m.template || ' ' || m.id FROM delivery d
        JOIN message m ON (m.client_id, m.id) = (d.client_id, d.message_id)
        WHERE d.client_id = :client AND d.kind = ANY(CAST(:lost_fates AS text[]))
          AND m.status IN ('sent', 'delivered')""",
    "a required copy that did not arrive goes by letter (EC-09)": """
        SELECT m.template || ' ' || m.id FROM delivery d
        JOIN message m ON (m.client_id, m.id) = (d.client_id, d.message_id)
        WHERE d.client_id = :client AND d.kind = ANY(CAST(:lost_fates AS text[]))
          AND m.sent_at IS NOT NULL AND m.template = ANY(CAST(:required AS text[]))
          AND NOT EXISTS (SELECT FROM message p WHERE p.client_id = m.client_id
            AND p.dedupe_key = m.dedupe_key || :beside)""",
    "an address that came back or complained was closed (EC-05, EC-09)": """
        SELECT d.kind || ' ' || m.template || ' ' || m.id FROM delivery d
        JOIN message m ON (m.client_id, m.id) = (d.client_id, d.message_id)
        WHERE d.client_id = :client AND d.kind = ANY(CAST(:closing_fates AS text[]))
          AND m.sent_at IS NOT NULL AND NOT EXISTS (SELECT FROM contact_stop c
            WHERE (c.client_id, c.channel, c.address) = (m.client_id, m.channel, m.address)
              AND c.kind = CASE d.kind WHEN 'bounced' THEN 'bounced' ELSE 'opted_out' END)""",
}

VALUES = {
    "told_fates": [str(one) for one in TOLD],
    "lost_fates": [str(one) for one in LOST],
    "closing_fates": [str(one) for one in CLOSING],
    "required": list(REQUIRED),
    "beside": BESIDE,
}
