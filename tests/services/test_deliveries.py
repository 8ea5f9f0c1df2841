"""What follows from a carrier's word about a message: once, in any order (EC-05, EC-09)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from portal.db import PortalSession, set_tenant
from portal.domain.deliveries import Fate, Report
from portal.domain.statuses import ConsentStatus, MessageStatus
from portal.gateways.mail import OutboxMailer
from portal.gateways.sms import OutboxTexter
from portal.models import (
    Account,
    Channel,
    Contact,
    ContactStop,
    Debtor,
    Delivery,
    EsignConsent,
    Message,
    StopKind,
    StrayDelivery,
    fresh_id,
)
from portal.services import evidence
from portal.services.deliveries import Outcome, take_report
from portal.services.dispatch import Carriers, dispatch
from portal.services.esign import SCOPE
from portal.services.messages import queue
from portal.services.verify import verify_client
from portal.writing import write
from tests.databases import acting_as
from tests.factories import (
    KEYS,
    NOW,
    make_account,
    make_client,
    make_contact,
    make_debtor,
    make_payment,
    make_visit,
)

LATER = NOW + timedelta(minutes=3)
CARRIERS = Carriers(mailer=OutboxMailer(), texter=OutboxTexter(), write=write, keys=KEYS)


@dataclass
class Dana:
    """Dana's account, her address, and what we send her."""

    session: PortalSession
    account: Account
    debtor: Debtor
    contact: Contact

    def queue(self, template: str = "thread_reply", **given: Any) -> Message:
        values: dict[str, Any] = {"template": template, "context": {}, "account": self.account}
        values |= {"dedupe_key": f"{template}:{given}", "now": NOW}
        (message,) = queue(self.session, self.debtor, **(values | given))
        return message

    def send(self, template: str = "thread_reply", **given: Any) -> Message:
        message = self.queue(template, **given)
        dispatch(self.session, message.client_id, message.id, carriers=CARRIERS, now=NOW)
        self.session.refresh(message)
        assert message.status is MessageStatus.SENT
        return message

    def receipt(self) -> Message:
        """A copy that the law wants."""
        payment = make_payment(self.session, self.account, settled_at=NOW)
        return self.send("receipt", context={"payment": str(payment.id)})

    def told(self, message: Message, kind: Fate, name: str = "e-1", **given: Any) -> Outcome:
        report = Report(carrier="email", event_id=name, kind=kind, message_id=message.id)
        by_address = given.pop("by_address", False)
        channel = message.channel
        found = take_report(
            self.session, replace(report, **given), channel, by_address=by_address, now=LATER
        )
        self.session.refresh(message)
        return found

    def leaves(self) -> list[str]:
        found = evidence.account_leaves(self.session, self.account)
        return [leaf.type for leaf in found if leaf.type.startswith(("message.", "contact."))]

    def stops(self) -> list[StopKind]:
        return list(self.session.scalars(select(ContactStop.kind)))

    def letters(self) -> list[str]:
        return list(
            self.session.scalars(select(Message.template).where(Message.channel == "letter"))
        )

    def broken(self) -> list[str]:
        self.session.flush()
        found = verify_client(self.session, self.account.client_id)
        return [one.invariant for one in found if "payment" not in one.invariant]


@pytest.fixture
def dana(session: PortalSession) -> Dana:
    debtor = make_debtor(session, make_client(session, sms_enabled=True))
    return Dana(session, make_account(session, debtor), debtor, make_contact(session, debtor))


def test_ec_09_a_message_is_delivered_once_its_carrier_says_so(dana: Dana):
    message = dana.send()
    assert dana.told(message, Fate.ACCEPTED, "e-0") is Outcome.KEPT
    assert message.status is MessageStatus.SENT
    outcomes = [dana.told(message, Fate.DELIVERED, code="250") for _ in range(2)]
    assert outcomes == [Outcome.KEPT, Outcome.KNOWN]
    assert message.status is MessageStatus.DELIVERED
    assert dana.leaves() == ["message.sent", "message.delivered"]
    assert dana.broken() == []


def consent(dana: Dana) -> None:
    """Dana wants copies by e-mail alone."""
    visit = make_visit(dana.session, dana.account)
    given = {"scope": SCOPE, "text_version": 1, "text_sha256": bytes(32), "locale": "en"}
    row = EsignConsent(
        client_id=dana.account.client_id,
        debtor_id=dana.debtor.id,
        contact_id=dana.contact.id,
        session_id=visit.session_id,
        status=ConsentStatus.CONSENTED,
        sample_sha256=bytes(32),
        asked_at=NOW,
        consented_at=NOW,
        **given,
    )
    dana.session.add(row)
    dana.session.flush()


