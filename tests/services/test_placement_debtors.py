"""Who is one debtor: the client's own number, or exactly the same person; never likeness."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from portal.db import PortalSession, Reading
from portal.domain.help import Topic
from portal.domain.holds import HoldKind
from portal.domain.money import Cents
from portal.models import AccessLink, Account, Client, Contact, Debtor
from portal.services import charging, evidence, help, payer_links, threads
from portal.services.help import Answers
from portal.services.identity import Passed
from portal.services.links import LinkState, open_token
from portal.services.messages import queue
from portal.services.standing import set_hold
from portal.services.verify import verify_client
from portal.services.visits import Browser, find_visit, start_visit
from tests.factories import (
    KEYS,
    NOW,
    make_arrangement,
    make_client,
    make_link,
    make_payment,
    make_policy,
    make_visit,
)
from tests.services.paying import Till, first_payment, make_plan, parts_of, send_copy
from tests.services.placing import Placer, row
from tests.services.test_proposals import suggest

LATER = NOW + timedelta(days=7)
CARL = {"first_name": "Carl", "last_name": "Ng", "date_of_birth": "1970-01-02", "ssn_last4": "1111"}


@pytest.fixture
def placer(session: PortalSession, tmp_path: Path) -> Placer:
    return Placer(session, make_client(session), tmp_path)


def owners(placer: Placer) -> dict[str, str]:
    """Each account's debtor by a letter, the first one met is A."""
    found = placer.session.execute(
        select(Account.reference, Account.debtor_id).order_by(Account.reference)
    ).all()
    letters: dict[object, str] = {}
    for _, debtor_id in found:
        letters.setdefault(debtor_id, "ABCDEFG"[len(letters)])
    return {reference: letters[debtor_id] for reference, debtor_id in found}


def debtors(placer: Placer) -> int:
    return placer.session.scalar(select(func.count()).select_from(Debtor)) or 0


def name_of(placer: Placer, reference: str) -> str:
    return placer.session.scalars(
        select(Debtor.first_name)
        .join(Account, Account.debtor_id == Debtor.id)
        .where(Account.reference == reference)
    ).one()


def account_of(placer: Placer, reference: str) -> Account:
    found = select(Account).where(Account.reference == reference)
    return placer.session.scalars(found.execution_options(populate_existing=True)).one()


def debtor_of(placer: Placer, reference: str) -> Debtor:
    account = account_of(placer, reference)
    key = (account.client_id, account.debtor_id)
    return placer.session.get_one(Debtor, key, populate_existing=True)


def broken(placer: Placer) -> list[object]:
    return list(verify_client(placer.session, placer.client.id))


def test_accounts_join_by_the_clients_number_whatever_the_names_say(placer: Placer) -> None:
    placer.rows(
        row(account_number="1", debtor_number="D-1", last_name="Reyes"),
        row(account_number="2", debtor_number="D-1", last_name="Reyes-Ng"),
        row(account_number="3", debtor_number="D-2"),
        row(account_number="4"),
    )
    assert owners(placer) == {"1": "A", "2": "A", "3": "B", "4": "C"}


def test_accounts_join_by_exactly_the_same_person(placer: Placer) -> None:
    placer.rows(
        row(account_number="1"),
        row(account_number="2", first_name=" DANA ", last_name="reyes"),
        row(account_number="3", first_name="Dána"),
        row(account_number="4", date_of_birth="1985-03-28"),
        row(account_number="5", ssn_last4="4472"),
        row(account_number="6", ssn_last4=""),
        row(account_number="7", ssn_last4=""),
        row(account_number="8", date_of_birth=""),
    )
    assert owners(placer) == dict(zip("12345678", "AABCDEFG", strict=True))


def test_a_later_file_joins_what_an_earlier_one_placed(placer: Placer) -> None:
    placer.rows(row(account_number="1"), row(account_number="2", debtor_number="D-1", **CARL))
    placer.rows(
        row(account_number="3", email="dana2@example.com"),
        row(account_number="4", debtor_number="D-1", **CARL),
        now=LATER,
    )
    assert owners(placer) == {"1": "A", "2": "B", "3": "A", "4": "B"}
    addresses = placer.session.scalars(select(Contact.address).where(Contact.channel == "email"))
    assert sorted(addresses) == ["dana2@example.com", "dana@example.com", "dana@example.com"]


