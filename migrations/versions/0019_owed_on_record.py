"""Ledger entries that say what is owed have leaves of their own."""

from alembic import op

revision = "0019_owed_on_record"
down_revision = "0018_account_chain"
branch_labels = depends_on = None


def upgrade() -> None:
    """Tell entries with a leaf from those of before.

    The release before writes entries without a leaf: it is stopped before ``ledger.opened`` is
    written, by the first look over the record.
    """
    op.execute("ALTER TABLE ledger_entry ADD COLUMN on_record BOOLEAN DEFAULT false NOT NULL")


def downgrade() -> None:
    """Data outlives code: revisions only go forward."""
    raise RuntimeError("forward only")
