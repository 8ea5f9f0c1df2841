"""The embedded database: one server for many processes, and nobody else's folder touched."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from portal.db import make_engine
from portal.embedded import (
    FAST,
    PORT,
    EmbeddedFailure,
    EmbeddedServer,
    default_folder,
    find_programs,
)

START = """
import sys, pathlib
from portal.embedded import FAST, EmbeddedServer
EmbeddedServer(pathlib.Path(sys.argv[1]), FAST).start()
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path that the system's user for the server can reach."""
    made = Path(tempfile.mkdtemp(prefix="portal-test-"))
    made.chmod(0o755)
    yield made / "pg"
    EmbeddedServer(made / "pg").stop()
    shutil.rmtree(made)


def test_a_server_starts_once_for_many_processes_and_stops(folder: Path):
    command = [sys.executable, "-c", START, str(folder)]
    processes = [subprocess.Popen(command) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    server = EmbeddedServer(folder)
    with psycopg.connect(server.dsn()) as connection:
        shown = connection.execute("SHOW listen_addresses").fetchone()
        assert shown == ("",), "no network"
    assert oct(server.data.stat().st_mode)[-3:] == "700"
    assert server.stop()
    assert not server.answers()
    assert not server.stop()


def test_a_folder_may_have_any_name(folder: Path):
    server = EmbeddedServer(folder.parent / "it's, 100% ?&mine", FAST).start()
    engine = make_engine(server.url("postgres", "postgres"))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1
    engine.dispose()
    server.stop()


def test_a_stale_pid_file_of_another_process_is_not_believed(folder: Path):
    """After a power cut the number in the file may belong to anything, here to this test."""
    server = EmbeddedServer(folder, FAST).start()
    server.stop()
    for name in ("postmaster.pid", f".s.PGSQL.{PORT}.lock"):
        (server.data / name).write_text(f"{os.getpid()}\n{server.data}\n")
    server.start()
    assert server.answers()


def test_a_folder_of_somebody_else_is_left_alone(folder: Path):
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    folder.mkdir()
    os.chown(folder, 12345, 12345)
    with pytest.raises(EmbeddedFailure, match="belongs to user id 12345"):
        EmbeddedServer(folder, FAST).start()


def test_a_private_folder_of_root_is_never_opened(folder: Path):
    if os.geteuid() != 0:
        pytest.skip("only root's folders are private to the server's user")
    folder.mkdir(mode=0o700)
    server = EmbeddedServer(folder / "pg")
    assert server.data.parent == Path("/var/tmp")  # noqa: S108
    assert oct(folder.stat().st_mode)[-3:] == "700"


def test_a_long_path_has_its_socket_elsewhere(folder: Path):
    server = EmbeddedServer(folder / ("x" * 100))
    assert len(str(server.socket)) < 80


def test_the_folder_can_be_chosen():
    assert default_folder({"PORTAL_PGDATA": "/srv/pg"}) == Path("/srv/pg")
    assert default_folder({}).parts[-2:] == ("var", "postgres")


def test_own_programs_can_be_named(tmp_path: Path):
    with pytest.raises(EmbeddedFailure, match="has no initdb"):
        find_programs({"PORTAL_PG_BIN": str(tmp_path)})
    (tmp_path / "initdb").touch()
    assert find_programs({"PORTAL_PG_BIN": str(tmp_path)}) == tmp_path
