"""Payments by check, cash and transfer, and the second person that large movements need."""

from alembic import op

revision = "0033_counter_payments"
down_revision = "0032_operator"
branch_labels = depends_on = None

RUNNERS = "portal_app, portal_worker"
MINE = "client_id = ANY ((SELECT app_client_ids())::uuid[])"

COLUMNS = (
    "ALTER TABLE client ADD COLUMN counter_limit_cents BIGINT NOT NULL DEFAULT 50000,"
    " ADD COLUMN refund_limit_cents BIGINT NOT NULL DEFAULT 50000,"
    " ADD CONSTRAINT ck_client_limits"
    " CHECK (counter_limit_cents >= 0 AND refund_limit_cents >= 0)",
    "ALTER TABLE payment ADD COLUMN counter_kind VARCHAR(40), ADD COLUMN counter_number TEXT,"
    " ADD COLUMN received_on DATE,"
    " ADD CONSTRAINT ck_payment_counter_without_stripe CHECK ("
    " (counter_kind IS NULL) = (received_on IS NULL) AND (counter_kind IS NULL OR"
    " (status = 'succeeded' AND checkout_id IS NULL AND intent_id IS NULL"
    " AND method_id IS NULL)))",
    # What a returned check had paid is taken back by an allocation of its own.
    "ALTER TABLE payment_allocation DROP CONSTRAINT ck_payment_allocation_amount_positive,"
    " ADD CONSTRAINT ck_payment_allocation_moves CHECK (amount_cents <> 0)",
)
LOOK = """
    CREATE TABLE second_look (
      client_id UUID NOT NULL,
      id UUID NOT NULL,
      account_id UUID NOT NULL,
      payment_id UUID,
      kind VARCHAR(40) NOT NULL,
      outcome VARCHAR(40) NOT NULL,
      amount_cents BIGINT NOT NULL,
      counted_cents BIGINT NOT NULL,
      limit_cents BIGINT NOT NULL,
      currency TEXT NOT NULL,
      reason TEXT NOT NULL,
      details JSONB NOT NULL,
      asked_by UUID NOT NULL,
      asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
      decided_by UUID,
      decided_at TIMESTAMP WITH TIME ZONE,
      answer TEXT,
      CONSTRAINT pk_second_look PRIMARY KEY (client_id, id),
      CONSTRAINT fk_second_look_client_id FOREIGN KEY (client_id) REFERENCES client (id),
      CONSTRAINT fk_second_look_client_id_account_id
        FOREIGN KEY (client_id, account_id) REFERENCES account (client_id, id),
      CONSTRAINT fk_second_look_client_id_payment_id
        FOREIGN KEY (client_id, payment_id) REFERENCES payment (client_id, id),
      CONSTRAINT ck_second_look_amount_positive CHECK (amount_cents > 0),
      CONSTRAINT ck_second_look_alone_within_limit
        CHECK (outcome <> 'not_needed' OR counted_cents <= limit_cents),
      CONSTRAINT ck_second_look_two_people
        CHECK (outcome NOT IN ('approved', 'declined') OR decided_by <> asked_by),
      CONSTRAINT ck_second_look_decided
        CHECK ((outcome IN ('not_needed', 'waits')) = (decided_at IS NULL)
          AND (decided_by IS NULL) = (decided_at IS NULL))
    )"""
INDEXES = (
    "CREATE UNIQUE INDEX uq_second_look_one_waits ON second_look (client_id, account_id)"
    " WHERE outcome = 'waits'",
    "CREATE INDEX ix_second_look_account ON second_look (client_id, account_id, asked_at)",
    "CREATE INDEX ix_second_look_payment ON second_look (client_id, payment_id)",
)
# What was asked for, and by whom, is not rewritten; words go with a record that is erased.
GRANTS = (
    f"GRANT SELECT ON second_look TO {RUNNERS}",
    "GRANT INSERT, UPDATE (outcome, decided_by, decided_at, answer, payment_id)"
    " ON second_look TO portal_app",
    "GRANT UPDATE (reason, details, answer) ON second_look TO portal_worker",
)


def upgrade() -> None:
    """Add the columns and the table."""
    for statement in (*COLUMNS, LOOK):
        op.execute(statement)
    op.execute("ALTER TABLE second_look ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE second_look FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY of_client ON second_look TO {RUNNERS}, CURRENT_USER"
        f" USING ({MINE}) WITH CHECK ({MINE})"
    )
    for statement in (*INDEXES, *GRANTS):
        op.execute(statement)


def downgrade() -> None:
    """Data outlives code: revisions only go forward."""
    raise RuntimeError("forward only")
