"""Consents to copies by e-mail only, and the letters that go where none stands (ES-01)."""

from portal.domain.outgoing import REQUIRED
from portal.services.messages import BESIDE

# What was on the list of letters before letters were on the record is no breach.
CHECKS: dict[str, str] = {
    "a consent to copies by e-mail only is on the record as it was given (ES-01)": """
        SELECT e.id::text FROM esign_consent e
        WHERE e.client_id = :client AND e.consented_at IS NOT NULL
          AND NOT EXISTS (SELECT FROM said s WHERE s.type = 'esign.consented'
            AND s.told ->> 'consent' = e.id::text AND s.told ->> 'scope' = e.scope
            AND s.told ->> 'text_sha256' = encode(e.text_sha256, 'hex')
            AND s.told #>> '{demonstration,contact}' = e.contact_id::text
            AND s.told #>> '{demonstration,document_sha256}' = encode(e.sample_sha256, 'hex'))""",
    "a consent on the record stands in its row (ES-01)": """
        SELECT DISTINCT s.told ->> 'consent' FROM said s
        WHERE s.type = 'esign.consented' AND NOT EXISTS (SELECT FROM esign_consent e
          WHERE e.client_id = :client AND e.id::text = s.told ->> 'consent'
            AND e.consented_at IS NOT NULL)""",
    "nobody consents before the sample has left for that address (ES-01)": """
        SELECT e.id::text FROM esign_consent e
        WHERE e.client_id = :client AND e.consented_at IS NOT NULL
          AND NOT EXISTS (SELECT FROM message m WHERE m.client_id = e.client_id
            AND m.dedupe_key = 'esign_sample:' || e.id AND m.contact_id = e.contact_id
            AND m.sent_at <= e.consented_at)""",
    "a withdrawn consent is on the record, and only what was withdrawn (ES-01)": """
        SELECT e.id::text FROM esign_consent e
        WHERE e.client_id = :client AND (e.withdrawn_at IS NOT NULL) <> EXISTS (SELECT FROM said s
          WHERE s.type = 'esign.withdrawn' AND s.told ->> 'consent' = e.id::text)""",
    "a required copy goes by letter too unless a consent stood (ES-01)": """
        SELECT m.template || ' ' || m.id FROM message m
        WHERE m.client_id = :client AND m.template = ANY(CAST(:required AS text[]))
          AND m.channel <> 'letter'
          AND m.sent_at IS NOT NULL AND m.sent_at >= (SELECT min(l.at) FROM said l
            WHERE l.type = 'letter.queued')
          AND NOT EXISTS (SELECT FROM message p
            WHERE p.client_id = m.client_id AND p.dedupe_key = m.dedupe_key || :beside)
          AND NOT EXISTS (SELECT FROM esign_consent e WHERE e.client_id = m.client_id
            AND e.debtor_id = m.debtor_id AND e.contact_id = m.contact_id
            AND e.consented_at <= m.sent_at
            AND (e.withdrawn_at IS NULL OR e.withdrawn_at > m.sent_at))""",
    "a letter that waits or left is on the record (RT-02)": """
        SELECT m.template || ' ' || m.id FROM message m
        WHERE m.client_id = :client AND m.channel = 'letter'
          AND m.created_at > (SELECT min(l.at) FROM said l WHERE l.type = 'letter.queued')
          AND m.status IN ('queued', 'sending', 'sent') AND NOT EXISTS (SELECT FROM said s
            WHERE s.type = 'letter.queued' AND s.told ->> 'message' = m.id::text
              OR s.type = 'campaign.sent' AND s.told ->> 'campaign' = m.batch_id::text)""",
    "a letter that left was printed, and its leaf names what was on it (ES-02)": """
        SELECT m.template || ' ' || m.id FROM message m
        WHERE m.client_id = :client AND m.channel = 'letter' AND m.status = 'sent'
          AND NOT EXISTS (SELECT FROM letter r JOIN document d
              ON (d.client_id, d.sha256) = (r.client_id, r.document_sha256)
            JOIN said s ON s.type = 'letter.sent' AND s.told ->> 'letter' = r.id::text
              AND s.told #>> '{documents,0,sha256}' = encode(r.document_sha256, 'hex')
            WHERE (r.client_id, r.message_id) = (m.client_id, m.id)
              AND r.sent_at = m.sent_at)""",
}

VALUES = {
    "required": list(REQUIRED),
    "beside": BESIDE,
}
