"""portal client add, portal staff invite: from an empty database to somebody who logs in."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from portal.cli import main
from portal.db import make_engine, tenant_session
from portal.demo.cast import PARTS
from portal.domain.compiler import check
from portal.embedded import PROJECT
from portal.models import Client, Role, Staff
from portal.runtime import build_runtime
from portal.services.clients import clients
from portal.services.hiring import accept, find_invitation
from portal.services.policies import live_policy
from portal.services.staff import clients_of
from tests.databases import Database

PASSWORD = "a long enough password"


@pytest.fixture
def run(fresh_db: Database):
    """The command, run in this process against a database without any client."""
    environ = {
        "DATABASE_URL": fresh_db.url("portal_app"),
        "WORKER_DATABASE_URL": fresh_db.url("portal_worker"),
    }

    def invoke(*arguments: str, typed: str = "") -> Result:
        return CliRunner(env=environ).invoke(main, arguments, input=typed)

    return invoke


@pytest.fixture
def document() -> dict:
    """The client that docs/operating.md shows."""
    page = (PROJECT / "docs" / "operating.md").read_text()
    (found,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    return json.loads(found)


def kept(folder: Path, document: object) -> str:
    path = folder / "client.json"
    path.write_text(json.dumps(document))
    return str(path)


def test_the_client_of_the_manual_is_added_with_its_policy(run, document, tmp_path, fresh_db):
    done = run("client", "add", kept(tmp_path, document))
    assert done.exit_code == 0, done.output
    assert done.output.startswith("northgate is a client now.")
    engine = make_engine(fresh_db.url("portal_worker"))
    with tenant_session(engine) as session:
        (client_id,) = clients(session).values()
    with tenant_session(engine, [client_id]) as session:
        client = session.get_one(Client, client_id)
        assert (client.trade_name, client.languages) == ("Northgate Energy", ["en", "es"])
        live = live_policy(session, client_id, datetime.now(UTC))
        assert (live.version, live.policy.bands[2].tiers[0].pay_bps) == (1, 8000)
    engine.dispose()


def test_the_same_client_twice_is_refused(run, document, tmp_path):
    run("client", "add", kept(tmp_path, document))
    again = run("client", "add", kept(tmp_path, document))
    assert again.exit_code == 1
    assert "slug: there is a client northgate already." in again.output


def test_everything_that_is_wrong_with_a_client_is_one_line_each(run, document, tmp_path):
    wrong = {
        "slug": "North Gate",
        "email": "nobody",
        "phone": "call us",
        "phone_hours": {"en": "8 to 6", "de": "8 bis 18 Uhr"},
        "country": "DE",
        "time_zone": "Mars/Olympus",
        "languages": ["en", "de"],
        "identity_factors": [],
        "brand_color": "purple",
        "link_days": 0,
        "sender_name": "A sender whose name is longer than a text",
        "placement_defaults": {"debt": "consumer"},
        "header_synonyms": {"Konto": "account"},
    }
    document["policy"]["agree"]["settlement_bps"] = 9500
    done = run("client", "add", kept(tmp_path, document | wrong))
    assert done.exit_code == 1
    lines = done.output.removeprefix("Error: ").splitlines()
    assert {line.partition(":")[0] for line in lines} == {*wrong, "policy"}
    assert "lowest share that may be agreed, 95%" in done.output


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"legal_name": None}, "legal_name: Input should be a valid string."),
        ({"colour": "#000000"}, "colour: there is no such field."),
        ({"collector_role": "friend"}, "collector_role: Input should be "),
        ({"policy": None}, "policy: format is missing, or not what it should be."),
        ({"policy": {"format": 1, "currency": "USD", "tiers": []}}, "policy: policy.tiers is "),
    ],
)
def test_a_document_that_is_no_client_says_where(run, document, tmp_path, change, line):
    done = run("client", "add", kept(tmp_path, document | change))
    assert (done.exit_code, len(done.output.splitlines())) == (1, 1)
    assert line in done.output


@pytest.mark.parametrize("body", ["", "{", "[]", "\x00"])
def test_a_file_that_is_not_json_is_one_line(run, tmp_path, body):
    path = tmp_path / "client.json"
    path.write_text(body)
    done = run("client", "add", str(path))
    assert (done.exit_code, len(done.output.splitlines())) == (1, 1)
    assert done.output.startswith("Error: This is not ")


def test_the_link_that_the_command_prints_lets_them_choose_a_password(
    run, document, tmp_path, fresh_db
):
    run("client", "add", kept(tmp_path, document))
    words = ("staff", "invite", "--email", "cleo@northgate.example", "--name", "Cleo Marsh")
    done = run(*words, "--role", "client_admin", "--client", "northgate")
    assert done.exit_code == 0, done.output
    link = done.output.strip()
    assert link.startswith("http://127.0.0.1:8000/join/")
    settings = fresh_db.settings
    with build_runtime(settings).sessions() as session:
        now = datetime.now(UTC)
        invited = find_invitation(session, link.rpartition("/")[2], keys=settings.keys, now=now)
        staff_id = accept(session, invited, PASSWORD, now=now)
        cleo = session.get_one(Staff, staff_id)
        assert (cleo.role, len(clients_of(session, cleo))) == (Role.CLIENT_ADMIN, 1)


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (("--role", "agent", "--client", "southgate"), "There is no client 'southgate'."),
        (("--role", "agent"), "A client’s own people have one client"),
        (("--role", "operator", "--email", "otto"), "Enter an e-mail address"),
        (("--role", "operator", "--name", " "), "Enter a name."),
    ],
)
def test_staff_who_cannot_work_here_are_refused_in_one_line(run, given, line):
    words = ("staff", "invite", "--email", "otto@portal.example", "--name", "Otto Berg")
    done = run(*words, *given)
    assert (done.exit_code, len(done.output.splitlines())) == (1, 1)
    assert line in done.output


def test_somebody_is_invited_once_at_a_time(run):
    words = ("staff", "invite", "--email", "otto@portal.example", "--name", "Otto Berg")
    assert run(*words, "--role", "operator").exit_code == 0
    again = run(*words, "--role", "operator")
    assert (again.exit_code, "or is invited" in again.output) == (1, True)


def test_a_lost_second_step_of_nobody_is_said_in_one_line(run):
    done = run("staff", "reset-second-step", "nobody@portal.example")
    assert (done.exit_code, len(done.output.splitlines())) == (1, 1)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.client.slug)
def test_the_policies_of_the_demo_could_be_published(part):
    assert check(part.policy) == []
