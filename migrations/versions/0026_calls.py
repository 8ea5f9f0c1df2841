"""Telephone calls to debtors: who began each, and how it went."""

from alembic import op

revision = "0026_calls"
down_revision = "0025_campaigns"
branch_labels = depends_on = None

RUNNERS = "portal_app, portal_worker"
MINE = "client_id = ANY ((SELECT app_client_ids())::uuid[])"

CALL = """
    CREATE TABLE call_attempt (
      client_id UUID NOT NULL,
      id UUID NOT NULL,
      account_id UUID NOT NULL,
      contact_id UUID,
      request_id UUID,
      number TEXT NOT NULL,
      at TIMESTAMP WITH TIME ZONE NOT NULL,
      on_day DATE NOT NULL,
      staff_id UUID NOT NULL,
      ground VARCHAR(40),
      reason TEXT,
      outcome VARCHAR(40),
      consented BOOLEAN NOT NULL DEFAULT false,
      note TEXT,
      logged_at TIMESTAMP WITH TIME ZONE,
      logged_by UUID,
      CONSTRAINT pk_call_attempt PRIMARY KEY (client_id, id),
      CONSTRAINT fk_call_attempt_client_id FOREIGN KEY (client_id) REFERENCES client (id),
      CONSTRAINT fk_call_attempt_client_id_account_id
        FOREIGN KEY (client_id, account_id) REFERENCES account (client_id, id),
      CONSTRAINT fk_call_attempt_client_id_contact_id
        FOREIGN KEY (client_id, contact_id) REFERENCES contact (client_id, id),
      CONSTRAINT fk_call_attempt_client_id_request_id
        FOREIGN KEY (client_id, request_id) REFERENCES help_request (client_id, id),
      CONSTRAINT ck_call_attempt_logged_with_outcome
        CHECK ((outcome IS NULL) = (logged_at IS NULL)),
      CONSTRAINT ck_call_attempt_supervisor_says_why
        CHECK (ground <> 'supervisor' OR reason IS NOT NULL),
      CONSTRAINT ck_call_attempt_consents_in_words
        CHECK (outcome = 'conversation' OR NOT consented)
    )"""
INDEX = "CREATE INDEX ix_call_attempt_account ON call_attempt (client_id, account_id, at)"
# When and by whom a call was begun is not rewritten: a page says how it went, and what somebody
# typed goes with a record that is erased.
GRANTS = (
    f"GRANT SELECT ON call_attempt TO {RUNNERS}",
    "GRANT INSERT, UPDATE (outcome, consented, note, logged_at, logged_by)"
    " ON call_attempt TO portal_app",
    "GRANT UPDATE (number, note, reason) ON call_attempt TO portal_worker",
)


def upgrade() -> None:
    """Add the table."""
    op.execute(CALL)
    op.execute("ALTER TABLE call_attempt ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE call_attempt FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY of_client ON call_attempt TO {RUNNERS}, CURRENT_USER"
        f" USING ({MINE}) WITH CHECK ({MINE})"
    )
    for statement in (INDEX, *GRANTS):
        op.execute(statement)


def downgrade() -> None:
    """Data outlives code: revisions only go forward."""
    raise RuntimeError("forward only")
