"""Every route × every role × every tenant, from the map of addresses (battery A-1 to A-5).

A page with an address that names something has that thing in `houses`: without it the walk fails.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, select
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from portal.db import PortalSession
from portal.domain.access import Permission, Role, holders
from portal.domain.waiting import Queue
from portal.gateways.clock import SetClock
from portal.models import Noted, StaffEvent, StaffSession
from portal.security import Audience
from tests.databases import acting_as
from tests.pages.debtors import Dana, csrf_of
from tests.pages.houses import House, absent, link_read_aloud_by, log_in_of, make_house
from tests.pages.staff import enter, make_staff

DOOR = "/log-in"
OFFERED = re.compile(r'\b(href|action|formaction)="(/[^"?#]*)')
ENDS = "staff.log_out"
"""Whoever opens it is nobody afterwards."""
OWN = "session_id"
"""A log-in is its person's alone, whatever their role."""


@dataclass
class World:
    """Two clients with one of everything each, and somebody in every role, who works for one."""

    app: Flask
    connection: Connection
    session: PortalSession
    mine: House
    theirs: House
    people: dict[Role, tuple[UUID, FlaskClient, str]]

    def rules(self, kind: str) -> list[tuple[Rule, str, Audience]]:
        """Each address of this kind with each of its methods."""
        found = []
        for rule in self.app.url_map.iter_rules():
            allowed: Audience = self.app.view_functions[rule.endpoint].audience  # type: ignore[attr-defined]
            if allowed.kind == kind and rule.endpoint != ENDS:
                methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
                found += [(rule, method, allowed) for method in sorted(methods)]
        return found

    def address(self, rule: Rule, parts: Mapping[str, Any]) -> str:
        with self.app.test_request_context():
            return self.app.url_for(rule.endpoint, **parts)

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Whatever a page does is undone, so that one state of the database serves all."""
        self.session.rollback()
        point = self.connection.begin_nested()
        try:
            yield
        finally:
            self.session.rollback()
            point.rollback()

    def noted(self, role: Role, kind: Noted) -> list[dict[str, Any]]:
        """What was kept of somebody, as the worker reads it."""
        mine = StaffEvent.staff_id == self.people[role][0]
        query = select(StaffEvent.detail).where(mine, StaffEvent.kind == kind)
        with acting_as("portal_worker", self.session):
            return list(self.session.scalars(query))

    def ask(self, role: Role, address: str, method: str) -> TestResponse:
        _, browser, token = self.people[role]
        data = {"csrf_token": token} if method == "POST" else None
        return browser.open(address, method=method, data=data, buffered=True)


@pytest.fixture
def world(app: Flask, connection: Connection, session: PortalSession) -> World:
    mine, theirs = make_house(session), make_house(session)
    people = {}
    for role in Role:
        staff = make_staff(session, role, *([] if role is Role.OPERATOR else [mine.client]))
        browser = enter(app.test_client(), session, staff)
        session.commit()
        home = browser.get("/console").headers["Location"]
        people[role] = (staff.id, browser, csrf_of(browser.get(home)))
        mine.names[f"{role}.session_id"] = log_in_of(session, staff)
        for house in (mine, theirs) if role is Role.OPERATOR else (mine,):
            house.names[f"{role}.link_id"] = link_read_aloud_by(session, staff, house)
    session.commit()
    return World(app, connection, session, mine, theirs, people)


def of(rule: Rule, house: House, role: str = "") -> Mapping[str, Any]:
    try:
        return house.parts(rule.endpoint, rule.arguments, role)
    except KeyError as missing:
        pytest.fail(f"{rule.endpoint} names {missing}: put one into tests/pages/houses.py")


def is_sent_to_the_door(answer: TestResponse) -> bool:
    return answer.status_code == 303 and answer.headers["Location"].startswith(DOOR)


def test_a_1_each_role_opens_its_own_pages_and_no_others(world: World):
    """A-1, A-5: who may not is refused with 403, and that they tried is kept."""
    wrong = []
    for rule, method, allowed in world.rules("staff"):
        for role in Role:
            address = world.address(rule, of(rule, world.mine, role))
            with world.undone():
                answer = world.ask(role, address, method)
                kept = world.noted(role, Noted.REFUSED)
            status, may = answer.status_code, role in allowed.roles
            if may and (status in (403, 404, 500) or is_sent_to_the_door(answer)):
                wrong.append((role.value, method, rule.endpoint, status, "is kept out"))
            if not may and status != 403:
                wrong.append((role.value, method, rule.endpoint, status, "is let in"))
            if [one["page"] for one in kept] != ([] if may else [rule.endpoint]):
                wrong.append((role.value, method, rule.endpoint, status, "is kept wrongly"))
    assert wrong == [], "\n".join(map(str, wrong))


def test_no_page_offers_its_reader_what_they_may_not_open(world: World):
    """Links and forms of each page lead only where its reader's role may go."""
    wrong = set()
    match = world.app.url_map.bind("localhost").match
    for rule, method, allowed in world.rules("staff"):
        if method != "GET":
            continue
        for role in allowed.roles:
            with world.undone():
                answer = world.ask(role, world.address(rule, of(rule, world.mine, role)), method)
            if answer.mimetype != "text/html" or answer.status_code != 200:
                continue
            offered = OFFERED.findall(answer.get_data(as_text=True))
            for kind, path in offered:
                verb = "GET" if kind == "href" else "POST"
                with suppress(NotFound, MethodNotAllowed):
                    endpoint, _ = match(path, method=verb)
                    other: Audience = world.app.view_functions[endpoint].audience  # type: ignore[attr-defined]
                    if other.kind == "staff" and role not in other.roles:
                        wrong.add((rule.endpoint, role.value, endpoint))
    assert wrong == set()


