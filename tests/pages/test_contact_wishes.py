"""When and how we write: a person's own page, and what staff take down on the phone (CT-03)."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.db import PortalSession, set_tenant
from portal.domain.wishes import WishKind
from portal.models import Account, Client, Contact, ContactPreference, Debtor, FirstNotice, Role
from portal.services import contact_wishes, evidence
from portal.services.contact_wishes import by_phone
from tests.factories import NOW, make_account, make_client, make_contact, make_debtor
from tests.pages.debtors import Dana, csrf_of, send
from tests.pages.reading import heard, said
from tests.pages.staff import enter as enter_staff
from tests.pages.staff import make_staff
from tests.pages.test_help import dana

__all__ = ["dana"]

PATH = "/preferences/times"


def standing(session: PortalSession) -> list[str]:
    """The wishes that count, as they are written."""
    rows = session.scalars(
        select(ContactPreference).where(ContactPreference.ended_at.is_(None))
    ).all()
    return sorted(f"{row.kind} {row.value}" for row in rows)


def choose(http: FlaskClient, **typed: Any) -> Any:
    return send(http, PATH, {"part": "any", "only": "any", **typed}, follow_redirects=True)


def test_ct_03_days_part_of_the_day_and_way_are_chosen_on_one_page(
    http: FlaskClient, session: PortalSession, dana: Dana
) -> None:
    assert "When and how we write to you" in heard(http.get("/preferences"))
    page = choose(http, days=["sat", "sun"], part="evening", only="email")
    assert "We write to you this way from now on." in heard(page)
    assert standing(session) == [
        *("not_at any afternoon", "not_at any morning", "not_at sat any", "not_at sun any"),
        "only email",
    ]
    leaves = evidence.account_leaves(session, dana.account)
    stated = [leaf for leaf in leaves if leaf.type == "preference.stated"]
    assert len(stated) == 5
    assert all(leaf.payload["actor"] == evidence.debtor(dana.debtor.id) for leaf in stated)
    again = http.get(PATH).get_data(as_text=True)
    assert again.count(" checked") == 4
    choose(http)
    assert standing(session) == []


def test_ct_03_a_week_without_an_hour_is_asked_about(
    http: FlaskClient, session: PortalSession, dana: Dana
) -> None:
    page = choose(http, days=["mon", "tue", "wed", "thu", "fri", "sat", "sun"])
    assert page.status_code == 422
    assert "That leaves no time at all." in heard(page)
    assert choose(http, part="noon").status_code == 422
    assert choose(http, days=["moonday"]).status_code == 422
    assert standing(session) == []


def test_ct_03_what_was_said_by_phone_is_seen_and_taken_back(
    http: FlaskClient, session: PortalSession, dana: Dana
) -> None:
    told = by_phone(dana.client.id, "Not on Tuesday mornings.")
    contact_wishes.state(session, dana.debtor, WishKind.NOT_AT, "tue morning", told=told, now=NOW)
    session.commit()
    page = http.get(PATH)
    assert "Not at this time: Tuesdays, In the morning" in heard(page)
    choose(http, days=["sun"])
    assert standing(session) == ["not_at sun any", "not_at tue morning"]
    wish = session.scalars(
        select(ContactPreference).where(ContactPreference.value == "tue morning")
    ).one()
    assert http.get(f"{PATH}/{wish.id}/end").status_code in (404, 405)
    token = csrf_of(http.get(PATH))
    done = http.post(f"{PATH}/{wish.id}/end", data={"csrf_token": token}, follow_redirects=True)
    assert "This does not count any more." in heard(done)
    assert standing(session) == ["not_at sun any"]
    gone = http.post(f"{PATH}/{wish.id}/end", data={"csrf_token": token})
    assert gone.status_code == 404


@pytest.fixture
def account(session: PortalSession) -> Account:
    client = make_client(session)
    debtor = make_debtor(session, client, region="ON", country="CA")
    make_contact(session, debtor)
    return make_account(session, debtor)


@pytest.fixture
def sam(http: FlaskClient, session: PortalSession, account: Account) -> FlaskClient:
    """An agent of the account's client, logged in."""
    client = session.get_one(Client, account.client_id)
    return enter_staff(http, session, make_staff(session, Role.AGENT, client))


def act(http: FlaskClient, path: str, **typed: str) -> int:
    token = csrf_of(http.get(path))
    return http.post(path, data={"csrf_token": token, **typed}).status_code


def test_ct_03_staff_take_down_a_wish_with_the_persons_words(
    sam: FlaskClient, session: PortalSession, account: Account
) -> None:
    page = f"/support/accounts/{account.id}"
    path, client_id, debtor_id = f"{page}/wish", account.client_id, account.debtor_id
    morning = {"wish": "not_at", "day": "tue", "part": "morning"}
    any_time = {"wish": "not_at", "day": "any", "part": "any"}
    assert act(sam, path, **morning, words="") == 422
    assert act(sam, path, **any_time, words="Never") == 422
    assert act(sam, path, **morning, words="Never on Tuesday mornings") == 303
    assert act(sam, path, wish="email", day="any", part="any", words="Just mail") == 303
    assert act(sam, path, wish="language es", day="any", part="any", words="Español") == 303
    read = said(sam.get(page))
    assert "Not at this time: Tuesdays, In the morning" in read
    assert "“Never on Tuesday mornings”" in read
    assert "By email only" in read
    set_tenant(session, client_id)
    contact = session.scalars(select(Contact)).one()
    assert act(sam, path, wish=f"work {contact.id}", day="any", part="any", words="Work") == 303
    set_tenant(session, client_id)
    session.expire_all()
    assert contact.at_work
    assert session.get_one(Debtor, (client_id, debtor_id)).language == "es"
    row = session.scalars(select(ContactPreference).where(ContactPreference.value == "email")).one()
    assert act(sam, f"{page}/wishes/{row.id}/end", words="Write as you like") == 303
    assert "By email only" not in said(sam.get(page)).split("What happened")[0]


def test_ca_01_staff_take_down_that_a_notice_went_and_that_it_did_not_arrive(
    sam: FlaskClient, session: PortalSession, account: Account
) -> None:
    page, client_id = f"/support/accounts/{account.id}", account.client_id
    day = {"sent_on-month": "11", "sent_on-day": "20", "sent_on-year": "2026"}
    assert act(sam, f"{page}/notice", **(day | {"sent_on-year": "2099"})) == 422
    assert act(sam, f"{page}/notice", **day, on_paper="y") == 303
    assert act(sam, f"{page}/notice/missed") == 303
    set_tenant(session, client_id)
    notice = session.scalars(select(FirstNotice)).one()
    assert (notice.on_paper, notice.missed_at is not None) == (True, True)
    assert "did not arrive" in said(sam.get(page))
