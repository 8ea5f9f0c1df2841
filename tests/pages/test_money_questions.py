"""Money questions in the support console: the consequence is read before the act."""

from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.db import PortalSession
from portal.domain.money import Cents
from portal.domain.statuses import AuthorizationStatus, InstallmentStatus, PaymentStatus
from portal.models import (
    Account,
    Authorization,
    Client,
    EntryKind,
    Installment,
    MoneyException,
    PaymentAllocation,
    Refund,
    Role,
    SecondLook,
    fresh_id,
)
from portal.services import evidence
from portal.services.ledger import lock_account, open_exception, post
from portal.services.money_questions import Decision, options
from tests.factories import (
    NOW,
    TODAY,
    make_account,
    make_arrangement,
    make_client,
    make_debtor,
    make_payment,
)
from tests.pages.debtors import csrf_of
from tests.pages.reading import heard
from tests.pages.staff import enter, make_staff, move_money


@pytest.fixture
def account(session: PortalSession) -> Account:
    """Dana's account: $1,240.00 placed."""
    return make_account(session, make_debtor(session, make_client(session)))


def ask(session: PortalSession, account: Account, kind: str, source: str) -> MoneyException:
    """A question about the account, as a service asks it."""
    open_exception(session, account, kind=kind, source=source, detail="Please look.", now=NOW)
    return session.scalars(select(MoneyException).where(MoneyException.kind == kind)).one()


def log_in(
    http: FlaskClient, session: PortalSession, account: Account, role: Role = Role.SUPERVISOR
) -> FlaskClient:
    """A member of staff of the account's client."""
    client = session.get_one(Client, account.client_id)
    return enter(http, session, make_staff(session, role, client))


def send(http: FlaskClient, path: str, **typed: str) -> int:
    """Send the page's form; the status of the answer."""
    token = csrf_of(http.get(path))
    return http.post(path, data={"csrf_token": token, **typed}).status_code


def mark(session: PortalSession, question: MoneyException, decision: Decision) -> str:
    """What the page's choice stands for."""
    found = {one.decision: one.mark for one in options(session, question)}
    return found[decision]


def test_a_new_figure_is_taken_after_its_consequence_was_read(
    http: FlaskClient, session: PortalSession, account: Account
) -> None:
    question = ask(session, account, "placed_balance", f"account:{account.id}:110000")
    sam, path = log_in(http, session, account), f"/support/questions/{question.id}"
    words = heard(sam.get(path))
    assert "Take the client's new figure" in words
    assert "The balance is $1,100.00 then." in words
    assert "No money moves." in words
    taken = mark(session, question, Decision.APPLY)
    assert send(sam, path, decision=taken, note="The client confirmed it.") == 303
    session.refresh(account)
    assert account.balance_cents == 110_000
    last = evidence.account_leaves(session, account)[-1]
    assert (last.type, last.payload["decision"]) == ("exception.resolved", "apply")
    assert last.payload["actor"]["kind"] == "staff"
    assert "The client confirmed it." in heard(sam.get(path))


def test_nothing_is_decided_without_a_choice_and_a_note(
    http: FlaskClient, session: PortalSession, account: Account
) -> None:
    question = ask(session, account, "placed_balance", f"account:{account.id}:110000")
    sam, path = log_in(http, session, account), f"/support/questions/{question.id}"
    taken = mark(session, question, Decision.APPLY)
    assert send(sam, path, note="The client confirmed it.") == 422
    assert send(sam, path, decision=taken, note=" ") == 422
    session.refresh(account)
    assert account.balance_cents == 124_000


def test_an_excess_says_how_much_goes_back_and_goes_back(
    http: FlaskClient, session: PortalSession, account: Account
) -> None:
    paid = make_payment(
        session, account, amount_cents=124_000, status=PaymentStatus.SUCCEEDED, settled_at=NOW
    )
    for kind, source, cents in (
        (EntryKind.PAYMENT, f"payment:{paid.id}", -124_000),
        (EntryKind.ADJUSTED, "question:later", -9_000),
    ):
        post(
            session,
            lock_account(session, account.id),
            kind=kind,
            source=source,
            amount_cents=Cents(cents),
            now=NOW,
        )
    question = ask(session, account, "paid_too_much", f"payment:{paid.id}")
    sam, path = log_in(http, session, account), f"/support/questions/{question.id}"
    words = heard(sam.get(path))
    assert "$90.00 is asked to go back to the debtor." in words
    assert "Only if the debtor has the money. The balance is $0.00 then." in words
    assert "Change nothing" not in words
    given = mark(session, question, Decision.GIVE_BACK)
    assert send(sam, path, decision=given, note="Paid twice.") == 303
    assert [refund.amount_cents for refund in session.scalars(select(Refund))] == [9_000]


