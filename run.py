#!/usr/bin/env python3
"""Set up and run the portal with nothing but Python 3.11 or newer.

python3 run.py demo           the portal with demo data, in one command
python3 run.py test [ARGS]    the tests; arguments go to pytest
python3 run.py COMMAND ...    any other portal command (python3 run.py --help)
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCK = ROOT / "requirements" / "dev.lock"
STAMP = VENV / ".installed"
NO_VENV = """\
Python's venv module is incomplete here, so no environment can be made.
  Debian, Ubuntu:  apt install python3-venv     then run this again
  or install uv:   https://docs.astral.sh/uv/   and run this again"""


def main(arguments: list[str]) -> None:
    if os.name == "nt":
        sys.exit("The portal runs on Linux and macOS. On Windows, use WSL: https://aka.ms/wsl")
    if sys.version_info < (3, 11):
        sys.exit(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}.")
    if arguments[:1] in ([], ["-h"], ["help"]):
        sys.exit(__doc__)
    os.chdir(ROOT)
    install()
    command = [str(PYTHON), "-m", "portal", *arguments]
    if arguments[0] == "test":
        command = [str(PYTHON), "-m", "pytest", "-n", "2", "--dist", "worksteal", *arguments[1:]]
    sys.stdout.flush()
    os.execv(command[0], command)  # so that Ctrl-C and other signals reach the program itself


def install() -> None:
    """Make .venv hold exactly what the lock says; quick when it does already."""
    wanted = fingerprint()
    if STAMP.exists() and STAMP.read_text() == wanted and PYTHON.exists():
        return
    print("Installing what the portal needs into .venv (once) ...", file=sys.stderr)
    try:
        if VENV.is_symlink():
            sys.exit(f"{VENV} is a link: making it anew would empty what it leads to. Remove it.")
        installer = with_uv() if shutil.which("uv") else with_pip()
        subprocess.run(
            [*installer, "--require-hashes", "--only-binary", ":all:", "-r", str(LOCK)], check=True
        )
        subprocess.run([*installer, "--no-deps", "--no-build-isolation", "-e", "."], check=True)
    except PermissionError as error:
        sys.exit(f"{error.filename} belongs to somebody else. Remove .venv, or run this as them.")
    except subprocess.CalledProcessError as error:
        sys.exit(f"Installing failed (see above): {' '.join(map(str, error.cmd[:5]))} ...")
    STAMP.write_text(wanted)


def fingerprint() -> str:
    """What the environment depends on: the lock, the project's file, this Python, this folder."""
    digest = hashlib.sha256(f"{sys.version}\0{ROOT}\0".encode())
    digest.update(LOCK.read_bytes() + (ROOT / "pyproject.toml").read_bytes())
    return digest.hexdigest()


def with_uv() -> list[str]:
    make = ["uv", "venv", "--quiet", "--clear", "--python", sys.executable, str(VENV)]
    subprocess.run(make, check=True)
    return ["uv", "pip", "install", "--quiet", "--python", str(PYTHON)]


def with_pip() -> list[str]:
    try:
        import venv  # noqa: PLC0415 - some systems leave it out

        venv.create(VENV, with_pip=True, clear=True, symlinks=True)
    except (subprocess.CalledProcessError, ImportError, SystemExit):
        shutil.rmtree(VENV, ignore_errors=True)
        sys.exit(NO_VENV)
    return [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]


if __name__ == "__main__":
    main(sys.argv[1:])
