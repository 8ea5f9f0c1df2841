"""The job queue: a frozen copy of the schema of Procrastinate 3.10.0."""

from pathlib import Path

from alembic import op

revision = "0001_procrastinate"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = Path(__file__).parent.parent / "sql" / "procrastinate_schema_3.10.0.sql"

GRANTS = """
GRANT USAGE ON SCHEMA public TO portal_app, portal_worker;
-- The web may put jobs into the queue; it cannot read or delete them.
GRANT INSERT, SELECT (id) ON procrastinate_jobs TO portal_app;
GRANT INSERT ON procrastinate_events TO portal_app;
GRANT USAGE ON SEQUENCE procrastinate_jobs_id_seq, procrastinate_events_id_seq TO portal_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON procrastinate_jobs, procrastinate_events,
    procrastinate_workers, procrastinate_periodic_defers TO portal_worker;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO portal_worker;
"""


def upgrade() -> None:
    # Without parameters psycopg sends a whole script as it is; op.execute would read its ":name".
    driver = op.get_bind().connection.driver_connection
    driver.execute(SCHEMA.read_text())
    driver.execute(GRANTS)


def downgrade() -> None:
    """Data outlives code: revisions only go forward."""
    raise RuntimeError("forward only")
