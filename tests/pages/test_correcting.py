"""Who a debtor is, corrected: what is shown before, what counts afterwards, and what files undo."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from portal.config import Settings
from portal.db import PortalSession, set_tenant
from portal.domain.corrections import Source
from portal.gateways.clock import SetClock
from portal.models import AccessLink, Account, Debtor, Role
from portal.services import evidence
from portal.services.correcting import Wanted, correct, on_file
from portal.services.search import search
from tests.factories import BORN_ON, KEYS, NOW, make_account, make_client, make_link
from tests.pages.debtors import RIGHT, Dana, make_visitor, send
from tests.pages.reading import heard, said, tree
from tests.pages.staff import enter, make_staff
from tests.pages.test_callers import END, LINE, answer, pick_up
from tests.pages.test_support import act
from tests.services.placing import Placer, row

RIGHT_NAME = {"first_name": "Danielle", "date_of_birth": "3/28/1985"}


@pytest.fixture
def dana(session: PortalSession, settings: Settings, clock: SetClock) -> Dana:
    return make_visitor(session, settings, clock.now())


@pytest.fixture
def sam(http: FlaskClient, session: PortalSession, dana: Dana) -> FlaskClient:
    return enter(http, session, make_staff(session, Role.AGENT, dana.client))


@pytest.fixture
def lead(http: FlaskClient, session: PortalSession, dana: Dana) -> FlaskClient:
    """A supervisor, who may change what proves identity."""
    return enter(http, session, make_staff(session, Role.SUPERVISOR, dana.client))


def page_of(dana: Dana) -> str:
    return f"/support/accounts/{dana.account.id}"


def show(sam: FlaskClient, dana: Dana) -> None:
    assert act(sam, page_of(dana), f"{page_of(dana)}/reveal", reason="A letter") == 303


def typed(dana: Dana, **more: str) -> dict[str, str]:
    return on_file(dana.debtor) | {"source": "document", "reason": "Passport"} | more


def test_what_changes_is_shown_before_and_counts_on_all_accounts_after(
    lead: FlaskClient, session: PortalSession, settings: Settings, dana: Dana
):
    """PR-01: the identity check asks for the new answers, and search finds the new name."""
    other = make_account(session, dana.debtor)
    session.commit()
    show(lead, dana)
    page = f"{page_of(dana)}/correct"
    before = send(lead, page, typed(dana, **RIGHT_NAME))
    assert before.status_code == 200
    assert "DanaDanielle" in said(before)
    assert dana.debtor.first_name == "Dana", "nothing is kept yet"
    assert send(lead, page, typed(dana, **RIGHT_NAME, sure="y")).status_code == 303
    set_tenant(session, dana.client.id)
    session.expire_all()
    assert dana.debtor.first_name == "Danielle"
    assert len(search(session, "danielle reyes", keys=settings.keys).hits) == 2
    for account in (dana.account, other):
        (leaf,) = [
            one.payload
            for one in evidence.account_leaves(session, account)
            if one.type == "debtor.corrected"
        ]
        assert leaf["fields"]["first_name"] == {"before": "Dana", "after": "Danielle"}
        assert leaf["fields"]["date_of_birth"] == {}, "the day itself is on no record"
        assert "1985" not in str(leaf)
    browser = lead.application.test_client()
    assert send(browser, dana.path, RIGHT).status_code == 422, "the old day opens nothing"
    new = RIGHT | {"date_of_birth-day": "28"}
    assert send(browser, dana.path, new).status_code == 303


def test_only_who_sees_the_data_corrects_it(sam: FlaskClient, dana: Dana):
    answer = sam.get(f"{page_of(dana)}/correct")
    assert (answer.status_code, answer.headers["Location"]) == (303, page_of(dana))


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({}, "Nothing differs"),
        ({"first_name": ""}, "A first name and a last name"),
        ({"region": "Narnia"}, "state or province"),
        ({"date_of_birth": "2/30/1985"}, "real date of birth"),
        ({"date_of_birth": "3/27/2017"}, "under 10 or over 120 years old"),
        ({"date_of_birth": "3/27/1903"}, "under 10 or over 120 years old"),
        ({"postal_code": "??"}, "ZIP code"),
        ({"city": "Troy", "reason": ""}, "Write the reason"),
        ({"city": "Troy", "source": "debtor"}, "Ask first who is on the line"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    sam: FlaskClient, session: PortalSession, dana: Dana, wrong: dict[str, str], why: str
):
    """PR-01: the debtor's own word counts only from somebody who was asked who they are."""
    show(sam, dana)
    answer = send(sam, f"{page_of(dana)}/correct", typed(dana, **wrong) | {"sure": "y"})
    assert answer.status_code == 422
    assert why in said(answer)
    set_tenant(session, dana.client.id)
    assert not any(
        one.type == "debtor.corrected" for one in evidence.account_leaves(session, dana.account)
    )


