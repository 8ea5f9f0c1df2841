"""When a debtor last chose the language in which we write: no file of the client's undoes it."""

from alembic import op

revision = "0027_language_chosen"
down_revision = "0026_calls"
branch_labels = depends_on = None


def upgrade() -> None:
    """Add the column, filled where a wish about the language stands on the record."""
    op.execute("ALTER TABLE debtor ADD COLUMN language_chosen_at TIMESTAMP WITH TIME ZONE")
    op.execute("""
        UPDATE debtor d SET language_chosen_at = w.at
        FROM (SELECT client_id, debtor_id, max(stated_at) AS at FROM contact_preference
          WHERE kind = 'language' GROUP BY client_id, debtor_id) w
        WHERE (w.client_id, w.debtor_id) = (d.client_id, d.id)""")


def downgrade() -> None:
    """Data outlives code: revisions only go forward."""
    raise RuntimeError("forward only")
