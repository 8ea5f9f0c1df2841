"""portal simulate: a year that holds, the same for one seed, and never on real money."""

import inspect
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import URL

from portal.cli.simulate import simulate as command
from portal.jobs import jobs
from portal.simulation.calendar import SELDOM
from portal.simulation.portfolio import CLIENTS
from portal.simulation.report import Report, lines
from portal.simulation.running import Wish, simulate
from tests.databases import Database, cloned

PRODUCTION = {
    "PORTAL_ENV": "production",
    "SECRET_KEY": "4f1c8d0b7a6e5f3921c0d8e7b6a5f4e3",
    "IDENTITY_PEPPER": "b7a6e5f3921c0d8e7b6a5f4e34f1c8d0",
    "EVIDENCE_KEY": "e7b6a5f4e34f1c8d0b7a6e5f3921c0d8",
    "EVIDENCE_SIGNING_KEY": "921c0d8e7b6a5f4e34f1c8d0b7a6e5f3",
    "DATABASE_URL": "postgresql://portal_app@db.example/portal",
    "STRIPE_SECRET_KEY": "sk_live_51abcdefghijklmnop",
    "STRIPE_WEBHOOK_SECRET": "whsec_abcdefghijkl",
    "BASE_URL": "https://pay.example",
    "EVIDENCE_FOLDER": "/var/lib/portal/evidence",
}


@pytest.fixture
def a_month(fresh_db: Database, tmp_path: Path) -> Report:
    """A month of ten people."""
    wish = Wish(days=30, accounts=10, seed=7)
    return simulate(fresh_db.settings, wish, folder=tmp_path)


def test_a_month_end_with_every_invariant_and_nothing_failed_in_silence(a_month: Report):
    report = a_month
    assert report.broken == []
    assert report.errors == []
    assert report.holds
    assert report.did["prove who they are"] > 3
    assert report.staff["send links"] == len(CLIENTS)
    assert report.counts["letters"]["sent"] > 0
    assert any(name.startswith("USD paid") for name in report.money)
    for currency in ("CAD", "USD"):
        moved = {k: v for k, v in report.money.items() if k.startswith(currency)}
        owed = moved.pop(f"{currency} owed")
        assert sum(moved.values()) == owed
    assert f"{report.checked} invariants checked for each client, 0 broken." in [*lines(report)]
    ran = set(report.jobs)
    periodic = [one.task for one in jobs.periodic_registry.periodic_tasks.values()]
    ours = {one.name for one in periodic if not inspect.iscoroutinefunction(one.func)}
    assert ours - set(SELDOM) <= ran, "a periodic job that is added runs in a simulation unasked"


def test_one_seed_makes_one_report(server: URL, template: str, tmp_path: Path):
    facts = []
    for run in ("one", "other"):
        with cloned(server, template) as database:
            wish = Wish(days=4, accounts=6, seed=3)
            facts.append(simulate(database.settings, wish, folder=tmp_path / run).facts)
    assert facts[0] == facts[1]
    assert facts[0]["did"]


def test_what_nobody_did_is_named():
    report = Report(days=1, seed=1, people=1, never=["skip"])
    told = [line.strip() for line in lines(report)]
    assert told[told.index("Never done") + 1] == "skip"


def test_whatever_breaks_is_named_and_the_simulation_does_not_hold():
    report = Report(days=1, seed=1, people=1, broken=["harbor: the ledger sums: account 7"])
    assert not report.holds
    assert "broken: harbor: the ledger sums: account 7" in [*lines(report)]
    for wrong in ({"given_up": {"payments.refund": 1}}, {"broken_pages": {"500 /account": 1}}):
        assert not Report(days=1, seed=1, people=1, **wrong).holds
    assert Report(days=1, seed=1, people=1).holds


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (PRODUCTION, "PORTAL_ENV is production"),
        ({"DATABASE_URL": "postgresql://portal_app@db.example/portal"}, "DATABASE_URL is set"),
        ({"STRIPE_SECRET_KEY": "sk_live_51abcdefghijklmnop"}, "live key"),
    ],
)
def test_it_refuses_real_money_and_databases_of_others(
    given: dict[str, str], why: str, monkeypatch: pytest.MonkeyPatch
):
    for name in PRODUCTION:
        monkeypatch.delenv(name, raising=False)
    ended = CliRunner().invoke(command, ["--days", "1", "--accounts", "1"], env=given)
    assert ended.exit_code != 0
    assert why in ended.output
