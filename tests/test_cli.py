"""The portal command: quick, and one line for what is wrong."""

import os
import subprocess
import sys
import time

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


def test_psql_passes_its_arguments_on(database):
    addresses = {
        "DATABASE_URL": database.url("portal_app"),
        "MIGRATION_DATABASE_URL": database.url("portal_owner"),
    }
    assert portal("db", "url", **addresses).stdout.startswith("postgresql://portal_app@")
