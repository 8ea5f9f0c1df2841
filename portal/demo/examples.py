"""The demo's examples: one account for each of many reasons why somebody cannot pay.

Each is placed by a file of Northgate's, named after its cause, and what keeps its person out has
happened: services were called, at the time at which it happened. "Example" in the search box of
the support console finds them.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import requests
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db import commit, set_tenant
from portal.demo.browsing import Browser, NetworkLine
from portal.demo.cast import FILES
from portal.domain.deliveries import Fate, Report
from portal.domain.holds import HoldKind
from portal.domain.identity import Factor
from portal.domain.money import Cents
from portal.domain.openings import Opening
from portal.domain.proposals import Proposal as Suggestion
from portal.models import AccessLink, Account, Channel, Client, Contact, Debtor, Message
from portal.runtime import Runtime
from portal.services import evidence, identity, link_openings
from portal.services.clients import clients
from portal.services.deliveries import take_report
from portal.services.dispatch import dispatch
from portal.services.evidence import SYSTEM, account_leaves
from portal.services.identity import Passed
from portal.services.links import IssuedLink, issue_link, load_link, revoke_link, url_of
from portal.services.messages import queue
from portal.services.optouts import opt_out
from portal.services.placements import inspect_file, listed, place_file, recall
from portal.services.proposals import Wish, submit
from portal.services.standing import set_hold
from portal.services.stops import stop_wrong_person
from portal.services.visits import Browser as Phone
from portal.services.visits import Visit, start_visit
from portal.writing import carriers_of

CLIENT = "northgate-energy"
FILE = FILES / "examples-northgate-energy.csv"
NAME = "Example"
"""The last name of each of them."""
PHONE = "Mozilla/5.0 (iPhone) AppleWebKit/605.1.15 Safari/604.1"
IN_APP = f"{PHONE} [FBAN/FBIOS;FBAV/470.0]"
SCANNER = "Mozilla/5.0 (compatible; Proofpoint URL Defense)"
WRONG = {Factor.DATE_OF_BIRTH: "1999-01-01", Factor.POSTAL_CODE: "00000"}
ANSWERS = {
    **{"date_of_birth-month": "3", "date_of_birth-day": "27", "date_of_birth-year": "1985"},
    "postal_code": "97232",
}


@dataclass(frozen=True, slots=True)
class Actor:
    """One example's person and account, and what to act with."""

    session: Session
    runtime: Runtime
    account: Account
    debtor: Debtor
    now: datetime

    def contact(self, channel: Channel = Channel.EMAIL) -> Contact:
        """Their address."""
        return self.session.scalars(
            select(Contact).where(Contact.debtor_id == self.debtor.id, Contact.channel == channel)
        ).one()

    def link(self, *, ago: timedelta = timedelta(0)) -> IssuedLink:
        """A link for their e-mail address, made so long ago."""
        keys, now = self.runtime.settings.keys, self.now - ago
        return issue_link(self.session, self.debtor, keys=keys, contact=self.contact(), now=now)

    def send(self, channel: Channel = Channel.EMAIL, *, ago: timedelta = timedelta(0)) -> Message:
        """A link that they asked for so long ago, handed to its carrier."""
        now, keys, contact = self.now - ago, self.runtime.settings.keys, self.contact(channel)
        link = issue_link(self.session, self.debtor, keys=keys, contact=contact, now=now).link
        (message,) = queue(
            self.session,
            self.debtor,
            template="new_link",
            context={},
            dedupe_key=f"link:{link.id}",
            contact=contact,
            link=link,
            asked_for=True,
            now=now,
        )
        carriers = carriers_of(self.runtime)
        dispatch(self.session, message.client_id, message.id, carriers=carriers, now=now)
        return message

    def told(self, message: Message, kind: Fate, code: str) -> None:
        """A carrier's word about a message."""
        name = f"example:{message.id}"
        report = Report(carrier="demo", event_id=name, kind=kind, code=code, message_id=message.id)
        take_report(self.session, report, message.channel, now=self.now)

    def open(self, agent: str, *, drew: bool = True) -> None:
        """Something opens the link that was sent an hour ago."""
        self.send(ago=timedelta(hours=1))
        link = self.session.scalars(
            select(AccessLink).where(AccessLink.debtor_id == self.debtor.id)
        ).one()
        link_openings.count(self.session, link, Opening(user_agent=agent, drew=drew), now=self.now)

    def answer(self, times: int, *hours: float) -> None:
        """Wrong answers at the door, so many at each of these hours before now."""
        link = self.link(ago=timedelta(days=1)).link
        opened = load_link(self.session, link.client_id, link.id, self.now)
        for ago in hours:
            at = self.now - timedelta(hours=ago)
            for _ in range(times):
                keys, ip = self.runtime.settings.keys, "192.0.2.80"
                identity.check_answers(self.session, opened, WRONG, keys=keys, ip=ip, now=at)

    def hold(self, kind: HoldKind) -> None:
        """A hold, as a help topic sets it, of somebody who has a link."""
        self.link()
        actor = evidence.debtor(self.debtor.id)
        set_hold(self.session, self.account, kind, source="demo", now=self.now, actor=actor)


def _revoked(one: Actor) -> None:
    revoke_link(one.session, one.link().link, reason="lost", actor=SYSTEM, now=one.now)


def _replaced(one: Actor) -> None:
    one.link(ago=timedelta(days=20))
    one.link()