def test_a_number_that_belongs_to_somebody_else_is_refused(placer: Placer) -> None:
    placer.row(debtor_number="D-1")
    given = CARL | {"account_number": "2", "debtor_number": "D-1"}
    refusal = placer.why(**given)
    assert (refusal.column, refusal.value) == ("debtor_number", "D-1")
    assert "belongs to somebody else: date of birth differs" in refusal.reason
    placer.rows(row(**CARL | {"account_number": "3"}), row(**given))
    assert len(placer.refusals) == 1
    assert "3" in owners(placer)


def test_a_number_alone_does_not_make_one_person_of_two_names(placer: Placer) -> None:
    """A number that the client gave again would show a debt to a stranger."""
    unknown = {"debtor_number": "D-1", "date_of_birth": "", "ssn_last4": ""}
    placer.row(account_number="1", debtor_number="D-1", ssn_last4="")
    refusal = placer.why(account_number="2", first_name="Carl", postal_code="97201", **unknown)
    assert (refusal.column, refusal.value) == ("debtor_number", "D-1")
    assert "name differs, and no answer agrees" in refusal.reason
    placer.rows(
        row(account_number="3", postal_code="97201", **unknown),
        row(account_number="4", postal_code="97201", last_name="Reyes-Ng", **unknown),
    )
    assert owners(placer) == {"1": "A", "3": "A", "4": "A"}


def test_a_person_corrected_on_their_only_account_stays_the_same_debtor(placer: Placer) -> None:
    placer.row()
    placer.row(now=LATER, last_name="Reyes-Okafor", date_of_birth="1985-03-28")
    assert debtors(placer) == 1
    assert placer.session.scalars(select(Debtor.last_name)).one() == "Reyes-Okafor"


def test_a_person_corrected_on_one_of_two_accounts_becomes_a_debtor_of_their_own(
    placer: Placer,
) -> None:
    placer.rows(row(account_number="1"), row(account_number="2"))
    assert debtors(placer) == 1
    placer.rows(row(account_number="2", **CARL), now=LATER)
    assert owners(placer) == {"1": "A", "2": "B"}
    assert (name_of(placer, "1"), name_of(placer, "2")) == ("Dana", "Carl")


def test_an_account_moves_to_the_debtor_whose_number_it_is_given(placer: Placer) -> None:
    placer.rows(
        row(account_number="1", debtor_number="D-1"),
        row(account_number="2", debtor_number="D-2", email="carl@example.com", **CARL),
    )
    moved = row(account_number="1", debtor_number="D-2", email="", phone="", **CARL)
    assert placer.rows(moved, now=LATER).updated == 1
    assert owners(placer) == {"1": "A", "2": "A"}
    left = placer.session.scalars(select(Contact.address).where(Contact.retired_at.is_(None)))
    assert set(left) == {"carl@example.com", "+12125550142"}
    retired = placer.session.scalars(select(Contact.address).where(Contact.retired_at.is_not(None)))
    assert set(retired) == {"dana@example.com", "+12125550142"}


def test_a_renumbered_account_is_another_persons_and_takes_no_old_address_along(
    placer: Placer,
) -> None:
    placer.row(debtor_number="D-1")
    placer.row(now=LATER, debtor_number="D-9", email="", phone="", **CARL)
    assert debtors(placer) == 2
    live = placer.session.scalars(select(Contact).where(Contact.retired_at.is_(None)))
    assert live.all() == []


def test_a_number_given_later_stays_with_the_same_debtor(placer: Placer) -> None:
    placer.row()
    placer.row(now=LATER, debtor_number="D-1")
    assert debtors(placer) == 1
    assert placer.session.scalars(select(Debtor.debtor_number)).one() == "D-1"


