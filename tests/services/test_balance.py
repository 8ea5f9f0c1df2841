"""A debtor's page is read whole, in one statement, and only by the debtor."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from portal.db import PortalSession
from portal.domain.facts import PaymentHistory
from portal.domain.help import Topic
from portal.domain.holds import HoldKind
from portal.domain.money import Cents
from portal.domain.statuses import AccountStatus, ArrangementStatus
from portal.domain.terms import Choice
from portal.models import Account, Debtor, EntryKind
from portal.services import evidence
from portal.services.balance import Balance, read_balance
from portal.services.debtor_accounts import list_accounts
from portal.services.ledger import lock_account, post
from portal.services.offers import read_facts
from portal.services.proposals import Wish, submit
from portal.services.standing import set_hold
from tests.factories import NOW, make_account, make_arrangement, make_visit
from tests.services.test_acceptance import agree, dana, picked
from tests.services.test_help import ask
from tests.services.test_proposals import FORTY
from tests.statements import statements


@contextmanager
def counted() -> Iterator[list[str]]:
    """The SELECTs of a block, without those that say whose rows may be seen."""
    selects: list[str] = []
    with statements() as seen:
        yield selects
    selects += [one for one in seen if one.startswith("SELECT") and "set_config" not in one]


def read(session: PortalSession, account: Account) -> Balance:
    visit = make_visit(session, account)
    session.expire_all()
    found = read_balance(session, visit, account.id, now=NOW)
    assert found is not None
    return found


def test_an_account_is_read_in_one_statement(session: PortalSession) -> None:
    account = dana(session)
    visit = make_visit(session, account)
    session.commit()
    session.expunge_all()
    with counted() as selects:
        balance = read_balance(session, visit, account.id, now=NOW)
        assert balance is not None
        assert [offer.key for offer in balance.offers.offers][0] == "plan"
        assert balance.zone == "America/New_York"
    assert len(selects) == 1


def test_what_came_after_placement_is_ledger_lines(session: PortalSession) -> None:
    account = dana(session)
    for kind, cents in ((EntryKind.PAYMENT, -4_000), (EntryKind.ADJUSTED, 1_000)):
        post(
            session,
            lock_account(session, account.id),
            kind=kind,
            source=f"t:{cents}",
            amount_cents=Cents(cents),
            now=NOW,
        )
    balance = read(session, account)
    assert [(line.kind, line.amount_cents) for line in balance.lines] == [
        (EntryKind.PAYMENT, -4_000),
        (EntryKind.ADJUSTED, 1_000),
    ]
    assert balance.account.itemized_cents + sum(x.amount_cents for x in balance.lines) == (
        balance.account.balance_cents
    )


def test_a_live_agreement_comes_with_what_is_due_next(session: PortalSession) -> None:
    account = dana(session)
    agreed = agree(session, account, picked(account, Choice(key="full")))
    balance = read(session, account)
    assert balance.live is not None
    assert (balance.live.id, balance.live.due_cents) == (agreed.id, 124_000)


def test_proposals_and_requests_are_there(session: PortalSession) -> None:
    account = dana(session)
    proposal = submit(session, account, Wish(FORTY), visit=make_visit(session, account), now=NOW)
    request = ask(session, account, Topic.CANNOT_PAY)
    balance = read(session, account)
    assert balance.proposal is not None
    assert balance.proposal.reference == proposal.reference
    assert [one.reference for one in balance.requests] == [request.reference]


def test_a_held_account_makes_no_offers(session: PortalSession) -> None:
    """DH-08"""
    account = dana(session)
    set_hold(session, account, HoldKind.DISPUTE, source="t", now=NOW, actor=evidence.SYSTEM)
    balance = read(session, account)
    assert balance.offers.offers == ()
    assert not balance.offers.capabilities.accept.allowed


def test_another_debtors_account_is_not_there(session: PortalSession) -> None:
    account, other = dana(session), dana(session)
    visit = make_visit(session, account)
    assert read_balance(session, visit, other.id, now=NOW) is None


def test_accounts_are_listed_without_those_that_left(session: PortalSession) -> None:
    account = dana(session)
    visit = make_visit(session, account)
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    second = make_account(session, debtor, balance_cents=5_000)
    gone = make_account(session, debtor)
    gone.status = AccountStatus.RECALLED
    session.flush()
    set_hold(session, second, HoldKind.BANKRUPTCY, source="t", now=NOW, actor=evidence.SYSTEM)
    listed = list_accounts(session, visit, now=NOW)
    assert [(one.id, one.shown) for one in listed] == [(account.id, True), (second.id, False)]
    assert read(session, account).others == 1


def test_the_page_and_the_offers_behind_it_know_the_same_payment_history(
    session: PortalSession,
) -> None:
    account = dana(session)
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))

    def known() -> tuple[PaymentHistory, PaymentHistory]:
        facts = read_facts(session, account, debtor)
        return read(session, account).offers.facts.history, facts.history

    assert known() == (PaymentHistory.NEVER_PAID,) * 2
    paid = {"kind": EntryKind.PAYMENT, "source": "payment:1", "amount_cents": Cents(-50_00)}
    post(session, account, **paid, now=NOW)
    assert known() == (PaymentHistory.HAS_PAID,) * 2
    make_arrangement(session, account, status=ArrangementStatus.BROKEN)
    assert known() == (PaymentHistory.BROKE_PLAN,) * 2


def test_what_was_paid_to_the_client_before_counts_as_paid(session: PortalSession) -> None:
    account = dana(session)
    account.last_payment_on = date(2026, 3, 1)
    session.flush()
    assert read(session, account).offers.facts.history is PaymentHistory.HAS_PAID
