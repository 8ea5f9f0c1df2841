"""Calls with somebody on the line: who asked who they are, whether they matched, how it ended."""

from alembic import op

revision = "0031_call_session"
down_revision = "0030_staff_access"
branch_labels = depends_on = None

RUNNERS = "portal_app, portal_worker"
MINE = "client_id = ANY ((SELECT app_client_ids())::uuid[])"

SESSION = """
    CREATE TABLE call_session (
      client_id UUID NOT NULL,
      id UUID NOT NULL,
      account_id UUID NOT NULL,
      debtor_id UUID NOT NULL,
      staff_id UUID NOT NULL,
      log_in_id UUID NOT NULL,
      call_id UUID,
      opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
      seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
      verified_at TIMESTAMP WITH TIME ZONE,
      method TEXT,
      ended_at TIMESTAMP WITH TIME ZONE,
      disposition VARCHAR(40),
      note TEXT,
      CONSTRAINT pk_call_session PRIMARY KEY (client_id, id),
      CONSTRAINT fk_call_session_client_id FOREIGN KEY (client_id) REFERENCES client (id),
      CONSTRAINT fk_call_session_client_id_account_id
        FOREIGN KEY (client_id, account_id) REFERENCES account (client_id, id),
      CONSTRAINT fk_call_session_client_id_debtor_id
        FOREIGN KEY (client_id, debtor_id) REFERENCES debtor (client_id, id),
      CONSTRAINT fk_call_session_client_id_call_id
        FOREIGN KEY (client_id, call_id) REFERENCES call_attempt (client_id, id),
      CONSTRAINT ck_call_session_ends_somehow
        CHECK ((disposition IS NULL) = (ended_at IS NULL)),
      CONSTRAINT ck_call_session_known_somehow
        CHECK ((method IS NULL) = (verified_at IS NULL)),
      CONSTRAINT ck_call_session_speaks_with_who_is_known
        CHECK (disposition <> 'spoke' OR verified_at IS NOT NULL)
    )"""
INDEXES = (
    "CREATE UNIQUE INDEX uq_call_session_open ON call_session (staff_id) WHERE ended_at IS NULL",
    "CREATE INDEX ix_call_session_account ON call_session (client_id, account_id, opened_at)",
)
# Who opened a call, about whom and when is not rewritten; a note goes with a record that is erased.
GRANTS = (
    f"GRANT SELECT ON call_session TO {RUNNERS}",
    "GRANT INSERT, UPDATE (call_id, seen_at, verified_at, method, ended_at, disposition, note)"
    " ON call_session TO portal_app",
    "GRANT UPDATE (note) ON call_session TO portal_worker",
)


def upgrade() -> None:
    """Add the table."""
    op.execute(SESSION)
    op.execute("ALTER TABLE call_session ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE call_session FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY of_client ON call_session TO {RUNNERS}, CURRENT_USER"
        f" USING ({MINE}) WITH CHECK ({MINE})"
    )
    for statement in (*INDEXES, *GRANTS):
        op.execute(statement)


def downgrade() -> None:
    """Data outlives code: revisions only go forward."""
    raise RuntimeError("forward only")