def test_people_who_change_places_in_one_file_never_merge(placer: Placer) -> None:
    dana = {"first_name": "Dana", "last_name": "Reyes"}
    dana |= {"date_of_birth": "1985-03-27", "ssn_last4": "4471"}
    third = {"first_name": "Eve", "last_name": "Li", "date_of_birth": "1990-09-09"}
    third |= {"ssn_last4": "2222"}
    placer.rows(row(account_number="1", **dana), row(account_number="2", **CARL))
    placer.rows(
        row(account_number="2", **third),
        row(account_number="1", **CARL),
        row(account_number="3", **dana),
        now=LATER,
    )
    names = [name_of(placer, reference) for reference in ("1", "2", "3")]
    assert names == ["Carl", "Eve", "Dana"]
    assert len(set(owners(placer).values())) == 3


def test_the_last_line_about_a_debtor_has_the_last_word(placer: Placer) -> None:
    placer.rows(
        row(account_number="1", debtor_number="D-1", city="Albany", ssn_last4="4471"),
        row(account_number="2", debtor_number="D-1", city="Troy", ssn_last4=""),
    )
    debtor = placer.session.scalars(select(Debtor)).one()
    assert (debtor.city, debtor.last_four_hash is not None) == ("Troy", True)


def words(placer: Placer, table: str = "debtor_word") -> list[str]:
    return placer.session.scalars(text(f"SELECT DISTINCT word FROM {table} ORDER BY 1")).all()


def test_the_words_of_a_name_follow_a_correction(placer: Placer) -> None:
    placer.row()
    placer.row(now=LATER, last_name="Reyes-Okafor")
    pairs = ["dana okafor", "dana reyes", "okafor reyes"]
    assert words(placer) == sorted(["dana", "okafor", "reyes", *pairs])
    placer.row(now=LATER, last_name="Okafor")
    assert words(placer) == ["dana", "dana okafor", "okafor"]


def test_a_word_that_nobody_has_any_more_is_forgotten(placer: Placer) -> None:
    placer.rows(row(account_number="1"), row(account_number="2", **CARL))
    placer.row(now=LATER, account_number="2", **CARL | {"last_name": "Reyes"})
    assert words(placer, "word_key") == ["carl", "dana", "reyes"]
    placer.row(now=LATER, account_number="1", last_name="Okafor")
    assert words(placer, "word_key") == ["carl", "dana", "okafor", "reyes"]


ANOTHERS = (
    "This account is already with another person; recall it and place it under another number."
)
GIVEN_AWAY = {
    "without numbers": ({}, CARL),
    "to a new number": ({"debtor_number": "D-1"}, {"debtor_number": "D-9", **CARL}),
    "to the number of somebody known": ({"debtor_number": "D-1"}, {"debtor_number": "D-2", **CARL}),
    "to somebody without a number": ({"debtor_number": "D-1"}, CARL),
    "under the same number": ({"debtor_number": "D-1"}, {"debtor_number": "D-1", **CARL}),
}


@pytest.mark.parametrize(("before", "after"), GIVEN_AWAY.values(), ids=GIVEN_AWAY)
def test_a_plan_and_its_card_stay_with_the_person_who_agreed(
    till: Till, tmp_path: Path, before: dict[str, str], after: dict[str, str]
) -> None:
    """Dana's card pays Dana's debt alone, whomever a later file names (PY-05)."""
    session, client = till.session, till.session.get_one(Client, till.account.client_id)
    placer = Placer(session, client, tmp_path)
    carls = row(account_number="C-1", debtor_number="D-2", email="carl@example.com", **CARL)
    placer.rows(row(**before), carls)
    till.account = account_of(placer, "NG-1001")
    dana = till.account.debtor_id
    agreed = make_plan(till, (620_00, 620_00))
    first_payment(till, agreed)
    send_copy(till)
    till.wait(days=31)
    given = row(**after | {"email": "carl@example.com", "current_balance": "9000.00"})
    for _ in range(2):
        report = placer.rows(given, carls, now=till.now)
        assert (report.updated, report.unchanged, report.refused) == (0, 1, 1)
        refused = placer.refusals[0]
        same_number = after.get("debtor_number") == "D-1"
        column = "debtor_number" if same_number else "account_number"
        assert (refused.column, refused.value) == (column, given[column])
        assert refused.reason == ANOTHERS or same_number
    assert account_of(placer, "NG-1001").debtor_id == dana
    assert debtor_of(placer, "NG-1001").first_name == "Dana"
    placer.rows(given | {"account_number": "NG-2002", "debtor_number": "D-2"}, now=till.now)
    charging.charge_installment(session, till.gateway, parts_of(till, agreed)[1].id, now=till.now)
    assert till.balance == 0
    assert account_of(placer, "NG-2002").balance_cents == 9000_00
    assert debtor_of(placer, "NG-2002").first_name == "Carl"
    assert till.broken() == []


