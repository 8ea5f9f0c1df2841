"""Nothing is charged without a permission, or after it ended (invariants 3 and 4)."""

from portal.domain.holds import Capability, HoldKind, Permission, permissions_under
from portal.domain.statuses import LIVE

# ``charge``: an off-session charge, ``asked_at`` when it was last found permitted, right before
# Stripe was asked: one that was sent before a stop is none after it.
CHECKS: dict[str, str] = {
    "no off-session charge but under a permission in force whose copy had left (PY-05, PY-08)": """
        SELECT p.reference || ' of ' || p.asked_at || coalesce(': the permission ended '
          || (SELECT max(z.revoked_at) FROM payment_authorization z WHERE (z.client_id,
            z.arrangement_id, z.method_id) = (p.client_id, p.arrangement_id, p.method_id)),
          ': no permission whose copy had left')
        FROM charge p WHERE NOT EXISTS (SELECT FROM payment_authorization z
          WHERE (z.client_id, z.arrangement_id, z.method_id) =
              (p.client_id, p.arrangement_id, p.method_id)
            AND z.granted_at <= p.created_at AND z.copied_at <= p.created_at
            AND (z.revoked_at IS NULL OR z.revoked_at >= p.asked_at))""",
    "nothing is charged under a hold that forbids it (DH-08)": """
        SELECT p.reference || ' of ' || p.asked_at || ': ' || h.kind || ' since ' || h.starts_at
        FROM charge p JOIN hold h ON (h.client_id, h.account_id) = (p.client_id, p.account_id)
        WHERE h.kind = ANY(CAST(:no_charge AS text[])) AND h.starts_at < p.asked_at
          AND (h.ends_at IS NULL OR h.ends_at > p.asked_at)
          AND (h.lifted_at IS NULL OR h.lifted_at > p.asked_at)""",
    "nothing is charged for what is over, or was taken back": """
        SELECT p.reference || ' of ' || p.asked_at || ': ' || CASE WHEN a.recalled_at < p.asked_at
          THEN a.reference || ' was recalled ' || a.recalled_at
          ELSE r.reference || ' was over ' || r.ended_at END
        FROM charge p JOIN arrangement r ON (r.client_id, r.id) = (p.client_id, p.arrangement_id)
        JOIN account a ON (a.client_id, a.id) = (p.client_id, p.account_id)
        WHERE r.ended_at < p.asked_at OR a.recalled_at < p.asked_at""",
    "no permission to charge outlives its agreement (PY-05)": """
        SELECT r.reference || ': permission ' || z.id FROM payment_authorization z
        JOIN arrangement r ON (r.client_id, r.id) = (z.client_id, z.arrangement_id)
        WHERE z.client_id = :client AND z.status <> 'revoked'
          AND r.status <> ALL(CAST(:live AS text[]))""",
    "no page to pay on is opened under a hold that forbids paying (DH-08)": """
        SELECT p.reference || ' of ' || p.created_at || ': ' || h.kind || ' since ' || h.starts_at
        FROM payment p JOIN hold h ON (h.client_id, h.account_id) = (p.client_id, p.account_id)
        WHERE p.client_id = :client AND p.checkout_id IS NOT NULL
          AND h.kind = ANY(CASE WHEN p.purpose = 'method' THEN CAST(:no_charge AS text[])
            ELSE CAST(:no_pay AS text[]) END) AND h.starts_at < p.created_at
          AND (h.ends_at IS NULL OR h.ends_at > p.created_at)
          AND (h.lifted_at IS NULL OR h.lifted_at > p.created_at)""",
}


def _under(capability: Capability) -> list[str]:
    """The holds that leave a capability to nobody, or to staff alone."""
    allowed = Permission.ALLOWED
    return [str(kind) for kind in HoldKind if permissions_under(kind)[capability] is not allowed]


VALUES = {
    "live": [str(status) for status in LIVE],
    "no_charge": _under(Capability.CHARGE),
    "no_pay": _under(Capability.PAY),
}
