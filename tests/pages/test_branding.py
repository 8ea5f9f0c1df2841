"""A client's admin changes colors, names and logo; debtors see them once identity is verified."""

import io
import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal.config import Settings
from portal.db import PortalSession, set_tenant
from portal.domain.debts import CollectorRole
from portal.gateways.clock import SetClock
from portal.models import Client, Role
from portal.services import evidence
from tests.factories import make_client
from tests.pages.agreeing import path
from tests.pages.debtors import Dana, come_in, make_visitor
from tests.pages.reading import heard, said, tree
from tests.pages.staff import enter, make_staff

PAGE, HOURS = "/client/branding", "Monday to Friday, 8 AM to 6 PM"
DRAWING = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 60 20"><path d="M0 0h9v9z"/></svg>'


@pytest.fixture
def client(session: PortalSession) -> Client:
    """Cleo's company."""
    return make_client(session, license_line="License 12-345")


@pytest.fixture
def cleo(http: FlaskClient, session: PortalSession, client: Client) -> FlaskClient:
    """Its admin, logged in."""
    return enter(http, session, make_staff(session, Role.CLIENT_ADMIN, client, name="Cleo Marsh"))


def typed_on(page: TestResponse, id: str = "form") -> dict[str, str]:
    """What the fields of one of the page's forms hold."""
    form = next(one for one in tree(page).iter("form") if one.get("id") == id)
    fields = [one for one in form.iter("input") if one.get("type") not in ("file", "color")]
    return {one.get("name", ""): one.get("value", "") for one in fields}


def save(http: FlaskClient, to: str = PAGE, **changed: str) -> TestResponse:
    return http.post(to, data=typed_on(http.get(PAGE)) | changed)


def send_logo(http: FlaskClient, body: bytes, name: str = "logo.svg") -> TestResponse:
    typed: dict[str, Any] = typed_on(http.get(PAGE), "logo-form")
    return http.post(f"{PAGE}/logo", data=typed | {"file": (io.BytesIO(body), name)})


def row_of(session: PortalSession, client: Client) -> Client:
    set_tenant(session, client.id)
    return session.get_one(Client, client.id, populate_existing=True)


def told(session: PortalSession, client: Client) -> list[dict[str, Any]]:
    """The payloads of the leaves that tell of branding, oldest first."""
    set_tenant(session, client.id)
    changes = evidence.newest(session, client, ["client.branding_changed"])
    return [one.payload for one in changes][::-1]


def test_what_is_saved_is_in_force_and_on_record_with_before_and_after(
    cleo: FlaskClient, session: PortalSession, client: Client
):
    changed = {"action_color": "FFC400", "trade_name": "Northgate  Power", "hours_es": "De 8 a 6"}
    assert save(cleo, **changed).status_code == 303
    row = row_of(session, client)
    assert (row.action_color, row.trade_name) == ("#ffc400", "Northgate Power")
    assert json.loads(row.phone_hours) == {"en": HOURS, "es": "De 8 a 6"}
    (leaf,) = told(session, client)
    assert leaf["before"] == {"action_color": "", "trade_name": "Northgate Energy", "hours_es": ""}
    assert leaf["after"] == {
        "action_color": "#ffc400",
        "trade_name": "Northgate Power",
        "hours_es": "De 8 a 6",
    }
    assert leaf["actor"]["kind"] == "staff"
    assert "Last changed by Cleo Marsh" in said(cleo.get(PAGE))


def test_saving_without_a_change_leaves_no_trace(
    cleo: FlaskClient, session: PortalSession, client: Client
):
    assert save(cleo).status_code == 303
    assert told(session, client) == []


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("brand_color", "blue", "six digits"),
        ("brand_color", "", "Fill in this field"),
        ("action_color", "#12345g", "six digits"),
        ("trade_name", "", "Fill in this field"),
        ("trade_name", "x" * 61, "at most 60"),
        ("sender_name", "Harbor Debt Desk", "“Debt” tells a stranger of a debt"),
        ("sender_name", "Harbor Services of Portland", "room for 22"),
        ("hours_fr", "Recouvrement : 8 h à 18 h", "“Recouvrement” tells"),
        ("street_address", "Collections Dept., 1 Pier Road", "“Collections” tells"),
        ("sender_name", "Boreal FINAL NOTICE", "“final notice” sounds like a warning"),
        ("sender_name", "Revenue Agency", "“revenue agency” sounds like a warning"),
        ("phone", "1-800-FLOWERS", "area code"),
        ("phone", "555-0100", "area code"),
        ("email", "help@", "help@example.com"),
        ("hours_en", "", "Fill in this field"),
    ],
)
def test_what_cannot_be_is_refused_beside_its_field_and_stays_typed_ec_08(
    cleo: FlaskClient, session: PortalSession, client: Client, field: str, value: str, why: str
):
    page = save(cleo, **{field: value})
    assert page.status_code == 422
    assert why in said(page)
    assert typed_on(page)[field] == value
    assert told(session, client) == []