def test_ec_09_a_required_copy_that_came_back_counts_as_not_sent_and_goes_by_letter(dana: Dana):
    """EC-09: the address is closed, and what waits for it goes another way too."""
    consent(dana)
    receipt, waiting = dana.receipt(), dana.queue(dedupe_key="waits")
    assert dana.letters() == [], "the e-mail was enough"
    dana.told(receipt, Fate.BOUNCED, code="5.1.1", address=dana.contact.address)
    dana.session.refresh(waiting)
    assert (receipt.status, receipt.error) == (MessageStatus.FAILED, "5.1.1")
    assert (waiting.status, waiting.rule) == (MessageStatus.SUPPRESSED, "EC-09")
    assert dana.stops() == [StopKind.BOUNCED]
    assert dana.letters() == ["receipt"]
    assert dana.leaves().count("message.bounced") == 1
    assert dana.told(receipt, Fate.BOUNCED) is Outcome.KNOWN
    assert [one for one in dana.broken() if "EC-09" in one] == []


def test_ec_09_what_only_waits_or_was_full_closes_nothing(dana: Dana):
    """A soft bounce is counted, and one that was given up leaves the address open."""
    message = dana.send()
    for n in range(3):
        dana.told(message, Fate.DELAYED, f"d-{n}", code="4.2.2")
    assert message.status is MessageStatus.SENT
    assert dana.leaves() == ["message.sent"]
    kinds = list(dana.session.scalars(select(Delivery.kind)))
    assert kinds == [Fate.DELAYED] * 3
    dana.told(message, Fate.FAILED, "f-1", code="5.2.2")
    assert message.status is MessageStatus.FAILED
    assert dana.stops() == []
    assert dana.leaves() == ["message.sent", "message.failed"]
    assert dana.broken() == []


def test_ec_05_a_complaint_opts_out_at_once(dana: Dana):
    message, waiting = dana.send(), dana.queue(dedupe_key="waits")
    asked = dana.queue("new_link", dedupe_key="asked", account=None, asked_for=True)
    dana.told(message, Fate.COMPLAINED)
    for one in (waiting, asked):
        dana.session.refresh(one)
        assert (one.status, one.rule) == (MessageStatus.SUPPRESSED, "EC-05")
    assert dana.stops() == [StopKind.OPTED_OUT]
    assert message.status is MessageStatus.SENT, "it had arrived"
    assert {"message.complained", "contact.stopped"} <= set(dana.leaves())
    assert dana.broken() == []


@pytest.mark.parametrize("order", [(Fate.DELIVERED, Fate.BOUNCED), (Fate.BOUNCED, Fate.DELIVERED)])
def test_ec_09_what_bounced_stays_so_in_any_order(dana: Dana, order: tuple[Fate, Fate]):
    message = dana.send()
    for n, fate in enumerate(order):
        dana.told(message, fate, f"e-{n}")
    assert message.status is MessageStatus.FAILED
    assert dana.broken() == []


def test_ec_09_a_word_that_comes_before_we_know_that_it_left_waits_for_that(dana: Dana):
    """A carrier is faster than our commit."""
    message = dana.queue()
    message.status = MessageStatus.SENDING
    dana.session.flush()
    assert dana.told(message, Fate.BOUNCED) is Outcome.KEPT
    assert (message.status, dana.stops()) == (MessageStatus.SENDING, [])
    message.status = MessageStatus.QUEUED
    dana.session.flush()
    dispatch(dana.session, message.client_id, message.id, carriers=CARRIERS, now=LATER)
    dana.session.refresh(message)
    assert message.status is MessageStatus.FAILED
    assert dana.stops() == [StopKind.BOUNCED]
    assert dana.leaves()[-3:] == ["message.sent", "message.bounced", "contact.stopped"]
    assert dana.broken() == []


def test_a_bounce_from_where_a_mailbox_forwards_to_leaves_the_address_open(dana: Dana):
    message = dana.send()
    dana.told(message, Fate.BOUNCED, address="elsewhere@mail.example")
    assert message.status is MessageStatus.FAILED
    assert dana.stops() == []


def test_a_word_about_nothing_of_ours_is_kept_without_its_address_and_does_nothing(dana: Dana):
    message = dana.send()
    given = {"message_id": fresh_id(), "address": "stranger@else.example", "code": "5.1.1"}
    for name in ("s-1", "s-1", "s-2"):
        assert dana.told(message, Fate.BOUNCED, name, **given) is Outcome.STRAY
    unproven = {"message_id": None, "address": dana.contact.address}
    assert dana.told(message, Fate.BOUNCED, "s-3", **unproven) is Outcome.STRAY
    assert dana.stops() == []
    with acting_as("portal_worker", dana.session):
        rows = dana.session.scalars(select(StrayDelivery).order_by(StrayDelivery.event_id)).all()
    assert [(one.event_id, one.domain) for one in rows] == [
        ("s-1", "else.example"),
        ("s-2", "else.example"),
        ("s-3", dana.contact.address.rpartition("@")[2]),
    ]


