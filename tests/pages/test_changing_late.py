"""What a change says that cannot do all that its reader may think: a late payment, money moving."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from portal.db import PortalSession
from portal.domain.statuses import ArrangementStatus
from portal.models import Amendment, Arrangement, Payment
from tests.pages.agreeing import (
    accept,
    agreed,
    link,
    links,
    newest,
    path,
    pay_at_stripe,
    review,
    send,
)
from tests.pages.debtors import Dana
from tests.pages.reading import heard, said
from tests.pages.test_changing import (
    confirm,
    dana,
    dates,
    holds,
    mine,
    plan,
    reviewed,
    settlement,
)
from tests.pages.test_keeping import Later, begin, later
from tests.sandbox.checked import CheckedStripe

__all__ = ["dana", "later", "plan"]

STAYS = (
    "Your payment of $104.00 from December 22, 2026 stays. You still have to pay it by January 12,"
    " 2027."
)
ON_ITS_WAY = "We changed nothing, because this payment is on its way. You can do it after that."


def test_while_a_payment_is_late_a_skip_names_the_later_one_and_says_that_it_stays(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe, later: Later
) -> None:
    begin(http, session, dana, stripe, "manual")
    later(31)
    page = http.get(http.get(link(mine(http, dana), "Skip a payment")).location)
    words = heard(page)
    assert "Skip your payment of January 22, 2027?" in words
    assert "You pay nothing on January 22, 2027." in words
    assert STAYS in words
    assert "Not paid yet $104.00 on Dec 22, 2026" in words
    assert "Next payment Now: $104.00 on Jan 22, 2027 After this: $104.00 on Feb 22" in words
    confirm(http, dana, page)
    assert dates(session)[1] == "2026-12-22"
    assert "Pay $104.00 by January 12, 2027 to keep your plan." in heard(mine(http, dana))
    holds(session, dana)


def test_while_a_payment_is_late_a_rest_and_a_move_say_that_it_stays(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe, later: Later
) -> None:
    begin(http, session, dana, stripe, "manual")
    later(31)
    resting = heard(http.get(http.get(f"{path(dana)}/change/pause").location))
    assert "Let your plan rest once, on January 22, 2027?" in resting
    assert "You pay nothing on January 22, 2027. From then on, each payment comes" in resting
    assert STAYS in resting
    to = link(mine(http, dana), "Move a payment")
    moving = heard(reviewed(http, http.get(to), to, day="2027-01-29"))
    assert STAYS in moving
    assert "This payment Now: $104.00 on Jan 22, 2027 After this: $104.00 on Jan 29" in moving


def test_where_nothing_is_late_nothing_is_said_of_it(
    http: FlaskClient, dana: Dana, plan: object
) -> None:
    words = heard(http.get(http.get(f"{path(dana)}/change/skip").location))
    assert "Skip your payment of December 22, 2026?" in words
    assert "You still have to pay" not in words


def start_bank_payment(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe
) -> str:
    """Start a bank payment of the next part; the way back from Stripe."""
    send(http, mine(http, dana), f"{path(dana)}/pay")
    return pay_at_stripe(session, stripe, "bank_success")


def test_a_change_that_is_refused_for_money_on_its_way_is_said_to_be_refused(
    http: FlaskClient, session: PortalSession, dana: Dana, plan: object, stripe: CheckedStripe
) -> None:
    resting = http.get(http.get(f"{path(dana)}/change/pause").location)
    extra = f"{path(dana)}/change/extra"
    asking = http.get(extra)
    paying = reviewed(http, asking, extra, amount="110", effect="lower")
    ending, all_of_it = (http.get(f"{path(dana)}/{to}") for to in ("end", "change/all"))
    start_bank_payment(http, session, dana, stripe)
    ended = http.get(send(http, ending, f"{path(dana)}/end").location)
    assert (
        "We did not end your agreement, because this payment is on its way. You can end it after"
        " that. Your bank payment has started" in heard(ended)
    )
    for page in (resting, paying):
        assert ON_ITS_WAY in heard(http.get(confirm(http, dana, page).location))
    paid = http.get(send(http, all_of_it, f"{path(dana)}/change/all").location)
    assert "We took nothing more, because this payment is on its way." in heard(paid)
    late = said(send(http, asking, extra, amount="110", effect="lower"))
    assert "A payment of $104.00 is on its way. You can do this after that." in late
    assert session.scalars(select(Amendment)).all() == []
    assert agreed(session).status is ArrangementStatus.ACTIVE
    plain = said(http.get(f"/payment/{newest(session, Payment).id}"))
    assert "because this payment" not in plain


def test_once_the_payment_has_come_its_page_says_that_it_was_on_its_way(
    http: FlaskClient, session: PortalSession, dana: Dana, plan: object, stripe: CheckedStripe
) -> None:
    ending = http.get(f"{path(dana)}/end")
    send(http, mine(http, dana), f"{path(dana)}/pay")
    pay_at_stripe(session, stripe)
    ended = heard(http.get(send(http, ending, f"{path(dana)}/end").location))
    assert "We did not end your agreement, because this payment was on its way." in ended
    assert "Thank you. You paid $104.00." in ended


@pytest.mark.parametrize("to", ["all", "extra", "move", "skip", "pause", "pace", "end"])
def test_while_money_is_on_its_way_no_page_offers_to_pay_or_change(
    http: FlaskClient,
    session: PortalSession,
    dana: Dana,
    plan: object,
    stripe: CheckedStripe,
    to: str,
) -> None:
    http.get(start_bank_payment(http, session, dana, stripe))
    page = http.get(f"{path(dana)}/{'' if to == 'end' else 'change/'}{to}")
    page = http.get(page.location) if page.location else page
    words = heard(page)
    assert page.status_code == 409
    assert "A payment of $104.00 is on its way. You can do this after that." in words
    assert "Pay $1" not in words
    assert "/change/" not in str(links(page))


def test_an_agreement_is_not_taken_back_while_its_payment_is_on_its_way(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe
) -> None:
    accept(http, dana, review(http, dana, "Pay it all today"))
    page = mine(http, dana)
    pay_at_stripe(session, stripe, "bank_success")
    kept = heard(http.get(send(http, page, f"{path(dana)}/withdraw").location))
    assert "We did not take your agreement back, because this payment is on its way." in kept
    assert session.scalars(select(Arrangement)).one().status is not ArrangementStatus.WITHDRAWN


@pytest.mark.parametrize(
    ("amount", "means"),
    [
        ("0.60", "Your dates stay as they are, and your last payment gets smaller."),
        ("300", "Your payments stay as they are, and your plan ends sooner."),
    ],
)
def test_what_an_extra_payment_does_is_said_as_it_is(
    http: FlaskClient, dana: Dana, plan: object, amount: str, means: str
) -> None:
    to = f"{path(dana)}/change/extra"
    page = reviewed(http, http.get(to), to, amount=amount, effect="shorten")
    assert means in heard(page)


def test_an_extra_payment_that_is_too_small_hears_what_can_be_paid(
    http: FlaskClient, dana: Dana, plan: object
) -> None:
    to = f"{path(dana)}/change/extra"
    words = said(send(http, http.get(to), to, amount="0.01", effect="shorten"))
    assert "Pay at least $0.50." in words
    assert "Each payment must be" not in words


def test_a_settlement_in_parts_is_an_agreement_in_all_that_its_page_says(
    http: FlaskClient, session: PortalSession, dana: Dana, stripe: CheckedStripe, later: Later
) -> None:
    page = settlement(http, session, dana, stripe)
    extra = heard(http.get(link(page, "Pay extra")))
    assert "End my agreement sooner. My payments stay the same." in extra
    later(31)
    words = heard(mine(http, dana))
    assert "How to keep your agreement" in words
    assert "to keep your agreement." in words
    assert "your plan" not in words.lower()
