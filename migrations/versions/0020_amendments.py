"""Changes of running arrangements, and what an extra payment does to the rest."""

from alembic import op

revision = "0020_amendments"
down_revision = "0019_owed_on_record"
branch_labels = depends_on = None

RUNNERS = "portal_app, portal_worker"
MINE = "client_id = ANY ((SELECT app_client_ids())::uuid[])"


def upgrade() -> None:
    """Add the table, whose rows are never changed, and the column."""
    op.execute("""
        CREATE TABLE amendment (
          client_id UUID NOT NULL,
          id UUID NOT NULL,
          arrangement_id UUID NOT NULL,
          account_id UUID NOT NULL,
          n INTEGER NOT NULL,
          kind TEXT NOT NULL,
          counts BOOLEAN NOT NULL,
          before JSONB NOT NULL,
          after JSONB NOT NULL,
          rhythm JSONB NOT NULL,
          actor JSONB NOT NULL,
          at TIMESTAMP WITH TIME ZONE NOT NULL,
          change_sha256 BYTEA NOT NULL,
          document_sha256 BYTEA,
          CONSTRAINT pk_amendment PRIMARY KEY (client_id, id),
          CONSTRAINT fk_amendment_client_id FOREIGN KEY (client_id) REFERENCES client (id),
          CONSTRAINT fk_amendment_client_id_arrangement_id
            FOREIGN KEY (client_id, arrangement_id) REFERENCES arrangement (client_id, id),
          CONSTRAINT fk_amendment_client_id_account_id
            FOREIGN KEY (client_id, account_id) REFERENCES account (client_id, id),
          CONSTRAINT uq_amendment_client_id_arrangement_id_n UNIQUE (client_id, arrangement_id, n)
        )""")
    op.execute("CREATE INDEX ix_amendment_account ON amendment (client_id, account_id)")
    op.execute("ALTER TABLE amendment ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE amendment FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY of_client ON amendment TO {RUNNERS}, CURRENT_USER"
        f" USING ({MINE}) WITH CHECK ({MINE})"
    )
    op.execute(f"GRANT SELECT, INSERT ON amendment TO {RUNNERS}")
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON amendment"
        " FOR EACH ROW EXECUTE FUNCTION forbid_change()"
    )
    op.execute(
        "CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON amendment"
        " FOR EACH STATEMENT EXECUTE FUNCTION forbid_change()"
    )
    op.execute("ALTER TABLE payment ADD COLUMN effect TEXT")


def downgrade() -> None:
    """Data outlives code: revisions only go forward."""
    raise RuntimeError("forward only")