def test_legal_name_and_license_are_shown_and_cannot_be_sent_sc_05(
    cleo: FlaskClient, session: PortalSession, client: Client
):
    page = cleo.get(PAGE)
    assert "Northgate Energy LLC" in said(page)
    assert "License 12-345" in said(page)
    assert not {"legal_name", "license_line"} & set(typed_on(page))
    assert save(cleo, legal_name="Somebody Else", license_line="None").status_code == 303
    assert row_of(session, client).legal_name == "Northgate Energy LLC"


def test_the_second_editor_sees_what_the_first_changed_and_loses_nothing(
    cleo: FlaskClient, session: PortalSession, client: Client, app: Flask
):
    other = enter(app.test_client(), session, make_staff(session, Role.CLIENT_ADMIN, client))
    late = typed_on(other.get(PAGE)) | {"trade_name": "Northgate Late", "email": "l@n.example"}
    save(cleo, trade_name="Northgate Early", phone="1-888-555-0134")
    page = other.post(PAGE, data=late)
    assert page.status_code == 409
    words = heard(page)
    for word in ("while you worked on it", "Northgate Energy", "Northgate Early", "Northgate Late"):
        assert word in words
    merged = typed_on(page)
    assert merged["phone"] == "1-888-555-0134", "what only the first changed"
    assert merged["email"] == "l@n.example", "what only the second changed"
    assert merged["trade_name"] == "Northgate Late", "what both changed, to decide"
    assert row_of(session, client).trade_name == "Northgate Early"
    assert other.post(PAGE, data=merged).status_code == 303
    row = row_of(session, client)
    assert (row.trade_name, row.phone, row.email) == (
        *("Northgate Late", "1-888-555-0134", "l@n.example"),
    )


@pytest.mark.parametrize("base", ["", "x", "[1]", '{"phone": 1}'])
def test_a_form_that_does_not_know_what_it_was_made_from_is_told_so(
    cleo: FlaskClient, session: PortalSession, client: Client, base: str
):
    assert save(cleo, base=base, trade_name="Northgate Power").status_code == 409
    assert told(session, client) == []


def test_the_report_shows_typed_colors_without_saving_them(
    cleo: FlaskClient, session: PortalSession, client: Client
):
    page = save(cleo, to=f"{PAGE}/contrast", action_color="#ffc400", trade_name="Northgate Power")
    assert page.status_code == 200
    shaded = "“Color of links and buttons”: on light screens #ffc400 would have 1.4:1 on #f3f5f7"
    assert shaded in said(page)
    assert "Northgate Power" in page.get_data(as_text=True)
    assert row_of(session, client).action_color is None
    unclear = save(cleo, to=f"{PAGE}/contrast", brand_color="#12")
    assert "“Brand color” is not written in full." in said(unclear)
    assert typed_on(unclear)["brand_color"] == "#12"


def test_only_the_admin_of_this_very_client_comes_in(
    cleo: FlaskClient, session: PortalSession, client: Client, app: Flask
):
    theirs = make_client(session, trade_name="Borealis")
    stranger = enter(app.test_client(), session, make_staff(session, Role.CLIENT_ADMIN, theirs))
    assert "Borealis" in stranger.get(PAGE).get_data(as_text=True)
    assert client.trade_name not in typed_on(stranger.get(PAGE)).values()
    assert save(stranger, trade_name="Taken over").status_code == 303
    assert row_of(session, client).trade_name == "Northgate Energy"
    agent = enter(app.test_client(), session, make_staff(session, Role.AGENT, client))
    for address in (PAGE, f"{PAGE}/contrast", f"{PAGE}/logo", f"{PAGE}/logo/remove"):
        assert agent.post(address, data={}).status_code == 403
    assert agent.get(PAGE).status_code == 403


def logo_of(page: TestResponse) -> str | None:
    """The address of the picture in a page."""
    found = tree(page).find(".//img")
    return found.get("src") if found is not None else None


def test_a_logo_is_sent_shown_replaced_and_removed(
    cleo: FlaskClient, session: PortalSession, client: Client
):
    assert send_logo(cleo, DRAWING).status_code == 303
    first = logo_of(cleo.get(PAGE))
    assert first is not None
    served = cleo.get(first)
    assert served.status_code == 200
    assert served.mimetype == "image/svg+xml"
    policy = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    assert served.headers["Content-Security-Policy"] == policy
    assert served.headers["X-Content-Type-Options"] == "nosniff"
    assert "immutable" in served.headers["Cache-Control"]
    assert send_logo(cleo, DRAWING.replace(b"M0", b"M1")).status_code == 303
    assert cleo.get(first).status_code == 404, "what is not shown any more"
    typed = typed_on(cleo.get(PAGE), "logo-form")
    assert cleo.post(f"{PAGE}/logo/remove", data=typed).status_code == 303
    assert logo_of(cleo.get(PAGE)) is None
    before_after = [(one["before"]["logo"], one["after"]["logo"]) for one in told(session, client)]
    assert [(bool(before), bool(after)) for before, after in before_after] == [
        *((False, True), (True, True), (True, False)),
    ]
    assert before_after[0][1]["sha256"] in first


