"""run.py: what a newcomer meets first, on a machine with nothing but Python."""

import importlib.util
import re
import subprocess
import sys
import venv

import pytest

from portal.embedded import PROJECT


@pytest.fixture
def run(monkeypatch, tmp_path):
    """run.py as a module, with its environment in an empty folder."""
    spec = importlib.util.spec_from_file_location("run", PROJECT / "run.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(module, "STAMP", tmp_path / ".venv" / ".installed")
    monkeypatch.setattr(module, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    return module


def test_a_system_without_venv_is_told_what_to_install(run, monkeypatch):
    def incomplete(folder, **options):
        folder.mkdir()
        raise subprocess.CalledProcessError(1, "ensurepip")

    monkeypatch.setattr(venv, "create", incomplete)
    with pytest.raises(SystemExit) as stopped:
        run.with_pip()
    assert "apt install python3-venv" in str(stopped.value)
    assert not run.VENV.exists(), "a half-made environment would be taken for a whole one"


def test_an_old_python_is_told_so(run, monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 4))
    with pytest.raises(SystemExit, match=r"Python 3\.11 or newer is needed"):
        run.main(["demo"])


def test_without_a_command_it_explains_itself(run):
    with pytest.raises(SystemExit, match=r"python3 run\.py demo"):
        run.main([])


def test_what_is_installed_is_not_installed_again(run, monkeypatch):
    run.PYTHON.parent.mkdir(parents=True)
    run.PYTHON.touch()
    run.STAMP.write_text(run.fingerprint())
    started: list[object] = []
    monkeypatch.setattr(subprocess, "run", lambda command, **_: started.append(command))
    run.install()
    assert started == []


def test_a_changed_lock_is_installed_anew(run, monkeypatch, tmp_path):
    before = run.fingerprint()
    lock = tmp_path / "dev.lock"
    lock.write_text(run.LOCK.read_text() + "# more")
    monkeypatch.setattr(run, "LOCK", lock)
    assert run.fingerprint() != before


def test_it_needs_only_the_standard_library():
    imported = re.findall(r"^\s*(?:import|from) (\w+)", (PROJECT / "run.py").read_text(), re.M)
    assert set(imported) <= sys.stdlib_module_names
