"""Invitations end with the right of whoever sent them; two who change one person hear of it."""

from pathlib import Path

from alembic import op

revision = "0037_hiring_again"
down_revision = "0036_forgetting"
branch_labels = depends_on = None

HIRING = Path(__file__).parent.parent / "sql" / "0037_hiring_again.sql"


def upgrade() -> None:
    """Replace the functions of the owner that hire and change people."""
    op.get_bind().connection.driver_connection.execute(HIRING.read_text())


def downgrade() -> None:
    """Data outlives code: revisions only go forward."""
    raise RuntimeError("forward only")
