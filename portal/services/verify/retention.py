"""Legal holds and erasures: nothing went that had to be kept, and nothing stayed (RT-01, EV-07).

An erased record is out of what the other checks look at, so that tables are read past their scope.
"""

_ERASED = """FROM erasure e JOIN client c ON c.id = e.client_id
        WHERE e.client_id = :client AND e.status = 'erased'"""

CHECKS: dict[str, str] = {
    "a legal hold is on the record as it was set and lifted (RT-01)": """
        SELECT h.id || ' of ' || h.account_id FROM legal_hold h JOIN looked_at l USING (account_id)
        WHERE h.client_id = :client AND (
          NOT EXISTS (SELECT FROM said s WHERE s.type = 'legal_hold.set'
            AND s.chain_id = l.chain_id AND s.told ->> 'hold' = h.id::text)
          OR (h.lifted_at IS NOT NULL) <> EXISTS (SELECT FROM said s
            WHERE s.type = 'legal_hold.lifted' AND s.chain_id = l.chain_id
              AND s.told ->> 'hold' = h.id::text))""",
    "a legal hold on the record stands in its row (RT-01)": """
        SELECT s.told ->> 'hold' FROM said s WHERE s.type = 'legal_hold.set'
          AND NOT EXISTS (SELECT FROM legal_hold h
            WHERE h.client_id = :client AND h.id::text = s.told ->> 'hold')""",
    "nothing was erased under a legal hold (RT-01)": """
        SELECT e.reference || ' under ' || h.id FROM erasure e
        JOIN legal_hold h ON (h.client_id, h.account_id) = (e.client_id, e.account_id)
        WHERE e.client_id = :client AND e.status = 'erased' AND h.set_at <= e.at
          AND (h.lifted_at IS NULL OR h.lifted_at > e.at)""",
    "nothing was erased before its last day had passed (RT-01)": f"""
        SELECT e.reference || ' until ' || e.last_day {_ERASED}
          AND (e.at AT TIME ZONE c.time_zone)::date <= e.last_day""",
    "an erasure was asked for and approved by two people, on the record (EV-07)": """
        SELECT e.reference FROM erasure e
        JOIN erasure_batch b ON (b.client_id, b.id) = (e.client_id, e.batch_id)
        WHERE e.client_id = :client AND e.status = 'erased' AND (b.decided_by IS NULL
          OR b.decided_by = b.asked_by OR b.status NOT IN ('approved', 'finished')
          OR NOT EXISTS (SELECT FROM said s WHERE s.type = 'erasure.approved'
            AND s.told ->> 'batch' = b.id::text
            AND s.told #>> '{actor,id}' = b.decided_by::text AND s.at <= e.at))""",
    "an erasure is on the record as its row has it (EV-07)": f"""
        SELECT e.reference {_ERASED} AND NOT EXISTS (
          SELECT FROM said s WHERE s.type = 'erasure' AND s.chain_id = c.chain_id
            AND s.n = e.leaf_n AND s.told ->> 'chain' = e.chain_id::text
            AND s.told ->> 'rule' = e.rule AND s.told ->> 'last_day' = e.last_day::text
            AND s.told ->> 'batch' = e.batch_id::text)""",  # noqa: S608
    "an erasure on the record stands in its row (EV-07)": """
        SELECT 'leaf ' || s.n || ' of ' || s.chain_id FROM said s WHERE s.type = 'erasure'
          AND NOT EXISTS (SELECT FROM erasure e WHERE e.client_id = :client
            AND e.chain_id::text = s.told ->> 'chain' AND e.leaf_n = s.n AND e.status = 'erased')
        """,
    "no key of an erased record is left (EV-07)": """
        SELECT e.reference FROM erasure e JOIN chain_key k
          ON (k.client_id, k.chain_id) = (e.client_id, e.chain_id)
        WHERE e.client_id = :client AND e.status = 'erased' AND k.sealed IS NOT NULL
          AND k.created_at < e.at""",
    "nothing personal stands about an erased record (EV-07)": """
        SELECT e.reference FROM erasure e
        JOIN public.account a ON (a.client_id, a.id) = (e.client_id, e.account_id)
        WHERE :whole AND e.client_id = :client AND e.status = 'erased' AND (a.erased_at IS NULL
          OR EXISTS (SELECT FROM public.message m WHERE m.client_id = e.client_id
            AND m.debtor_id = a.debtor_id AND m.account_id = a.id AND m.created_at <= e.at
            AND (m.address IS NOT NULL OR m.body IS NOT NULL))
          OR EXISTS (SELECT FROM public.thread_entry t WHERE t.client_id = e.client_id
            AND t.account_id = a.id AND t.at <= e.at AND t.body <> '')
          OR EXISTS (SELECT FROM public.proposal q WHERE q.client_id = e.client_id
            AND q.account_id = a.id AND q.submitted_at <= e.at AND q.note IS NOT NULL)
          OR EXISTS (SELECT FROM public.help_request q WHERE q.client_id = e.client_id
            AND q.account_id = a.id AND q.opened_at <= e.at AND q.answers <> '{}')
          OR EXISTS (SELECT FROM debtor d WHERE (d.client_id, d.id) = (a.client_id, a.debtor_id)
            AND (d.first_name <> '' OR d.last_name <> '' OR d.date_of_birth_hash IS NOT NULL
              OR d.address_line IS NOT NULL)
            AND NOT EXISTS (SELECT FROM public.account o WHERE o.client_id = a.client_id
              AND o.debtor_id = a.debtor_id
              AND (o.erased_at IS NULL OR o.updated_at > o.erased_at))))""",
}
