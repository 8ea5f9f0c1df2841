"""One box finds whom staff mean: by number, by what was heard, by what was typed wrong."""

from pathlib import Path

import pytest
from sqlalchemy import select

from portal.db import PortalSession, set_tenant
from portal.models import Account
from portal.services.search import MOST, search
from tests.factories import KEYS, NOW, make_client
from tests.services.placing import Placer, row

PEOPLE = (
    ("José", "García López", "1111"),
    ("Maria", "Gracia", "2222"),
    ("Maria", "Garsia", "1111"),
    ("Chloé", "Thibault", "3333"),
    ("Wei", "王", "4444"),
    ("Sean", "O’Neil-Łukasiewicz", "5555"),
    ("Ann", "Li", "6666"),
)


@pytest.fixture
def placer(session: PortalSession, tmp_path: Path) -> Placer:
    placer = Placer(session, make_client(session), tmp_path)
    placer.rows(*(person(n, *who) for n, who in enumerate(PEOPLE, 1)))
    return placer


def person(n: int, first: str, last: str, digits: str) -> dict[str, str]:
    contact = {"email": f"p{n}@example.com", "phone": f"212-555-{n:04}"}
    named = {"first_name": first, "last_name": last, "ssn_last4": digits}
    return row(account_number=f"A-{n}", **named, **contact)


def found(placer: Placer, typed: str) -> list[tuple[str, str]]:
    """The references that are found, with how, in the order in which they are shown."""
    hits = search(placer.session, typed, keys=KEYS).hits
    return [(hit.account.reference, hit.by) for hit in hits]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("garcía", [("A-1", "exact"), ("A-3", "letter"), ("A-2", "letter")]),
        ("GARCIA josé", [("A-1", "exact")]),
        ("lopez garcia jose", [("A-1", "exact")]),
        ("garzia", [("A-1", "letter"), ("A-3", "letter"), ("A-2", "sound")]),
        ("gar", [("A-1", "begins"), ("A-3", "begins")]),
        ("mar gra", [("A-2", "begins")]),
        ("tibo", [("A-4", "sound")]),
        ("marya ghrasia", [("A-3", "sound"), ("A-2", "sound")]),
        ("Chloe Thibautl", [("A-4", "letter")]),
        ("thibaul", [("A-4", "begins")]),
        ("lukasiewic oneil", [("A-6", "begins")]),
        ("王", [("A-5", "exact")]),
        ("lo", [("A-1", "begins")]),
        ("lu", [("A-6", "begins")]),
        ("garcia thibault", []),
        ("jose garcia maria", []),
    ],
)
def test_a_name_is_found_as_it_was_heard_and_the_surest_comes_first(
    placer: Placer, typed: str, expected: list[tuple[str, str]]
):
    assert found(placer, typed) == expected


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("1111 garcia", [("A-1", "exact"), ("A-3", "letter")]),
        ("García 1111", [("A-1", "exact"), ("A-3", "letter")]),
        ("2222 gracia maria", [("A-2", "exact")]),
        ("2222 thibault", []),
        ("9999", []),
        ("3333", [("A-4", "last_four")]),
    ],
)
def test_last_four_digits_find_with_a_name_or_alone(
    placer: Placer, typed: str, expected: list[tuple[str, str]]
):
    assert found(placer, typed) == expected
    assert not search(placer.session, typed, keys=KEYS).shared


def test_digits_that_many_share_ask_for_a_name(placer: Placer):
    shared = search(placer.session, "1111", keys=KEYS)
    assert (len(shared.hits), shared.shared, shared.only) == (2, True, None)


@pytest.mark.parametrize(
    "typed", ["(212) 555-0002", "+1 212 555 0002", "212.555.0002", "P2@Example.com"]
)
def test_a_number_in_any_form_and_an_address_lead_to_one_account(placer: Placer, typed: str):
    only = search(placer.session, typed, keys=KEYS).only
    assert only is not None
    assert only.reference == "A-2"


def test_a_reference_leads_to_its_account_and_a_name_alone_never_does(placer: Placer):
    assert search(placer.session, "a-4", keys=KEYS).only is not None
    assert found(placer, "thibault") == [("A-4", "exact")]
    assert search(placer.session, "thibault", keys=KEYS).only is None


@pytest.mark.parametrize(
    "typed",
    [
        *("%", "_", "*", "%%%%%%%", "gar%", "g_rcia", "\\", "'", "\x00", "gar\x00cia", "\ud800"),
        *("😀", "😀 garcia", "مرحبا", "王伟" * 50, "a" * 10_000, "a b " * 2_500, "1" * 10_000),
        *("@", "@" * 10_000, "1234 " * 2_000, "-", "\u202e", "ﷺ" * 10_000, "١٢٣٤"),
    ],
)
def test_whatever_is_typed_is_answered_and_a_sign_stands_for_nothing_else(
    placer: Placer, typed: str
):
    hits = search(placer.session, typed, keys=KEYS).hits
    assert len(hits) <= len(PEOPLE)
    if "%" in typed or "_" in typed:
        assert {hit.account.reference for hit in hits} <= {"A-1", "A-3"}


def test_who_was_corrected_is_found_by_the_new_name_and_never_by_the_old(placer: Placer):
    placer.row(now=NOW, **person(4, "Chloé", "Desjardins", "3333"))
    assert found(placer, "desjardin") == [("A-4", "begins")]
    assert found(placer, "dejsardins") == [("A-4", "letter")]
    assert found(placer, "tibo") == found(placer, "thibaut") == []


def test_a_name_that_more_share_than_are_shown_says_so(placer: Placer):
    placer.rows(*(person(100 + n, "Ruth", "Common", f"{n:04}") for n in range(MOST + 5)))
    shown = search(placer.session, "ruth commno", keys=KEYS)
    assert (len(shown.hits), shown.more) == (MOST, True)
    assert {hit.by for hit in shown.hits} == {"letter"}


def test_the_words_of_another_clients_names_are_of_no_use(
    session: PortalSession, placer: Placer, tmp_path: Path
):
    other = Placer(session, make_client(session), tmp_path)
    other.rows(person(50, "Chloé", "Thibaud", "3333"))
    set_tenant(session, other.client.id)
    mine = search(session, "tibo", keys=KEYS).hits
    assert [hit.account.reference for hit in mine] == ["A-50"]
    set_tenant(session, placer.client.id, other.client.id)
    for typed in ("tibo", "3333 tibo", "chl"):
        both = search(session, typed, keys=KEYS).hits
        assert {hit.account.reference for hit in both} == {"A-4", "A-50"}, typed
    assert len(session.scalars(select(Account.id)).all()) == len(PEOPLE) + 1
