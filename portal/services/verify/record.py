"""What happened is on the record, and each row is of whom it says (invariants 1, 2, 7 and 10)."""

CHECKS: dict[str, str] = {
    "a leaf says who acted, and its own type": """
        SELECT 'leaf ' || s.n || ' of ' || s.chain_id FROM said s
        WHERE position('"actor":{"id":"' IN s.payload) = 0
          OR position('"type":"' || s.type || '"' IN s.payload) = 0""",
    "a movement of money has its leaf": """
        SELECT l.kind || ' ' || l.source FROM ledger_entry l
        JOIN account a ON (a.client_id, a.id) = (l.client_id, l.account_id)
        JOIN (VALUES ('payment', 'payment.succeeded'), ('refund', 'payment.refunded'),
          ('refund_failed', 'payment.refund_failed'), ('chargeback', 'payment.charged_back'),
          ('chargeback_reversed', 'payment.chargeback_reversed'), ('returned', 'payment.returned'))
          AS v (kind, type)
          ON v.kind = l.kind
        WHERE l.client_id = :client AND NOT EXISTS (SELECT FROM said s
          WHERE starts_with(s.type, 'payment.') AND (s.type, s.chain_id) = (v.type, a.chain_id)
            AND s.told ->> 'payment' = l.payment_id::text
            AND s.told ->> 'amount_cents' = abs(l.amount_cents)::text)""",
    "a settlement that is kept was shown": """
        SELECT a.reference || ': ' || o.key || ' for ' || o.total_cents FROM shown_offer o
        JOIN account a ON (a.client_id, a.id) = (o.client_id, o.account_id)
        WHERE o.client_id = :client AND NOT EXISTS (SELECT FROM said s
          CROSS JOIN jsonb_to_recordset(s.told -> 'offers') AS t (offer_key text,
            policy_version int, total_cents bigint, parts int, valid_until date,
            balance_cents bigint, paid_cents bigint)
          WHERE (s.type, s.chain_id) = ('offers.shown', a.chain_id)
            AND (t.offer_key, t.policy_version, t.total_cents, t.parts, t.valid_until,
              t.balance_cents, t.paid_cents) = (o.key, o.policy_version, o.total_cents, o.parts,
              o.valid_until, o.balance_cents, o.paid_cents))""",
    "a chain belongs to an account or to its client": """
        SELECT c.id::text FROM chain c WHERE c.client_id = :client
          AND NOT EXISTS (SELECT FROM public.account a
            WHERE (a.client_id, a.chain_id) = (c.client_id, c.id))
          AND NOT EXISTS (SELECT FROM client o WHERE (o.id, o.chain_id) = (c.client_id, c.id))""",
    "an agreement is called as it was when it was made": """
        SELECT r.reference || ', agreed as ' || (s.told ->> 'reference')
        FROM arrangement r JOIN said s ON s.type = 'acceptance'
          AND s.told ->> 'arrangement' = r.id::text
        WHERE r.client_id = :client AND s.told ->> 'reference' <> r.reference""",
    "one chain belongs to one account": """
        SELECT a.chain_id || ': ' || string_agg(a.reference, ', ')
        FROM account a WHERE a.client_id = :client GROUP BY a.chain_id HAVING count(*) > 1""",
    "what a payment is for is of its own account": """
        SELECT p.reference FROM payment p
        LEFT JOIN arrangement r ON (r.client_id, r.id) = (p.client_id, p.arrangement_id)
        LEFT JOIN installment i ON (i.client_id, i.id) = (p.client_id, p.installment_id)
        LEFT JOIN arrangement o ON (o.client_id, o.id) = (i.client_id, i.arrangement_id)
        LEFT JOIN payment_allocation x ON (x.client_id, x.payment_id) = (p.client_id, p.id)
        WHERE p.client_id = :client AND (r.account_id <> p.account_id
          OR o.account_id <> p.account_id OR x.account_id <> p.account_id)""",
    "a message is of its own debtor": """
        SELECT m.template || ' ' || m.id FROM message m
        LEFT JOIN account a ON (a.client_id, a.id) = (m.client_id, m.account_id)
        LEFT JOIN contact c ON (c.client_id, c.id) = (m.client_id, m.contact_id)
        LEFT JOIN access_link k ON (k.client_id, k.id) = (m.client_id, m.link_id)
        WHERE m.client_id = :client AND (a.debtor_id <> m.debtor_id
          OR c.debtor_id <> m.debtor_id OR k.debtor_id <> m.debtor_id)""",
    "a visit is of the debtor to whom its link leads": """
        SELECT s.id::text FROM debtor_session s
        JOIN access_link k ON (k.client_id, k.id) = (s.client_id, s.link_id)
        WHERE s.client_id = :client AND s.debtor_id <> k.debtor_id""",
}

_Lines = tuple[tuple[str, str, str, str, str], ...]


def _look(what: str) -> tuple[str, str]:
    return f"second_look.{what}", "look"