def overpaid(session: PortalSession, account: Account, cents: int) -> MoneyException:
    """All was paid, and then less was owed."""
    paid = make_payment(
        session, account, amount_cents=124_000, status=PaymentStatus.SUCCEEDED, settled_at=NOW
    )
    for kind, source, moved in (
        (EntryKind.PAYMENT, f"payment:{paid.id}", -124_000),
        (EntryKind.ADJUSTED, "question:later", -cents),
    ):
        locked = lock_account(session, account.id)
        post(session, locked, kind=kind, source=source, amount_cents=Cents(moved), now=NOW)
    return ask(session, account, "paid_too_much", f"payment:{paid.id}")


def test_money_that_went_back_another_way_needs_two_people_above_the_limit(
    http: FlaskClient, session: PortalSession, account: Account, app: Flask
) -> None:
    """It is a movement of money like a refund: nobody writes off an excess alone."""
    question = overpaid(session, account, 50_001)
    sam, path = log_in(http, session, account), f"/support/questions/{question.id}"
    assert "a second person must approve it" in heard(sam.get(path))
    outside = mark(session, question, Decision.OUTSIDE)
    assert send(sam, path, decision=outside, note="Sent by check.") == 303
    session.refresh(account)
    assert account.balance_cents == -50_001
    assert "Please look." not in heard(sam.get("/support/queues/questions"))
    shown = sam.get(path)
    assert "A second person must decide that first." in heard(shown)
    look = session.scalars(select(SecondLook)).one()
    decided = f"/support/second-looks/{look.id}"
    refused = {"csrf_token": csrf_of(sam.get("/support")), "decision": outside, "note": "Again."}
    assert sam.post(path, data=refused).status_code == 422
    assert "another person must decide it" in heard(sam.get(decided))
    sue = log_in(app.test_client(), session, account)
    page = sue.get(decided)
    assert "The debtor got it back another way" in heard(page)
    assert f'href="{path}"' in page.get_data(as_text=True)
    assert move_money(sue, decided, decision="approve").status_code == 303
    session.refresh(account)
    assert account.balance_cents == 0
    assert "Sent by check." in heard(sue.get(path))


def test_what_a_second_person_declines_is_a_question_again(
    http: FlaskClient, session: PortalSession, account: Account, app: Flask
) -> None:
    question = overpaid(session, account, 50_001)
    sam, path = log_in(http, session, account), f"/support/questions/{question.id}"
    outside = mark(session, question, Decision.OUTSIDE)
    assert send(sam, path, decision=outside, note="Sent by check.") == 303
    decided = f"/support/second-looks/{session.scalars(select(SecondLook)).one().id}"
    sue = log_in(app.test_client(), session, account)
    assert send(sue, decided, decision="decline", reason="No check left.") == 303
    assert "Please look." in heard(sue.get("/support/queues/questions"))
    assert "Give back what was paid too much" in heard(sue.get(path))


def test_a_question_that_moves_nothing_is_closed_with_a_note(
    http: FlaskClient, session: PortalSession, account: Account
) -> None:
    question = ask(session, account, "chargeback", "dispute:du_1")
    sam, path = log_in(http, session, account), f"/support/questions/{question.id}"
    assert send(sam, path, note="Answered at Stripe.") == 303
    assert heard(sam.get("/support/queues/questions")).count("Please look.") == 0
    assert "Answered at Stripe." in heard(sam.get(path))


@pytest.mark.parametrize("role", [Role.AGENT, Role.COMPLIANCE])
def test_only_who_decides_about_money_may_decide(
    http: FlaskClient, session: PortalSession, account: Account, role: Role
) -> None:
    question = ask(session, account, "placed_balance", f"account:{account.id}:110000")
    staff = log_in(http, session, account, role)
    assert staff.get(f"/support/questions/{question.id}").status_code == 403


