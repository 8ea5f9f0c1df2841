"""A client's action color and logo, and both in the face that a debtor's visit is found with."""

from pathlib import Path

from alembic import op

revision = "0009_branding"
down_revision = "0008_attempts_and_permission"
branch_labels = depends_on = None

RUNNERS = "portal_app, portal_worker"
MINE = "client_id = ANY ((SELECT app_client_ids())::uuid[])"
FACE = Path(__file__).parent.parent / "sql" / "0009_face.sql"


def upgrade() -> None:
    """Add the columns, which older clients leave empty, the logos' bytes, and the wider face."""
    op.execute("ALTER TABLE client ADD COLUMN action_color TEXT, ADD COLUMN logo JSONB")
    op.execute(
        "ALTER TABLE client ADD CONSTRAINT ck_client_action_color"
        " CHECK (action_color ~ '^#[0-9a-f]{6}$')"
    )
    op.execute("""
        CREATE TABLE client_logo (
          client_id UUID NOT NULL,
          sha256 BYTEA NOT NULL,
          media TEXT NOT NULL,
          body BYTEA NOT NULL,
          width INTEGER NOT NULL,
          height INTEGER NOT NULL,
          saved_at TIMESTAMP WITH TIME ZONE NOT NULL,
          CONSTRAINT pk_client_logo PRIMARY KEY (client_id, sha256),
          CONSTRAINT fk_client_logo_client_id FOREIGN KEY (client_id) REFERENCES client (id),
          CONSTRAINT ck_client_logo_small CHECK (octet_length(body) <= 5120),
          CONSTRAINT ck_client_logo_named_by_hash CHECK (sha256 = sha256(body))
        )""")
    op.execute("ALTER TABLE client_logo ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE client_logo FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY of_client ON client_logo TO {RUNNERS}, CURRENT_USER"
        f" USING ({MINE}) WITH CHECK ({MINE})"
    )
    op.execute(f"GRANT SELECT, INSERT ON client_logo TO {RUNNERS}")
    op.get_bind().connection.driver_connection.execute(FACE.read_text())


def downgrade() -> None:
    """Data outlives code: revisions only go forward."""
    raise RuntimeError("forward only")
