"""Somebody is on the line: they are asked who they are, and known until the call is wrapped up."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import delete, select

from portal.config import Settings
from portal.db import PortalSession, set_tenant
from portal.domain.permissions import Basis
from portal.gateways.clock import SetClock
from portal.gateways.mail import OutboxMailer
from portal.models import (
    Account,
    CallAttempt,
    Contact,
    ContactPermission,
    Leaf,
    Message,
    Role,
    Staff,
    StaffClient,
)
from portal.services import call_sessions, evidence
from portal.services.dispatch import Carriers, dispatch
from portal.services.optouts import opt_out
from portal.services.verify import verify_client
from portal.writing import write
from tests.databases import acting_as
from tests.factories import make_account, make_client, make_contact, make_debtor, make_link
from tests.pages.debtors import RIGHT, WRONG, Dana, csrf_of, make_visitor, send
from tests.pages.reading import heard
from tests.pages.staff import enter, make_staff
from tests.pages.test_calls import begin
from tests.pages.test_support import act

LINE = "/support/on-the-line"
END = f"{LINE}/wrap-up"
NAME = "Dana Reyes"


@pytest.fixture
def dana(session: PortalSession, settings: Settings, clock: SetClock) -> Dana:
    return make_visitor(session, settings, clock.now())


@pytest.fixture
def agent(session: PortalSession, dana: Dana) -> Staff:
    return make_staff(session, Role.AGENT, dana.client)


@pytest.fixture
def sam(http: FlaskClient, session: PortalSession, agent: Staff) -> FlaskClient:
    return enter(http, session, agent)


def page_of(dana: Dana) -> str:
    return f"/support/accounts/{dana.account.id}"


def pick_up(http: FlaskClient, dana: Dana) -> None:
    """They call, and the agent says so."""
    page = f"{page_of(dana)}/caller"
    assert act(http, page, page, who="theirs") == 303


def answer(http: FlaskClient, typed: dict[str, str]) -> str:
    """Type the answers heard; what the page says then."""
    assert send(http, LINE, typed).status_code == 303
    return heard(http.get(LINE))


def leaves(session: PortalSession, account: Account) -> list[evidence.Entry]:
    set_tenant(session, account.client_id)
    return [
        one
        for one in evidence.account_leaves(session, account)
        if one.type.startswith("call_session.")
    ]


def test_pr_01_who_answers_rightly_is_known_until_the_call_is_wrapped_up(
    sam: FlaskClient, session: PortalSession, dana: Dana
):
    """PR-01: the data shows on all accounts of the debtor, to this agent, and is hidden again."""
    other = make_account(session, dana.debtor)
    pick_up(sam, dana)
    assert NAME not in heard(sam.get(page_of(dana)))
    assert "The answers match." in answer(sam, RIGHT)
    for account in (dana.account, other):
        shown = heard(sam.get(f"/support/accounts/{account.id}"))
        assert f"On a call with {NAME}, account {dana.account.reference}, 0 min" in shown
        assert "4 Elm Street" in shown
    assert act(sam, END, END, disposition="spoke", note="She pays on Friday.") == 303
    after = heard(sam.get(page_of(dana)))
    assert NAME not in after
    assert "On a call" not in after
    assert "“She pays on Friday.”" in after
    told = leaves(session, dana.account)
    assert [one.type.rpartition(".")[2] for one in told] == ["opened", "matched", "wrapped_up"]
    assert told[1].payload["method"] == "date_of_birth+postal_code"
    assert [one.type for one in leaves(session, other)] == ["call_session.matched"]


def test_pr_01_a_wrong_answer_is_counted_and_neither_shown_nor_kept(
    sam: FlaskClient, session: PortalSession, dana: Dana
):
    """PR-01: nobody learns which answer was wrong; five wrong ones lock for half an hour."""
    pick_up(sam, dana)
    for left in (4, 3, 2, 1):
        said = answer(sam, WRONG)
        assert "The answers do not match." in said
        assert f"{left} {'try is' if left == 1 else 'tries are'} left." in said
        assert WRONG["postal_code"] not in said
    locked = answer(sam, WRONG)
    assert "Too many answers were wrong. Nothing can be checked on the telephone until" in locked
    assert "12:30" in locked
    assert NAME not in heard(sam.get(page_of(dana)))
    told = leaves(session, dana.account)
    assert [one.payload.get("left") for one in told] == [None, 4, 3, 2, 1, 0]
    assert not any(WRONG["postal_code"] in str(one.payload) for one in told)
    assert act(sam, END, END, disposition="not_known", note="") == 303
    pick_up(sam, dana)
    assert "Too many answers were wrong." in heard(sam.get(LINE))


@pytest.mark.parametrize("how", ["idle", "an hour", "log-out"])
def test_a_call_that_is_left_alone_shows_nothing_any_more(
    sam: FlaskClient, session: PortalSession, dana: Dana, agent: Staff, clock: SetClock, how: str
):
    pick_up(sam, dana)
    answer(sam, RIGHT)
    if how == "idle":
        clock.advance(timedelta(minutes=14))
        assert NAME in heard(sam.get(page_of(dana)))
        clock.advance(timedelta(minutes=15))
    elif how == "an hour":
        for _ in range(6):
            clock.advance(timedelta(minutes=10))
            shown = heard(sam.get(page_of(dana)))
    else:
        act(sam, "/support", "/log-out")
        enter(sam, session, agent)
    shown = heard(sam.get(page_of(dana)))
    assert NAME not in shown
    assert "is over and waits to be wrapped up" in shown
    set_tenant(session, dana.client.id)
    assert not call_sessions.verified(session, agent, dana.account, clock.now())
    assert "This call is over." in heard(sam.get(LINE))
    assert act(sam, END, END, disposition="spoke", note="We were cut off.") == 303
    pick_up(sam, dana)


def test_who_is_on_a_call_begins_no_other_and_sees_nobody_elses_data(
    sam: FlaskClient, session: PortalSession, settings: Settings, dana: Dana
):
    stranger = make_account(session, make_debtor(session, dana.client, last_name="Hale"))
    pick_up(sam, dana)
    answer(sam, RIGHT)
    page = f"/support/accounts/{stranger.id}/caller"
    assert act(sam, page, page, who="theirs") == 422
    assert "Dana Hale" not in heard(sam.get(f"/support/accounts/{stranger.id}"))
    enter(sam, session, make_staff(session, Role.AGENT, dana.client))
    assert NAME not in heard(sam.get(page_of(dana)))


def test_ct_06_wrapping_up_writes_the_telephone_log(
    sam: FlaskClient, session: PortalSession, dana: Dana
):
    """CT-06: our call is logged as it ended, theirs as a conversation and no attempt."""
    make_contact(session, dana.debtor, channel="sms", address="+15185550142")
    begin(sam, session, dana.account)
    set_tenant(session, dana.client.id)
    ours = session.scalars(select(CallAttempt)).one()
    page = f"{page_of(dana)}/caller"
    assert act(sam, page, page, who=str(ours.id)) == 303
    assert "It was a wrong number" in heard(sam.get(END))
    assert act(sam, END, END, disposition="spoke", note="x") == 422
    assert act(sam, END, END, disposition="somebody_else", note="") == 303
    assert "Spoke with somebody else" in heard(sam.get(page_of(dana)))
    pick_up(sam, dana)
    answer(sam, RIGHT)
    assert "It was a wrong number" not in heard(sam.get(END))
    assert act(sam, END, END, disposition="spoke", note="") == 422
    assert act(sam, END, END, disposition="spoke", note="She asked for a plan.") == 303
    asked = heard(sam.get(f"{page_of(dana)}/call"))
    assert "Attempts about this account in seven days: 1 of 7" in asked
    assert "Do not call" in asked


def test_somebody_else_is_told_nothing_and_the_page_says_what_may_be_said(
    sam: FlaskClient, session: PortalSession, dana: Dana
):
    pick_up(sam, dana)
    said = heard(sam.get(LINE))
    assert "Say nothing of a debt, an account or a payment, and not that you collect." in said
    assert "confirm or correct location information" in said
    assert NAME not in said


def test_nobody_is_checked_of_whom_too_little_is_on_file(http: FlaskClient, session: PortalSession):
    """PR-01: a page that cannot prove anything asks nothing."""
    client = make_client(session)
    account = make_account(session, make_debtor(session, client))
    enter(http, session, make_staff(session, Role.AGENT, client))
    page = f"/support/accounts/{account.id}/caller"
    assert act(http, page, page, who="theirs") == 303
    assert "Too little is on file to check who this is." in heard(http.get(LINE))


def test_an_answer_that_cannot_be_read_is_asked_again_and_not_counted(
    sam: FlaskClient, session: PortalSession, dana: Dana
):
    pick_up(sam, dana)
    assert send(sam, LINE, {**RIGHT, "postal_code": "12"}).status_code == 422
    assert [one.type for one in leaves(session, dana.account)] == ["call_session.opened"]


def test_without_a_call_there_is_nobody_to_ask(sam: FlaskClient, session: PortalSession):
    assert sam.get(LINE).headers["Location"] == "/support"
    assert sam.get(END).headers["Location"] == "/support"
    assert session.scalar(select(Leaf.n).where(Leaf.type.like("call_session.%"))) is None


def test_ec_01_ec_03_a_new_address_needs_somebody_known_who_agrees_and_is_then_written_to(
    sam: FlaskClient, session: PortalSession, dana: Dana, agent: Staff
):
    """EC-01 a, EC-03: the words that were read are kept with the consent."""
    page = f"{page_of(dana)}/address"
    pick_up(sam, dana)
    assert sam.get(page).headers["Location"].endswith("/caller")
    answer(sam, RIGHT)
    assert "may use it to write to you about what you owe" in heard(sam.get(page))
    typed = {"channel": "email", "address": "dana@example.org"}
    assert act(sam, page, page, **typed) == 422
    assert act(sam, page, page, **typed, agreed="y") == 303
    set_tenant(session, dana.client.id)
    added = session.scalars(select(Contact).where(Contact.address == "dana@example.org")).one()
    proof = session.scalars(
        select(ContactPermission).where(ContactPermission.contact_id == added.id)
    ).one()
    assert (proof.basis, proof.source) == (Basis.DIRECT_CONSENT, "phone")
    assert proof.recorded_by == agent.id
    assert "may use it to write to you" in (proof.words or "")
    (leaf,) = [
        one for one in evidence.account_leaves(session, dana.account) if one.type == "contact.added"
    ]
    assert leaf.payload["actor"] == evidence.staff(agent.id)
    link = f"{page_of(dana)}/link"
    assert act(sam, link, link, way=str(added.id), asked="debtor") == 303


def test_where_we_wrote_before_is_told_of_an_address_that_an_agent_adds(
    sam: FlaskClient, session: PortalSession, settings: Settings, dana: Dana, clock: SetClock
):
    """EC-08: in words that say nothing of a debt, and not at an address that is closed."""
    closed = make_contact(session, dana.debtor, address="old@example.com")
    opt_out(session, closed, source="preferences", now=clock.now())
    session.commit()
    pick_up(sam, dana)
    answer(sam, RIGHT)
    page = f"{page_of(dana)}/address"
    typed = {"channel": "email", "address": "dana@example.org", "agreed": "y"}
    assert act(sam, page, page, **typed) == 303
    set_tenant(session, dana.client.id)
    (told,) = session.scalars(select(Message).where(Message.template == "address_added")).all()
    assert told.contact_id == dana.contact.id
    carriers = Carriers(mailer=OutboxMailer(), texter=None, write=write, keys=settings.keys)
    dispatch(session, told.client_id, told.id, carriers=carriers, now=clock.now())
    session.refresh(told)
    said = f"{told.subject} {told.body}"
    assert "another email address or phone number" in said
    for word in ("dana@example.org", "debt", "owe", "account", "pay"):
        assert word not in said, word


def test_every_link_of_a_person_is_revoked_at_once(
    sam: FlaskClient, session: PortalSession, settings: Settings, dana: Dana, clock: SetClock
):
    keys = settings.keys
    another = make_link(session, dana.debtor, keys=keys, now=clock.now(), contact=dana.contact)
    page = f"{page_of(dana)}/revoke-links"
    assert act(sam, page, page, reason="lost") == 303
    for path in (dana.path, f"/l/{another.token}"):
        assert "Check it is you" not in heard(sam.get(path))
    set_tenant(session, dana.client.id)
    revoked = [
        one.payload
        for one in evidence.account_leaves(session, dana.account)
        if one.type == "link.revoked"
    ]
    assert {one["link"] for one in revoked} == {str(dana.issued.link.id), str(another.link.id)}
    assert {one["reason"] for one in revoked} == {"lost"}


@pytest.mark.parametrize("known", [True, False])
def test_a_call_whose_client_is_not_the_agents_any_more_is_ended_by_the_portal(
    sam: FlaskClient, session: PortalSession, dana: Dana, agent: Staff, known: bool
):
    """CT-06: it keeps them from no other call, and with somebody known it was a conversation."""
    pick_up(sam, dana)
    answer(sam, RIGHT if known else WRONG)
    other = make_client(session, slug="other")
    stranger = make_account(session, make_debtor(session, other))
    with acting_as("portal_owner", session):  # by command: no page takes a client from somebody
        session.execute(delete(StaffClient).where(StaffClient.staff_id == agent.id))
        session.add(StaffClient(staff_id=agent.id, client_id=other.id))
    session.commit()
    page = f"/support/accounts/{stranger.id}/caller"
    assert act(sam, page, page, who="theirs") == 303
    begun = heard(sam.get(LINE))
    assert "Your call before was ended: its client is not yours any more." in begun
    ended = leaves(session, dana.account)[-1]
    assert ended.type == "call_session.wrapped_up"
    assert ended.payload["actor"] == evidence.SYSTEM
    assert ended.payload["disposition"] == ("spoke" if known else "cut_off")
    calls = session.scalars(select(CallAttempt.outcome)).all()
    assert calls == (["conversation"] if known else [])
    assert list(verify_client(session, dana.client.id)) == []


@pytest.mark.parametrize("how", ["disable", "role"])
def test_the_call_of_somebody_who_may_take_no_calls_any_more_is_ended(
    sam: FlaskClient, session: PortalSession, dana: Dana, agent: Staff, how: str
):
    pick_up(sam, dana)
    boss = make_staff(session, Role.OPERATOR)
    lead = enter(sam.application.test_client(), session, boss)
    page = f"/team/{agent.id}"
    if how == "disable":
        assert act(lead, f"{page}/disable", f"{page}/disable") == 303
    else:
        assert act(lead, f"{page}/role", f"{page}/role", role="compliance") == 303
    ended = leaves(session, dana.account)[-1]
    assert (ended.type, ended.payload["disposition"]) == ("call_session.wrapped_up", "cut_off")


def test_answers_sent_again_after_a_match_do_not_say_that_the_call_is_over(
    sam: FlaskClient, dana: Dana
):
    pick_up(sam, dana)
    token = {"csrf_token": csrf_of(sam.get(LINE))}
    assert sam.post(LINE, data=RIGHT | token).status_code == 303
    again = sam.post(LINE, data=RIGHT | token)
    assert again.status_code == 422
    assert "The answers matched already." in heard(again)
    assert "This call is over" not in heard(again)
