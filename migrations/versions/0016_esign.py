"""Consent to get required copies online only, and the letters that go where none stands."""

from alembic import op

revision = "0016_esign"
down_revision = "0015_evidence"
branch_labels = depends_on = None

RUNNERS = "portal_app, portal_worker"
MINE = "client_id = ANY ((SELECT app_client_ids())::uuid[])"

CONSENT = """
    CREATE TABLE esign_consent (
      client_id UUID NOT NULL,
      id UUID NOT NULL,
      debtor_id UUID NOT NULL,
      contact_id UUID NOT NULL,
      session_id UUID NOT NULL,
      status VARCHAR(40) NOT NULL,
      scope TEXT NOT NULL,
      text_version INTEGER NOT NULL,
      text_sha256 BYTEA NOT NULL,
      locale TEXT NOT NULL,
      sample_sha256 BYTEA NOT NULL,
      tries INTEGER NOT NULL,
      asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
      consented_at TIMESTAMP WITH TIME ZONE,
      withdrawn_at TIMESTAMP WITH TIME ZONE,
      CONSTRAINT pk_esign_consent PRIMARY KEY (client_id, id),
      CONSTRAINT fk_esign_consent_client_id FOREIGN KEY (client_id) REFERENCES client (id),
      CONSTRAINT fk_esign_consent_client_id_debtor_id
        FOREIGN KEY (client_id, debtor_id) REFERENCES debtor (client_id, id),
      CONSTRAINT fk_esign_consent_client_id_contact_id
        FOREIGN KEY (client_id, contact_id) REFERENCES contact (client_id, id),
      CONSTRAINT fk_esign_consent_client_id_session_id
        FOREIGN KEY (client_id, session_id) REFERENCES debtor_session (client_id, id),
      CONSTRAINT ck_esign_consent_consented_at
        CHECK (status NOT IN ('consented', 'withdrawn') OR consented_at IS NOT NULL),
      CONSTRAINT ck_esign_consent_withdrawn_at
        CHECK ((status = 'withdrawn') = (withdrawn_at IS NOT NULL))
    )"""
BATCH = """
    CREATE TABLE letter_batch (
      client_id UUID NOT NULL,
      id UUID NOT NULL,
      reference TEXT NOT NULL,
      printed_at TIMESTAMP WITH TIME ZONE NOT NULL,
      printed_by UUID NOT NULL,
      finished_at TIMESTAMP WITH TIME ZONE,
      finished_by UUID,
      CONSTRAINT pk_letter_batch PRIMARY KEY (client_id, id),
      CONSTRAINT fk_letter_batch_client_id FOREIGN KEY (client_id) REFERENCES client (id),
      CONSTRAINT uq_letter_batch_client_id_reference UNIQUE (client_id, reference)
    )"""
LETTER = """
    CREATE TABLE letter (
      client_id UUID NOT NULL,
      id UUID NOT NULL,
      batch_id UUID NOT NULL,
      message_id UUID NOT NULL,
      link_id UUID,
      n INTEGER NOT NULL,
      recipient TEXT NOT NULL,
      document_sha256 BYTEA NOT NULL,
      enclosure_sha256 BYTEA,
      sent_at TIMESTAMP WITH TIME ZONE,
      CONSTRAINT pk_letter PRIMARY KEY (client_id, id),
      CONSTRAINT fk_letter_client_id FOREIGN KEY (client_id) REFERENCES client (id),
      CONSTRAINT fk_letter_client_id_batch_id
        FOREIGN KEY (client_id, batch_id) REFERENCES letter_batch (client_id, id),
      CONSTRAINT fk_letter_client_id_message_id
        FOREIGN KEY (client_id, message_id) REFERENCES message (client_id, id),
      CONSTRAINT fk_letter_client_id_link_id
        FOREIGN KEY (client_id, link_id) REFERENCES access_link (client_id, id),
      CONSTRAINT uq_letter_client_id_batch_id_n UNIQUE (client_id, batch_id, n)
    )"""
CHANGED = {
    "esign_consent": (
        "status, text_version, text_sha256, locale, tries, consented_at, withdrawn_at, session_id"
    ),
    "letter_batch": "finished_at, finished_by",
    "letter": "sent_at",
}
"""The columns of each table that a page may change later."""
INDEXES = (
    "CREATE UNIQUE INDEX uq_esign_consent_one_asked ON esign_consent (client_id, debtor_id)"
    " WHERE status = 'asked'",
    "CREATE UNIQUE INDEX uq_esign_consent_one_consented ON esign_consent (client_id, debtor_id)"
    " WHERE status = 'consented'",
    "CREATE INDEX ix_esign_consent_debtor ON esign_consent (client_id, debtor_id, asked_at)",
    "CREATE INDEX ix_letter_batch_open ON letter_batch (client_id, printed_at)"
    " WHERE finished_at IS NULL",
    "CREATE INDEX ix_letter_message ON letter (client_id, message_id)",
    "CREATE INDEX ix_message_letters ON message (client_id, created_at)"
    " WHERE status = 'queued' AND channel = 'letter'",
)


def upgrade() -> None:
    """Add the tables, and whether a person decided that a message goes despite a hold."""
    for statement in (CONSENT, BATCH, LETTER):
        op.execute(statement)
    for table, changed in CHANGED.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY of_client ON {table} TO {RUNNERS}, CURRENT_USER"
            f" USING ({MINE}) WITH CHECK ({MINE})"
        )
        op.execute(f"GRANT SELECT ON {table} TO {RUNNERS}")
        op.execute(f"GRANT INSERT, UPDATE ({changed}) ON {table} TO portal_app")
    op.execute("ALTER TABLE message ADD COLUMN decided BOOLEAN NOT NULL DEFAULT false")
    for index in INDEXES:
        op.execute(index)


def downgrade() -> None:
    """Data outlives code: revisions only go forward."""
    raise RuntimeError("forward only")
