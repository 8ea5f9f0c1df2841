"""The same form of staff sent twice, or by two people at once, on real connections."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from portal.gateways.clock import SetClock
from portal.models import (
    Client,
    Payment,
    Account,
    LedgerEntry,
    LookOutcome,
    Refund,
    Role,
    SecondLook,
)
from portal.runtime import Runtime
from tests.databases import Database
from tests.factories import (
    NOW,
    make_account,
    make_client,
    make_debtor,
    make_payment,
    make_policy,
)
from tests.pages.at_once import Office, at_once, hidden_of, office
from tests.pages.reading import said


@pytest.fixture
def desk(fresh_db: Database, clock: SetClock, runtime: Runtime) -> Iterator[Office]:  # noqa: ARG001
    with office(fresh_db, runtime) as made:
        yield made


@pytest.fixture
def account(desk: Office) -> Account:
    with desk.live.sessions() as session:
        client = make_client(session)
        make_policy(session, client)
        account = make_account(session, make_debtor(session, client))
        make_payment(session, account, settled_at=NOW)
        session.commit()
        session.refresh(account)
        session.expunge(account)
    return account


def shown(http: FlaskClient, path: str, typed: dict[str, str]) -> dict[str, str]:
    """The form as its page has it once it was said what it does."""
    first = http.get(path)
    seen = http.post(path, data=hidden_of(first) | typed)
    assert seen.status_code == 200, said(seen)
    return hidden_of(seen) | typed


def refund_path(desk: Office, account: Account) -> str:
    with desk.seeing(account) as session:
        return f"/support/payments/{session.scalars(select(Payment.id)).one()}/refund"


def refunded(desk: Office, account: Account) -> list[int]:
    with desk.seeing(account) as session:
        return list(session.scalars(select(Refund.amount_cents)))


FIVE = {"amount": "5.00", "reason": "They asked"}


def test_a_refund_sent_three_times_at_once_goes_out_once(desk: Office, account: Account) -> None:
    """Money goes back once, and whoever sent it again reads what they did."""
    sofia, path = desk.browser(account, "Sofia"), refund_path(desk, account)
    form = shown(sofia, path, FIVE)
    answers = at_once([desk.again(sofia) for _ in range(3)], path, [form] * 3)
    assert sorted(one.status_code for one in answers) == [303, 422, 422]
    assert refunded(desk, account) == [5_00]
    told = said(next(one for one in answers if one.status_code == 422))
    assert "nothing was done. Look again." in told
    assert "Since you opened this page" in told
    assert "Sofia" in told


def test_of_two_people_who_give_back_at_once_one_does_and_the_other_is_told(
    desk: Office, account: Account
) -> None:
    path, both = refund_path(desk, account), [desk.browser(account, n) for n in ("Sofia", "Otto")]
    forms = [shown(one, path, FIVE) for one in both]
    answers = at_once(both, path, forms)
    assert sorted(one.status_code for one in answers) == [303, 422]
    assert refunded(desk, account) == [5_00]
    first = ("Sofia", "Otto")[[one.status_code for one in answers].index(303)]
    told = said(next(one for one in answers if one.status_code == 422))
    assert "A colleague worked on this account since you opened this page." in told
    assert first in told


def test_a_refund_sent_again_after_it_was_answered_is_refused_once(
    desk: Office, account: Account
) -> None:
    sofia, path = desk.browser(account, "Sofia"), refund_path(desk, account)
    form = shown(sofia, path, FIVE)
    assert sofia.post(path, data=form).status_code == 303
    again = sofia.post(path, data=form)
    assert again.status_code == 422
    assert refunded(desk, account) == [5_00]
    assert sofia.post(path, data=hidden_of(again) | FIVE).status_code == 303
    assert refunded(desk, account) == [5_00, 5_00]


def test_a_limit_is_not_passed_by_two_refunds_at_once(desk: Office, account: Account) -> None:
    path = refund_path(desk, account)
    with desk.seeing(account) as session:
        session.get_one(Client, account.client_id).refund_limit_cents = 7_00
        session.commit()
    both = [desk.browser(account, n) for n in ("Sofia", "Otto")]
    forms = [shown(one, path, FIVE) for one in both]
    answers = at_once(both, path, forms)
    late = [one.status_code for one in answers].index(422)
    assert both[late].post(path, data=hidden_of(answers[late]) | FIVE).status_code == 303
    with desk.seeing(account) as session:
        looks = list(session.scalars(select(SecondLook.outcome).order_by(SecondLook.asked_at)))
    assert sorted(looks) == [LookOutcome.NOT_NEEDED, LookOutcome.WAITS]
    assert refunded(desk, account) == [5_00]
