"""The support console: find an account, see what happened, help."""

from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.config import Settings
from portal.db import PortalSession, set_tenant
from portal.domain.money import Cents
from portal.domain.proposals import Proposal as Suggestion
from portal.domain.statuses import ProposalStatus
from portal.gateways.clock import SetClock
from portal.models import (
    AccessLink,
    Account,
    Chargeback,
    Client,
    Contact,
    ContactStop,
    Debtor,
    EntryKind,
    Hold,
    Leaf,
    Message,
    Proposal,
    Refund,
    Role,
    StopKind,
)
from portal.services.evidence import SYSTEM, record
from portal.services.ledger import lock_account, post
from portal.services.links import open_token
from portal.services.proposals import Wish, submit
from portal.services.recents import SHOWN
from portal.services.stops import stop_wrong_person
from tests.factories import (
    NOW,
    TODAY,
    make_account,
    make_client,
    make_contact,
    make_debtor,
    make_link,
    make_payment,
    make_policy,
    make_visit,
)
from tests.pages.debtors import csrf_of
from tests.pages.reading import heard, said
from tests.pages.reading import tree as page_tree
from tests.pages.staff import enter, make_staff, move_money


@pytest.fixture
def account(session: PortalSession) -> Account:
    """Dana's account, with limits, an e-mail address and a proposal that waits."""
    client = make_client(session)
    make_policy(session, client)
    debtor = make_debtor(session, client)
    make_contact(session, debtor)
    account = make_account(session, debtor)
    wish = Suggestion(first_on=TODAY + timedelta(days=8), amount_cents=Cents(4_000))
    submit(session, account, Wish(wish), visit=make_visit(session, account), now=NOW)
    return account


@pytest.fixture
def sam(http: FlaskClient, session: PortalSession, account: Account) -> FlaskClient:
    """A supervisor of the account's client, logged in."""
    client = session.get_one(Client, account.client_id)
    return enter(http, session, make_staff(session, Role.SUPERVISOR, client))


def act(http: FlaskClient, page: str, path: str, **typed: str) -> int:
    """Send a form of a page; the status of the answer."""
    token = csrf_of(http.get(page))
    return http.post(path, data={"csrf_token": token, **typed}).status_code


@pytest.mark.parametrize("typed", ["reyes", "REYES dana", "rey", "Dana Reyes"])
def test_a_name_is_found_by_any_word_and_shown_masked(sam, account: Account, typed: str):
    found = said(sam.get("/support", query_string={"q": typed}))
    assert account.reference in found
    assert "Reyes" not in found


def test_personal_data_shows_only_for_a_reason_that_is_kept(sam, session, account: Account):
    path, client_id = f"/support/accounts/{account.id}", account.client_id
    assert "Dana Reyes" not in said(sam.get(path))
    assert act(sam, path, f"{path}/reveal", reason="") == 422
    assert act(sam, path, f"{path}/reveal", reason="She called and asked") == 303
    assert "Dana Reyes" in said(sam.get(path))
    set_tenant(session, client_id)
    assert session.scalar(select(Leaf.n).where(Leaf.type == "staff.revealed")) is not None


@pytest.mark.parametrize(
    ("how", "typed", "status"),
    [
        ("accept", {"days": "14"}, ProposalStatus.ACCEPTED),
        ("decline", {"reason": "too_low", "more": ""}, ProposalStatus.DECLINED),
        (
            "counter",
            {
                **{"total": "1240", "amount": "40", "frequency": "monthly", "until": "7"},
                **{"first_on-month": "12", "first_on-day": "1", "first_on-year": "2026"},
            },
            ProposalStatus.COUNTERED,
        ),
    ],
)
def test_a_proposal_is_answered(sam, session, account: Account, how, typed, status):
    client_id = account.client_id
    proposal = session.scalars(select(Proposal)).one()
    path = f"/support/proposals/{proposal.id}"
    assert proposal.reference in said(sam.get("/support/queues/proposals"))
    assert act(sam, path, f"{path}/{how}", **typed) == 303
    set_tenant(session, client_id)
    session.refresh(proposal)
    assert proposal.status is status


def test_a_hold_is_set_and_lifted_with_a_reason(sam, session, account: Account):
    path, client_id = f"/support/accounts/{account.id}/hold", account.client_id
    assert act(sam, path, path, kind="bankruptcy", reason="") == 422
    assert act(sam, path, path, kind="bankruptcy", reason="Letter of the court") == 303
    set_tenant(session, client_id)
    hold = session.scalars(select(Hold)).one()
    lift = f"/support/holds/{hold.id}/lift"
    assert act(sam, lift, lift, reason="Case dismissed") == 303
    assert "None." in said(sam.get(f"/support/accounts/{account.id}"))