def _wrong_person(one: Actor) -> None:
    link = one.link().link
    opened = load_link(one.session, link.client_id, link.id, one.now)
    stop_wrong_person(one.session, opened, now=one.now)


def _opted_out(one: Actor) -> None:
    one.link()
    opt_out(one.session, one.contact(), source="demo", keep=(), now=one.now)


def _recalled(one: Actor) -> None:
    client = one.session.get_one(Client, one.account.client_id)
    recall(one.session, client, listed([one.account.reference]), now=one.now)


def _suggests(one: Actor) -> None:
    link, phone = one.link().link, Phone("192.0.2.80", PHONE)
    opened = load_link(one.session, link.client_id, link.id, one.now)
    passed = Passed("date_of_birth+postal_code", 1)
    row, _ = start_visit(one.session, opened, passed, browser=phone, now=one.now)
    visit = Visit(
        client_id=row.client_id,
        debtor_id=row.debtor_id,
        session_id=row.id,
        link_id=row.link_id,
        identity_method=row.identity_method,
        ip=row.ip,
        user_agent=row.user_agent,
        locale="en",
        started_at=one.now,
    )
    first_on: date = one.now.date() + timedelta(days=8)
    wish = Wish(Suggestion(first_on=first_on, amount_cents=Cents(30_00)))
    submit(one.session, one.account, wish, visit=visit, now=one.now)


ACTS: dict[str, Callable[[Actor], object]] = {
    "EX-LINK-EXPIRED": lambda one: one.link(ago=timedelta(days=20)),
    "EX-LINK-REVOKED": _revoked,
    "EX-LINK-REPLACED": _replaced,
    "EX-MESSAGE-BOUNCED": lambda one: one.told(one.send(), Fate.BOUNCED, "5.1.1"),
    "EX-MESSAGE-FAILED": lambda one: one.told(one.send(), Fate.FAILED, "5.7.1"),
    "EX-TEXT-FAILED": lambda one: one.told(one.send(Channel.SMS), Fate.FAILED, "30003"),
    "EX-NOBODY-OPENED": lambda one: one.send(ago=timedelta(hours=5)),
    "EX-SCANNER-ONLY": lambda one: one.open(SCANNER, drew=False),
    "EX-IN-APP-BROWSER": lambda one: one.open(IN_APP),
    "EX-STOPPED-AT-DOOR": lambda one: one.open(PHONE),
    "EX-WRONG-ANSWERS": lambda one: one.answer(2, 1),
    "EX-IDENTITY-LOCKED": lambda one: one.answer(5, 3, 1.5, 0),
    "EX-FACTS-MISSING": lambda one: one.link(),
    "EX-WRONG-ADDRESS": _wrong_person,
    "EX-OPTED-OUT": _opted_out,
    "EX-HOLD-DISPUTE": lambda one: one.hold(HoldKind.DISPUTE),
    "EX-HOLD-HARDSHIP": lambda one: one.hold(HoldKind.HARDSHIP),
    "EX-PROPOSAL-WAITS": _suggests,
    "EX-RECALLED": _recalled,
}
"""What happened to each, by its reference; of ``EX-NO-LINK`` and ``EX-TIME-BARRED`` nothing."""

CARDS = {
    "EX-NO-FUNDS": "visa_chargeDeclinedInsufficientFunds",
    "EX-CARD-EXPIRED": "chargeDeclinedExpiredCard",
    "EX-CARD-REPORTED": "visa_chargeDeclinedStolenCard",
    "EX-PAGE-LEFT": "",
}
"""Who pays on Stripe's page with a card that is declined, or leaves it."""


def prepare(runtime: Runtime) -> None:
    """Place the examples, and let happen what keeps each out, once."""
    now, pepper = runtime.clock.now(), runtime.settings.keys.pepper
    with runtime.sessions() as session:
        client_id = clients(session)[CLIENT]
        set_tenant(session, client_id)
        client = session.get_one(Client, client_id)
        place_file(session, client, inspect_file(FILE), pepper=pepper, now=now)
        for reference, act in ACTS.items():
            set_tenant(session, client_id)
            account = _account(session, reference)
            if not account_leaves(session, account):
                debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
                act(Actor(session, runtime, account, debtor, now))
                commit(session, "demo.example")


def pay(runtime: Runtime) -> None:
    """Let those of ``CARDS`` try to pay, once; the portal and Stripe's stand-in answer by now."""
    for reference, card in CARDS.items():
        if url := _door(runtime, reference):
            browser = Browser(NetworkLine("en"))
            browser.open(url)
            browser.submit("/l/", **ANSWERS)
            browser.follow("/review", last=True)
            browser.submit("/accept")
            if card:
                with suppress(requests.HTTPError):  # Stripe's page says no as an error
                    browser.submit(name=card)


def _door(runtime: Runtime, reference: str) -> str:
    """The address of a new link; empty where the person had one before."""
    now = runtime.clock.now()
    with runtime.sessions() as session:
        set_tenant(session, clients(session)[CLIENT])
        account = _account(session, reference)
        if account_leaves(session, account):
            return ""
        debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
        link = Actor(session, runtime, account, debtor, now).link().link
        commit(session, "demo.example")
        return url_of(runtime.settings.keys, link)


def _account(session: Session, reference: str) -> Account:
    return session.scalars(select(Account).where(Account.reference == reference)).one()
