"""How many tries an identity check took, and when a charge was last found permitted."""

from alembic import op

revision = "0008_attempts_and_permission"
down_revision = "0007_walls"
branch_labels = depends_on = None


def upgrade() -> None:
    """Add both as columns that older rows, and the release before, leave empty."""
    op.execute("ALTER TABLE debtor_session ADD COLUMN identity_attempts INTEGER")
    op.execute("ALTER TABLE payment ADD COLUMN permitted_at TIMESTAMP WITH TIME ZONE")


def downgrade() -> None:
    """Data outlives code: revisions only go forward."""
    raise RuntimeError("forward only")