# (what happened, its table, which rows, the leaf that says so, what the leaf calls the row)
_BOTH: _Lines = (
    ("a hold was set", "hold", "true", "hold.set", "hold"),
    ("a hold was lifted", "hold", "x.lifted_at IS NOT NULL", "hold.lifted", "hold"),
    (
        "a permission to charge ended",
        "payment_authorization",
        "x.revoked_at IS NOT NULL",
        "authorization.revoked",
        "authorization",
    ),
    ("a proposal was made", "proposal", "true", "proposal.submitted", "proposal"),
    ("help was asked for", "help_request", "true", "help.opened", "request"),
    ("a link was revoked", "access_link", "x.revoked_at IS NOT NULL", "link.revoked", "link"),
    ("a plan was changed", "amendment", "true", "arrangement.amended", "amendment"),
    ("a second person was asked", "second_look", "x.outcome <> 'not_needed'", *_look("asked")),
    *(
        (f"a second person {what}", "second_look", f"x.outcome = '{what}'", *_look(what))
        for what in ("approved", "declined", "withdrawn")
    ),
    (
        "a locked-out person was helped",
        "lock_out",
        "x.closed_by IS NOT NULL",
        "lock_out.closed",
        "lock_out",
    ),
    ("somebody else was asked to pay", "payer_link", "true", "payer_link.issued", "payer_link"),
)
_TOLD: _Lines = (
    *_BOTH,
    (
        "a permission to charge was given",
        "payment_authorization",
        "x.granted_at IS NOT NULL",
        "authorization.granted",
        "authorization",
    ),
    (
        "a failed charge was dealt with",
        "installment",
        "x.dealt_with_by IS NOT NULL",
        "charge.dealt_with",
        "installment",
    ),
    (
        "an agreement ended",
        "arrangement",
        "x.ended_at IS NOT NULL",
        "arrangement.withdrawn arrangement.canceled arrangement.completed arrangement.amended"
        " arrangement.broken forgiveness.reversed forgiveness.restored",
        "arrangement",
    ),
    (
        "a payment did not go through",
        "payment",
        "x.status IN ('failed', 'needs_debtor') AND x.purpose <> 'method'",
        "payment.failed",
        "payment",
    ),
    (
        "a proposal was put before supervisors",
        "proposal",
        "x.escalated_at IS NOT NULL",
        "proposal.escalated",
        "proposal",
    ),
    (
        "a file was placed",
        "placement",
        "x.completed_at IS NOT NULL AND x.file_sha256 IS NOT NULL",
        "placement.completed placement.interrupted",
        "placement",
    ),
    (
        "offer limits were rehearsed",
        "rehearsal",
        "x.status <> 'started'",
        "policy.rehearsed policy.rehearsal_interrupted",
        "rehearsal",
    ),
)


# The other way: what the record says, its table, and what its row must be.
_STANDS: _Lines = (
    *_BOTH,
    (
        "an agreement was taken back or canceled",
        "arrangement",
        "(x.ended_at IS NOT NULL OR EXISTS (SELECT FROM public.payment p WHERE"
        " (p.client_id, p.arrangement_id, p.status) = (x.client_id, x.id, 'succeeded')))",
        "arrangement.withdrawn arrangement.canceled arrangement.broken",
        "arrangement",
    ),
    ("a payment was received", "payment", "x.status = 'succeeded'", "payment.succeeded", "payment"),
    ("a link was issued", "access_link", "true", "link.issued", "link"),
    (
        "a message was sent",
        "message",
        "x.sent_at IS NOT NULL",
        "message.sent",
        "message",
    ),
)


def _told(table: str, which: str, types: str, key: str) -> str:
    wanted = ", ".join(f"'{one}'" for one in types.split())
    return f"""
        SELECT coalesce(to_jsonb(x) ->> 'reference', x.id::text) FROM {table} x
        WHERE x.client_id = :client AND {which} AND NOT EXISTS (SELECT FROM said s
          WHERE s.type IN ({wanted}) AND s.told ->> '{key}' = x.id::text)"""  # noqa: S608


# Of all rows, whatever is looked at: an account may have moved to another debtor since.
def _stands(table: str, which: str, types: str, key: str) -> str:
    wanted = ", ".join(f"'{one}'" for one in types.split())
    return f"""
        SELECT DISTINCT s.type || ' of ' || (s.told ->> '{key}') FROM said s
        WHERE s.type IN ({wanted}) AND s.told ? '{key}' AND NOT EXISTS (SELECT FROM public.{table} x
          WHERE x.client_id = :client AND {which} AND x.id = CASE
            WHEN pg_input_is_valid(s.told ->> '{key}', 'uuid')
            THEN CAST(s.told ->> '{key}' AS uuid) END)"""  # noqa: S608


CHECKS |= {f"on the record: {what}": _told(*where) for what, *where in _TOLD}
CHECKS |= {f"in the rows: {what}": _stands(*where) for what, *where in _STANDS}
