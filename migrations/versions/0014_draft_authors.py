"""Who wrote a draft of limits, and what its first author alone wrote, so that none approves it."""

from alembic import op

revision = "0014_draft_authors"
down_revision = "0013_shown_offers"
branch_labels = depends_on = None


def upgrade() -> None:
    """Add columns that the release before leaves empty; whoever saved last counts all the same."""
    op.execute("""
        ALTER TABLE offer_draft ADD COLUMN authors UUID[] NOT NULL DEFAULT '{}',
          ADD COLUMN alone JSONB""")
    op.execute("ALTER TABLE offer_draft NO FORCE ROW LEVEL SECURITY")
    op.execute("UPDATE offer_draft SET authors = ARRAY[saved_by]")
    op.execute("ALTER TABLE offer_draft FORCE ROW LEVEL SECURITY")
    op.execute("""
        ALTER TABLE offer_policy ADD COLUMN authors UUID[],
          ADD CONSTRAINT ck_offer_policy_approver_wrote_nothing
            CHECK (approved_by <> ALL (authors))""")


def downgrade() -> None:
    """Data outlives code: revisions only go forward."""
    raise RuntimeError("forward only")
