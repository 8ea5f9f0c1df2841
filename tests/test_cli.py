"""The portal command: quick, and one line for what is wrong."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg

from portal.embedded import PROJECT


def portal(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "portal", *arguments],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"], **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_lists_every_command_quickly():
    started = time.monotonic()
    done = portal("--help")
    assert done.returncode == 0
    assert time.monotonic() - started < 2  # half a second on an idle machine
    for name in ("db", "upgrade", "worker"):
        assert f"  {name} " in done.stdout


def test_an_unknown_command_says_so():
    done = portal("plaice")
    assert done.returncode == 2
    assert "No such command 'plaice'" in done.stderr


def test_bad_settings_are_lines_and_not_a_traceback():
    done = portal("upgrade", PORTAL_ENV="production")
    assert done.returncode == 1
    assert "DATABASE_URL is not set" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_that_does_not_answer_is_one_line():
    done = portal("upgrade", DATABASE_URL="postgresql://portal_app@127.0.0.1:1/none")
    assert done.returncode == 1
    assert done.stderr.startswith("portal: The database does not answer")
    assert len(done.stderr.splitlines()) == 1


def test_upgrade_says_when_it_is_done(database):
    done = portal(
        "upgrade",
        DATABASE_URL=database.url("portal_app"),
        MIGRATION_DATABASE_URL=database.url("portal_owner"),
    )
    assert done.stdout == "The database is at the newest schema.\n"


def test_the_embedded_database_is_started_read_and_stopped():
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # the server runs as another user where we are root
        data = {"PORTAL_PGDATA": f"{folder}/pg"}
        assert portal("db", "stop", **data).stdout == "it was not running\n"
        assert portal("db", "start", **data).stdout == "running\n"
        url = portal("db", "url", **data).stdout.strip()
        assert url.startswith("postgresql://portal_app@/portal?host=")
        with psycopg.connect(url) as connection:
            assert connection.info.user == "portal_app"
        query = ("--", "-Atc", "SELECT current_user")
        assert portal("db", "psql", *query, **data).stdout == "portal_owner\n"
        assert portal("db", "stop", **data).stdout == "stopped\n"


def test_a_login_that_may_not_migrate_is_told_so(database):
    app = database.url("portal_app")
    done = portal("upgrade", DATABASE_URL=app, MIGRATION_DATABASE_URL=app)
    assert done.returncode == 1
    assert "permission denied" in done.stderr
    assert len(done.stderr.splitlines()) == 1
