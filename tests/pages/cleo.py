"""Cleo, who works for a client, and the form of her limits."""

from flask.testing import FlaskClient

from portal.db import PortalSession
from portal.models import Account, Client, Role
from tests.factories import make_account, make_client, make_debtor, make_policy
from tests.pages.reading import tree
from tests.pages.staff import enter, make_staff


def make_book(session: PortalSession, **given: str) -> Account:
    """A client with limits and one account."""
    client = make_client(session, **given)
    make_policy(session, client)
    return make_account(session, make_debtor(session, client))


def cleo(http: FlaskClient, session: PortalSession, account: Account) -> FlaskClient:
    """The admin of the account's client, logged in."""
    client = session.get_one(Client, account.client_id)
    return enter(http, session, make_staff(session, Role.CLIENT_ADMIN, client))


def typed_on(page) -> dict[str, str | list[str]]:
    """What the controls of the page's own form hold."""
    form = next(one for one in tree(page).iter("form") if one.get("id") == "form")
    values: dict[str, str | list[str]] = {}
    for field in form.iter("input"):
        kind, name, value = field.get("type"), field.get("name", ""), field.get("value", "")
        if kind in ("checkbox", "radio") and field.get("checked") is None:
            continue
        if kind == "checkbox" and name in values:
            earlier = values[name]
            values[name] = [*(earlier if isinstance(earlier, list) else [earlier]), value]
        else:
            values[name] = value
    for choice in form.iter("select"):
        chosen = [one for one in choice.iter("option") if one.get("selected") is not None]
        values[choice.get("name", "")] = (chosen or list(choice.iter("option")))[0].get("value", "")
    return values
