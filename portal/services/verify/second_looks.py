"""Money that staff moved: each movement was asked for, and above a limit two people agreed."""

_BY_THEM = """
    k.client_id = :client AND k.outcome IN ('not_needed', 'approved')
    AND k.id::text = s.told ->> 'look' AND k.asked_by::text = s.told #>> '{actor,id}'
    AND k.decided_by::text IS NOT DISTINCT FROM s.told ->> 'approved_by'"""
_AGREED = f"""
  SELECT FROM second_look k WHERE {_BY_THEM} AND k.payment_id::text = s.told ->> 'payment'
    AND k.amount_cents::text = s.told ->> 'amount_cents'"""  # noqa: S608
_ANSWERED = f"""
  SELECT FROM second_look k
  JOIN ledger_entry l ON (l.client_id, l.account_id, l.kind, l.amount_cents, l.source) =
    (k.client_id, k.account_id, 'adjusted', k.amount_cents, 'question:' || (s.told ->> 'question'))
  WHERE {_BY_THEM} AND k.kind = 'outside'
    AND k.details ->> 'question' = s.told ->> 'question'"""  # noqa: S608


def _without(type: str, kind: str) -> str:
    return f"""NOT EXISTS (SELECT FROM said s WHERE s.type = '{type}'
          AND s.told ->> 'payment' = p.id::text AND EXISTS ({_AGREED} AND k.kind = '{kind}'))"""  # noqa: S608


CHECKS: dict[str, str] = {
    "money that staff moved was asked for as the record says": f"""
        SELECT p.reference FROM payment p WHERE p.client_id = :client
          AND p.counter_kind IS NOT NULL
          AND {_without("payment.succeeded", "counter_payment")}
        UNION ALL SELECT p.reference || ' came back' FROM payment p
        JOIN ledger_entry l ON (l.client_id, l.payment_id, l.kind) =
          (p.client_id, p.id, 'returned')
        WHERE p.client_id = :client AND (p.counter_kind IS NULL
          OR l.amount_cents <> p.amount_cents OR {_without("payment.returned", "return")})
        UNION ALL SELECT 'refund of ' || (s.told ->> 'reference') FROM said s
        WHERE s.type = 'refund.asked' AND s.told ? 'look'
          AND NOT EXISTS ({_AGREED} AND k.kind = 'refund')
        UNION ALL SELECT 'answer to question ' || (s.told ->> 'question') FROM said s
        WHERE s.type = 'exception.resolved' AND s.told ->> 'decision' = 'outside'
          AND s.told ? 'look' AND NOT EXISTS ({_ANSWERED})""",  # noqa: S608
    "above a client's limit two people moved money": """
        SELECT k.kind || ' ' || k.id FROM second_look k WHERE k.client_id = :client
          AND (k.outcome = 'not_needed' AND k.counted_cents > k.limit_cents
            OR k.outcome IN ('approved', 'declined')
              AND k.decided_by IS NOT DISTINCT FROM k.asked_by)""",
}