def test_links_to_an_address_of_somebody_else_are_closed(
    sam: FlaskClient, session: PortalSession, settings: Settings, dana: Dana, clock: SetClock
):
    """EC-08: those that went by letter, and no other."""
    letter = make_link(session, dana.debtor, keys=settings.keys, now=clock.now(), contact=None)
    session.commit()
    show(sam, dana)
    moved = typed(dana, address_line="9 Oak Street", city="Troy", old_address_wrong="y", sure="y")
    assert send(sam, f"{page_of(dana)}/correct", moved).status_code == 303
    set_tenant(session, dana.client.id)
    session.expire_all()
    assert letter.link.revoked_at is not None
    assert dana.issued.link.revoked_at is None


def test_a_correction_outranks_the_file_until_the_file_says_something_new(
    session: PortalSession, tmp_path: Path
):
    placer = Placer(session, make_client(session), tmp_path)
    sam = make_staff(session, Role.SUPERVISOR, placer.client)

    def place(**given: str) -> Debtor:
        placer.rows(row(debtor_number="D-1", **given))
        account = session.scalars(select(Account)).one()
        key = (account.client_id, account.debtor_id)
        return session.get_one(Debtor, key, populate_existing=True)

    debtor = place()
    account = session.scalars(select(Account)).one()
    right = on_file(debtor) | {"city": "Troy", "last_name": "Ray", "date_of_birth": "1985-03-28"}
    wanted = Wanted(right, Source.DOCUMENT, "Passport")
    correct(session, account, wanted, keys=KEYS, staff=sam, now=NOW)
    session.commit()
    born = debtor.date_of_birth_hash
    debtor = place(product="gas")
    assert (debtor.city, debtor.last_name, debtor.name_key) == ("Troy", "Ray", "dana ray")
    assert debtor.date_of_birth_hash == born, "the row is still the same person's"
    debtor = place(product="gas", city="Buffalo")
    assert (debtor.city, debtor.last_name) == ("Buffalo", "Ray"), "only what the file changed"
    debtor = place(product="electricity")
    assert (debtor.city, debtor.last_name) == ("Albany", "Ray"), "that correction is over"


def test_pr_01_the_page_does_not_tell_whether_a_day_of_birth_is_the_right_one(
    lead: FlaskClient, dana: Dana
):
    """What is typed counts as a change either way, so that nobody can try days one by one."""
    show(lead, dana)
    page = f"{page_of(dana)}/correct"
    shown = [
        said(send(lead, page, typed(dana, date_of_birth=day)))
        for day in (BORN_ON.isoformat(), "1980-01-02")
    ]
    assert shown[0] == shown[1]
    assert "Date of birth" in shown[0]


@pytest.mark.parametrize("proof", [{"date_of_birth": "3/28/1985"}, {"postal_code": "12208"}])
def test_pr_01_no_agent_alone_changes_what_proves_who_somebody_is(
    sam: FlaskClient, session: PortalSession, settings: Settings, dana: Dana, proof: dict[str, str]
):
    """PR-01: nor with a paper; a supervisor does, who then does not check the person for a day."""
    show(sam, dana)
    page = f"{page_of(dana)}/correct"
    for sure in ({}, {"sure": "y"}):
        refused = send(sam, page, typed(dana, **proof) | sure)
        assert refused.status_code == 422
        assert said(refused).count("proves who this person is.") == 1
    assert send(sam.application.test_client(), dana.path, RIGHT).status_code == 303


