"""Who is one debtor: the client's own number, or exactly the same person; never likeness."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from portal.db import PortalSession
from portal.models import Account, Contact, Debtor
from tests.factories import NOW, make_client
from tests.services.placing import Placer, row

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


def test_the_words_of_a_name_follow_a_correction(placer: Placer) -> None:
    placer.row()
    placer.row(now=LATER, last_name="Reyes-Okafor")
    words = placer.session.execute(text("SELECT word FROM debtor_word ORDER BY word"))
    assert [word for (word,) in words] == ["dana", "okafor", "reyes"]
    placer.row(now=LATER, last_name="Okafor")
    words = placer.session.execute(text("SELECT word FROM debtor_word ORDER BY word"))
    assert [word for (word,) in words] == ["dana", "okafor"]
