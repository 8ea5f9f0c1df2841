"""Telephone calls: how many there were, that each is on the record, and that nothing forbade it."""

from portal.domain.calls import MOST, NO_ATTEMPT, UNCOUNTED, Ground, Outcome
from portal.domain.holds import Capability, HoldKind, Permission, permissions_under

# What a supervisor let be past the limits says so, with a reason.
CHECKS: dict[str, str] = {
    "nobody is called more than seven times in seven days about a debt (CT-06)": """
        SELECT 'account ' || c.account_id || ' on ' || c.on_day FROM call_attempt c
        WHERE c.client_id = :client AND c.ground IS NULL AND :most_calls < (
          SELECT count(*) FROM call_attempt t
          WHERE (t.client_id, t.account_id) = (c.client_id, c.account_id)
            AND (t.at, t.id) <= (c.at, c.id) AND t.on_day > c.on_day - 7
            AND coalesce(t.outcome, '') <> ALL(CAST(:no_attempt AS text[]))
            AND coalesce(t.ground, '') <> ALL(CAST(:uncounted AS text[])))
          AND coalesce(c.outcome, '') <> ALL(CAST(:no_attempt AS text[]))""",
    "nobody is called within seven days after a conversation about the debt (CT-06)": """
        SELECT DISTINCT 'account ' || c.account_id || ' on ' || c.on_day FROM call_attempt c
        JOIN call_attempt t ON (t.client_id, t.account_id) = (c.client_id, c.account_id)
          AND t.id <> c.id AND t.outcome = :spoke AND t.logged_at <= c.at
          AND t.on_day > c.on_day - 7
        WHERE c.client_id = :client AND c.ground IS NULL
          AND coalesce(c.outcome, '') <> ALL(CAST(:no_attempt AS text[]))""",
    "a call has its leaf, and says of itself what that says (CT-06)": """
        SELECT 'call ' || c.id FROM call_attempt c
        WHERE c.client_id = :client AND NOT (
          (c.ground IS NOT DISTINCT FROM :theirs OR EXISTS (SELECT FROM said l
            WHERE l.type = 'call.begun' AND l.told ->> 'call' = c.id::text
            AND l.told -> 'actor' ->> 'id' = c.staff_id::text
            AND l.told ->> 'ground' IS NOT DISTINCT FROM c.ground))
          AND (c.outcome IS NULL OR EXISTS (SELECT FROM said l WHERE l.type = 'call.logged'
            AND l.told ->> 'call' = c.id::text AND l.told ->> 'outcome' = c.outcome
            AND coalesce((l.told ->> 'consented')::boolean, false) = c.consented)))""",
    "a call that is open is not begun again by the same person (CT-06)": """
        SELECT 'call ' || c.id FROM call_attempt c JOIN call_attempt t
          ON (t.client_id, t.account_id, t.number, t.staff_id) =
            (c.client_id, c.account_id, c.number, c.staff_id) AND t.id <> c.id
          AND (t.at, t.id) < (c.at, c.id) AND t.at > c.at - INTERVAL '15 minutes'
          AND (t.logged_at IS NULL OR t.logged_at > c.at)
        WHERE c.client_id = :client""",
    "whoever is known on the telephone answered, and a call has its leaves (PR-01)": """
        SELECT 'call session ' || s.id FROM call_session s
        WHERE s.client_id = :client AND NOT (
          EXISTS (SELECT FROM said l WHERE l.type = 'call_session.opened'
            AND l.told ->> 'call_session' = s.id::text
            AND l.told -> 'actor' ->> 'id' = s.staff_id::text)
          AND (s.verified_at IS NULL OR EXISTS (SELECT FROM said l
            WHERE l.type = 'call_session.matched' AND l.told ->> 'call_session' = s.id::text
            AND l.told ->> 'method' = s.method))
          AND (s.ended_at IS NULL OR EXISTS (SELECT FROM said l
            WHERE l.type = 'call_session.wrapped_up' AND l.told ->> 'call_session' = s.id::text
            AND l.told ->> 'disposition' = s.disposition)))""",
    "nobody is called under a hold that forbids it (CT-08, DH-08)": """
        SELECT 'call ' || c.id || ': ' || h.kind FROM call_attempt c
        JOIN hold h ON (h.client_id, h.account_id) = (c.client_id, c.account_id)
          AND h.starts_at < c.at AND (h.ends_at IS NULL OR h.ends_at > c.at)
          AND (h.lifted_at IS NULL OR h.lifted_at > c.at)
        WHERE c.client_id = :client AND c.ground IS DISTINCT FROM :theirs
          AND h.kind = ANY(CASE WHEN c.request_id IS NULL THEN CAST(:no_calls AS text[])
            ELSE CAST(:no_answers AS text[]) END)""",
}


def _forbidding(capability: Capability) -> list[str]:
    allowed = Permission.ALLOWED
    return [str(kind) for kind in HoldKind if permissions_under(kind)[capability] is not allowed]


VALUES = {
    "most_calls": MOST,
    "no_attempt": [str(one) for one in NO_ATTEMPT],
    "uncounted": [str(one) for one in UNCOUNTED],
    "spoke": str(Outcome.CONVERSATION),
    "theirs": str(Ground.THEIRS),
    "no_calls": _forbidding(Capability.SEND),
    "no_answers": _forbidding(Capability.ANSWER),
}
