"""The demo's data: clients, policies, staff, and accounts placed by the code of `portal place`."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db import commit, set_tenant
from portal.demo.cast import FILES, PARTS, Part
from portal.demo.scenarios import SCENARIOS, Scenario
from portal.models import AccessLink, Account, Arrangement, Client, Contact, Debtor, Role
from portal.runtime import Runtime
from portal.services import second_steps
from portal.services.clients import add_client, clients
from portal.services.demo_staff import PASSWORD, STAFF, Worker
from portal.services.evidence import account_leaves
from portal.services.links import LinkState, issue_link, state_of, url_of
from portal.services.placements import inspect_file, place_file
from portal.services.staff import EmailTaken, NewStaff, create_staff

# The leaf that shows that a scenario's past has happened.
LEAVES = {
    "pay": "payment.succeeded",
    "plan": "payment.succeeded",
    "propose": "proposal.submitted",
}
EXPIRED_FOR = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Invited:
    """A scenario with its account and a link of its debtor's.

    ``waits_for_act``: what should have happened before the demo opens has not happened yet.
    """

    scenario: Scenario
    client: Client
    account: Account
    url: str
    waits_for_act: bool


def seed(runtime: Runtime) -> None:
    """Write what is missing of the demo's data; placing the files again changes nothing."""
    now = runtime.clock.now()
    with runtime.sessions() as session:
        for part, client in seed_clients(session, now):
            for name in part.files:
                place_file(
                    session,
                    client,
                    inspect_file(FILES / name),
                    pepper=runtime.settings.keys.pepper,
                    now=now,
                )
        seed_staff(session, now)


def seed_clients(
    session: Session, now: datetime, parts: Sequence[Part] = PARTS
) -> Iterator[tuple[Part, Client]]:
    """The demo's clients, each added where it is missing and with the session on it."""
    for part in parts:
        yield part, _client(session, part, now)


def _client(session: Session, part: Part, now: datetime) -> Client:
    known = clients(session).get(part.client.slug)
    if known is not None:
        set_tenant(session, known)
        return session.get_one(Client, known)
    client = add_client(session, part.client, part.policy, now=now)
    commit(session, "demo.client")
    return client


def seed_staff(session: Session, now: datetime, staff: Sequence[Worker] = STAFF) -> None:
    """The demo's staff, who are left alone where they are there."""
    ids = clients(session)
    set_tenant(session, *ids.values())
    for one in staff:
        everywhere = () if one.role is Role.OPERATOR else tuple(ids.values())
        allowed = tuple(ids[slug] for slug in one.clients) or everywhere
        new = NewStaff(
            email=one.email, name=one.name, role=one.role, password=PASSWORD, clients=allowed
        )
        with suppress(EmailTaken):
            hired = create_staff(session, new, now=now)
            second_steps.install(session, hired.id, one.secret, now=now)
    commit(session, "demo.staff")


def invite(runtime: Runtime) -> list[Invited]:
    """A link for each scenario's debtor: the newest that serves, else a new one."""
    now = runtime.clock.now()
    found = []
    with runtime.sessions() as session:
        ids = clients(session)
        for scenario in SCENARIOS:
            set_tenant(session, ids[scenario.client])
            account, debtor = _debtor(session, scenario)
            client = session.get_one(Client, ids[scenario.client])
            link = _link(session, runtime, scenario, debtor, now)
            url = f"{url_of(runtime.settings.keys, link)}"
            waits = scenario.acts in LEAVES and not _acted(session, scenario, account)
            found.append(Invited(scenario, client, account, url, waits))
        commit(session, "demo.invited")
    return found


def agreed(runtime: Runtime) -> list[dict[str, str]]:
    """The agreements that the debtors of the scenarios have made, each with its reference."""
    found = []
    with runtime.sessions() as session:
        ids = clients(session)
        for scenario in SCENARIOS:
            set_tenant(session, ids[scenario.client])
            account, _ = _debtor(session, scenario)
            made = session.scalars(
                select(Arrangement)
                .where(Arrangement.account_id == account.id)
                .order_by(Arrangement.accepted_at)
            )
            about = {"scenario": scenario.name, "client": scenario.client}
            about["account"] = scenario.reference
            found += [{"reference": one.reference, **about} for one in made]
    return found


def _acted(session: Session, scenario: Scenario, account: Account) -> bool:
    kinds = [leaf.type for leaf in account_leaves(session, account)]
    return LEAVES[scenario.acts] in kinds


def _debtor(session: Session, scenario: Scenario) -> tuple[Account, Debtor]:
    account = session.scalars(select(Account).where(Account.reference == scenario.reference)).one()
    return account, session.get_one(Debtor, (account.client_id, account.debtor_id))


def _link(
    session: Session, runtime: Runtime, scenario: Scenario, debtor: Debtor, now: datetime
) -> AccessLink:
    wanted = LinkState.EXPIRED if scenario.acts == "expire" else LinkState.LIVE
    newest_first = (
        select(AccessLink)
        .where(AccessLink.debtor_id == debtor.id)
        .order_by(AccessLink.issued_at.desc())
    )
    for link in session.scalars(newest_first):
        if state_of(link, now) is wanted:
            return link
    contact = session.scalars(
        select(Contact).where(Contact.debtor_id == debtor.id, Contact.channel == "email")
    ).first()
    client = session.get_one(Client, debtor.client_id)
    expired = timedelta(days=client.link_days) + EXPIRED_FOR
    issued_at = now - expired if wanted is LinkState.EXPIRED else now
    return issue_link(
        session, debtor, keys=runtime.settings.keys, contact=contact, now=issued_at
    ).link
