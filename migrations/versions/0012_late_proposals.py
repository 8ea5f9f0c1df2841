"""When a proposal that nobody answered in time was put before supervisors."""

from alembic import op

revision = "0012_late_proposals"
down_revision = "0011_publishing"
branch_labels = depends_on = None


def upgrade() -> None:
    """Add the instant as a column that older rows, and the release before, leave empty."""
    op.execute("ALTER TABLE proposal ADD COLUMN escalated_at TIMESTAMP WITH TIME ZONE")


def downgrade() -> None:
    """Data outlives code: revisions only go forward."""
    raise RuntimeError("forward only")