def test_pr_01_who_changed_what_proves_identity_asks_nobody_and_reads_no_code_for_a_day(
    lead: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
):
    """PR-01: a colleague does; after a day whoever changed it does again."""
    link = f"{page_of(dana)}/link"
    known = send(lead, link, {"way": "aloud", "asked": "debtor"}).headers["Location"]
    show(lead, dana)
    new = {"date_of_birth": "3/28/1985"}
    assert send(lead, f"{page_of(dana)}/correct", typed(dana, **new, sure="y")).status_code == 303
    set_tenant(session, dana.client.id)
    closed = session.get_one(AccessLink, (dana.client.id, UUID(known.split("/")[-2])))
    assert closed.revoked_at is not None, "a code that they know is of no use to them"
    assert dana.issued.link.revoked_at is None
    pick_up(lead, dana)
    barred = "You changed what proves who this person is."
    assert barred in heard(lead.get(LINE))
    assert send(lead, LINE, RIGHT | {"date_of_birth-day": "28"}).status_code == 422
    refused = send(lead, link, {"way": "aloud", "asked": "debtor"})
    assert refused.status_code == 422
    assert barred in said(refused)
    colleague = make_staff(session, Role.AGENT, dana.client)
    other = enter(lead.application.test_client(), session, colleague)
    made = send(other, link, {"way": "aloud", "asked": "debtor"})
    assert made.status_code == 303
    code = made.headers["Location"]
    assert other.get(code).status_code == 200
    assert lead.get(code).status_code == 404, "a code is read aloud by who made it"
    pick_up(other, dana)
    assert "The answers match." in answer(other, RIGHT | {"date_of_birth-day": "28"})
    clock.advance(timedelta(days=1, minutes=1))
    boss = enter(lead, session, make_staff(session, Role.SUPERVISOR, dana.client))
    pick_up(boss, dana)
    assert barred not in heard(boss.get(LINE))


def test_pr_01_the_debtors_own_word_on_a_checked_call_is_enough(
    sam: FlaskClient, session: PortalSession, dana: Dana
):
    """PR-01: an agent takes it down while she is known; the next check is a colleague's."""
    pick_up(sam, dana)
    answer(sam, RIGHT)
    moved = typed(dana, city="Troy", postal_code="12180", source="debtor", sure="y")
    assert send(sam, f"{page_of(dana)}/correct", moved).status_code == 303
    assert act(sam, END, END, disposition="spoke", note="She has moved.") == 303
    pick_up(sam, dana)
    assert "You changed what proves who this person is." in heard(sam.get(LINE))


def hidden_of(page: TestResponse) -> dict[str, str]:
    """What the form of a page carries unseen."""
    found = (one for one in tree(page).iter("input") if one.get("type") == "hidden")
    return {one.get("name", ""): one.get("value", "") for one in found}


def test_two_who_correct_at_once_read_what_both_typed_and_lose_nothing(
    sam: FlaskClient, session: PortalSession, dana: Dana
):
    """What the first put right stays right, and what both typed stands side by side."""
    page = f"{page_of(dana)}/correct"
    show(sam, dana)
    maria = make_staff(session, Role.AGENT, dana.client, name="Maria Lopez")
    second = enter(sam.application.test_client(), session, maria)
    show(second, dana)
    opened = typed(dana) | hidden_of(second.get(page))
    assert send(sam, page, typed(dana, last_name="Ruiz", city="Troy", sure="y")).status_code == 303
    mine = opened | {"city": "Buffalo", "reason": "A letter"}
    both = second.post(page, data=mine | {"sure": "y"})
    assert both.status_code == 422
    shown = said(both)
    assert "A colleague worked on this account since you opened this page." in shown
    assert "Changed since you opened this page" in shown
    assert "CityAlbanyTroyBuffalo" in shown, "as it was, what the first typed, what the second did"
    assert "Last nameReyesRuizRuiz" in shown
    again = second.post(page, data=hidden_of(both) | {"sure": "y"})
    assert again.status_code == 303
    set_tenant(session, dana.client.id)
    session.expire_all()
    assert (dana.debtor.last_name, dana.debtor.city) == ("Ruiz", "Buffalo")


def test_what_a_file_changed_meanwhile_is_not_overwritten_unseen(
    sam: FlaskClient, session: PortalSession, dana: Dana
):
    page = f"{page_of(dana)}/correct"
    show(sam, dana)
    opened = typed(dana) | hidden_of(sam.get(page))
    set_tenant(session, dana.client.id)
    dana.debtor.city, dana.debtor.first_name = "Troy", "Dana Maria"
    session.commit()
    both = sam.post(page, data=opened | {"city": "Buffalo", "sure": "y"})
    assert both.status_code == 422
    assert "Something that you changed has been changed" in said(both)
    assert sam.post(page, data=hidden_of(both) | {"sure": "y"}).status_code == 303
    set_tenant(session, dana.client.id)
    session.expire_all()
    assert (dana.debtor.first_name, dana.debtor.city) == ("Dana Maria", "Buffalo")
