"""A database that is made for one simulation and thrown away with its server."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from portal.config import Settings
from portal.embedded import FAST, EmbeddedServer
from portal.roles import ensure_database
from portal.schema import upgrade

DATABASE = "simulation"
OPTIONS = FAST | {"autovacuum": "on", "shared_buffers": "256MB", "jit": "off"}
"""Nothing of it is kept, so nothing waits for a disk."""


@contextmanager
def own_database() -> Iterator[tuple[Settings, Path]]:
    """The settings of a demo on a new and empty database, and a folder for its files."""
    with tempfile.TemporaryDirectory(prefix="portal-simulation-") as name:
        server = EmbeddedServer(Path(name) / "postgres", OPTIONS)
        try:
            server.start()
            ensure_database(server.dsn(), DATABASE)
            settings = Settings.from_env(
                {
                    "DATABASE_URL": server.url(DATABASE, "portal_app"),
                    "WORKER_DATABASE_URL": server.url(DATABASE, "portal_worker"),
                    "MIGRATION_DATABASE_URL": server.url(DATABASE, "portal_owner"),
                }
            )
            upgrade(settings.migration_database_url)
            yield settings, Path(name)
        finally:
            server.stop()
            shutil.rmtree(server.data, ignore_errors=True)
