"""What was owed on a past day to the cent, and a long timeline by pages and filters."""

from datetime import date, datetime, timedelta

import pytest
from flask.testing import FlaskClient

from portal.db import PortalSession
from portal.domain.money import Cents
from portal.gateways.clock import SetClock
from portal.models import Account, Client, EntryKind, Role
from portal.services import evidence
from portal.services.ledger import lock_account, post
from tests.factories import NOW, TODAY, make_account, make_client, make_debtor
from tests.pages.reading import heard, tree
from tests.pages.staff import enter, make_staff
from tests.statements import statements


@pytest.fixture
def account(session: PortalSession) -> Account:
    return make_account(session, make_debtor(session, make_client(session)))


@pytest.fixture
def sam(http: FlaskClient, session: PortalSession, account: Account) -> FlaskClient:
    client = session.get_one(Client, account.client_id)
    return enter(http, session, make_staff(session, Role.AGENT, client))


def move(session: PortalSession, account: Account, cents: int, at: datetime) -> None:
    """A new figure of the client's."""
    locked, source = lock_account(session, account.id), f"question:{at.isoformat()}"
    amount = Cents(cents)
    kind = EntryKind.ADJUSTED
    post(session, locked, kind=kind, source=source, amount_cents=amount, now=at)


def balance(sam: FlaskClient, account: Account, day: date | str):
    return sam.get(f"/support/accounts/{account.id}/balance?on={day}")


def test_a_past_days_balance_is_that_of_the_ledger_up_to_its_end_where_the_client_is(
    sam: FlaskClient, session: PortalSession, account: Account, clock: SetClock
):
    """VN-02"""
    placed, client_id = account.balance_cents, account.client_id
    late = datetime.fromisoformat("2026-11-25T04:30:00+00:00")  # November 24 in New York, still
    move(session, account, -10_001, late)
    move(session, account, 2_50, late + timedelta(hours=1))
    session.commit()
    clock.advance(timedelta(days=5))
    enter(sam, session, make_staff(session, Role.AGENT, session.get_one(Client, client_id)))
    before, on, after = (heard(balance(sam, account, f"2026-11-{day}")) for day in (23, 24, 25))
    assert f"${placed / 100:,.2f}" in before.split("Why")[0]
    assert f"${(placed - 10_001) / 100:,.2f}" in on.split("Why")[0]
    assert f"${(placed - 9_751) / 100:,.2f}" in after.split("Why")[0]
    assert "Changed by the client, Nov 24, 2026 -$100.01" in on.replace("−", "-")
    assert "$2.50" not in on


def test_days_before_it_was_here_and_days_that_are_not_over_are_refused(
    sam: FlaskClient, session: PortalSession, account: Account, clock: SetClock
):
    client_id = account.client_id
    session.commit()
    clock.advance(timedelta(days=5))
    enter(sam, session, make_staff(session, Role.AGENT, session.get_one(Client, client_id)))
    assert "It was not placed yet." in heard(balance(sam, account, "2020-05-03"))
    for day in (TODAY + timedelta(days=5), "9999-12-31", "31/12/2025", ""):
        answer = balance(sam, account, day)
        assert answer.status_code == 422, day
        assert "Choose a day" in heard(answer)


def test_an_account_placed_today_has_no_day_that_is_over(sam: FlaskClient, account: Account):
    """It names no first day that is not open, and keeps the day that was typed."""
    answer = balance(sam, account, TODAY)
    assert "It was placed today, so no day is over yet." in heard(answer)
    assert f'value="{TODAY}"' in answer.text


def test_a_client_reads_what_its_account_owed_on_a_day_on_its_own_page(
    http: FlaskClient, session: PortalSession, account: Account, clock: SetClock
):
    client = session.get_one(Client, account.client_id)
    session.commit()
    clock.advance(timedelta(days=2))
    viewer = enter(http, session, make_staff(session, Role.CLIENT_VIEWER, client))
    page = viewer.get(f"/client/accounts/{account.id}")
    (form,) = [one for one in tree(page).iter("form") if one.get("class") == "filters"]
    answer = viewer.get(f"{form.get('action')}?on={TODAY}")
    assert answer.status_code == 200
    assert f"${account.balance_cents / 100:,.2f}" in heard(answer).split("Why")[0]
    theirs = make_account(session, make_debtor(session, make_client(session)))
    session.commit()
    assert viewer.get(f"/client/accounts/{theirs.id}/balance?on={TODAY}").status_code == 404


def test_another_clients_account_has_no_past(sam: FlaskClient, session: PortalSession):
    theirs = make_account(session, make_debtor(session, make_client(session)))
    assert balance(sam, theirs, "2026-11-20").status_code == 404


def happen(session: PortalSession, account: Account, type: str, n: int) -> None:  # noqa: A002
    for i in range(n):
        evidence.record(
            session,
            client_id=account.client_id,
            chain_id=account.chain_id,
            type=type,
            payload={"actor": evidence.SYSTEM, "link": "l-1", "left": 3, "reason": f"Why {i}."},
            now=NOW,
        )


def events(page) -> list[str]:
    """The lines of the timeline."""
    (listed,) = [one for one in tree(page).iter("ol") if one.get("class") == "timeline"]
    return [" ".join("".join(line.itertext()).split()) for line in listed]


def test_a_long_record_is_read_by_pages_and_every_leaf_is_on_one(
    sam: FlaskClient, session: PortalSession, account: Account
):
    happen(session, account, "identity.failed", 120)
    seen, address = list[str](), f"/support/accounts/{account.id}"
    for _ in range(5):
        page = sam.get(address)
        seen += events(page)
        onward = [one.get("href", "") for one in tree(page).iter("a") if one.get("rel") == "next"]
        if not onward:
            break
        address = onward[0].partition("#")[0]
    assert len(seen) == evidence.head(session, account) + 1
    assert len(events(sam.get(f"/support/accounts/{account.id}"))) == 50


def test_filters_show_their_kind_alone(sam: FlaskClient, session: PortalSession, account: Account):
    happen(session, account, "identity.failed", 3)
    happen(session, account, "link.revoked", 2)
    happen(session, account, "payment.charged_back", 1)
    mine = f"/support/accounts/{account.id}"
    assert len(events(sam.get(f"{mine}?what=money"))) == 1
    assert len(events(sam.get(f"{mine}?what=identity"))) == 5
    assert events(sam.get(f"{mine}?what=identity&who=debtor")) == []
    assert events(sam.get(f"{mine}?last=2020-01-01")) == []
    day = NOW.date().isoformat()
    assert len(events(sam.get(f"{mine}?what=identity&first={day}&last={day}"))) == 5
    everything = len(events(sam.get(mine)))
    for odd in (
        "?what=%00&who=x&first=x&before=-1",
        "?before=99999999999999999999",
        "?last=9999-12-31",
    ):
        assert len(events(sam.get(f"{mine}{odd}"))) == everything, odd


def test_an_account_page_asks_no_more_of_a_longer_life(
    sam: FlaskClient, session: PortalSession, account: Account
):
    def asked() -> int:
        session.expire_all()
        with statements() as seen:
            assert sam.get(f"/support/accounts/{account.id}").status_code == 200
        return len([one for one in seen if one.startswith("SELECT") and " FROM " in one])

    few = asked()
    for n in range(6):
        move(session, account, -100, NOW + timedelta(minutes=n))
    happen(session, account, "identity.failed", 60)
    session.commit()
    assert asked() <= few + 1
    assert few <= 60
