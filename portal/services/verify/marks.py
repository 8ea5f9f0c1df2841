"""Holds that follow from what happened to a debtor, against the leaves that say so (DH-06)."""

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
}