def test_no_queue_offers_its_reader_work_that_is_not_theirs(world: World):
    """What the work of a queue needs, its address does not say: so all that is offered is done."""
    wrong, opened = [], 0
    for queue, role in product(Queue, sorted(holders(Permission.SEE_ACCOUNTS))):
        here = f"/support/queues/{queue}"
        with world.undone():
            offered = OFFERED.findall(world.ask(role, here, "GET").get_data(as_text=True))
        for kind, path in offered:
            if path.startswith(f"{here}/"):
                with world.undone():
                    answer = world.ask(role, path, "GET" if kind == "href" else "POST")
                opened += 1
                if answer.status_code not in (200, 303):
                    wrong.append((role.value, path, answer.status_code))
    assert wrong == []
    assert opened > len(Queue)


def test_a_1_who_is_not_staff_opens_no_page_of_staffs(world: World, dana: Dana, http: FlaskClient):
    """A-1: nobody at all, and a debtor who is inside."""
    for rule, method, _ in world.rules("staff"):
        address = world.address(rule, of(rule, world.mine))
        for browser in (world.app.test_client(), http):
            answer = browser.open(address, method=method)
            if method == "GET":
                assert is_sent_to_the_door(answer), rule.endpoint
            else:
                assert answer.status_code == 403, rule.endpoint


def test_a_1_staff_open_no_page_of_debtors(world: World):
    """A-1: nobody reads a debtor's pages as that debtor."""
    for rule, method, _ in world.rules("debtor"):
        parts = {name: world.mine.names.get(name, "help") for name in rule.arguments}
        for role in Role:
            answer = world.ask(role, world.address(rule, parts), method)
            assert answer.status_code == 403, (role, rule.endpoint)


def ids_of(parts: Mapping[str, Any]) -> list[str]:
    return [name for name, one in parts.items() if isinstance(one, UUID)]


def test_a_2_what_is_another_clients_is_as_if_it_were_nowhere(world: World):
    """A-2, A-4: each id in an address alone is enough; same status, same bytes, and it is kept."""
    wrong = []
    for rule, method, allowed in world.rules("staff"):
        for role in allowed.roles - {Role.OPERATOR}:
            own, others = of(rule, world.mine, role), of(rule, world.theirs, role)
            nowhere = absent(own)
            for name in ids_of(own):
                asked = []
                for parts in (own | {name: others[name]}, own | {name: nowhere[name]}):
                    with world.undone():
                        answer = world.ask(role, world.address(rule, parts), method)
                        kept = world.noted(role, Noted.MISSING)
                    body = answer.get_data(as_text=True).replace(str(parts[name]), "")
                    asked.append((answer.status_code, body))
                    if [one["asked"][name] for one in kept] != [str(parts[name])]:
                        wrong.append((role.value, method, rule.endpoint, name, "is not kept"))
                if asked[0] != asked[1] or asked[0][0] != 404:
                    wrong.append((role.value, method, rule.endpoint, name, asked[0][0]))
    assert wrong == [], "\n".join(map(str, wrong))


