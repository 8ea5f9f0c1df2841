"""The French version of an agreement first in Quebec, then any language (CA-04)."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from portal.config import Settings
from portal.db import PortalSession
from portal.domain.policy import Concessions
from portal.gateways.clock import SetClock
from portal.models import Arrangement, Debtor
from portal.services import evidence
from portal.services.verify import verify_client
from tests.factories import make_policy
from tests.pages.agreeing import accept, choose_plan, main_of, path, pay_at_stripe, review, send
from tests.pages.debtors import Dana, come_in, make_visitor
from tests.pages.reading import heard, tree
from tests.sandbox.checked import CheckedStripe

IN_ENGLISH = "I have the French version. I want this agreement and its papers in English"
BY_HAND = {"method": "manual"}


@pytest.fixture
def dana(http: FlaskClient, session: PortalSession, settings: Settings, clock: SetClock) -> Dana:
    """Dana, who lives in Montreal and reads English."""
    visitor = make_visitor(session, settings, clock.now(), country="CA")
    visitor.debtor.country, visitor.debtor.region = "CA", "QC"
    visitor.debtor.time_zone = "America/Toronto"
    make_policy(session, visitor.client, concessions=Concessions(skips=1, moves=1, pauses=1))
    session.commit()
    come_in(http, session, visitor)
    return visitor


def language(page: TestResponse) -> str:
    return tree(page).get("lang", "")


def wish(http: FlaskClient, dana: Dana, page: TestResponse, of: str = "review") -> TestResponse:
    """Ask for the other language below a French version."""
    answered = send(http, page, f"{path(dana)}/{of}/language")
    assert answered.status_code == 303, heard(answered)
    return http.get(answered.location)


def leaves(session: PortalSession, dana: Dana) -> list[str]:
    """What the record says of the agreement and its languages, in order."""
    told = evidence.account_leaves(session, dana.account)
    kinds = ("french.delivered", "language.wished", "acceptance", "arrangement.amended")
    return [entry.type for entry in told if entry.type in kinds]


def agreements(session: PortalSession) -> int:
    return session.scalar(select(func.count(Arrangement.id))) or 0


def test_english_binds_only_after_the_french_version_and_a_wish(
    http: FlaskClient, session: PortalSession, dana: Dana
) -> None:
    """CA-04"""
    french = review(http, dana, "Pay it all today")
    assert language(french).startswith("fr")
    assert "Vérifiez avant de payer" in heard(french)
    assert (
        main_of(french).find(
            ".//a[@href='#other-language'][.='Would you rather have this in English?']"
        )
        is not None
    ), "said at the top, to who reads no French"
    offered = main_of(french).find(".//section[@lang='en']")
    assert offered is not None
    assert IN_ENGLISH in heard(french)
    english = wish(http, dana, french)
    assert language(english).startswith("en")
    assert "Check before you pay" in heard(english)
    assert IN_ENGLISH not in heard(english)
    assert accept(http, dana, english).status_code == 303
    assert leaves(session, dana) == ["french.delivered", "language.wished", "acceptance"]
    given, wished, agreed = (
        entry.payload
        for entry in evidence.account_leaves(session, dana.account)
        if entry.type in ("french.delivered", "language.wished", "acceptance")
    )
    assert given["terms_sha256"] == wished["terms_sha256"] == agreed["terms_sha256"]
    assert (given["locale"], wished["language"]) == ("fr_CA", "en")
    assert wished["control_label"] == IN_ENGLISH
    page = evidence.document(
        session, dana.client.id, dana.account.chain_id, given["documents"][0]["sha256"]
    )
    assert "Total que vous payez" in page.body.decode()
    assert agreed["rules"]["french_first"] is True
    session.flush()
    assert list(verify_client(session, dana.client.id)) == []


def test_the_french_version_itself_can_be_agreed_to(
    http: FlaskClient, session: PortalSession, dana: Dana
) -> None:
    """CA-04, and the messages that follow are in French."""
    french = review(http, dana, "Pay it all today")
    assert accept(http, dana, french).status_code == 303
    assert leaves(session, dana) == ["acceptance"]
    session.expire_all()
    assert session.get_one(Debtor, (dana.client.id, dana.debtor.id)).language == "fr"
    assert list(verify_client(session, dana.client.id)) == []


def test_an_english_page_without_the_wish_agrees_to_nothing(
    http: FlaskClient, session: PortalSession, dana: Dana
) -> None:
    """CA-04: she moves to Quebec between the page and its button."""
    dana.debtor.region = "ON"
    session.commit()
    english = review(http, dana, "Pay it all today")
    assert language(english).startswith("en")
    dana.debtor.region = "QC"
    session.commit()
    refused = accept(http, dana, english)
    assert refused.status_code == 409
    assert "In Quebec you get your agreement in French first." in heard(refused)
    assert agreements(session) == 0


def test_a_wish_is_for_these_terms_alone_and_one_however_often_it_is_sent(
    http: FlaskClient, session: PortalSession, dana: Dana
) -> None:
    """CA-04"""
    french = review(http, dana, "Pay it all today")
    wish(http, dana, french)
    assert language(wish(http, dana, french)).startswith("en")
    assert leaves(session, dana) == ["french.delivered", "language.wished"]
    other = choose_plan(http, dana, **BY_HAND)
    assert language(other).startswith("fr"), "another agreement has its own French version"


def test_a_wish_on_a_page_that_has_changed_meanwhile_is_not_kept(
    http: FlaskClient, session: PortalSession, dana: Dana
) -> None:
    """CA-04"""
    french = choose_plan(http, dana, **BY_HAND)
    dana.account.current_creditor = "Another Creditor"
    session.commit()
    refused = send(http, french, f"{path(dana)}/review/language")
    assert refused.status_code == 409
    assert leaves(session, dana) == []


def skipping(http: FlaskClient, dana: Dana) -> TestResponse:
    """The review of skipping the next payment of a plan that runs."""
    return http.get(http.get(f"{path(dana)}/change/skip").location)


def test_the_papers_of_an_english_agreement_are_in_english(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe
) -> None:
    """CA-04"""
    accept(http, dana, wish(http, dana, choose_plan(http, dana, **BY_HAND)))
    http.get(pay_at_stripe(session, stripe))
    assert language(skipping(http, dana)).startswith("en")


def test_a_change_of_a_french_agreement_is_in_french_first(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe
) -> None:
    """CA-04"""
    accept(http, dana, choose_plan(http, dana, **BY_HAND))
    http.get(pay_at_stripe(session, stripe))
    french = skipping(http, dana)
    assert language(french).startswith("fr")
    english = wish(http, dana, french, of="change")
    assert language(english).startswith("en")
    assert send(http, english, f"{path(dana)}/change").status_code == 303
    assert leaves(session, dana) == [
        *("acceptance", "french.delivered", "language.wished", "arrangement.amended"),
    ]
    session.flush()
    assert list(verify_client(session, dana.client.id)) == []