def test_an_account_with_any_history_stays_where_it_is(session: PortalSession, placer: Placer):
    """EC-08: what one person said or was told about an account is no business of another."""
    make_policy(session, placer.client)
    kept = ("plan", "payment", "payer", "proposal", "help", "thread", "hold", "visit", "message")
    names = (*kept, "none")
    dana = [row(account_number=name, debtor_number=f"D-{name}") for name in names]
    placer.rows(*dana)
    of = {name: account_of(placer, name) for name in names}
    visits = {name: make_visit(session, of[name]) for name in ("help", "visit")}
    make_arrangement(session, of["plan"])
    make_payment(session, of["payment"])
    payer_links.issue(session, of["payer"], Cents(50_00), now=NOW)
    suggest(session, of["proposal"])
    help.open_request(
        session,
        of["help"],
        Topic.AMOUNT_WRONG,
        Answers(details="Hello"),
        by=visits["help"],
        now=NOW,
    )
    threads.post_entry(session, of["thread"], body="Hello", now=NOW)
    set_hold(session, of["hold"], HoldKind.HARDSHIP, source="staff", actor=evidence.SYSTEM, now=NOW)
    session.get_one(AccessLink, (placer.client.id, visits["visit"].link_id)).verified_at = NOW
    told = {"template": "receipt", "context": {}, "dedupe_key": "1", "account": of["message"]}
    queue(session, debtor_of(placer, "message"), now=NOW, **told)
    owned = {name: of[name].debtor_id for name in names}
    placer.rows(*(one | CARL | {"debtor_number": "D-9"} for one in dana), now=LATER)
    assert [one.reference for one in placer.refusals] == list(kept)
    assert {one.reason for one in placer.refusals} == {ANOTHERS}
    stayed = [name for name in names if account_of(placer, name).debtor_id == owned[name]]
    assert stayed == list(kept)
    assert name_of(placer, "none") == "Carl"


def test_an_account_that_moves_takes_nothing_of_the_former_person_along(
    session: PortalSession, placer: Placer
) -> None:
    """Their link ends on the record, and what waits for them is not sent (RT-02)."""
    placer.row()
    dana = debtor_of(placer, "NG-1001")
    link = make_link(session, dana)
    told = {"template": "link", "context": {}, "dedupe_key": "link", "link": link.link}
    waiting = queue(session, dana, now=NOW, **told)[0]
    placer.row(now=LATER, email="", phone="", **CARL)
    carl = debtor_of(placer, "NG-1001")
    assert (carl.first_name, dana.first_name, carl.id == dana.id) == ("Carl", "Dana", False)
    opened = open_token(session, link.token, keys=KEYS, now=LATER)
    assert opened is not None
    assert (opened.debtor.id, opened.state) == (dana.id, LinkState.REVOKED)
    session.refresh(waiting)
    assert (waiting.status, waiting.rule) == ("suppressed", "out_of_date")
    leaves = evidence.account_leaves(session, account_of(placer, "NG-1001"))
    assert [leaf.type for leaf in leaves][-2:] == ["message.suppressed", "link.revoked"]
    live = select(Contact).where(Contact.debtor_id == carl.id, Contact.retired_at.is_(None))
    assert session.scalars(live).all() == []
    assert broken(placer) == []
    placer.row(now=LATER, email="", phone="", **CARL)
    assert debtors(placer) == 2