def test_an_operator_opens_what_belongs_to_either_client(world: World):
    """Else the test above could pass because nothing of the other client's can be opened at all."""
    for rule, method, allowed in world.rules("staff"):
        others = of(rule, world.theirs, Role.OPERATOR)
        if Role.OPERATOR in allowed.roles and set(ids_of(others)) - {OWN}:
            with world.undone():
                answer = world.ask(Role.OPERATOR, world.address(rule, others), method)
            assert answer.status_code not in (403, 404), rule.endpoint


def test_a_5_a_queue_whose_work_is_not_for_every_role_refuses_and_keeps_it(world: World):
    """A-5: who may answer, and may not give money back, takes no question about money."""
    question = world.mine.names["question_id"]
    with world.undone():
        answer = world.ask(Role.AGENT, f"/support/queues/questions/{question}/take", "POST")
        kept = world.noted(Role.AGENT, Noted.REFUSED)
    assert answer.status_code == 403
    assert [one["page"] for one in kept] == ["support.take"]


def test_what_is_dangerous_asks_for_a_proof_and_leads_back(world: World, clock: SetClock):
    """After five minutes nothing of it is done, and the proof ends where it was asked for."""
    clock.advance(timedelta(minutes=5))
    wrong, ways = [], dict[str, set[str]]()
    for rule, method, _ in world.rules("staff"):
        ways.setdefault(str(rule), set()).add(method)
    for rule, method, allowed in world.rules("staff"):
        dangerous = hasattr(world.app.view_functions[rule.endpoint], "danger")
        if not dangerous or (method == "GET" and "POST" in ways[str(rule)]):
            continue
        for role in allowed.roles:
            address = world.address(rule, of(rule, world.mine, role))
            page = address if "GET" in ways[str(rule)] else "/console"
            with world.undone():
                asked = world.ask(role, address, method).headers.get("Location", "")
            if not asked.startswith(f"/confirm?next={page}"):
                wrong.append((role.value, method, rule.endpoint, asked))
    assert wrong == []


@pytest.mark.parametrize("role", list(Role))
def test_a_2_a_colleagues_log_in_is_as_if_it_were_nowhere_and_goes_on(world: World, role: Role):
    """A-2: of the same client too, and to an operator."""
    log_in = world.mine.names[OWN]
    with world.undone():
        answer = world.ask(role, f"/your-sign-in/log-ins/{log_in}/end", "POST")
        kept = world.noted(role, Noted.MISSING)
        with acting_as("portal_owner", world.session):
            ended = world.session.get_one(StaffSession, log_in).ended_at
    assert (answer.status_code, ended) == (404, None)
    assert [one["asked"][OWN] for one in kept] == [str(log_in)]


def test_a_3_no_list_search_or_file_names_anything_of_another_clients(world: World):
    """A-3: pages without an id in their address show rows of the reader's own clients alone."""
    secret = [str(one) for one in world.theirs.names.values() if isinstance(one, UUID)]
    for rule, method, allowed in world.rules("staff"):
        if method != "GET" or rule.arguments:
            continue
        for role in allowed.roles - {Role.OPERATOR}:
            body = world.ask(role, world.address(rule, {}), "GET").get_data(as_text=True)
            assert not [one for one in secret if one in body], (role, rule.endpoint)


OF_MANY = {
    "batch_id": "letters of many, with their names masked",
    "campaign_id": "a campaign, and a file of references",
    "client_id": "a client",
    "item_id": "a reference, and who works on it",
    "placement_id": "a file of the client's own",
    "rehearsal_id": "the whole book of a client",
}
"""What an address may name without being about one debtor, and what such a page shows."""


def test_a_6_who_opened_an_account_is_kept_on_whatever_page_it_was(world: World):
    """A-6: a page whose address names something of a debtor's keeps that it was opened."""
    looked_at, forgotten = 0, []
    for rule, method, allowed in world.rules("staff"):
        named = {name for name in rule.arguments if name.endswith("_id")} - OF_MANY.keys()
        console = rule.endpoint.partition(".")[0]
        if method != "GET" or not named or console not in ("support", "client", "operator"):
            continue
        role = min(allowed.roles)
        with world.undone():
            world.ask(role, world.address(rule, of(rule, world.mine, role)), "GET")
            opened = world.noted(role, Noted.OPENED)
        looked_at += 1
        if not opened:
            forgotten.append(rule.endpoint)
    assert not forgotten, forgotten
    assert looked_at > 30
