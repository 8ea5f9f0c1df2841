"""Campaigns with a segment, a pace and an end, and by what kind of visitor a link was opened."""

from alembic import op

revision = "0025_campaigns"
down_revision = "0024_deliveries"
branch_labels = depends_on = None

RUNNERS = "portal_app, portal_worker"
MINE = "client_id = ANY ((SELECT app_client_ids())::uuid[])"

CAMPAIGN = """
    CREATE TABLE campaign (
      client_id UUID NOT NULL,
      id UUID NOT NULL,
      name TEXT NOT NULL,
      audience JSONB NOT NULL,
      template TEXT NOT NULL,
      email_only BOOLEAN NOT NULL,
      status VARCHAR(40) NOT NULL,
      per_minute INTEGER,
      scheduled_at TIMESTAMP WITH TIME ZONE,
      created_by UUID,
      created_at TIMESTAMP WITH TIME ZONE NOT NULL,
      started_at TIMESTAMP WITH TIME ZONE,
      prepared_at TIMESTAMP WITH TIME ZONE,
      released_at TIMESTAMP WITH TIME ZONE,
      cut_off_at TIMESTAMP WITH TIME ZONE,
      ended_at TIMESTAMP WITH TIME ZONE,
      after UUID,
      goes INTEGER NOT NULL,
      later INTEGER NOT NULL,
      held JSONB NOT NULL,
      counted JSONB,
      counted_at TIMESTAMP WITH TIME ZONE,
      CONSTRAINT pk_campaign PRIMARY KEY (client_id, id),
      CONSTRAINT fk_campaign_client_id FOREIGN KEY (client_id) REFERENCES client (id),
      CONSTRAINT ck_campaign_per_minute_positive CHECK (per_minute > 0)
    )"""
OPENING = """
    CREATE TABLE link_opening (
      client_id UUID NOT NULL,
      id UUID NOT NULL,
      link_id UUID NOT NULL,
      at TIMESTAMP WITH TIME ZONE NOT NULL,
      opener VARCHAR(40) NOT NULL,
      CONSTRAINT pk_link_opening PRIMARY KEY (client_id, id),
      CONSTRAINT fk_link_opening_client_id FOREIGN KEY (client_id) REFERENCES client (id),
      CONSTRAINT fk_link_opening_client_id_link_id
        FOREIGN KEY (client_id, link_id) REFERENCES access_link (client_id, id)
    )"""
INDEXES = (
    "CREATE INDEX ix_campaign_newest ON campaign (client_id, created_at)",
    "CREATE INDEX ix_link_opening_link ON link_opening (client_id, link_id, at)",
    "CREATE INDEX ix_message_campaign ON message (client_id, campaign_id, id)"
    " WHERE campaign_id IS NOT NULL",
    "CREATE INDEX ix_message_turn ON message (client_id, campaign_id, send_at)"
    " WHERE campaign_id IS NOT NULL AND turn_at IS NULL AND status IN ('queued', 'deferred')",
)
# What was sent to whom is not rewritten: a page changes when and whether it goes on, a worker how
# far it came.
GRANTS = (
    f"GRANT SELECT, INSERT ON campaign, link_opening TO {RUNNERS}",
    "GRANT UPDATE (status, scheduled_at, cut_off_at, ended_at) ON campaign TO portal_app",
    "GRANT UPDATE (status, scheduled_at, started_at, prepared_at, released_at, cut_off_at,"
    " ended_at, after, goes, later, held, counted, counted_at) ON campaign TO portal_worker",
)


def upgrade() -> None:
    """Add both tables, and say of a message which campaign it is of and when its turn came."""
    for statement in (CAMPAIGN, OPENING):
        op.execute(statement)
    for table in ("campaign", "link_opening"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY of_client ON {table} TO {RUNNERS}, CURRENT_USER"
            f" USING ({MINE}) WITH CHECK ({MINE})"
        )
    op.execute("ALTER TABLE message ADD COLUMN campaign_id UUID")
    op.execute("ALTER TABLE message ADD COLUMN turn_at TIMESTAMP WITH TIME ZONE")
    op.execute(
        "ALTER TABLE message ADD CONSTRAINT fk_message_client_id_campaign_id"
        " FOREIGN KEY (client_id, campaign_id) REFERENCES campaign (client_id, id)"
    )
    for statement in (*INDEXES, *GRANTS):
        op.execute(statement)


def downgrade() -> None:
    """Data outlives code: revisions only go forward."""
    raise RuntimeError("forward only")
