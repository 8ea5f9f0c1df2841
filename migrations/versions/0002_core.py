"""Clients, debtors, accounts, money, arrangements, links, messages, evidence and staff."""

from pathlib import Path

from alembic import op

revision = "0002_core"
down_revision = "0001_procrastinate"
branch_labels = depends_on = None

TABLES = Path(__file__).parent.parent / "sql" / "0002_core.sql"


def upgrade() -> None:
    """Create every table as ``0002_core.sql`` says it."""
    op.get_bind().connection.driver_connection.execute(TABLES.read_text())


def downgrade() -> None:
    """Data outlives code: revisions only go forward."""
    raise RuntimeError("forward only")
