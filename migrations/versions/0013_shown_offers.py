"""Settlements as debtors were shown them, so that each is kept to its last day."""

from alembic import op

revision = "0013_shown_offers"
down_revision = "0012_late_proposals"
branch_labels = depends_on = None

RUNNERS = "portal_app, portal_worker"
MINE = "client_id = ANY ((SELECT app_client_ids())::uuid[])"


def upgrade() -> None:
    """Add the table, whose rows are never changed, and what counted towards an agreed offer."""
    op.execute("""
        CREATE TABLE shown_offer (
          client_id UUID NOT NULL,
          account_id UUID NOT NULL,
          policy_version INTEGER NOT NULL,
          key TEXT NOT NULL,
          total_cents BIGINT NOT NULL,
          valid_until DATE NOT NULL,
          balance_cents BIGINT NOT NULL,
          paid_cents BIGINT NOT NULL,
          parts INTEGER NOT NULL,
          shown_at TIMESTAMP WITH TIME ZONE NOT NULL,
          session_id UUID NOT NULL,
          CONSTRAINT pk_shown_offer PRIMARY KEY
            (client_id, account_id, policy_version, key, total_cents, valid_until, balance_cents,
             paid_cents),
          CONSTRAINT fk_shown_offer_client_id FOREIGN KEY (client_id) REFERENCES client (id),
          CONSTRAINT fk_shown_offer_client_id_account_id
            FOREIGN KEY (client_id, account_id) REFERENCES account (client_id, id),
          CONSTRAINT fk_shown_offer_client_id_session_id
            FOREIGN KEY (client_id, session_id) REFERENCES debtor_session (client_id, id)
        )""")
    op.execute("ALTER TABLE shown_offer ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE shown_offer FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY of_client ON shown_offer TO {RUNNERS}, CURRENT_USER"
        f" USING ({MINE}) WITH CHECK ({MINE})"
    )
    op.execute(f"GRANT SELECT, INSERT ON shown_offer TO {RUNNERS}")
    op.execute("""
        ALTER TABLE arrangement ADD COLUMN counted_cents BIGINT,
          ADD COLUMN paid_before_cents BIGINT""")


def downgrade() -> None:
    """Data outlives code: revisions only go forward."""
    raise RuntimeError("forward only")
