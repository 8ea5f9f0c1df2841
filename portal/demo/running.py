"""The demo from start to end: data, processes, and what a newcomer is told."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portal.config import Settings, load
from portal.demo import acting, campaign, counter, examples, seeding
from portal.demo.cast import PARTS
from portal.demo.processes import (
    DidNotStart,
    Processes,
    free_port,
    interrupt_on_termination,
    python,
    require_free,
)
from portal.demo.scenarios import answers_of
from portal.domain import totp
from portal.embedded import EmbeddedServer, default_folder
from portal.runtime import Runtime, build_runtime
from portal.schema import upgrade
from portal.services.demo_staff import PASSWORD, STAFF

WEBHOOK_SECRET = "whsec_demo"  # noqa: S105
WEB_WORKERS = 2


@dataclass(frozen=True, slots=True)
class Places:
    """Where the parts of the demo answer; ``sandbox`` is empty with Stripe's own test mode."""

    base: str
    sandbox: str

    @property
    def environ(self) -> Mapping[str, str]:
        """What the portal's processes read from their environment."""
        given = {"PORTAL_ENV": "demo", "BASE_URL": self.base}
        if self.sandbox:
            given |= {
                "STRIPE_API_BASE": self.sandbox,
                "STRIPE_CHECKOUT_ORIGINS": self.sandbox,
                "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
            }
        return given


def run_demo(*, port: int, ready_file: Path | None, var: Path, say: Callable[[str], None]) -> None:
    """Run the demo until it is interrupted.

    Raises DidNotStart when a part of it ends or does not answer, and BadSettings for a live key.
    """
    interrupt_on_termination()
    require_free(port)
    own_stripe = bool(os.environ.get("STRIPE_SECRET_KEY"))
    places = Places(
        base=f"http://127.0.0.1:{port or free_port()}",
        sandbox="" if own_stripe else f"http://127.0.0.1:{_kept_port(var / 'sandbox' / 'port')}",
    )
    os.environ.update(places.environ)
    os.environ.setdefault("EVIDENCE_FOLDER", str(var / "evidence"))
    settings = Settings.from_env()
    processes = Processes(var / "log")
    try:
        say("Preparing the data ...")
        load()
        runtime = _prepare(settings)
        _start(processes, places, settings, var)
        campaign.be_scanned(runtime)
        invited = seeding.invite(runtime)
        acting.act(invited)
        examples.pay(runtime)
        told = _told(places, invited) | {"arrangements": seeding.agreed(runtime)}
        if ready_file is not None:
            _write(ready_file, told)
        say(_words(told))
        processes.serve()
    except KeyboardInterrupt:
        say("\nStopping; the data stays in var/.")
    finally:
        processes.stop()
        _stop_database(settings)


def _prepare(settings: Settings) -> Runtime:
    """What the demo begins with: its tables, its data, and a campaign that was sent."""
    upgrade(settings.migration_database_url)
    runtime = build_runtime(settings, worker=True)
    seeding.seed(runtime)
    campaign.send_campaign(runtime)
    examples.prepare(runtime)
    counter.receive(build_runtime(settings))
    return runtime


def _kept_port(kept: Path) -> int:
    """The stand-in's port of last time, so that pages of then still open; a free one if taken."""
    try:
        port = int(kept.read_text())
        require_free(port)
    except (OSError, ValueError, DidNotStart):
        port = free_port()
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(str(port))
    return port


def _start(processes: Processes, places: Places, settings: Settings, var: Path) -> None:
    if places.sandbox:
        folder = var / "sandbox"
        folder.mkdir(parents=True, exist_ok=True)
        webhook = ("--webhook-url", f"{places.base}/stripe/webhook")
        where = ("--port", places.sandbox.rpartition(":")[2], "--db", str(folder / "stripe.sqlite"))
        processes.start("sandbox", python("-m", "portal.sandbox", *where, *webhook), {})
        processes.wait_for(f"{places.sandbox}/sandbox")
    bind = places.base.removeprefix("http://")
    web = ("-m", "gunicorn", "-w", str(WEB_WORKERS), "-b", bind, "--access-logfile", "-")
    processes.start("web", python(*web, "wsgi:app"), {})
    processes.start("worker", python("-m", "portal", "worker"), {})
    processes.wait_for(f"{places.base}/healthz")


def _told(places: Places, invited: list[seeding.Invited]) -> dict[str, Any]:
    debtors = [
        {
            "scenario": one.scenario.name,
            "link": one.url,
            "verify": answers_of(one.scenario),
            "reference": one.account.reference,
            "language": one.scenario.language,
            "client": one.client.slug,
        }
        for one in invited
    ]
    staff = [
        {
            "role": str(one.role),
            "email": one.email,
            "password": PASSWORD,
            "second_step": totp.as_text(one.secret).replace(" ", ""),
            "login_url": f"{places.base}/log-in",
        }
        for one in STAFF
    ]
    return {
        "base_url": places.base,
        "outbox_url": f"{places.base}/outbox",
        "sandbox_url": f"{places.sandbox}/sandbox" if places.sandbox else "",
        "clients": [{"slug": one.client.slug, "name": one.client.trade_name} for one in PARTS],
        "debtors": debtors,
        "staff": staff,
    }


def _write(ready_file: Path, told: dict[str, Any]) -> None:
    """In one step, so that whoever waits for the file reads all of it."""
    partial = ready_file.with_suffix(ready_file.suffix + ".part")
    partial.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(ready_file)


def _words(told: dict[str, Any]) -> str:
    lines = [
        "",
        f"The portal       {told['base_url']}",
        f"What was sent    {told['outbox_url']}",
        f"Stripe, as here  {told['sandbox_url'] or 'test mode, at dashboard.stripe.com'}",
        "",
        "Open a link as a debtor (the answers prove who you are):",
    ]
    for one in told["debtors"]:
        answers = ", ".join(f"{name} {answer}" for name, answer in one["verify"].items())
        lines += [f"  {one['scenario']}: {one['link']}", f"      {answers}"]
    lines += ["", "Agreements on the record (portal evidence export REFERENCE --out FILE):"]
    lines += [f"  {one['reference']}: {one['scenario']}" for one in told["arrangements"]]
    lines += ["", f"Why somebody cannot pay: search for {examples.NAME} in the support console."]
    lines += ["", f"Log in at {told['base_url']}/log-in with the password: {PASSWORD}"]
    lines += [f"  {one['role']:13} {one['email']}" for one in told["staff"]]
    lines += [f"Then type the code that {told['outbox_url']}/staff shows beside the name."]
    return "\n".join([*lines, "", "Ctrl-C stops everything and keeps the data."])


def _stop_database(settings: Settings) -> None:
    if settings.embedded:
        EmbeddedServer(default_folder()).stop()
