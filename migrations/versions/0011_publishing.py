"""One draft of offer limits for each client, and versions that begin later, approved by two."""

from alembic import op

revision = "0011_publishing"
down_revision = "0010_rehearsals"
branch_labels = depends_on = None

RUNNERS = "portal_app, portal_worker"
MINE = "client_id = ANY ((SELECT app_client_ids())::uuid[])"


def upgrade() -> None:
    """Add when a version begins and who approved it; copy each client's newest draft.

    The table of drafts before stays as it is for the release before, until a later one retires it.
    """
    op.execute("""
        ALTER TABLE offer_policy ADD COLUMN live_from TIMESTAMP WITH TIME ZONE,
          ADD COLUMN approved_by UUID, ADD COLUMN rehearsal_id UUID, ADD COLUMN restores INTEGER,
          ADD CONSTRAINT ck_offer_policy_two_people CHECK (approved_by <> published_by)""")
    op.execute("ALTER TABLE client ADD COLUMN drafts_saved INTEGER NOT NULL DEFAULT 0")
    op.execute("""
        CREATE TABLE offer_draft (
          client_id UUID NOT NULL,
          id UUID NOT NULL,
          base_version INTEGER NOT NULL,
          revision INTEGER NOT NULL,
          typed JSONB NOT NULL,
          document TEXT,
          sha256 BYTEA,
          restores INTEGER,
          saved_by UUID NOT NULL,
          saved_at TIMESTAMP WITH TIME ZONE NOT NULL,
          note TEXT,
          noted_by UUID,
          CONSTRAINT pk_offer_draft PRIMARY KEY (client_id, id),
          CONSTRAINT fk_offer_draft_client_id FOREIGN KEY (client_id) REFERENCES client (id),
          CONSTRAINT uq_offer_draft_client_id UNIQUE (client_id)
        )""")
    _copy_newest()
    op.execute("ALTER TABLE offer_draft ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE offer_draft FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY of_client ON offer_draft TO {RUNNERS}, CURRENT_USER"
        f" USING ({MINE}) WITH CHECK ({MINE})"
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON offer_draft TO {RUNNERS}")
    _resolver()


def _copy_newest() -> None:
    op.execute("ALTER TABLE policy_draft NO FORCE ROW LEVEL SECURITY")
    op.execute("""
        INSERT INTO offer_draft (client_id, id, base_version, revision, typed, document, sha256,
          saved_by, saved_at)
        SELECT DISTINCT ON (client_id) client_id, id, base_version, 1, '{}', document,
          sha256(convert_to(document, 'UTF8')), staff_id, saved_at
        FROM policy_draft ORDER BY client_id, saved_at DESC""")
    op.execute("ALTER TABLE policy_draft FORCE ROW LEVEL SECURITY")


def _resolver() -> None:
    """Name the admins of a client to each other, for a draft needs two of them."""
    op.execute("GRANT SELECT (role, disabled_at) ON staff TO portal_resolver")
    op.execute("GRANT SELECT ON staff_client TO portal_resolver")
    op.execute("CREATE POLICY resolve ON staff_client FOR SELECT TO portal_resolver USING (true)")
    op.execute("""
        CREATE FUNCTION resolve_client_admins(wanted uuid)
          RETURNS TABLE (staff_id uuid, name text)
          LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
          SELECT s.id, s.name FROM staff s JOIN staff_client c ON c.staff_id = s.id
          WHERE c.client_id = wanted AND wanted = ANY (app_client_ids())
            AND s.role = 'client_admin' AND s.disabled_at IS NULL $$""")
    op.execute("GRANT CREATE ON SCHEMA public TO portal_resolver")
    op.execute("ALTER FUNCTION resolve_client_admins(uuid) OWNER TO portal_resolver")
    op.execute("REVOKE CREATE ON SCHEMA public FROM portal_resolver")
    op.execute("SET LOCAL ROLE portal_resolver")
    op.execute("REVOKE ALL ON FUNCTION resolve_client_admins(uuid) FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION resolve_client_admins(uuid) TO {RUNNERS}, SESSION_USER")
    op.execute("RESET ROLE")


def downgrade() -> None:
    """Data outlives code: revisions only go forward."""
    raise RuntimeError("forward only")
