"""Which clients have, or had, a phone number on file: for what its owner answers to a text."""

from alembic import op

revision = "0006_texted_numbers"
down_revision = "0005_payer_links"
branch_labels = depends_on = None


def upgrade() -> None:
    """Add the resolver; like the others it answers with ids alone."""
    op.execute("""
        CREATE FUNCTION resolve_texted(wanted text) RETURNS TABLE (client_id uuid)
          LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS
          $$ SELECT DISTINCT client_id FROM contact
             WHERE channel = 'sms' AND address = wanted $$""")
    op.execute("GRANT CREATE ON SCHEMA public TO portal_resolver")
    op.execute("ALTER FUNCTION resolve_texted(text) OWNER TO portal_resolver")
    op.execute("REVOKE CREATE ON SCHEMA public FROM portal_resolver")
    op.execute("REVOKE ALL ON FUNCTION resolve_texted(text) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION resolve_texted(text) TO portal_app, portal_worker")


def downgrade() -> None:
    """Data outlives code: revisions only go forward."""
    raise RuntimeError("forward only")
