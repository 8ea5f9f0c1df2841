"""Campaigns that go by letter to who can be reached in no other way."""

from alembic import op

revision = "0028_campaign_letters"
down_revision = "0027_language_chosen"
branch_labels = depends_on = None


def upgrade() -> None:
    """Add the choice; the campaigns of before sent no letters."""
    op.execute("ALTER TABLE campaign ADD COLUMN letters BOOLEAN NOT NULL DEFAULT false")


def downgrade() -> None:
    """Data outlives code: revisions only go forward."""
    raise RuntimeError("forward only")
