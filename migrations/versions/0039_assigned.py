"""Work that is somebody's until it is done, and failed charges that somebody dealt with."""

from alembic import op

revision = "0039_assigned"
down_revision = "0038_left_calls"
branch_labels = depends_on = None

COLUMNS = (
    "ALTER TABLE claim ALTER COLUMN until DROP NOT NULL",
    "ALTER TABLE installment ADD COLUMN dealt_with_at TIMESTAMP WITH TIME ZONE",
    "ALTER TABLE installment ADD COLUMN dealt_with_by UUID",
    "ALTER TABLE installment ADD CONSTRAINT ck_installment_dealt_with_by_somebody"
    " CHECK ((dealt_with_at IS NULL) = (dealt_with_by IS NULL))",
    "DROP INDEX ix_installment_given_up",
    "CREATE INDEX ix_installment_given_up ON installment (client_id, due_on, id)"
    " WHERE status = 'failed' AND next_attempt_on IS NULL AND dealt_with_at IS NULL",
    "CREATE INDEX ix_second_look_waits ON second_look (client_id, asked_at, id)"
    " WHERE outcome = 'waits'",
)
# Whoever is disabled, leaves a client, or may not do such work any more keeps nothing from their
# colleagues: nobody cleans up. An operator works for every client.
WORKS_FOR = (
    """
    CREATE FUNCTION resolve_works_for(whom uuid, wanted uuid, roles text[])
      RETURNS boolean
      LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS
      $$ SELECT wanted = ANY (app_client_ids()) AND EXISTS (
           SELECT FROM staff s
           WHERE s.id = whom AND s.role = ANY (roles) AND s.disabled_at IS NULL
             AND (s.role = 'operator' OR EXISTS (SELECT FROM staff_client c
               WHERE c.staff_id = s.id AND c.client_id = wanted))) $$""",
    "GRANT CREATE ON SCHEMA public TO portal_resolver",
    "ALTER FUNCTION resolve_works_for(uuid, uuid, text[]) OWNER TO portal_resolver",
    "REVOKE CREATE ON SCHEMA public FROM portal_resolver",
    "SET LOCAL ROLE portal_resolver",
    "REVOKE ALL ON FUNCTION resolve_works_for(uuid, uuid, text[]) FROM PUBLIC",
    "GRANT EXECUTE ON FUNCTION resolve_works_for(uuid, uuid, text[]) TO portal_app, portal_worker,"
    " SESSION_USER",
    "RESET ROLE",
)


def upgrade() -> None:
    """Let a claim last, keep who dealt with a failed charge, and read two more queues by day."""
    for statement in (*COLUMNS, *WORKS_FOR):
        op.execute(statement)


def downgrade() -> None:
    """Data outlives code: revisions only go forward."""
    raise RuntimeError("forward only")