def test_a_code_is_read_aloud(sam, session, account: Account):
    path, client_id = f"/support/accounts/{account.id}/link", account.client_id
    assert act(sam, path, path, way="aloud", asked="debtor") == 303
    set_tenant(session, client_id)
    link = session.scalars(select(AccessLink).order_by(AccessLink.id.desc())).first()
    assert link is not None
    assert "-" in said(sam.get(f"/support/links/{link.id}/code"))


def test_a_postal_address_of_the_wrong_person_is_seen_and_opened_again(
    sam: FlaskClient, session: PortalSession, account: Account, settings: Settings
):
    """CT-08"""
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    debtor.address_line = "12 Pier Road"
    link = make_link(session, debtor, keys=settings.keys, contact=None)
    opened = open_token(session, link.token, keys=settings.keys, now=NOW)
    assert opened is not None
    stop_wrong_person(session, opened, now=NOW)
    session.commit()
    page = f"/support/accounts/{account.id}"
    assert "Letters: " in said(sam.get(page))
    stop = session.scalars(select(ContactStop)).one()
    reopen = f"{page}/stops/{stop.id}"
    assert "the postal address" in said(sam.get(reopen))
    assert "Pier" not in said(sam.get(reopen))
    assert act(sam, reopen, reopen) == 303
    assert "Letters: " not in said(sam.get(page))


@pytest.fixture
def stranger(session: PortalSession) -> Account:
    """Somebody of the same name with another client, whom Sam does not work for."""
    debtor = make_debtor(session, make_client(session, trade_name="Borealis"))
    make_contact(session, debtor, address="dana.other@example.com")
    make_contact(session, debtor, channel="sms", address="+15185550188")
    return make_account(session, debtor)


@pytest.mark.parametrize(
    "typed", ["  {reference} ", "DANA.OTHER@example.com", "Reyes", "(518) 555-0188"]
)
def test_another_clients_debtor_is_never_found(sam, stranger: Account, typed: str):
    words = typed.format(reference=stranger.reference)
    page = sam.get("/support", query_string={"q": words})
    assert page.status_code == 200
    assert str(stranger.id) not in page.get_data(as_text=True)
    assert "Borealis" not in said(page)


@pytest.mark.parametrize(
    "typed", ["núñez", "NUNEZ", "Nuñez josé", "(518) 555-0188", "+15185550188"]
)
def test_accents_and_signs_of_a_number_do_not_matter(http, session, typed: str):
    client = make_client(session)
    jose = make_debtor(session, client, first_name="José", last_name="Núñez", name_key="jose nunez")
    make_contact(session, jose, channel="sms", address="+15185550188")
    account = make_account(session, jose)
    sam = enter(http, session, make_staff(session, Role.AGENT, client))
    page = sam.get("/support", query_string={"q": typed}, follow_redirects=True)
    assert account.reference in said(page)


def test_a_reference_opens_its_account_and_a_name_is_listed_with_how(sam, account: Account):
    opened = sam.get("/support", query_string={"q": account.reference.lower()})
    assert opened.status_code == 303
    assert opened.headers["Location"] == f"/support/accounts/{account.id}"
    assert "Dana Reyes" not in said(sam.get(opened.headers["Location"]))
    for typed, how in (("reyse", "one letter is different"), ("rayez", "it sounds alike")):
        listed = sam.get("/support", query_string={"q": typed})
        assert f"Name: {how}" in said(listed), typed
        assert f"/support/accounts/{account.id}" in listed.get_data(as_text=True)


def test_what_was_opened_last_is_listed_for_who_opened_it(
    sam, http: FlaskClient, session: PortalSession, account: Account, clock: SetClock
):
    client = session.get_one(Client, account.client_id)
    others = [make_account(session, make_debtor(session, client)) for _ in range(SHOWN + 1)]
    for one in (*others, account, others[0], account):
        clock.advance(timedelta(minutes=11))
        sam.get(f"/support/accounts/{one.id}")
    links = [a.get("href") for a in page_tree(sam.get("/support")).iter("a")]
    newest = [account, others[0], *reversed(others[1:])]
    expected = [f"/support/accounts/{one.id}" for one in newest]
    assert [link for link in links if link in expected] == expected[:SHOWN]
    enter(http, session, make_staff(session, Role.AGENT, client))
    assert "Opened last" not in said(http.get("/support"))


