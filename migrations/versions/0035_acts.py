"""What staff do for a debtor: templates of their notes, and corrections that a file respects."""

from alembic import op

revision = "0035_acts"
down_revision = "0034_claims"
branch_labels = depends_on = None

RUNNERS = "portal_app, portal_worker"
MINE = "client_id = ANY ((SELECT app_client_ids())::uuid[])"

TABLES = {
    "note_template": """
        CREATE TABLE note_template (
          client_id UUID NOT NULL,
          id UUID NOT NULL,
          title TEXT NOT NULL,
          body TEXT NOT NULL,
          kept_by UUID NOT NULL,
          kept_at TIMESTAMP WITH TIME ZONE NOT NULL,
          dropped_at TIMESTAMP WITH TIME ZONE,
          CONSTRAINT pk_note_template PRIMARY KEY (client_id, id),
          CONSTRAINT fk_note_template_client_id FOREIGN KEY (client_id) REFERENCES client (id)
        )""",
    "correction": """
        CREATE TABLE correction (
          client_id UUID NOT NULL,
          debtor_id UUID NOT NULL,
          field TEXT NOT NULL,
          placed TEXT,
          corrected_by UUID NOT NULL,
          corrected_at TIMESTAMP WITH TIME ZONE NOT NULL,
          CONSTRAINT pk_correction PRIMARY KEY (client_id, debtor_id, field),
          CONSTRAINT fk_correction_client_id FOREIGN KEY (client_id) REFERENCES client (id),
          CONSTRAINT fk_correction_client_id_debtor_id
            FOREIGN KEY (client_id, debtor_id) REFERENCES debtor (client_id, id)
        )""",
}
# A template is never rewritten: a changed one is another one. What a file said of a debtor goes
# with their record.
GRANTS = (
    f"GRANT SELECT ON note_template, correction TO {RUNNERS}",
    "GRANT INSERT, UPDATE (dropped_at) ON note_template TO portal_app",
    "GRANT INSERT, UPDATE (placed, corrected_by, corrected_at) ON correction TO portal_app",
    "GRANT UPDATE (placed) ON correction TO portal_worker",
)


def upgrade() -> None:
    """Add the tables."""
    for name, create in TABLES.items():
        op.execute(create)
        op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY of_client ON {name} TO {RUNNERS}, CURRENT_USER"
            f" USING ({MINE}) WITH CHECK ({MINE})"
        )
    for statement in GRANTS:
        op.execute(statement)


def downgrade() -> None:
    """Data outlives code: revisions only go forward."""
    raise RuntimeError("forward only")