def test_a_link_stays_open_for_the_accounts_that_stay(
    session: PortalSession, placer: Placer
) -> None:
    placer.rows(row(account_number="1"), row(account_number="2"))
    link = make_link(session, debtor_of(placer, "1"))
    placer.rows(row(account_number="2", **CARL), now=LATER)
    opened = open_token(session, link.token, keys=KEYS, now=LATER)
    assert opened is not None
    assert (opened.state, opened.debtor.id) == (LinkState.LIVE, account_of(placer, "1").debtor_id)
    assert account_of(placer, "2").debtor_id != opened.debtor.id


CORRECTIONS = {
    "a wrong birth date": ({"date_of_birth": "1985-03-28"}, True),
    "other last four": ({"ssn_last4": "4472"}, True),
    "another name and place": ({"last_name": "Okafor", "postal_code": "12208"}, True),
    "another name": ({"last_name": "Okafor"}, False),
    "another place": ({"address_1": "9 Oak Street", "postal_code": "12208"}, False),
    "an answer left out": ({"ssn_last4": ""}, False),
    "a number": ({"debtor_number": "D-1"}, False),
}


@pytest.mark.parametrize(("given", "ends"), CORRECTIONS.values(), ids=CORRECTIONS)
def test_a_corrected_person_keeps_the_account_and_proves_anew_who_they_are(
    session: PortalSession, read: Reading, placer: Placer, given: dict[str, str], ends: bool
) -> None:
    placer.row()
    dana = debtor_of(placer, "NG-1001")
    link = make_link(session, dana)
    opened = open_token(session, link.token, keys=KEYS, now=NOW)
    assert opened is not None
    browser, passed = Browser("192.0.2.7", "a phone"), Passed("last_four+postal_code", 1)
    _, token = start_visit(session, opened, passed, browser=browser, now=NOW)
    soon = NOW + timedelta(hours=1)
    assert placer.row(now=soon, **given).updated == 1
    assert (debtors(placer), account_of(placer, "NG-1001").debtor_id) == (1, dana.id)
    session.refresh(link.link)
    found = find_visit(read, token, now=soon)
    assert found is not None
    assert (found.open, link.link.revoked_at is None) == (not ends, not ends)
    leaves = evidence.account_leaves(session, account_of(placer, "NG-1001"))
    assert ([leaf.type for leaf in leaves][-1] == "link.revoked") == ends
    assert broken(placer) == []


def test_numbers_given_later_and_a_new_name_pass_for_every_account_of_a_person(
    session: PortalSession, placer: Placer
) -> None:
    placer.rows(row(account_number="1"), row(account_number="2"))
    for reference in ("1", "2"):
        threads.post_entry(session, account_of(placer, reference), body="Hello", now=NOW)
    for given in ({"debtor_number": "D-1"}, {"debtor_number": "D-1", "last_name": "Okafor"}):
        rows = [row(account_number=reference, **given) for reference in ("1", "2")]
        assert placer.rows(*rows, now=LATER).updated == 2
    assert (debtors(placer), debtor_of(placer, "2").last_name) == (1, "Okafor")


def test_without_answers_to_compare_only_the_exact_name_is_the_same_person(placer: Placer) -> None:
    unknown = {"date_of_birth": "", "ssn_last4": ""}
    placer.row(**unknown)
    placer.row(now=LATER, email="new@example.com", **unknown)
    assert debtors(placer) == 1
    placer.row(now=LATER, **unknown | {"first_name": "Carl"})
    assert debtors(placer) == 2
    assert name_of(placer, "NG-1001") == "Carl"


def test_who_somebody_was_before_a_correction_joins_nothing(placer: Placer) -> None:
    placer.row()
    placer.row(now=LATER, date_of_birth="1970-01-01", ssn_last4="")
    placer.rows(row(account_number="2"), now=LATER)
    assert owners(placer) == {"2": "A", "NG-1001": "B"}
