"""Who may begin to work for a client is invited by somebody who may."""

CHECKS: dict[str, str] = {
    "an invitation is open only while its sender may invite (PR-03)": """
        SELECT 'invitation ' || i.id FROM staff_invitation i
        WHERE :client = ANY(i.client_ids) AND i.accepted_at IS NULL AND i.revoked_at IS NULL
          AND i.invited_by IS NOT NULL
          AND NOT staff_could_invite(i.invited_by, i.role, i.client_ids)""",
}
