"""What the database itself forbids is still forbidden (invariants 1, 7 and 10)."""

APPEND_ONLY = (
    "offer_policy",
    "placement_row",
    "ledger_entry",
    "amendment",
    "payment_allocation",
    "thread_entry",
    "leaf",
    "leaf_payload",
    "document",
    "leaf_position",
    "tree_node",
    "checkpoint",
    "log_key",
    "evidence_check",
    "delivery",
    "staff_event",
)
"""Tables whose rows are written once."""

CHECKS: dict[str, str] = {
    "the ledger and the record cannot be changed": """
        SELECT t.name || ' by ' || g.name FROM unnest(CAST(:append_only AS text[])) AS t (name),
          (VALUES ('append_only'), ('append_only_whole')) AS g (name)
        WHERE NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = to_regclass(t.name)
          AND tgname = g.name AND tgenabled IN ('O', 'A'))""",
    "what forbids changes still does": """
        SELECT 'function forbid_change' WHERE NOT EXISTS (SELECT FROM pg_proc p
          WHERE p.proname = 'forbid_change' AND p.prosrc LIKE '%RAISE EXCEPTION%'
            AND p.prosrc NOT LIKE '%RETURN%')
        UNION ALL SELECT 'function forbid_change_but_erasure' WHERE NOT EXISTS (
          SELECT FROM pg_proc p WHERE p.proname = 'forbid_change_but_erasure'
            AND encode(sha256(convert_to(p.prosrc, 'UTF8')), 'hex') = :but_erasure)
        UNION ALL SELECT t.name || ' by ' || g.tgname
        FROM unnest(CAST(:append_only AS text[])) AS t (name)
        JOIN pg_trigger g ON g.tgrelid = to_regclass(t.name)
          AND g.tgname IN ('append_only', 'append_only_whole')
        WHERE g.tgqual IS NOT NULL OR g.tgfoid <> CASE
            WHEN t.name = 'thread_entry' AND g.tgname = 'append_only'
            THEN 'forbid_change_but_erasure' ELSE 'forbid_change' END::regproc
          OR g.tgtype <> CASE g.tgname WHEN 'append_only' THEN 27 ELSE 34 END
        UNION ALL SELECT r.name || ' may ' || p.name || ' ' || t.name
        FROM unnest(CAST(:append_only AS text[])) AS t (name),
          (VALUES ('portal_app'), ('portal_worker')) AS r (name),
          (VALUES ('UPDATE'), ('DELETE'), ('TRUNCATE')) AS p (name)
        WHERE has_table_privilege(r.name, t.name, p.name)""",
    "a row of one client is hidden from another; staff's and Stripe's have their walls": """
        SELECT c.relname FROM pg_class c LEFT JOIN pg_attribute a
          ON a.attrelid = c.oid AND a.attname = 'client_id'
          AND c.relname NOT IN ('staff_client', 'staff_event')
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
          AND (a.attname IS NOT NULL OR c.relname = ANY(CAST(:walled AS text[])))
          AND NOT (c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (SELECT FROM pg_policy
            WHERE polrelid = c.oid AND (polname = 'of_client' OR a.attname IS NULL)
              AND (c.relname = ANY(CAST(:walled AS text[]))
                OR pg_get_expr(polqual, polrelid) LIKE '%app_client_ids()%')))""",
}
WALLED = (
    "client",
    "staff",
    "staff_client",
    "staff_session",
    "staff_second_step",
    "staff_recovery_code",
    "staff_invitation",
    "staff_event",
    "held_form",
    "stripe_event",
    "watermark",
    "reconcile_failure",
    "stray_delivery",
)
"""Tables of no one client, each with policies of its own."""

BUT_ERASURE = "26bc05f09dbe6c675a6815913a646ab4d19cf60fc099abe4e145c242100cd6a3"
"""SHA-256 of the function that lets words of a thread go with their record, and nothing else."""

VALUES = {
    "append_only": list(APPEND_ONLY),
    "walled": list(WALLED),
    "but_erasure": BUT_ERASURE,
}
