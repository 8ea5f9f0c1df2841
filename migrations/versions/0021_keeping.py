"""Keep a plan going: from when a part counts as late, and when its debtor was told."""

import sqlalchemy as sa
from alembic import op

revision = "0021_keeping"
down_revision = "0020_amendments"
branch_labels = depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("installment", sa.Column("late_since", sa.Date()))
    op.add_column("installment", sa.Column("told_on", sa.Date()))


def downgrade() -> None:
    """Data outlives code: revisions only go forward."""
    raise RuntimeError("forward only")
