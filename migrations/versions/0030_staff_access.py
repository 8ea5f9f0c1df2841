"""Staff: invitations, a second step, recovery codes, forms kept over a log-in, and their audit."""

from pathlib import Path

from alembic import op

revision = "0030_staff_access"
down_revision = "0029_search_keys"
branch_labels = depends_on = None

ACCESS = Path(__file__).parent.parent / "sql" / "0030_staff_access.sql"


def upgrade() -> None:
    """Add the tables; the passwords of before are as old as their people here."""
    op.get_bind().connection.driver_connection.execute(ACCESS.read_text())


def downgrade() -> None:
    """Data outlives code: revisions only go forward."""
    raise RuntimeError("forward only")
