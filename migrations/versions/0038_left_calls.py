"""The open call of a member of staff, also with a client that they no longer look after."""

from alembic import op

revision = "0038_left_calls"
down_revision = "0037_hiring_again"
branch_labels = depends_on = None

STATEMENTS = (
    "GRANT SELECT (client_id, id, staff_id, ended_at) ON call_session TO portal_resolver",
    "CREATE POLICY resolve ON call_session FOR SELECT TO portal_resolver USING (true)",
    """
    CREATE FUNCTION resolve_open_call() RETURNS TABLE (client_id uuid, id uuid)
      LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS
      $$ SELECT c.client_id, c.id FROM call_session c
         WHERE c.staff_id = app_staff_id() AND c.ended_at IS NULL $$""",
    "GRANT CREATE ON SCHEMA public TO portal_resolver",
    "ALTER FUNCTION resolve_open_call() OWNER TO portal_resolver",
    "REVOKE CREATE ON SCHEMA public FROM portal_resolver",
    "SET LOCAL ROLE portal_resolver",
    "REVOKE ALL ON FUNCTION resolve_open_call() FROM PUBLIC",
    "GRANT EXECUTE ON FUNCTION resolve_open_call() TO portal_app, portal_worker, SESSION_USER",
    "RESET ROLE",
)


def upgrade() -> None:
    """Let the portal end a call whose agent cannot."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Data outlives code: revisions only go forward."""
    raise RuntimeError("forward only")
