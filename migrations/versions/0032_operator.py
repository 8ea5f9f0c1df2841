"""What staff did beside the record, and what the operator's pages read."""

from pathlib import Path

from alembic import op

revision = "0032_operator"
down_revision = "0031_call_session"
branch_labels = depends_on = None

OPERATOR = Path(__file__).parent.parent / "sql" / "0032_operator.sql"


def upgrade() -> None:
    """Add the table, and functions that answer an operator alone."""
    op.get_bind().connection.driver_connection.execute(OPERATOR.read_text())


def downgrade() -> None:
    """Data outlives code: revisions only go forward."""
    raise RuntimeError("forward only")