def test_another_clients_question_is_as_if_absent(
    http: FlaskClient, session: PortalSession, account: Account
) -> None:
    theirs = make_account(session, make_debtor(session, make_client(session)))
    question = ask(session, theirs, "chargeback", f"dispute:{uuid4()}")
    sam = log_in(http, session, account)
    assert sam.get(f"/support/questions/{question.id}").status_code == 404


def test_giving_a_settlements_payment_back_says_what_is_owed_again(
    http: FlaskClient, session: PortalSession, account: Account
) -> None:
    agreed = make_arrangement(session, account, kind="settlement")
    owned = {"client_id": account.client_id, "id": fresh_id()}
    part = Installment(
        **owned,
        arrangement_id=agreed.id,
        n=1,
        due_on=TODAY,
        amount_cents=86_800,
        paid_cents=86_800,
        status=InstallmentStatus.PAID,
    )
    paid = make_payment(session, account, arrangement_id=agreed.id, amount_cents=86_800)
    beside = make_payment(session, account, arrangement_id=agreed.id, amount_cents=1_000)
    session.add(part)
    session.flush()
    session.add(
        PaymentAllocation(
            **owned,
            payment_id=paid.id,
            account_id=account.id,
            installment_id=part.id,
            amount_cents=86_800,
            at=NOW,
        )
    )
    post(
        session,
        lock_account(session, account.id),
        kind=EntryKind.FORGIVEN,
        source=f"arrangement:{agreed.id}",
        amount_cents=Cents(-37_200),
        now=NOW,
    )
    sam = log_in(http, session, account)
    words = heard(sam.get(f"/support/payments/{paid.id}/refund"))
    assert "Giving any of it back ends the settlement: the $372.00 that it forgave" in words
    assert "settlement" not in heard(sam.get(f"/support/payments/{beside.id}/refund"))


def test_support_sees_why_a_permission_is_not_charged_under_yet(
    http: FlaskClient, session: PortalSession, account: Account
) -> None:
    """PY-05: the copy has not left."""
    agreed = make_arrangement(session, account, status="active", method="automatic")
    permission = Authorization(
        client_id=account.client_id,
        id=fresh_id(),
        arrangement_id=agreed.id,
        status=AuthorizationStatus.GRANTED,
        document_sha256=b"x" * 32,
        cap_cents=Cents(124_000),
        method_id="pm_1",
        created_at=NOW,
        granted_at=NOW,
    )
    session.add(permission)
    session.flush()
    sam, path = log_in(http, session, account), f"/support/accounts/{account.id}"
    waiting = "Has not left yet: nothing is charged before it does"
    assert waiting in heard(sam.get(path))
    question = ask(session, account, "copy_not_given", f"authorization:{permission.id}")
    answer = f"/support/questions/{question.id}"
    letter = mark(session, question, Decision.LETTER)
    words = heard(sam.get(answer))
    assert "From then on due parts are charged." in words
    assert "Nothing is charged under this permission." in words
    assert send(sam, answer, decision=letter, note="The lawyer gets the copy.") == 303
    assert waiting not in heard(sam.get(path))


def test_what_is_left_of_a_debt_is_forgiven_after_its_consequence_was_read(
    http: FlaskClient, session: PortalSession, account: Account
) -> None:
    locked = lock_account(session, account.id)
    less = Cents(30 - 124_000)
    post(session, locked, kind=EntryKind.ADJUSTED, source="x", amount_cents=less, now=NOW)
    question = session.scalars(select(MoneyException)).one()
    sam, path = log_in(http, session, account), f"/support/questions/{question.id}"
    words = heard(sam.get(path))
    assert "$0.30 is left, which is too little to be charged." in words
    assert "Nothing is owed then. A running plan ends, and the account is closed." in words
    assert "It stays owed. The debtor cannot pay it and is asked for nothing." in words
    forgiven = mark(session, question, Decision.WRITE_OFF)
    assert send(sam, path, decision=forgiven, note="Not worth a letter.") == 303
    session.refresh(account)
    assert (account.balance_cents, account.status) == (0, "settled")
