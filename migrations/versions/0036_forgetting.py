"""Forms that were kept over a log-in go when their hour is over, whoever wrote them."""

from alembic import op

revision = "0036_forgetting"
down_revision = "0035_acts"
branch_labels = depends_on = None


def upgrade() -> None:
    """Let the worker delete them by their age; it reads nothing else of them."""
    op.execute("CREATE POLICY of_forgetting ON held_form TO portal_worker USING (true)")
    op.execute("GRANT SELECT (held_at), DELETE ON held_form TO portal_worker")


def downgrade() -> None:
    """Data outlives code: revisions only go forward."""
    raise RuntimeError("forward only")