@pytest.mark.parametrize("how", ["accept", "counter", "decline"])
def test_the_second_of_two_who_answer_is_told(sam, session, account: Account, how: str):
    client_id = account.client_id
    proposal = session.scalars(select(Proposal)).one()
    path = f"/support/proposals/{proposal.id}"
    token = csrf_of(sam.get(path))
    assert act(sam, path, f"{path}/decline", reason="too_low", more="") == 303
    typed = {"days": "14", "reason": "too_low", "more": "x", "total": "1240", "amount": "60"}
    typed |= {"frequency": "monthly", "until": "7", "first_on-month": "12", "first_on-day": "1"}
    typed |= {"first_on-year": "2026", "csrf_token": token}
    answer = sam.post(f"{path}/{how}", data=typed)
    assert answer.status_code == 422
    assert "Sam Supervisor was faster, and declined it." in heard(answer)
    set_tenant(session, client_id)
    session.refresh(proposal)
    assert proposal.status is ProposalStatus.DECLINED


def test_terms_outside_the_review_limits_are_refused_and_kept(sam, session, account: Account):
    client_id = account.client_id
    proposal = session.scalars(select(Proposal)).one()
    path = f"/support/proposals/{proposal.id}"
    typed = {"total": "300", "amount": "9.5", "frequency": "monthly", "until": "7"}
    typed |= {"first_on-month": "12", "first_on-day": "1", "first_on-year": "2026"}
    token = csrf_of(sam.get(path))
    answer = sam.post(f"{path}/counter", data={"csrf_token": token, **typed})
    assert answer.status_code == 422
    assert 'value="9.5"' in answer.get_data(as_text=True)
    set_tenant(session, client_id)
    session.refresh(proposal)
    assert proposal.status is ProposalStatus.SUBMITTED


def test_a_message_is_read_without_what_would_open_its_link(sam, session, account: Account):
    session.add(
        Message(
            client_id=account.client_id,
            debtor_id=account.debtor_id,
            account_id=account.id,
            channel="email",
            template="link",
            context={},
            locale="en",
            dedupe_key="link",
            status="sent",
            body="Open https://pay.example/l/secret-token today, or /unsubscribe/other-token",
            created_at=NOW,
            send_at=NOW,
        )
    )
    session.commit()
    words = said(sam.get(f"/support/accounts/{account.id}"))
    assert "Open https://pay.example/l/... today" in words
    assert "token" not in words


def test_two_presses_of_one_page_give_back_once(sam, session, account: Account):
    payment = make_payment(session, account)
    path, client_id = f"/support/payments/{payment.id}/refund", account.client_id
    form = {"csrf_token": csrf_of(sam.get(path)), "amount": "20", "reason": "Charged twice"}
    shown = sam.post(path, data=form)
    assert "Balance then $1,260.00" in heard(shown)
    (mark,) = (
        one.get("value") for one in page_tree(shown).iter("input") if one.get("name") == "mark"
    )
    assert sam.post(path, data=form | {"mark": mark}).status_code == 303
    again = sam.post(path, data=form | {"mark": mark, "amount": "84"})
    assert again.status_code == 422
    assert "something else than the page showed" in said(again)
    set_tenant(session, client_id)
    assert list(session.scalars(select(Refund.amount_cents))) == [20_00]


def test_a_payment_goes_back_in_parts_and_never_twice(sam, session, account: Account):
    payment = make_payment(session, account)
    path, client_id = f"/support/payments/{payment.id}/refund", account.client_id
    for amount, reason, status in (
        ("104.01", "Charged twice", 422),
        ("4", "", 422),
        ("4", "Charged twice", 303),
        ("104", "Charged twice", 422),
        ("100", "Charged twice", 303),
        ("0.01", "Charged twice", 422),
    ):
        assert move_money(sam, path, amount=amount, reason=reason).status_code == status
    set_tenant(session, client_id)
    assert sorted(session.scalars(select(Refund.amount_cents))) == [4_00, 100_00]


def test_an_agent_gives_no_money_back(http, session, account: Account):
    payment = make_payment(session, account)
    client = session.get_one(Client, account.client_id)
    agent = enter(http, session, make_staff(session, Role.AGENT, client))
    assert agent.get(f"/support/payments/{payment.id}/refund").status_code == 403


