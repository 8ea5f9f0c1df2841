"""What carriers say became of a message, how many parts a text has, and who registered texts."""

from pathlib import Path

from alembic import op

revision = "0024_deliveries"
down_revision = "0023_contact"
branch_labels = depends_on = None

DELIVERIES = Path(__file__).parent.parent / "sql" / "0024_deliveries.sql"


def upgrade() -> None:
    """Add the tables, the way to find whose message is meant, and the new columns."""
    op.get_bind().connection.driver_connection.execute(DELIVERIES.read_text())


def downgrade() -> None:
    """Data outlives code: revisions only go forward."""
    raise RuntimeError("forward only")
