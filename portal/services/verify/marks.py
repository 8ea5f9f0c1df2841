"""Holds and requests that follow from what happened to a debtor, against the record (DH-06)."""

CHECKS: dict[str, str] = {
    "a hold that follows from a mark begins and ends with it (CT-08, DH-06)": """
        SELECT 'hold ' || h.id FROM hold h JOIN account a
          ON (a.client_id, a.id) = (h.client_id, h.account_id)
        WHERE h.client_id = :client AND h.source LIKE 'mark:%' AND NOT (
          EXISTS (SELECT FROM said s WHERE s.type = 'account.marked' AND s.chain_id = a.chain_id
            AND 'mark:' || (s.told ->> 'mark') = h.source AND s.told -> 'holds' ? h.kind)
          AND (h.lifted_at IS NOT NULL) = EXISTS (SELECT FROM said s
            WHERE s.type = 'account.mark_taken_back' AND s.chain_id = a.chain_id
              AND 'mark:' || (s.told ->> 'mark') = h.source))""",
    "what a debtor asked for is not closed by taking a letter back (DH-01)": """
        SELECT 'request ' || r.id FROM help_request r JOIN account a
          ON (a.client_id, a.id) = (r.client_id, r.account_id)
        WHERE r.client_id = :client AND r.status = 'closed' AND r.answered_by IS NULL
          AND EXISTS (SELECT FROM said o WHERE o.type = 'help.opened' AND o.chain_id = a.chain_id
            AND o.told ->> 'request' = r.id::text AND o.told ? 'visit')
          AND NOT EXISTS (SELECT FROM said w WHERE w.type = 'help.withdrawn'
            AND w.chain_id = a.chain_id AND w.told ->> 'request' = r.id::text)""",
}
