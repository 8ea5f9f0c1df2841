"""Browsers that send at the same time, each on a real connection of its own."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal.app import create_app
from portal.db import PortalSession, Reader, make_sessions, set_tenant
from portal.models import Account, Client, Role
from portal.runtime import Runtime
from tests.databases import Database, web_engine
from tests.pages.reading import tree
from tests.pages.staff import enter, make_staff


@dataclass(frozen=True)
class Office:
    """An app on a database of its own, where what is committed is seen by all."""

    app: Flask
    live: Runtime

    def browser(self, account: Account, name: str, role: Role = Role.SUPERVISOR) -> FlaskClient:
        """The browser of somebody who was just hired for the client of an account."""
        with self.live.sessions() as session:
            set_tenant(session, account.client_id)
            client = session.get_one(Client, account.client_id)
            staff = make_staff(session, role, client, name=name)
            http = enter(self.app.test_client(), session, staff)
            session.commit()
        return http

    @contextmanager
    def seeing(self, account: Account) -> Iterator[PortalSession]:
        """A session that sees the client of an account."""
        with self.live.sessions() as session:
            set_tenant(session, account.client_id)
            yield session

    def again(self, http: FlaskClient) -> FlaskClient:
        """Another window of the same log-in."""
        cookie = http.get_cookie("staff")
        assert cookie is not None
        other = self.app.test_client()
        other.set_cookie("staff", cookie.value)
        return other


@contextmanager
def office(database: Database, runtime: Runtime) -> Iterator[Office]:
    """An office on this database, closed at the end."""
    engine = web_engine(database)
    live = dataclasses.replace(
        runtime,
        settings=database.settings,
        sessions=make_sessions(engine),
        read=Reader(database.settings.database_url),
    )
    try:
        yield Office(create_app(database.settings, live), live)
    finally:
        engine.dispose()


def hidden_of(page: TestResponse) -> dict[str, str]:
    """What the forms of a page carry unseen."""
    found = [one for one in tree(page).iter("input") if one.get("type") == "hidden"]
    return {one.get("name", ""): one.get("value", "") for one in found}


def at_once(
    browsers: Sequence[FlaskClient], path: str, forms: Sequence[Mapping[str, str]]
) -> list[TestResponse]:
    """What each browser is answered that sends its form at the same time as the others."""
    with ThreadPoolExecutor(len(browsers)) as pool:
        sent = [
            pool.submit(http.post, path, data=dict(form))
            for http, form in zip(browsers, forms, strict=True)
        ]
    return [one.result() for one in sent]
