"""portal demo from the command line: it says when it is ready, and leaves nothing behind."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
import requests

from portal.embedded import PROJECT

PATIENCE_S = 90
SCENARIOS = {
    *("settlement", "automatic plan", "later start", "manual plan", "several accounts", "dispute"),
    *("expired link", "nothing owed", "fr-CA", "es", "card declined", "proposal waiting"),
}


def environ(folder: Path, **given: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PORTAL_PGDATA": str(folder / "postgres"), **given}


def waited_for(path: Path, demo: subprocess.Popen[str]) -> dict:
    until = time.monotonic() + PATIENCE_S
    while not path.exists():
        assert demo.poll() is None, "the demo ended"
        assert time.monotonic() < until, "the demo does not get ready"
        time.sleep(0.1)
    return json.loads(path.read_text())


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A demo with a database of its own, in a session of its own."""
    ready = str(tmp_path / "ready.json")
    with (tmp_path / "said").open("w") as said:
        running = subprocess.Popen(
            [sys.executable, "-m", "portal", "demo", "--port", "0", "--ready-file", ready],
            cwd=PROJECT,
            env=environ(tmp_path),
            stdout=said,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
    yield running
    if running.poll() is None:
        running.terminate()
        running.wait(30)


def left_of(session_id: int, data: Path) -> list[str]:
    """What still runs of a session, or on a folder of data."""
    lines = subprocess.run(
        ["ps", "-eo", "sid=,stat=,args="], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    rows = [line.split(None, 2) for line in lines]
    return [
        args
        for sid, stat, args in rows
        if not stat.startswith("Z") and (int(sid) == session_id or str(data) in args)
    ]


def test_the_demo_gets_ready_and_ends_without_a_trace(demo, tmp_path):
    told = waited_for(tmp_path / "ready.json", demo)
    urls = {"base_url", "outbox_url", "sandbox_url"}
    assert set(told) == urls | {"clients", "debtors", "staff", "arrangements"}
    assert len({one["reference"] for one in told["arrangements"]}) >= 2
    assert len(told["clients"]) == 3
    assert {name for one in told["clients"] for name in one} == {"slug", "name"}
    assert {one["scenario"] for one in told["debtors"]} >= SCENARIOS
    for one in told["debtors"]:
        assert {"link", "verify", "reference", "language", "scenario"} <= set(one)
        assert one["verify"]
    assert len({one["role"] for one in told["staff"]}) == 5
    links = {one["scenario"]: one["link"] for one in told["debtors"]}
    others = {told["base_url"], told["outbox_url"], told["sandbox_url"]}
    logins = {one["login_url"] for one in told["staff"]}
    with requests.Session() as browser:
        statuses = {
            url: browser.get(url).status_code for url in {*links.values(), *others, *logins}
        }
    expired = statuses.pop(links["expired link"])
    assert set(statuses.values()) == {200}, statuses
    assert expired in (200, 410)
    assert log_in(told["staff"][1]).startswith(told["base_url"])
    files_hold_what_pages_show(told)
    for more in ((), ("--reset",)):
        second = refused("--port", "0", *more, folder=tmp_path)
        assert second.startswith("Error: A demo is already running on this data.")
    with requests.Session() as browser:
        assert browser.get(links["settlement"]).status_code == 200

    demo.send_signal(signal.SIGINT)
    assert demo.wait(40) == 0, (tmp_path / "said").read_text()
    assert left_of(demo.pid, tmp_path / "postgres") == []
    assert "Stopping; the data stays" in (tmp_path / "said").read_text()


def refused(*options: str, folder: Path, **given: str) -> str:
    """The one line with which a demo does not start."""
    done = subprocess.run(
        [sys.executable, "-m", "portal", "demo", *options],
        cwd=PROJECT,
        env=environ(folder, **given),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    return done.stderr


def files_hold_what_pages_show(told: dict) -> None:
    """On real connections: a client's files have rows, and the proposal waits for support."""
    by_role = {one["role"]: one for one in told["staff"]}
    cleo = next(one for one in told["staff"] if "northgate" in one["email"])
    with requests.Session() as browser:
        log_in(cleo, browser)
        for name in ("accounts.csv", "money.csv"):
            answer = browser.get(f"{told['base_url']}/client/{name}")
            assert answer.status_code == 200
            assert len(answer.text.splitlines()) > 1, f"{name} has a header and nothing else"
    with requests.Session() as browser:
        log_in(by_role["agent"], browser)
        waiting = browser.get(f"{told['base_url']}/support/queues/proposals").text
    reference = next(d["reference"] for d in told["debtors"] if d["scenario"] == "proposal waiting")
    assert reference in waiting


def log_in(staff: dict, known: requests.Session | None = None) -> str:
    """Where a member of staff is after logging in with what the demo prints."""
    with nullcontext(known) if known else requests.Session() as browser:
        typed = {"email": staff["email"], "password": staff["password"]}
        answer = _send(browser, staff["login_url"], typed)
        codes = browser.get(staff["login_url"].replace("/log-in", "/outbox/staff")).text
        code = re.search(rf"(\d{{6}})<((?!<tr).)*{staff['email']}", codes, re.DOTALL)
        assert code is not None, "the outbox shows everybody's code"
        answer = _send(browser, answer.url, {"code": code[1]})
    assert answer.status_code == 200
    assert "/log-in" not in answer.url, answer.text
    return answer.url


def _send(browser: requests.Session, url: str, typed: dict) -> requests.Response:
    page = browser.get(url).text
    hidden = dict(re.findall(r'type="?hidden"? name="?(\w+)"? value="?([^">\s]+)', page))
    origin = "/".join(url.split("/")[:3])
    return browser.post(url, data={**hidden, **typed}, headers={"Origin": origin})


def test_a_live_key_is_refused_by_the_demo_in_one_line(tmp_path):
    said = refused("--port", "0", folder=tmp_path, STRIPE_SECRET_KEY="sk_live_x")
    assert said.startswith("STRIPE_SECRET_KEY is a live key, and this is the demo")
    assert not (tmp_path / "postgres").exists()


def test_a_port_that_is_taken_is_said_in_one_line_before_anything_starts(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        said = refused("--port", port, folder=tmp_path)
    assert said.startswith(f"Error: Port {port} cannot be used")
    assert "--port 0" in said
    assert not (tmp_path / "postgres").exists()


def test_a_ready_file_in_no_folder_is_said_in_one_line_before_anything_starts(tmp_path):
    said = refused("--ready-file", str(tmp_path / "none" / "ready.json"), folder=tmp_path)
    assert said == f"Error: There is no folder {tmp_path / 'none'} for the ready file.\n"
    assert not (tmp_path / "postgres").exists()
