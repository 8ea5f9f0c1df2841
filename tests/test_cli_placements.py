"""portal place and portal recall as an operator runs them."""

import csv
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from portal.db import make_engine, tenant_session
from portal.embedded import PROJECT
from tests.databases import Database
from tests.factories import make_client
from tests.services.placing import DATA, row, text_of

Portal = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def portal(fresh_db: Database, tmp_path: Path) -> Portal:
    """The command, run in a folder of its own against a database with the client "northgate"."""
    engine = make_engine(fresh_db.url("portal_app"))
    with tenant_session(engine) as session:
        make_client(session, slug="northgate")
        session.commit()
    engine.dispose()

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "portal", *arguments],
            cwd=tmp_path,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(PROJECT),
                "DATABASE_URL": fresh_db.url("portal_app"),
                "WORKER_DATABASE_URL": fresh_db.url("portal_worker"),
            },
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_placing_the_messy_file_says_what_landed_and_writes_the_rest(
    portal: Portal, fresh_db: Database, tmp_path: Path
) -> None:
    done = portal("place", "northgate", str(DATA / "placement-messy.csv"))
    assert done.returncode == 3, done.stderr
    said = "200 rows: 172 placed, 0 updated, 0 unchanged, 28 refused."
    assert said in done.stdout
    assert "line 13, Current Balance '$0.00': The balance must be more than zero" in done.stdout
    with (tmp_path / "rejects.csv").open(encoding="utf-8-sig", newline="") as rejected:
        rows = list(csv.DictReader(rejected))
    assert len(rows) == 28
    assert rows[0]["refused_line"] == "13"
    again = portal("place", "northgate", str(DATA / "placement-messy.csv"))
    assert "200 rows: 0 placed, 0 updated, 172 unchanged, 28 refused." in again.stdout


def test_a_placement_that_lands_whole_exits_with_zero_and_holds_every_invariant(
    portal: Portal, fresh_db: Database, tmp_path: Path
) -> None:
    done = portal("place", "northgate", str(DATA / "placement.csv"), "--rejects", "refused.csv")
    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0)
    assert "1,000 rows: 1,000 placed" in done.stdout
    assert not (tmp_path / "refused.csv").exists()
    assert portal("verify").returncode == 0


def test_what_cannot_be_placed_is_one_line_and_an_exit_code(portal: Portal, tmp_path: Path) -> None:
    utf16 = tmp_path / "utf16.csv"
    utf16.write_bytes(text_of(row()).encode("utf-16"))
    done = portal("place", "northgate", "utf16.csv")
    assert done.returncode == 1
    assert done.stderr == (
        "portal: The file is UTF-16, not text: save it as “CSV UTF-8” and place that file.\n"
    )
    nobody = portal("place", "southgate", "utf16.csv")
    assert nobody.returncode == 1
    missing = portal("place", "northgate", "nothing.csv")
    assert missing.returncode == 2
    assert "does not exist" in missing.stderr


def test_an_unknown_client_is_wrong_usage_and_the_known_ones_are_named(
    portal: Portal, tmp_path: Path
) -> None:
    (tmp_path / "good.csv").write_text(text_of(row()))
    done = portal("place", "southgate", "good.csv")
    assert done.returncode == 2
    assert "There is no client 'southgate'. The clients are: northgate." in done.stderr


def test_accounts_are_recalled_by_number_and_by_file(portal: Portal, tmp_path: Path) -> None:
    names = [f"NG-{number}" for number in range(1, 6)]
    (tmp_path / "good.csv").write_text(text_of(*(row(account_number=name) for name in names)))
    assert portal("place", "northgate", "good.csv").returncode == 0
    one = portal("recall", "northgate", "NG-1")
    assert one.stdout.startswith("1 account: 1 taken back, 0 were back already, 0 refused.")
    (tmp_path / "back.csv").write_text("Account Number,why\nNG-1,x\nNG-2,y\nNG-77,z\n")
    some = portal("recall", "northgate", "back.csv")
    assert some.returncode == 3
    assert some.stdout.startswith("3 accounts: 1 taken back, 1 were back already, 1 refused.")
    assert "line 4, NG-77: This client has no account with that number" in some.stdout
    (tmp_path / "plain.txt").write_text("NG-3\nNG-4\n")
    assert "2 taken back" in portal("recall", "northgate", "plain.txt").stdout
    lost = portal("recall", "northgate", "lost.csv")
    assert (lost.returncode, lost.stderr.splitlines()[-1]) == (
        2,
        "Error: There is no file lost.csv.",
    )
    assert portal("verify").returncode == 0


def test_refused_rows_never_overwrite_the_file_that_is_placed(
    portal: Portal, tmp_path: Path
) -> None:
    bad = text_of(row(region="ZZ"))
    (tmp_path / "rejects.csv").write_bytes(bad.encode())
    done = portal("place", "northgate", "rejects.csv")
    assert done.returncode == 3
    assert "All refused rows with their reasons: rejects-again.csv" in done.stdout
    assert (tmp_path / "rejects.csv").read_bytes() == bad.encode()
    same = portal("place", "northgate", "rejects.csv", "--rejects", "./rejects.csv")
    assert same.returncode == 2
    assert "choose another name" in same.stderr
    nowhere = portal("place", "northgate", "rejects.csv", "--rejects", "no/where.csv")
    assert nowhere.returncode == 2
    assert "not a folder that can be written to" in nowhere.stderr