def test_a_revoked_link_is_closed_for_good(sam, session, account: Account):
    client_id = account.client_id
    link = make_link(session, session.get_one(Debtor, (client_id, account.debtor_id))).link
    path = f"/support/links/{link.id}/revoke"
    assert act(sam, path, path, reason="of no kind") == 422
    assert act(sam, path, path, reason="lost") == 303
    set_tenant(session, client_id)
    session.refresh(link)
    assert link.revoked_at is not None


def test_a_closed_way_says_why_and_carries_no_link(sam, session, account: Account):
    client_id = account.client_id
    contact = session.scalars(select(Contact)).one()
    path = f"/support/accounts/{account.id}/link"
    session.add(
        ContactStop(
            client_id=client_id,
            channel=contact.channel,
            address=contact.address,
            kind=StopKind.OPTED_OUT,
            source="staff",
            stopped_at=NOW,
        )
    )
    session.flush()
    page = heard(sam.get(path))
    assert "closed This person asked us to stop writing to this address. (EC-05)" in page
    assert act(sam, path, path, way=str(contact.id), asked="staff") == 422
    set_tenant(session, client_id)
    assert (
        session.scalars(select(AccessLink).where(AccessLink.contact_id == contact.id)).all() == []
    )


ODD = "a\x00b"


@pytest.mark.parametrize("path", ["hold", "reveal", "reply"])
def test_signs_that_no_text_has_are_no_fault_of_ours(sam, account: Account, path: str):
    page = f"/support/accounts/{account.id}"
    typed = {"kind": "bankruptcy", "reason": ODD, "body": ODD}
    assert act(sam, page, f"{page}/{path}", **typed) in (303, 422)
    assert sam.get("/support", query_string={"q": ODD}).status_code == 200


def test_a_reason_to_decline_may_hold_any_sign(sam, session, account: Account):
    path = f"/support/proposals/{session.scalars(select(Proposal)).one().id}"
    assert act(sam, path, f"{path}/decline", reason="other", more=ODD) == 303


def test_a_reason_to_lift_may_hold_any_sign(sam, session, account: Account):
    path, client_id = f"/support/accounts/{account.id}/hold", account.client_id
    assert act(sam, path, path, kind="bankruptcy", reason="Letter") == 303
    set_tenant(session, client_id)
    lift = f"/support/holds/{session.scalars(select(Hold)).one().id}/lift"
    assert act(sam, lift, lift, reason=ODD) == 303


def test_what_staff_read_are_words_and_days_of_the_clients_calendar(
    sam, session: PortalSession, account: Account
):
    payment = make_payment(session, account)
    late = datetime(2026, 12, 1, 3, 0, tzinfo=UTC)  # still November in New York
    locked = lock_account(session, account.id)
    post(
        session,
        locked,
        kind=EntryKind.PAYMENT,
        source="payment:late",
        amount_cents=Cents(-104_00),
        now=late,
        payment=payment,
    )
    chargeback = Chargeback(
        client_id=account.client_id,
        payment_id=payment.id,
        dispute_id="du_1",
        status="needs_response",
        reason="fraudulent",
        amount_cents=Cents(104_00),
        created_at=late,
    )
    session.add(chargeback)
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    link = make_link(session, debtor).link
    told = {"actor": SYSTEM, "method": "date_of_birth+code:sms"}
    record(
        session,
        client_id=account.client_id,
        chain_id=account.chain_id,
        type="identity.passed",
        payload=told,
        now=NOW,
    )
    session.commit()
    revoke = f"/support/links/{link.id}/revoke"
    assert act(sam, revoke, revoke, reason="asked") == 303
    words = heard(sam.get(f"/support/accounts/{account.id}"))
    for said_so in (
        *("Payment, Nov 30, 2026", "Reason: The debtor asked for it", "Language English"),
        *("Says somebody else paid", "Waits for an answer at Stripe"),
        *("Date of birth, Code by text message", "Days and times are those of New York."),
    ):
        assert said_so in words, said_so
    assert "Give back" not in words, "nothing can go back while a chargeback stands"


def test_a_page_that_a_role_may_not_open_leads_back_and_speaks_to_staff(sam, account: Account):
    page = sam.get("/client")
    assert page.status_code == 403
    assert "Back to my console" in said(page)
    assert sam.get("/console").location == "/support"
    page = sam.get(f"/support/accounts/{account.client_id}")
    assert page.status_code == 404
    assert "letter" not in said(page)
