"""What was typed into a form that needs something first waits until that is done."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.db import PortalSession, set_tenant
from portal.gateways.clock import SetClock
from portal.models import Amendment, Contact, PayerLink, Role, Staff
from tests.pages.debtors import RIGHT, Dana, csrf_of, send
from tests.pages.reading import heard, tree
from tests.pages.staff import PASSWORD, log_in
from tests.pages.test_callers import END, LINE, answer, page_of, pick_up
from tests.pages.test_correcting import show, typed
from tests.pages.test_held_forms import carry_on
from tests.pages.test_phone_payments import way_of
from tests.pages.test_spoken_changes import confirm, dana, sam, wanted
from tests.pages.test_support import act

__all__ = ["dana", "sam"]

BACK = "What you typed is back in the form"
KEPT = "What you typed has NOT been sent. It is kept for you"
ON = "Go on with what you typed"
ON_THE_LINE = {"address": Contact, "payment-link": PayerLink, "change-plan": Amendment}


def way_on(http: FlaskClient, page: str) -> str:
    """Where the one link of a page leads that goes on with what was typed."""
    (link,) = [one for one in tree(http.get(page)).iter("a") if "".join(one.itertext()) == ON]
    return link.get("href", "")


def values(http: FlaskClient, page: str) -> dict[str, str]:
    """What stands in the form of a page, and what is ticked or chosen there."""
    shown = tree(http.get(page))
    fields = {
        one.get("name", ""): one.get("value", "")
        for one in shown.iter("input")
        if one.get("type") not in ("radio", "checkbox") or "checked" in one.attrib
    }
    for box in shown.iter("select"):
        chosen = [one.get("value", "") for one in box.iter("option") if "selected" in one.attrib]
        fields |= {box.get("name", ""): one for one in chosen}
    return fields


def sam_of(session: PortalSession) -> Staff:
    return session.scalars(select(Staff).where(Staff.role == Role.AGENT)).one()


def count(session: PortalSession, dana: Dana, kind: type) -> int:
    set_tenant(session, dana.client.id)
    return session.query(kind).count()


def known_again(http: FlaskClient, dana: Dana) -> str:
    """The call that ran out is wrapped up, and another one with the same person begun."""
    assert act(http, END, END, disposition="spoke", note="It was cut off.") == 303
    pick_up(http, dana)
    return answer(http, RIGHT)


def given(http: FlaskClient, session: PortalSession, dana: Dana, name: str) -> dict[str, str]:
    if name == "address":
        return {"channel": "email", "address": "dana@example.org"}
    if name == "payment-link":
        return {"what": "other", "own": "51.00", "way": way_of(http, dana)}
    return wanted(session, dana, "moved")


def finish(http: FlaskClient, dana: Dana, name: str, page: str, form: dict[str, str]) -> None:
    """Send the form that is back, with what the person says on this call."""
    if name == "change-plan":
        words = http.post(page, data=form)
        assert confirm(http, dana, words, yes="y").status_code == 303
    else:
        said = {"agreed": "y"} if name == "address" else {}
        assert http.post(page, data=form | said).status_code == 303


@pytest.mark.parametrize("away", [16, 31])
@pytest.mark.parametrize("name", ON_THE_LINE)
def test_what_was_typed_on_a_call_that_ran_out_is_there_on_the_next_one(
    sam: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock, name: str, away: int
):
    """PR-01, EC-03: idle, or logged out; until they are known again no form opens, and no yes
    of the call before counts."""
    page, kind = f"{page_of(dana)}/{name}", ON_THE_LINE[name]
    wrote, before = given(sam, session, dana, name), count(session, dana, kind)
    token = csrf_of(sam.get(page))
    clock.advance(timedelta(minutes=away))
    late = sam.post(page, data={"csrf_token": token, "agreed": "y", "yes": "y", **wrote})
    if late.status_code == 403:
        late = sam.get(log_in(sam, sam_of(session), carry_on(late)).headers["Location"])
    assert late.headers["Location"].endswith("/caller")
    told = heard(sam.get(late.headers["Location"]))
    assert KEPT in told
    assert BACK not in told
    assert ON in known_again(sam, dana)
    on = way_on(sam, LINE)
    assert way_on(sam, page_of(dana)) == on
    assert BACK in heard(sam.get(on))
    form = values(sam, on)
    assert wrote.items() <= form.items()
    assert not {"agreed", "yes"} & form.keys()
    assert count(session, dana, kind) == before, "nothing is done yet"
    finish(sam, dana, name, on, form)
    assert count(session, dana, kind) == before + 1
    assert ON not in heard(sam.get(page_of(dana))), "what was sent is not offered again"


@pytest.mark.parametrize("away", [16, 31])
def test_a_correction_is_there_when_the_data_shows_again(
    sam: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock, away: int
):
    """PR-01: a date of birth is never kept, and the form says so."""
    assert act(sam, END, END, disposition="spoke", note="She moves.") == 303
    show(sam, dana)
    page = f"{page_of(dana)}/correct"
    token = csrf_of(sam.get(page))
    clock.advance(timedelta(minutes=away))
    wrote = typed(dana, city="Tecumseh", reason="A long letter typed by hand")
    late = sam.post(page, data={"csrf_token": token, **wrote, "date_of_birth": "3/28/1985"})
    if late.status_code == 403:
        back = log_in(sam, sam_of(session), carry_on(late)).headers["Location"]
    else:
        back = send(sam, late.headers["Location"], {"proof": PASSWORD}).headers["Location"]
    assert sam.get(back).headers["Location"] == page_of(dana)
    told = heard(sam.get(page_of(dana)))
    assert "Show the personal data first" in told
    assert KEPT in told
    assert BACK not in told
    show(sam, dana)
    on = way_on(sam, page_of(dana))
    shown = heard(sam.get(on))
    assert BACK in shown
    assert "A date of birth is never kept." in shown
    form = values(sam, on)
    assert (form["city"], form["reason"]) == ("Tecumseh", "A long letter typed by hand")
    assert form["date_of_birth"] == ""
    assert sam.post(on, data=form | wrote | {"sure": "y"}).status_code == 303
    assert "NOT been sent" not in heard(sam.get(page_of(dana)))
    set_tenant(session, dana.client.id)
    session.refresh(dana.debtor)
    assert dana.debtor.city == "Tecumseh"


def test_what_was_changed_after_it_came_back_is_what_comes_back_next(
    sam: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
):
    page = f"{page_of(dana)}/address"
    token = csrf_of(sam.get(page))
    clock.advance(timedelta(minutes=16))
    sam.post(page, data={"csrf_token": token, "channel": "email", "address": "dana@example.org"})
    known_again(sam, dana)
    on = way_on(sam, LINE)
    form = values(sam, on) | {"address": "dana.reyes@example.org"}
    clock.advance(timedelta(minutes=31))
    back = log_in(sam, sam_of(session), carry_on(sam.post(on, data=form))).headers["Location"]
    assert sam.get(back).status_code == 303
    known_again(sam, dana)
    assert values(sam, back)["address"] == "dana.reyes@example.org"
    assert values(sam, way_on(sam, LINE))["address"] == "dana.reyes@example.org"


def test_where_nothing_can_be_sent_any_more_no_form_is_said_to_have_it(
    sam: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
):
    page = f"{page_of(dana)}/payment-link"
    wrote, token = given(sam, session, dana, "payment-link"), csrf_of(sam.get(page))
    clock.advance(timedelta(minutes=16))
    sam.post(page, data={"csrf_token": token, **wrote})
    known_again(sam, dana)
    on = way_on(sam, LINE)
    set_tenant(session, dana.client.id)
    dana.contact.retired_at = clock.now()
    session.commit()
    told = heard(sam.get(on))
    assert "No email address or number may be used now." in told
    assert BACK not in told


def test_who_only_looks_at_the_page_is_told_of_nothing_kept(sam: FlaskClient, dana: Dana):
    assert act(sam, END, END, disposition="spoke", note="She moves.") == 303
    for name in ("address", "payment-link", "change-plan", "correct"):
        told = heard(sam.get(f"{page_of(dana)}/{name}", follow_redirects=True))
        assert "NOT been sent" not in told
        assert ON not in told
