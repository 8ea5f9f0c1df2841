"""Who may touch what: row-level security by client, append-only tables, narrow resolvers."""

from pathlib import Path

from alembic import op

revision = "0003_isolation"
down_revision = "0002_core"
branch_labels = depends_on = None

RESOLVERS = Path(__file__).parent.parent / "sql" / "0003_resolvers.sql"

OWNED = [
    "offer_policy",
    "placement",
    "placement_row",
    "debtor",
    "contact",
    "contact_stop",
    "account",
    "hold",
    "ledger_entry",
    "money_exception",
    "payment",
    "payment_allocation",
    "refund",
    "chargeback",
    "arrangement",
    "installment",
    "payment_authorization",
    "proposal",
    "access_link",
    "one_time_code",
    "debtor_session",
    "message",
    "thread_entry",
    "help_request",
    "chain",
    "leaf",
    "leaf_payload",
    "document",
]
APPEND_ONLY = [
    "offer_policy",
    "placement_row",
    "ledger_entry",
    "payment_allocation",
    "thread_entry",
    "leaf",
    "leaf_payload",
    "document",
]
SHARED = [
    "attempt_counter",
    "stripe_event",
    "watermark",
    "staff",
    "staff_client",
    "staff_session",
]
RUNNERS = "portal_app, portal_worker"


def upgrade() -> None:
    """Create the tenant functions, policies, grants, triggers and resolvers."""
    op.execute(f"GRANT USAGE ON SCHEMA public TO {RUNNERS}, portal_resolver")
    op.execute("""
        CREATE FUNCTION app_client_ids() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE AS
        $$ SELECT nullif(current_setting('app.client_ids', true), '')::uuid[] $$
    """)
    op.execute("""
        CREATE FUNCTION forbid_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          RAISE EXCEPTION '% is append-only: % is not allowed', TG_TABLE_NAME, TG_OP
            USING ERRCODE = 'insufficient_privilege';
        END $$
    """)
    _isolate("client", "id")
    for table in OWNED:
        _isolate(table, "client_id")
    for table in [*OWNED, "client", *SHARED]:
        op.execute(f"GRANT SELECT, INSERT ON {table} TO {RUNNERS}")
        if table not in APPEND_ONLY:
            op.execute(f"GRANT UPDATE ON {table} TO {RUNNERS}")
    op.execute(f"GRANT DELETE ON attempt_counter, staff_client TO {RUNNERS}")
    for table in APPEND_ONLY:
        _append_only(table)
    op.get_bind().connection.driver_connection.execute(RESOLVERS.read_text())


def _isolate(table: str, column: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    mine = f"{column} = ANY ((SELECT app_client_ids())::uuid[])"
    op.execute(
        f"CREATE POLICY of_client ON {table} TO {RUNNERS}, CURRENT_USER"
        f" USING ({mine}) WITH CHECK ({mine})"
    )


def _append_only(table: str) -> None:
    op.execute(
        f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}"
        " FOR EACH ROW EXECUTE FUNCTION forbid_change()"
    )
    op.execute(
        f"CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION forbid_change()"
    )


def downgrade() -> None:
    """Data outlives code: revisions only go forward."""
    raise RuntimeError("forward only")
