"""The whole portal on real ports: pages, worker, and the sandbox that stands in for Stripe."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from portal import tasks
from portal.app import create_app
from portal.config import Settings
from portal.db import PortalSession, set_tenant
from portal.domain.identity import Factor
from portal.gateways.clock import SetClock
from portal.jobs import run_worker
from portal.models import Account, AttemptCounter, Client, Debtor, Message, Role, Staff
from portal.runtime import Runtime, build_runtime
from portal.sandbox import control
from portal.sandbox.app import Sandbox
from portal.sandbox.server import Server
from portal.sandbox.store import Store
from portal.sandbox.world import Delays, Endpoint, World
from portal.services import passwords
from portal.services.second_steps import install
from portal.services.staff import NewStaff, create_staff
from tests.databases import Database
from tests.factories import (
    NOW,
    know_identity,
    make_account,
    make_client,
    make_contact,
    make_debtor,
    make_link,
    make_policy,
)
from tests.pages.staff import HIRED, PASSWORD, QUICK, SECRET

WEBHOOK_SECRET = "whsec_journeys"
DEBIT_S = 4 * 86_400


@dataclass(frozen=True)
class Guest:
    """A debtor with a link: what they would find in their mail."""

    client: Client
    debtor: Debtor
    account: Account
    url: str


@dataclass
class Portal:
    """The running product, and short ways to put somebody in front of it."""

    origin: str
    sandbox: Server
    clock: SetClock
    settings: Settings
    runtime: Runtime

    def invite(
        self,
        *,
        balances: tuple[int, ...] = (124_000,),
        issued_at: datetime = NOW,
        client: dict[str, Any] | None = None,
        debtor: dict[str, Any] | None = None,
        account: dict[str, Any] | None = None,
        limits: dict[str, Any] | None = None,
    ) -> Guest:
        """A client of its own with a policy, and a debtor of theirs who was sent a link."""
        with self.runtime.sessions() as session:
            owner = make_client(session, **{"brand_color": "#7a1fa2", **(client or {})})
            make_policy(session, owner, **(limits or {}))
            session.commit()
            return self.add_debtor(
                owner, balances=balances, issued_at=issued_at, debtor=debtor, account=account
            )

    def add_debtor(
        self,
        client: Client,
        *,
        balances: tuple[int, ...] = (124_000,),
        issued_at: datetime = NOW,
        debtor: dict[str, Any] | None = None,
        account: dict[str, Any] | None = None,
    ) -> Guest:
        """One more debtor of a client, before any job runs.

        The first look over the record states which entries have no leaf (decision 0026): a later
        one of these would be missing there.
        """
        keys = self.settings.keys
        with self.session(client) as session:
            owing = make_debtor(session, client, **(debtor or {}))
            know_identity(
                session, owing, keys=keys, factors=(Factor.DATE_OF_BIRTH, Factor.POSTAL_CODE)
            )
            accounts = [
                make_account(session, owing, balance_cents=cents, **(account or {}))
                for cents in balances
            ]
            contact = make_contact(session, owing)
            link = make_link(session, owing, keys=keys, now=issued_at, contact=contact)
            session.commit()
            return Guest(client, owing, accounts[0], link.url)

    def hire(self, role: Role, *clients: Client, name: str | None = None) -> Staff:
        """A member of staff of this role, for these clients."""
        kept, passwords.hasher = passwords.hasher, QUICK
        try:
            with tasks.current().sessions() as session:
                set_tenant(session, *(client.id for client in clients))
                name = name or {Role.AGENT: "Sam Ortiz", Role.CLIENT_ADMIN: "Cleo Marsh"}[role]
                house = clients[0].slug if clients else "portal"
                new = NewStaff(
                    email=f"{name.split()[0].lower()}@{house}.example.com",
                    name=name,
                    role=role,
                    password=PASSWORD,
                    clients=[client.id for client in clients],
                )
                member = create_staff(session, new, now=HIRED)
                install(session, member.id, SECRET, now=HIRED)
                session.commit()
                return member
        finally:
            passwords.hasher = kept

    def send_link(self, guest: Guest) -> str:
        """One more link to the same debtor, as a reminder carries it."""
        with self.session(guest.client) as session:
            debtor = session.get_one(Debtor, (guest.client.id, guest.debtor.id))
            link = make_link(session, debtor, keys=self.settings.keys, now=NOW)
            session.commit()
            return link.url

    def newest_mail(self, guest: Guest) -> str:
        """The text of the last message that the debtor was sent; empty where there is none."""
        with self.session(guest.client) as session:
            newest = (
                select(Message.body)
                .where(Message.debtor_id == guest.debtor.id, Message.channel != "letter")
                .order_by(Message.created_at.desc(), Message.id.desc())
            )
            return session.scalars(newest).first() or ""

    def finish_debits(self) -> None:
        """Let the bank debits arrive that are on their way."""
        world = self.sandbox.sandbox.world
        for intent in control.payments(world):
            if intent["status"] == "processing":
                control.finish_debit(world, intent["id"])
        self.work()

    @contextmanager
    def session(self, *clients: Client) -> Iterator[PortalSession]:
        """A session of these clients, to see what the pages wrote."""
        with self.runtime.sessions() as session:
            set_tenant(session, *(client.id for client in clients))
            yield session

    def forget_tries(self) -> None:
        """Let nobody be slowed down by what others tried from the one network of all tests."""
        with self.runtime.sessions() as session:
            session.execute(delete(AttemptCounter))
            session.commit()

    def work(self) -> None:
        """Do every job that waits, and those that they make, one after the other."""
        self.sandbox.sandbox.deliver()
        url = self.settings.worker_database_url
        thread = threading.Thread(
            target=lambda: asyncio.run(run_worker(url, once=True, concurrency=1))
        )
        thread.start()  # Playwright's own loop runs in this one
        thread.join()


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"  # as gunicorn answers: one connection for many requests

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing."""


@contextmanager
def serving(database: Database) -> Iterator[Portal]:
    """The portal on this database, with the sandbox on the same clock."""
    clock = SetClock(NOW)
    world = World(Store(":memory:"), clock=clock.now, delays=Delays(debit_s=DEBIT_S))
    sandbox = Server(Sandbox(world), "127.0.0.1", 0).start()
    web = make_server("127.0.0.1", 0, _not_yet, threaded=True, request_handler=_Quiet)
    origin = f"http://127.0.0.1:{web.server_port}"
    settings = replace(
        database.settings,
        base_url=origin,
        stripe_api_base=sandbox.url,
        stripe_checkout_origins=(sandbox.url,),
        stripe_webhook_secrets=(WEBHOOK_SECRET,),
    )
    runtime = replace(build_runtime(settings), clock=clock)
    web.app = create_app(settings, runtime)
    tasks.use(replace(build_runtime(settings, worker=True), clock=clock))
    world.endpoints = (Endpoint(f"{origin}/stripe/webhook", (WEBHOOK_SECRET,)),)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    try:
        yield Portal(origin, sandbox, clock, settings, runtime)
    finally:
        _stop(web, sandbox)


def _not_yet(environ: Any, start_response: Any) -> Any:
    raise AssertionError("asked before it was there")


def _stop(web: BaseWSGIServer, sandbox: Server) -> None:
    tasks.use(None)
    web.shutdown()
    web.server_close()
    sandbox.stop()