def test_what_a_drawing_would_do_is_taken_out_and_said(cleo: FlaskClient):
    attack = DRAWING.replace(b"<path", b"<script>alert(1)</script><path onload='x()'")
    assert send_logo(cleo, attack).status_code == 303
    page = cleo.get(PAGE)
    assert "Taken out of the drawing: onload, script" in said(page)
    body = cleo.get(logo_of(page)).data
    assert b"script" not in body
    assert b"onload" not in body


def test_a_file_that_is_no_logo_is_refused_with_words(cleo: FlaskClient):
    for body, why in (
        (b"%PDF-1.7", "not a picture that we can read"),
        (b"", "Choose a picture file"),
        (b'<!DOCTYPE svg [<!ENTITY a "b">]>' + DRAWING, "declares entities"),
    ):
        page = send_logo(cleo, body)
        assert page.status_code == 422
        assert why in said(page)
    missing = cleo.post(f"{PAGE}/logo", data=typed_on(cleo.get(PAGE), "logo-form"))
    assert missing.status_code == 422


def test_who_sends_a_logo_over_anothers_is_told_first(
    cleo: FlaskClient, session: PortalSession, client: Client, app: Flask
):
    other = enter(app.test_client(), session, make_staff(session, Role.CLIENT_ADMIN, client))
    late: dict[str, Any] = typed_on(other.get(PAGE), "logo-form")
    send_logo(cleo, DRAWING)
    again = other.post(f"{PAGE}/logo", data=late | {"file": (io.BytesIO(DRAWING), "l.svg")})
    assert again.status_code == 422
    assert "Somebody else changed the logo" in said(again)
    assert other.post(f"{PAGE}/logo/remove", data=late).status_code == 409
    assert row_of(session, client).logo is not None


@pytest.fixture
def branded(
    http: FlaskClient,
    app: Flask,
    session: PortalSession,
    settings: Settings,
    clock: SetClock,
) -> tuple[Dana, str]:
    """Dana, whose client has just got colors and a logo, and the logo's address."""
    dana = make_visitor(session, settings, clock.now(), brand_color="#7a1fa2")
    admin = enter(app.test_client(), session, make_staff(session, Role.CLIENT_ADMIN, dana.client))
    save(admin, action_color="#0b6e4f")
    send_logo(admin, DRAWING)
    address = logo_of(admin.get(PAGE))
    assert address is not None
    return dana, address


def test_logo_and_colors_stand_on_pages_after_the_check_and_never_before_ec_08(
    http: FlaskClient, session: PortalSession, branded: tuple[Dana, str]
):
    dana, address = branded
    for before in ("", "/code", "/new-link", "/wrong-person"):
        page = http.get(dana.path + before, follow_redirects=True).get_data(as_text=True)
        assert "/brand/" not in page
        assert "7a1fa2" not in page
        assert "0b6e4f" not in page
    come_in(http, session, dana)
    page = http.get(path(dana))
    assert logo_of(page) == address
    picture = tree(page).find(".//img")
    assert picture is not None
    assert picture.get("alt") == dana.client.trade_name
    assert (picture.get("width"), picture.get("height")) == ("120", "40")
    css = next(one.get("href", "") for one in tree(page).iter("link") if "theme" in str(one.attrib))
    assert "7a1fa2-0b6e4f" in css
    assert "--act:#0b6e4f" in http.get(css).get_data(as_text=True)
    assert http.get(css.replace("0b6e4f", "zzzzzz")).status_code == 404


def test_a_strangers_guess_at_a_logo_finds_nothing(
    http: FlaskClient, session: PortalSession, branded: tuple[Dana, str]
):
    dana, address = branded
    digest = address.rpartition("/")[2].partition(".")[0]
    other = make_client(session)
    answers = [
        http.get(wrong)
        for wrong in (
            address.replace(digest, "0" * 64),
            address.replace(digest, digest[:-1]),
            address.replace(digest, "z" * 64),
            address.replace(".svg", ".png"),
            address.replace(".svg", ""),
            address.replace(str(dana.client.id), str(other.id)),
            address.replace(str(dana.client.id), "01939f7e-0000-7000-8000-000000000001"),
        )
    ]
    assert {one.status_code for one in answers} == {404}
    assert http.get(address).status_code == 200


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, "this client did not switch them on"),
        ({"sms_enabled": True}, "Text messages are on. Carriers know them as: brand B1"),
        ({"sms_enabled": True, "sms_registration": None}, "are not registered with the carriers"),
        (
            {"sms_enabled": True, "collector_role": CollectorRole.THIRD_PARTY_AGENCY},
            "the provider carries none for this kind of collector",
        ),
    ],
)
def test_ec_07_a_client_reads_whether_texts_go_out_and_why_not(
    cleo: FlaskClient,
    session: PortalSession,
    client: Client,
    changed: dict[str, Any],
    words: str,
):
    """EC-07"""
    for name, value in changed.items():
        setattr(client, name, value)
    session.commit()
    assert words in heard(cleo.get(PAGE))
