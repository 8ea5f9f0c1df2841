"""What permits an address, what people want of our writing, and which notices came first."""

from alembic import op

revision = "0023_contact"
down_revision = "0021_keeping"
branch_labels = depends_on = None

RUNNERS = "portal_app, portal_worker"
MINE = "client_id = ANY ((SELECT app_client_ids())::uuid[])"

PERMISSION = """
    CREATE TABLE contact_permission (
      client_id UUID NOT NULL,
      id UUID NOT NULL,
      contact_id UUID NOT NULL,
      basis VARCHAR(40) NOT NULL,
      source TEXT NOT NULL,
      words TEXT,
      notice_sent_on DATE,
      deadline_on DATE,
      document_sha256 BYTEA,
      at TIMESTAMP WITH TIME ZONE NOT NULL,
      recorded_by UUID,
      CONSTRAINT pk_contact_permission PRIMARY KEY (client_id, id),
      CONSTRAINT fk_contact_permission_client_id FOREIGN KEY (client_id) REFERENCES client (id),
      CONSTRAINT fk_contact_permission_client_id_contact_id
        FOREIGN KEY (client_id, contact_id) REFERENCES contact (client_id, id)
    )"""
PREFERENCE = """
    CREATE TABLE contact_preference (
      client_id UUID NOT NULL,
      id UUID NOT NULL,
      debtor_id UUID NOT NULL,
      kind VARCHAR(40) NOT NULL,
      value TEXT NOT NULL,
      words TEXT,
      source TEXT NOT NULL,
      stated_at TIMESTAMP WITH TIME ZONE NOT NULL,
      recorded_by UUID,
      ended_at TIMESTAMP WITH TIME ZONE,
      ended_by UUID,
      CONSTRAINT pk_contact_preference PRIMARY KEY (client_id, id),
      CONSTRAINT fk_contact_preference_client_id FOREIGN KEY (client_id) REFERENCES client (id),
      CONSTRAINT fk_contact_preference_client_id_debtor_id
        FOREIGN KEY (client_id, debtor_id) REFERENCES debtor (client_id, id),
      CONSTRAINT ck_contact_preference_ends_after CHECK (ended_at >= stated_at)
    )"""
NOTICE = """
    CREATE TABLE first_notice (
      client_id UUID NOT NULL,
      id UUID NOT NULL,
      account_id UUID NOT NULL,
      sent_on DATE NOT NULL,
      on_paper BOOLEAN NOT NULL,
      source TEXT NOT NULL,
      recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
      recorded_by UUID,
      missed_at TIMESTAMP WITH TIME ZONE,
      CONSTRAINT pk_first_notice PRIMARY KEY (client_id, id),
      CONSTRAINT fk_first_notice_client_id FOREIGN KEY (client_id) REFERENCES client (id),
      CONSTRAINT fk_first_notice_client_id_account_id
        FOREIGN KEY (client_id, account_id) REFERENCES account (client_id, id),
      CONSTRAINT uq_first_notice_client_id_account_id_sent_on_on_paper
        UNIQUE (client_id, account_id, sent_on, on_paper)
    )"""
TABLES = ("contact_permission", "contact_preference", "first_notice")
# Words go with a record that is erased; else nothing changes but that a wish or a wait ends.
GRANTS = (
    f"GRANT SELECT ON {', '.join(TABLES)} TO {RUNNERS}",
    f"GRANT INSERT ON contact_permission TO {RUNNERS}",
    "GRANT UPDATE (words) ON contact_permission, contact_preference TO portal_worker",
    "GRANT INSERT, UPDATE (ended_at, ended_by) ON contact_preference TO portal_app",
    "GRANT INSERT, UPDATE (missed_at) ON first_notice TO portal_app",
)
INDEXES = (
    "CREATE INDEX ix_contact_permission_contact ON contact_permission (client_id, contact_id)",
    "CREATE UNIQUE INDEX uq_contact_preference_in_force"
    " ON contact_preference (client_id, debtor_id, kind, value) WHERE ended_at IS NULL",
)


def upgrade() -> None:
    """Add the tables, which addresses are an employer's, and the batch of a message."""
    for statement in (PERMISSION, PREFERENCE, NOTICE):
        op.execute(statement)
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY of_client ON {table} TO {RUNNERS}, CURRENT_USER"
            f" USING ({MINE}) WITH CHECK ({MINE})"
        )
    op.execute("ALTER TABLE message ADD COLUMN batch_id UUID")
    op.execute("ALTER TABLE contact ADD COLUMN at_work BOOLEAN NOT NULL DEFAULT false")
    for statement in (*INDEXES, *GRANTS):
        op.execute(statement)


def downgrade() -> None:
    """Data outlives code: revisions only go forward."""
    raise RuntimeError("forward only")
