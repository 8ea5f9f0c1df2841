"""Rehearsals of offer limits, and the accounts that each would change."""

from alembic import op

revision = "0010_rehearsals"
down_revision = "0009_branding"
branch_labels = depends_on = None

RUNNERS = "portal_app, portal_worker"
MINE = "client_id = ANY ((SELECT app_client_ids())::uuid[])"


def upgrade() -> None:
    """Add both tables, and find a debtor's visits by debtor."""
    op.execute("""
        CREATE TABLE rehearsal (
          client_id UUID NOT NULL,
          id UUID NOT NULL,
          sha256 BYTEA NOT NULL,
          document TEXT NOT NULL,
          live_version INTEGER,
          status VARCHAR(40) NOT NULL,
          asked_by UUID NOT NULL,
          started_at TIMESTAMP WITH TIME ZONE NOT NULL,
          completed_at TIMESTAMP WITH TIME ZONE,
          total INTEGER NOT NULL,
          done INTEGER NOT NULL,
          after UUID,
          figures JSONB NOT NULL,
          CONSTRAINT pk_rehearsal PRIMARY KEY (client_id, id),
          CONSTRAINT fk_rehearsal_client_id FOREIGN KEY (client_id) REFERENCES client (id)
        )""")
    op.execute("CREATE INDEX ix_rehearsal_document ON rehearsal (client_id, sha256, started_at)")
    op.execute("""
        CREATE TABLE rehearsal_change (
          client_id UUID NOT NULL,
          rehearsal_id UUID NOT NULL,
          account_id UUID NOT NULL,
          reference TEXT NOT NULL,
          difference VARCHAR(40) NOT NULL,
          settlement_before_cents BIGINT,
          settlement_after_cents BIGINT,
          plan_before_cents BIGINT,
          plan_after_cents BIGINT,
          offers_before TEXT NOT NULL,
          offers_after TEXT NOT NULL,
          seen BOOLEAN NOT NULL,
          CONSTRAINT pk_rehearsal_change PRIMARY KEY (client_id, rehearsal_id, account_id),
          CONSTRAINT fk_rehearsal_change_client_id FOREIGN KEY (client_id) REFERENCES client (id),
          CONSTRAINT fk_rehearsal_change_client_id_rehearsal_id
            FOREIGN KEY (client_id, rehearsal_id) REFERENCES rehearsal (client_id, id)
        )""")
    op.execute(
        "CREATE INDEX ix_rehearsal_change_losing"
        " ON rehearsal_change (client_id, rehearsal_id, account_id)"
        " WHERE difference IN ('worse', 'different', 'gone')"
    )
    for table in ("rehearsal", "rehearsal_change"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY of_client ON {table} TO {RUNNERS}, CURRENT_USER"
            f" USING ({MINE}) WITH CHECK ({MINE})"
        )
        op.execute(f"GRANT SELECT, INSERT ON {table} TO {RUNNERS}")
    op.execute("GRANT UPDATE ON rehearsal TO portal_worker")
    op.execute("GRANT DELETE ON rehearsal_change TO portal_worker")
    op.execute("CREATE INDEX ix_debtor_session_debtor ON debtor_session (client_id, debtor_id)")


def downgrade() -> None:
    """Data outlives code: revisions only go forward."""
    raise RuntimeError("forward only")
