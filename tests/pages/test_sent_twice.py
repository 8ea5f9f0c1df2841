"""The same form of staff sent twice, or by two people at once, on real connections."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from portal.gateways.clock import SetClock
from portal.models import (
    AccessLink,
    Account,
    Client,
    LedgerEntry,
    LookOutcome,
    Message,
    PayerLink,
    Payment,
    Refund,
    SecondLook,
    ThreadEntry,
)
from portal.runtime import Runtime
from portal.services import evidence
from portal.services.money_questions import Decision
from tests.databases import Database
from tests.factories import (
    NOW,
    know_identity,
    make_account,
    make_client,
    make_contact,
    make_debtor,
    make_payment,
    make_policy,
)
from tests.pages.at_once import Office, at_once, hidden_of, office
from tests.pages.debtors import RIGHT
from tests.pages.reading import said, tree
from tests.pages.test_callers import LINE
from tests.pages.test_money_by_hand import CHECK, PLACED
from tests.pages.test_money_questions import mark, overpaid


@pytest.fixture
def desk(fresh_db: Database, clock: SetClock, runtime: Runtime) -> Iterator[Office]:  # noqa: ARG001
    with office(fresh_db, runtime) as made:
        yield made


@pytest.fixture
def account(desk: Office) -> Account:
    with desk.live.sessions() as session:
        client = make_client(session)
        make_policy(session, client)
        keys = desk.live.settings.keys
        debtor = know_identity(session, make_debtor(session, client), keys=keys)
        make_contact(session, debtor)
        account = make_account(session, debtor, placed_at=PLACED)
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


GIVE_BACK = Decision.GIVE_BACK
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


WORDS = "Spoke with their sister, who calls back"


def test_a_note_sent_twice_at_once_stands_there_once(desk: Office, account: Account) -> None:
    """Whoever sent it twice reads so; the same words written later are another note."""
    sofia, path = desk.browser(account, "Sofia"), f"/support/accounts/{account.id}/note"
    form = hidden_of(sofia.get(path)) | {"note": WORDS}
    answers = at_once([desk.again(sofia) for _ in range(2)], path, [form] * 2)
    assert [one.status_code for one in answers] == [303, 303]
    assert len(leaves(desk, account, "note.written")) == 1
    assert "You sent this before, at" in said(sofia.get(sofia.post(path, data=form).location))
    assert len(leaves(desk, account, "note.written")) == 1
    sofia.post(path, data=hidden_of(sofia.get(path)) | {"note": WORDS})
    assert len(leaves(desk, account, "note.written")) == 2


def test_a_message_sent_twice_at_once_is_in_the_thread_once(desk: Office, account: Account) -> None:
    sofia, path = desk.browser(account, "Sofia"), f"/support/accounts/{account.id}/reply"
    form = hidden_of(sofia.get(path)) | {"body": WORDS}
    answers = at_once([desk.again(sofia) for _ in range(3)], path, [form] * 3)
    assert [one.status_code for one in answers] == [303] * 3
    with desk.seeing(account) as session:
        assert session.scalar(select(func.count()).select_from(ThreadEntry)) == 1
        assert session.scalar(select(func.count()).select_from(Message)) == 1


def leaves(desk: Office, account: Account, kind: str) -> list[evidence.Entry]:
    with desk.seeing(account) as session:
        return [one for one in evidence.account_leaves(session, account) if one.type == kind]


def link_form(sofia: FlaskClient, account: Account) -> tuple[str, dict[str, str]]:
    """The form of one click that the page of an account has."""
    page = sofia.get(f"/support/accounts/{account.id}")
    (form,) = [one for one in tree(page).iter("form") if one.get("id") == "send-link"]
    fields = {one.get("name", ""): one.get("value", "") for one in form.iter("input")}
    return form.get("action", ""), fields


def sent_links(desk: Office, account: Account) -> tuple[int, int]:
    """How many links there are, and messages."""
    with desk.seeing(account) as session:
        links = session.scalar(select(func.count()).select_from(AccessLink)) or 0
        return links, session.scalar(select(func.count()).select_from(Message)) or 0


def test_a_link_sent_six_times_by_one_form_goes_out_once(desk: Office, account: Account) -> None:
    sofia = desk.browser(account, "Sofia")
    path, form = link_form(sofia, account)
    answers = at_once([desk.again(sofia) for _ in range(6)], path, [form] * 6)
    assert [one.status_code for one in answers] == [303] * 6
    assert sent_links(desk, account) == (1, 1)
    assert "You sent this before, at" in said(sofia.get(sofia.post(path, data=form).location))
    assert sent_links(desk, account) == (1, 1)


def test_a_code_to_read_aloud_that_is_asked_for_twice_is_one_code(
    desk: Office, account: Account
) -> None:
    sofia = desk.browser(account, "Sofia")
    path = f"/support/accounts/{account.id}/link"
    form = hidden_of(sofia.get(path)) | {"way": "aloud", "asked": "debtor"}
    first, second = sofia.post(path, data=form), sofia.post(path, data=form)
    assert first.location == second.location
    assert "/code" in first.location
    assert sent_links(desk, account) == (1, 0)


def test_a_fourth_link_in_ten_minutes_says_when_and_where_the_last_went(
    desk: Office, account: Account, clock: SetClock
) -> None:
    """Links that staff send at once are bounded; ten minutes later another one may go."""
    sofia = desk.browser(account, "Sofia")
    for _ in range(3):
        path, form = link_form(sofia, account)
        assert sofia.post(path, data=form).status_code == 303
    path, form = link_form(sofia, account)
    refused = sofia.post(path, data=form)
    assert refused.status_code == 422
    assert "3 links were sent in ten minutes, the last one at" in said(refused)
    assert "to d•••" in said(refused)
    assert sent_links(desk, account) == (3, 3)
    clock.advance(timedelta(minutes=11))
    path, form = link_form(sofia, account)
    assert sofia.post(path, data=form).status_code == 303


def test_a_payment_page_sent_twice_at_once_is_one(desk: Office, account: Account) -> None:
    sofia = desk.browser(account, "Sofia")
    base = f"/support/accounts/{account.id}"
    began = sofia.post(
        f"{base}/caller", data=hidden_of(sofia.get(f"{base}/caller")) | {"who": "theirs"}
    )
    assert began.status_code == 303
    known = sofia.post(LINE, data=hidden_of(sofia.get(LINE)) | RIGHT)
    assert known.status_code == 303
    page = sofia.get(f"{base}/payment-link")
    way = next(one.get("value") for one in tree(page).iter("input") if one.get("name") == "way")
    form = hidden_of(page) | {"what": "all", "way": way or ""}
    answers = at_once([desk.again(sofia) for _ in range(2)], f"{base}/payment-link", [form] * 2)
    assert {one.status_code for one in answers} == {303}
    assert len({one.location for one in answers}) == 1
    with desk.seeing(account) as session:
        assert session.scalar(select(func.count()).select_from(PayerLink)) == 1
        assert session.scalar(select(func.count()).select_from(Message)) == 1


def moved(desk: Office, account: Account) -> list[tuple[str, int]]:
    with desk.seeing(account) as session:
        rows = session.execute(
            select(LedgerEntry.kind, LedgerEntry.amount_cents).order_by(LedgerEntry.id)
        )
        return [(str(kind), cents) for kind, cents in rows]


def test_a_check_recorded_and_taken_back_three_times_at_once_moves_once(
    desk: Office, account: Account
) -> None:
    sofia, path = desk.browser(account, "Sofia"), f"/support/accounts/{account.id}/record-payment"
    form = shown(sofia, path, CHECK | {"amount": "50"})
    answers = at_once([desk.again(sofia) for _ in range(3)], path, [form] * 3)
    assert sorted(one.status_code for one in answers) == [303, 422, 422]
    assert [one for one in moved(desk, account) if one[0] == "payment"] == [("payment", -50_00)]
    with desk.seeing(account) as session:
        recorded = session.scalars(select(Payment.id).where(Payment.counter_kind == "check")).one()
    back = f"/support/payments/{recorded}/returned"
    form = shown(sofia, back, {"why": "returned", "reason": "The bank said so"})
    answers = at_once([desk.again(sofia) for _ in range(3)], back, [form] * 3)
    assert sorted(one.status_code for one in answers) == [303, 422, 422]
    assert [one for one in moved(desk, account) if one[0] == "returned"] == [("returned", 50_00)]


def test_a_question_that_two_decide_at_once_gives_money_back_once(
    desk: Office, account: Account
) -> None:
    with desk.seeing(account) as session:
        question = overpaid(session, session.get_one(Account, (account.client_id, account.id)), 900)
        path, given = f"/support/questions/{question.id}", mark(session, question, GIVE_BACK)
        session.commit()
    both = [desk.browser(account, name) for name in ("Sofia", "Otto")]
    typed = {"decision": given, "note": "Paid twice."}
    forms = [hidden_of(one.get(path)) | typed for one in both]
    answers = at_once(both, path, forms)
    assert sorted(one.status_code for one in answers) == [303, 422]
    assert "was faster" in said(next(one for one in answers if one.status_code == 422))
    assert refunded(desk, account) == [9_00]
