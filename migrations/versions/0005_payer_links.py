"""Links with which somebody else may pay, and the payments that came through them."""

from alembic import op

revision = "0005_payer_links"
down_revision = "0004_consoles"
branch_labels = depends_on = None

RUNNERS = "portal_app, portal_worker"
MINE = "client_id = ANY ((SELECT app_client_ids())::uuid[])"


def upgrade() -> None:
    """Add the links, the resolver of their public ids, and which link a payment came through."""
    op.execute("""
        CREATE TABLE payer_link (
          client_id UUID NOT NULL,
          id UUID NOT NULL,
          account_id UUID NOT NULL,
          installment_id UUID,
          public_id TEXT NOT NULL,
          reference TEXT NOT NULL,
          amount_cents BIGINT NOT NULL,
          currency TEXT NOT NULL,
          issued_at TIMESTAMP WITH TIME ZONE NOT NULL,
          expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
          revoked_at TIMESTAMP WITH TIME ZONE,
          CONSTRAINT pk_payer_link PRIMARY KEY (client_id, id),
          CONSTRAINT fk_payer_link_client_id FOREIGN KEY (client_id) REFERENCES client (id),
          CONSTRAINT fk_payer_link_client_id_account_id FOREIGN KEY (client_id, account_id)
            REFERENCES account (client_id, id),
          CONSTRAINT fk_payer_link_client_id_installment_id
            FOREIGN KEY (client_id, installment_id) REFERENCES installment (client_id, id),
          CONSTRAINT uq_payer_link_public_id UNIQUE (public_id),
          CONSTRAINT uq_payer_link_client_id_reference UNIQUE (client_id, reference),
          CONSTRAINT ck_payer_link_amount_positive CHECK (amount_cents > 0),
          CONSTRAINT ck_payer_link_expires_later CHECK (expires_at > issued_at)
        )""")
    op.execute("CREATE INDEX ix_payer_link_account ON payer_link (client_id, account_id)")
    op.execute("ALTER TABLE payer_link ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE payer_link FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY of_client ON payer_link TO {RUNNERS}, CURRENT_USER"
        f" USING ({MINE}) WITH CHECK ({MINE})"
    )
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON payer_link TO {RUNNERS}")
    op.execute("ALTER TABLE payment ADD COLUMN payer_link_id UUID")
    op.execute(
        "ALTER TABLE payment ADD CONSTRAINT fk_payment_client_id_payer_link_id"
        " FOREIGN KEY (client_id, payer_link_id) REFERENCES payer_link (client_id, id)"
    )
    op.execute(
        "CREATE INDEX ix_payment_payer_link ON payment (client_id, payer_link_id)"
        " WHERE payer_link_id IS NOT NULL"
    )
    _resolver()


def _resolver() -> None:
    """Find the link of an address before anybody's client is known: ids alone, by public id."""
    op.execute("GRANT SELECT (client_id, id, public_id) ON payer_link TO portal_resolver")
    op.execute("CREATE POLICY resolve ON payer_link FOR SELECT TO portal_resolver USING (true)")
    op.execute("""
        CREATE FUNCTION resolve_payer_link(wanted text) RETURNS TABLE (client_id uuid, link_id uuid)
          LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS
          $$ SELECT client_id, id FROM payer_link WHERE public_id = wanted $$""")
    op.execute("GRANT CREATE ON SCHEMA public TO portal_resolver")
    op.execute("ALTER FUNCTION resolve_payer_link(text) OWNER TO portal_resolver")
    op.execute("REVOKE CREATE ON SCHEMA public FROM portal_resolver")
    op.execute("REVOKE ALL ON FUNCTION resolve_payer_link(text) FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION resolve_payer_link(text) TO {RUNNERS}")


def downgrade() -> None:
    """Data outlives code: revisions only go forward."""
    raise RuntimeError("forward only")
