"""Find the account of a chain: the record is searched by day and type."""

from alembic import op

revision = "0018_account_chain"
down_revision = "0017_retention"
branch_labels = depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.create_index("ix_account_chain", "account", ["client_id", "chain_id"])


def downgrade() -> None:
    """Data outlives code: revisions only go forward."""
    raise RuntimeError("forward only")
