"""Walls around staff, Stripe's events and reconciliation; objects that could not be taken over."""

from pathlib import Path

from alembic import op

revision = "0007_walls"
down_revision = "0006_texted_numbers"
branch_labels = depends_on = None

WALLS = Path(__file__).parent.parent / "sql" / "0007_walls.sql"


def upgrade() -> None:
    """Give each role what its work needs of these tables, row by row, and nothing else."""
    op.get_bind().connection.driver_connection.execute(WALLS.read_text())


def downgrade() -> None:
    """Data outlives code: revisions only go forward."""
    raise RuntimeError("forward only")
