"""The one thread of an account: what was said, what was sent, and room to write."""

from datetime import UTC, datetime

from flask.testing import FlaskClient
from sqlalchemy import select

from portal.db import PortalSession
from portal.domain.holds import HoldKind
from portal.domain.statuses import MessageStatus
from portal.gateways.clock import SetClock
from portal.models import HelpRequest, Message
from portal.services import evidence
from portal.services.help import answer_request
from portal.services.standing import set_hold, standing
from portal.services.threads import post_entry
from tests.pages.debtors import Dana, send
from tests.pages.reading import heard, tree
from tests.pages.test_help import at, dana, sam

__all__ = ["dana"]


def test_a_message_is_promised_an_answer_and_holds_nothing(
    http: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
) -> None:
    path = at(dana, "/messages")
    empty = heard(http.get(path))
    assert "There are no messages yet." in empty
    page = send(http, path, {"body": "Which card do you take?"}, follow_redirects=True)
    words = heard(page)
    assert "We have your message. A person answers by November 25, 2026." in words
    assert "Which card do you take?" in words
    asked = session.scalars(select(HelpRequest)).one()
    assert (asked.topic, asked.hold_id) == ("question", None)
    assert standing(session, dana.account, clock.now()).charge.allowed
    assert asked.reference in heard(http.get(at(dana, f"/requests/{asked.reference}")))


def test_both_sides_stand_in_one_thread_in_order_and_staff_have_no_names(
    http: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
) -> None:
    send(http, at(dana, "/help/amount-wrong"), {"options": "amount", "details": "I owe half."})
    asked = session.scalars(select(HelpRequest)).one()
    answer_request(session, asked, "We check it.", staff=sam(session), now=clock.now())
    post_entry(session, dana.account, "Thank you <b>both</b>", now=clock.now())
    session.commit()
    page = http.get(at(dana, "/messages"))
    thread = next(one for one in tree(page).iter("ol") if one.get("class") == "thread")
    said = [item.get("class") for item in thread.iter("li")]
    assert said == ["yours", "ours", "yours"]
    words = heard(page)
    assert words.index("I owe half.") < words.index("We check it.") < words.index("<b>both</b>")
    assert "Sam" not in words


def test_what_we_sent_is_listed_without_its_words(
    http: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
) -> None:
    for template, status, channel in (
        ("receipt", MessageStatus.SENT, "email"),
        ("link", MessageStatus.DELIVERED, "sms"),
        ("payment_failed", MessageStatus.SUPPRESSED, "email"),
        ("help_answered", MessageStatus.QUEUED, "letter"),
    ):
        session.add(
            Message(
                client_id=dana.client.id,
                debtor_id=dana.debtor.id,
                account_id=dana.account.id if template != "link" else None,
                channel=channel,
                template=template,
                context={},
                locale="en",
                dedupe_key=template,
                status=status,
                created_at=clock.now(),
                send_at=clock.now(),
                sent_at=datetime(2026, 11, 20, 15, 0, tzinfo=UTC),
                body="SECRET",
            )
        )
    session.commit()
    words = heard(http.get(at(dana, "/messages")))
    assert "A receipt, by email November 20, 2026, 10:00" in words.replace("\u202f", " ")
    assert "A link to this page, by text message" in words
    assert "did not go through" not in words
    assert "An answer to you" not in words
    assert "SECRET" not in words


def test_nothing_is_lost_of_a_message_that_is_not_taken(
    http: FlaskClient, session: PortalSession, dana: Dana
) -> None:
    """PC-01"""
    path = at(dana, "/messages")
    page = send(http, path, {"body": "My card is 4242 4242 4242 4242"})
    assert page.status_code == 422
    assert "take out the card number" in heard(page)
    assert "4242 4242 4242 4242" in heard(page)
    assert send(http, path, {"body": "\x00 \n"}).status_code == 422
    assert session.scalars(select(HelpRequest)).all() == []


def test_a_thread_is_closed_to_the_wrong_person(
    http: FlaskClient, session: PortalSession, dana: Dana, clock: SetClock
) -> None:
    """EC-08"""
    post_entry(session, dana.account, "About my debt", now=clock.now())
    actor = evidence.SYSTEM
    set_hold(
        session, dana.account, HoldKind.WRONG_PERSON, source="staff", now=clock.now(), actor=actor
    )
    session.commit()
    page = http.get(at(dana, "/messages"))
    assert "About my debt" not in heard(page)
    assert "This page is closed." in heard(page)
