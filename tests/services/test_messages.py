"""A message is written with the fact it tells, goes where it may, and tells it once."""

from sqlalchemy import text

from portal.db import PortalSession
from portal.models import Channel, ContactStop, Debtor, Message, StopKind
from portal.services.messages import queue
from tests.factories import NOW, make_client, make_contact, make_debtor


def tell(session: PortalSession, debtor: Debtor, fact: str = "payment:1") -> list[Message]:
    return queue(
        session, debtor, template="receipt", context={"payment": "1"}, dedupe_key=fact, now=NOW
    )


def jobs(session: PortalSession) -> int:
    return session.scalar(text("SELECT count(*) FROM procrastinate_jobs"))


def test_a_fact_is_told_once_by_one_job(session: PortalSession) -> None:
    debtor = make_debtor(session, make_client(session))
    contact = make_contact(session, debtor)
    (message,) = tell(session, debtor)
    assert (message.contact_id, message.channel) == (contact.id, Channel.EMAIL)
    assert tell(session, debtor) == []
    assert jobs(session) == 1


def test_without_an_address_it_waits_for_a_letter(session: PortalSession) -> None:
    debtor = make_debtor(session, make_client(session))
    (message,) = tell(session, debtor)
    assert (message.contact_id, message.channel) == (None, Channel.LETTER)


def test_a_phone_is_used_only_where_the_client_sends_texts(session: PortalSession) -> None:
    """EC-07: without them everything goes by e-mail and letter."""
    on = {"sms_enabled": True}
    unknown = on | {"sms_registration": None}
    for given, channel in ((on, Channel.SMS), ({}, Channel.LETTER), (unknown, Channel.LETTER)):
        debtor = make_debtor(session, make_client(session, **given))
        make_contact(session, debtor, channel="sms", address="+15035550100")
        (message,) = tell(session, debtor)
        assert message.channel == channel


def test_a_stopped_address_is_passed_over(session: PortalSession) -> None:
    debtor = make_debtor(session, make_client(session))
    stopped = make_contact(session, debtor)
    make_contact(session, debtor, retired_at=NOW)
    good = make_contact(session, debtor)
    stop = ContactStop(
        client_id=debtor.client_id,
        channel=Channel.EMAIL,
        address=stopped.address,
        kind=StopKind.BOUNCED,
        source="test",
        stopped_at=NOW,
    )
    session.add(stop)
    session.flush()
    (message,) = tell(session, debtor)
    assert message.contact_id == good.id
