"""The support console: find an account, see what happened, help."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.config import Settings
from portal.db import PortalSession, set_tenant
from portal.domain.money import Cents
from portal.domain.proposals import Proposal as Suggestion
from portal.domain.statuses import ProposalStatus
from portal.models import (
    AccessLink,
    Account,
    ContactStop,
    Debtor,
    Hold,
    Leaf,
    Proposal,
    Role,
)
from portal.services.links import open_token
from portal.services.proposals import Wish, submit
from portal.services.stops import stop_wrong_person
from tests.factories import (
    NOW,
    TODAY,
    make_account,
    make_client,
    make_contact,
    make_debtor,
    make_link,
    make_policy,
    make_visit,
)
from tests.pages.debtors import csrf_of
from tests.pages.reading import said
from tests.pages.staff import enter, make_staff


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
    from portal.models import Client

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
                **{"total": "1240", "amount": "60", "frequency": "monthly", "until": "7"},
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
    assert proposal.reference in said(sam.get("/support/proposals"))
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