def test_ec_05_a_carrier_that_is_known_may_name_the_address_alone(dana: Dana):
    """Each client that wrote there obeys; a client that never did has nothing to do."""
    message = dana.send()
    other = make_debtor(dana.session, make_client(dana.session))
    make_account(dana.session, other)
    make_contact(dana.session, other, address=dana.contact.address)
    set_tenant(dana.session, dana.account.client_id)
    given = {"message_id": None, "address": dana.contact.address, "by_address": True}
    assert dana.told(message, Fate.COMPLAINED, **given) is Outcome.KEPT
    assert dana.stops() == [StopKind.OPTED_OUT]


def test_ec_06_a_carriers_stop_closes_a_number(dana: Dana):
    phone = make_contact(dana.session, dana.debtor, channel=Channel.SMS, address="+15035550123")
    message = dana.send(contact=phone)
    assert message.segments == 1
    dana.told(message, Fate.COMPLAINED, code="21610")
    assert dana.stops() == [StopKind.OPTED_OUT]
    assert dana.broken() == []


def test_another_clients_message_is_found_and_only_its_own_rows_are_touched(dana: Dana):
    other = make_debtor(dana.session, make_client(dana.session))
    make_account(dana.session, other)
    make_contact(dana.session, other, address=dana.contact.address)
    message = dana.send()
    set_tenant(dana.session)
    dana.told(message, Fate.BOUNCED)
    set_tenant(dana.session, dana.account.client_id, other.client_id)
    assert list(dana.session.scalars(select(ContactStop.client_id))) == [dana.account.client_id]


def plant_row(dana: Dana, message: Message) -> None:
    values = {"carrier": "email", "event_id": "planted", "kind": Fate.DELIVERED, "code": ""}
    ids: dict[str, UUID] = {"client_id": message.client_id, "message_id": message.id}
    dana.session.add(Delivery(**ids, **values, at=NOW, received_at=NOW))


def plant_leaf(dana: Dana, message: Message) -> None:
    evidence.record(
        dana.session,
        client_id=message.client_id,
        chain_id=dana.account.chain_id,
        type="message.delivered",
        payload={
            "actor": evidence.SYSTEM,
            "message": str(message.id),
            "delivery": str(fresh_id()),
            "template": message.template,
            "channel": "email",
        },
        now=NOW,
    )


def plant_status(dana: Dana, message: Message) -> None:
    message.status = MessageStatus.DELIVERED


def plant_sent(dana: Dana, message: Message) -> None:
    dana.told(message, Fate.FAILED)
    message.status = MessageStatus.SENT


def plant_open(dana: Dana, message: Message) -> None:
    dana.told(message, Fate.BOUNCED)
    stop = dana.session.scalars(select(ContactStop)).one()
    stop.kind = StopKind.WRONG_PERSON


def plant_no_letter(dana: Dana, message: Message) -> None:
    receipt = dana.receipt()
    dana.told(receipt, Fate.FAILED, "r-1")
    letter = dana.session.scalars(select(Message).where(Message.channel == "letter")).one()
    letter.dedupe_key = "something else"


@pytest.mark.parametrize(
    ("plant", "invariant"),
    [
        (plant_row, "what a carrier said of a message that left is on the record (EC-09)"),
        (plant_leaf, "what the record says of a delivery stands in its row (EC-09)"),
        (plant_status, "a message counts as delivered only where its carrier said so (EC-09)"),
        (plant_sent, "a message that came back or did not arrive counts as not sent (EC-09)"),
        (plant_open, "an address that came back or complained was closed (EC-05, EC-09)"),
        (plant_no_letter, "a required copy that did not arrive goes by letter (EC-09)"),
    ],
)
def test_each_breach_is_found(dana: Dana, plant: Callable[[Dana, Message], None], invariant: str):
    """Invariant 8, EC-09"""
    message = dana.send()
    assert dana.broken() == []
    plant(dana, message)
    assert invariant in dana.broken()


def test_what_is_new_is_looked_over_with_the_same_eyes(dana: Dana):
    from portal.services.verify import Only

    message = dana.send()
    plant_row(dana, message)
    only = Only([dana.account.chain_id], 0)
    found = verify_client(dana.session, dana.account.client_id, only=only)
    assert any("on the record (EC-09)" in one.invariant for one in found)
