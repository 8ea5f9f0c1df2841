"""Who works on what waits, whom the identity check locked out, and how queues are read."""

from alembic import op

revision = "0034_claims"
down_revision = "0033_counter_payments"
branch_labels = depends_on = None

RUNNERS = "portal_app, portal_worker"
MINE = "client_id = ANY ((SELECT app_client_ids())::uuid[])"

TABLES = (
    """
    CREATE TABLE claim (
      client_id UUID NOT NULL,
      queue VARCHAR(40) NOT NULL,
      item_id UUID NOT NULL,
      staff_id UUID NOT NULL,
      taken_at TIMESTAMP WITH TIME ZONE NOT NULL,
      until TIMESTAMP WITH TIME ZONE NOT NULL,
      CONSTRAINT pk_claim PRIMARY KEY (client_id, queue, item_id),
      CONSTRAINT fk_claim_client_id FOREIGN KEY (client_id) REFERENCES client (id),
      CONSTRAINT ck_claim_until_later CHECK (until >= taken_at)
    )""",
    """
    CREATE TABLE lock_out (
      client_id UUID NOT NULL,
      id UUID NOT NULL,
      debtor_id UUID NOT NULL,
      account_id UUID NOT NULL,
      at TIMESTAMP WITH TIME ZONE NOT NULL,
      until TIMESTAMP WITH TIME ZONE NOT NULL,
      closed_at TIMESTAMP WITH TIME ZONE,
      closed_by UUID,
      CONSTRAINT pk_lock_out PRIMARY KEY (client_id, id),
      CONSTRAINT fk_lock_out_client_id FOREIGN KEY (client_id) REFERENCES client (id),
      CONSTRAINT fk_lock_out_client_id_debtor_id
        FOREIGN KEY (client_id, debtor_id) REFERENCES debtor (client_id, id),
      CONSTRAINT fk_lock_out_client_id_account_id
        FOREIGN KEY (client_id, account_id) REFERENCES account (client_id, id)
    )""",
)
INDEXES = (
    "CREATE INDEX ix_claim_staff ON claim (staff_id, until)",
    "CREATE UNIQUE INDEX uq_lock_out_open ON lock_out (client_id, debtor_id)"
    " WHERE closed_at IS NULL",
    "CREATE INDEX ix_lock_out_open ON lock_out (client_id, at, id) WHERE closed_at IS NULL",
    # What waits is little of a big table: a queue is read from its own index.
    "CREATE INDEX ix_installment_given_up ON installment (client_id, due_on, id)"
    " WHERE status = 'failed' AND next_attempt_on IS NULL",
    "CREATE INDEX ix_message_copies ON message (client_id, created_at, id)"
    " WHERE status = 'queued' AND channel = 'letter' AND template <> 'link'",
)
GRANTS = (
    f"GRANT SELECT ON claim, lock_out TO {RUNNERS}",
    "GRANT INSERT, UPDATE (staff_id, taken_at, until) ON claim TO portal_app",
    f"GRANT INSERT, UPDATE (until, closed_at, closed_by) ON lock_out TO {RUNNERS}",
)
# Supervisors give work to whoever may do it for that client; names alone leave the walls.
COLLEAGUES = (
    """
    CREATE FUNCTION resolve_colleagues(wanted uuid, roles text[])
      RETURNS TABLE (staff_id uuid, name text)
      LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS
      $$ SELECT s.id, s.name FROM staff s JOIN staff_client c ON c.staff_id = s.id
         WHERE c.client_id = wanted AND wanted = ANY (app_client_ids())
           AND s.role = ANY (roles) AND s.disabled_at IS NULL
         ORDER BY s.name, s.id $$""",
    "GRANT CREATE ON SCHEMA public TO portal_resolver",
    "ALTER FUNCTION resolve_colleagues(uuid, text[]) OWNER TO portal_resolver",
    "REVOKE CREATE ON SCHEMA public FROM portal_resolver",
    "SET LOCAL ROLE portal_resolver",
    "REVOKE ALL ON FUNCTION resolve_colleagues(uuid, text[]) FROM PUBLIC",
    "GRANT EXECUTE ON FUNCTION resolve_colleagues(uuid, text[]) TO portal_app, portal_worker,"
    " SESSION_USER",
    "RESET ROLE",
)


def upgrade() -> None:
    """Add the tables, the indexes of the queues, and the names to give work to."""
    for statement in TABLES:
        op.execute(statement)
    for table in ("claim", "lock_out"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY of_client ON {table} TO {RUNNERS}, CURRENT_USER"
            f" USING ({MINE}) WITH CHECK ({MINE})"
        )
    for statement in (*INDEXES, *GRANTS, *COLLEAGUES):
        op.execute(statement)


def downgrade() -> None:
    """Data outlives code: revisions only go forward."""
    raise RuntimeError("forward only")
