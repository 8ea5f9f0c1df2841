"""Debtors for tests of pages: a link that Dana holds, and the ways in."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from portal.config import Settings
from portal.db import set_tenant
from portal.models import Account, Client, Contact, Debtor
from portal.services.links import IssuedLink
from tests.factories import (
    BORN_ON,
    POSTAL_CODE,
    know_identity,
    make_account,
    make_client,
    make_contact,
    make_debtor,
    make_link,
)
from tests.pages.reading import tree

BIRTH = {
    "date_of_birth-month": str(BORN_ON.month),
    "date_of_birth-day": str(BORN_ON.day),
    "date_of_birth-year": str(BORN_ON.year),
}
RIGHT = {**BIRTH, "postal_code": POSTAL_CODE}
WRONG = {**BIRTH, "postal_code": "90210"}


@dataclass(frozen=True)
class Dana:
    """Dana with one account, an e-mail address, and a link that came to it."""

    client: Client
    debtor: Debtor
    account: Account
    contact: Contact
    issued: IssuedLink

    @property
    def path(self) -> str:
        """The link's path."""
        return f"/l/{self.issued.token}"


def make_visitor(session: Session, settings: Settings, now: datetime, **given: Any) -> Dana:
    """Dana as the app with these settings knows her; ``given`` is her client's."""
    client = make_client(session, **given)
    debtor = know_identity(session, make_debtor(session, client), keys=settings.keys)
    account = make_account(session, debtor)
    contact = make_contact(session, debtor)
    issued = make_link(session, debtor, keys=settings.keys, now=now, contact=contact)
    return Dana(client, debtor, account, contact, issued)


def csrf_of(page: TestResponse) -> str:
    """The token of a page's forms."""
    for field in tree(page).iter("input"):
        if field.get("name") == "csrf_token":
            return field.get("value", "")
    raise AssertionError("the page has no form")


def send(http: FlaskClient, path: str, typed: dict[str, str], **given: Any) -> TestResponse:
    """Open a page and send its form, as a person does."""
    page = http.get(path)
    return http.post(path, data={"csrf_token": csrf_of(page), **typed}, **given)


def come_in(http: FlaskClient, session: Session, dana: Dana) -> TestResponse:
    """Pass the identity check; the browser holds the visit's cookie afterwards."""
    response = send(http, dana.path, RIGHT)
    assert response.status_code == 303, response.get_data(as_text=True)
    set_tenant(session, dana.client.id)  # the test's session shares the app's connection
    return response
