"""A client with one of everything that a page may name in its address."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from portal.db import PortalSession, set_tenant
from portal.domain.audience import Audience, LastLink
from portal.domain.counter import CounterKind
from portal.domain.holds import HoldKind
from portal.domain.marks import Mark
from portal.domain.money import Cents
from portal.domain.proposals import Proposal as Suggestion
from portal.domain.waiting import Queue
from portal.domain.wishes import WishKind
from portal.models import (
    Account,
    AttemptCounter,
    BatchStatus,
    Client,
    Contact,
    ContactStop,
    Debtor,
    ErasureBatch,
    HelpRequest,
    HelpStatus,
    Installment,
    LetterBatch,
    Message,
    MoneyException,
    Rehearsal,
    Role,
    SecondLook,
    Staff,
    StopKind,
    fresh_id,
)
from portal.models.base import Base
from portal.services import evidence, lock_outs, second_person
from portal.services.alarms import open_alarms, raise_alarms
from portal.services.call_me import TOPIC
from portal.services.calls import begin_call, numbers_of
from portal.services.campaign_control import Plan, draw_up
from portal.services.contact_wishes import Told, in_force, state
from portal.services.counter_payments import Received
from portal.services.evidence import SYSTEM
from portal.services.hiring import NewInvitation, invite
from portal.services.legal_holds import Wanted, set_legal_hold
from portal.services.marks import POSTAL, mark
from portal.services.notes import keep_template
from portal.services.payer_links import issue
from portal.services.proposals import Wish, submit
from portal.services.staff import start_session
from portal.services.staff_events import note_opened
from portal.services.standing import set_hold
from portal.services.verify import Broken
from portal.services.visits import Browser
from tests.databases import acting_as
from tests.factories import (
    NOW,
    make_account,
    make_arrangement,
    make_client,
    make_contact,
    make_debtor,
    make_link,
    make_payment,
    make_placement,
    make_policy,
    make_visit,
)
from tests.pages.staff import make_staff

TODAY = NOW.date()


@dataclass
class House:
    """``names``: what stands in addresses, by the name of the part, or by page or role and name."""

    client: Client
    names: dict[str, Any] = field(default_factory=dict)

    def parts(self, endpoint: str, wanted: set[str], role: str = "") -> Mapping[str, Any]:
        """What a reader of this role finds at a page. KeyError: nobody said what stands there."""
        return {name: self._part(name, endpoint, role) for name in wanted}

    def _part(self, name: str, *closer: str) -> Any:
        named = (f"{one}.{name}" for one in closer)
        return self.names[next((one for one in named if one in self.names), name)]


def make_house(session: PortalSession) -> House:
    """A client with an account, and one of all that pages are about."""
    client = make_client(session)
    make_policy(session, client)
    house, debtor = House(client), make_debtor(session, client)
    make_contact(session, debtor)
    number = make_contact(session, debtor, channel="sms", address="+15185550142")
    account = make_account(session, debtor)
    sue, vera = (make_staff(session, role, client) for role in (Role.SUPERVISOR, Role.COMPLIANCE))
    note_opened(session, account, staff=sue, ip=None, now=NOW)
    session.commit()
    house.names |= {
        **{"client_id": client.id, "account_id": account.id, "chain_id": account.chain_id},
        **_contacts(session, account, debtor, number, sue),
        **_money(session, account),
        **_questions(session, account),
        **_by_hand(session, debtor, sue),
        **_records(session, account, vera),
        **_of_the_client(session, client, sue),
        **_people(session, client, sue),
    }
    session.commit()
    return house


def _add(session: PortalSession, row: Base) -> UUID:
    session.add(row)
    session.flush()
    return row.id  # type: ignore[attr-defined, no-any-return]


def _contacts(
    session: PortalSession, account: Account, debtor: Debtor, number: Contact, sue: Staff
) -> dict[str, Any]:
    of_client = {"client_id": account.client_id}
    called = begin_call(
        session, account, numbers_of(session, account)[0], reason="", staff=sue, now=NOW
    )
    told = Told(actor=SYSTEM, words="Not by phone", source="phone", by=sue.id)
    state(session, debtor, WishKind.ONLY, "email", told=told, now=NOW)
    (wish,) = in_force(session, debtor)
    stop = ContactStop(
        **of_client,
        channel="sms",
        address=number.address,
        kind=StopKind.WRONG_PERSON,
        source="staff",
        stopped_at=NOW,
    )
    message = Message(
        **of_client,
        debtor_id=debtor.id,
        account_id=account.id,
        channel="email",
        template="agreement_copy",
        context={},
        body="As agreed.",
        body_html="<p>As agreed.</p>",
        locale="en",
        dedupe_key="copy",
        status="sent",
        created_at=NOW,
        send_at=NOW,
    )
    batch = LetterBatch(**of_client, reference="LB-1", printed_at=NOW, printed_by=sue.id)
    rest = set_hold(
        session,
        account,
        HoldKind.HARDSHIP,
        source="staff",
        actor=SYSTEM,
        now=NOW,
        ends_at=NOW + timedelta(days=9),
    )
    facts = {"where": POSTAL, "from": "It came back"}
    marked = mark(session, account, Mark.WRONG_PERSON, facts, staff=sue, now=NOW)
    return {
        "mark_id": marked,
        "contact_id": number.id,
        "wish_id": wish.id,
        "attempt_id": called.id,
        "stop_id": _add(session, stop),
        "message_id": _add(session, message),
        "support.batch.batch_id": _add(session, batch),
        "support.download_batch.batch_id": batch.id,
        "hold_id": rest.id,
        "link_id": make_link(session, debtor, contact=None).link.id,
    }


def _money(session: PortalSession, account: Account) -> dict[str, Any]:
    question = MoneyException(
        client_id=account.client_id,
        account_id=account.id,
        kind="stripe_mismatch",
        source="one",
        detail="",
        opened_at=NOW,
    )
    return {
        "payer_link_id": issue(session, account, Cents(4_000), now=NOW).id,
        "payment_id": make_payment(session, account).id,
        "question_id": _add(session, question),
    }


def _by_hand(session: PortalSession, debtor: Debtor, sue: Staff) -> dict[str, Any]:
    """Money at the counter of an account of its own: a part counts, the rest waits for two."""
    account = make_account(session, debtor, placed_at=NOW - timedelta(days=2))

    def move(cents: int) -> SecondLook:
        day = TODAY - timedelta(days=1)
        cash = Received(kind=CounterKind.CASH, amount_cents=Cents(cents), received_on=day)
        act = second_person.recording(account, cash, "")
        return second_person.ask(session, act, staff=sue, now=NOW)

    return {"support.returned.payment_id": move(20_000).payment_id, "look_id": move(60_000).id}


def _questions(session: PortalSession, account: Account) -> dict[str, Any]:
    def ask(topic: str, reference: str) -> UUID:
        request = HelpRequest(
            client_id=account.client_id,
            account_id=account.id,
            reference=reference,
            topic=topic,
            status=HelpStatus.OPENED,
            answers={"phone": "+15185550199", "part_of_day": "morning"},
            locale="en",
            opened_at=NOW,
            promised_on=TODAY,
        )
        return _add(session, request)

    asked = ask("question", "HR-1")
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    lock_outs.keep(session, debtor, until=NOW + timedelta(hours=1), now=NOW)
    locked = lock_outs.waiting(session, debtor)
    assert locked is not None
    wish = Suggestion(first_on=TODAY + timedelta(days=8), amount_cents=Cents(4_000))
    visit = make_visit(session, account)
    proposal = submit(session, account, Wish(wish), visit=visit, now=NOW)
    return {
        "support.request.request_id": asked,
        "kind": str(Queue.MESSAGES),
        "item_id": asked,
        "lock_out_id": locked.id,
        "support.call.request_id": ask(TOPIC, "HR-2"),
        "proposal_id": proposal.id,
    }


def _records(session: PortalSession, account: Account, vera: Staff) -> dict[str, Any]:
    raise_alarms(session, account.client_id, [Broken("looked at", "leaf 1")], now=NOW)
    wanted = Wanted(reference=account.reference, reason="A suit.", matter="24-1")
    held = set_legal_hold(session, wanted, staff=vera, now=NOW)
    batch = ErasureBatch(
        client_id=account.client_id,
        status=BatchStatus.ASKED,
        limitation=True,
        reason="Yearly",
        asked_by=vera.id,
        asked_at=NOW,
    )
    agreed = make_arrangement(session, account)
    part = Installment(
        client_id=account.client_id,
        arrangement_id=agreed.id,
        n=1,
        due_on=TODAY,
        amount_cents=Cents(4_000),
        status="scheduled",
    )
    kept = evidence.store_document(
        session, account.client_id, account.chain_id, "text/plain", b"kept", NOW
    )
    return {
        "alarm_id": open_alarms(session, account.client_id)[0].id,
        "compliance.lift_legal_hold.hold_id": held.id,
        "compliance.erasure.batch_id": _add(session, batch),
        "arrangement_id": agreed.id,
        "installment_id": _add(session, part),
        "sha256": kept,
        "n": 0,
        "support.look.name": "balance",
    }


def _of_the_client(session: PortalSession, client: Client, sue: Staff) -> dict[str, Any]:
    rehearsal = Rehearsal(
        client_id=client.id, sha256=b"0" * 32, document="{}", asked_by=sue.id, started_at=NOW
    )
    again = Plan(name="Again", audience=Audience(last_link=LastLink.EXPIRED))
    resent = draw_up(session, client.id, again, by=sue.id, now=NOW).id
    resending = ("resent", "begin_resending", "stop_resending")
    return {
        "campaign_id": draw_up(session, client.id, Plan(name="May"), by=sue.id, now=NOW).id,
        **{f"support.{page}.campaign_id": resent for page in resending},
        "placement_id": make_placement(session, client).id,
        "rehearsal_id": _add(session, rehearsal),
        "number": 1,
        "what": "attorney",
        "template_id": keep_template(session, client, "Job", "Lost it.", staff=sue, now=NOW).id,
        **_of_the_operator(session),
    }


def _people(session: PortalSession, client: Client, sue: Staff) -> dict[str, Any]:
    """Somebody whom each may look after, somebody who is invited, and a log-in of a colleague's."""
    names: dict[str, Any] = {}
    for reach, role in (("", Role.AGENT), ("client_admin.", Role.CLIENT_VIEWER)):
        address = f"nina.{fresh_id()}@harbor-services.com"
        new = NewInvitation(email=address, name="Nina Park", role=role, clients=[client.id])
        with acting_as("portal_worker", session):
            names[f"{reach}invitation_id"] = invite(session, new, by=None, now=NOW).id
        names[f"{reach}staff_id"] = make_staff(session, role, client).id
    return names | {"session_id": log_in_of(session, sue)}


def log_in_of(session: PortalSession, staff: Staff) -> UUID:
    """A log-in in some other browser than the test's."""
    log_in, _ = start_session(session, staff, browser=Browser("127.0.0.2", "other"), now=NOW)
    return log_in.session_id


def link_read_aloud_by(session: PortalSession, staff: Staff, house: House) -> UUID:
    """A link whose code this member of staff reads to the debtor on the telephone."""
    set_tenant(session, house.client.id)
    account = session.get_one(Account, (house.client.id, house.names["account_id"]))
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    return make_link(session, debtor, contact=None, issued_by=staff.id).link.id


def _of_the_operator(session: PortalSession) -> dict[str, Any]:
    mark = fresh_id().bytes * 2
    closed = {"window_started_at": NOW, "count": 5, "locked_until": NOW + timedelta(days=900)}
    session.add(AttemptCounter(scope="link", key_hash=mark, **closed))
    failed = "INSERT INTO procrastinate_jobs (queue_name, task_name, status) VALUES"
    with acting_as("portal_worker", session):
        job = session.scalar(text(f"{failed} ('money', 'payments.refund', 'failed') RETURNING id"))
    return {"scope": "link", "mark": mark.hex(), "operator.retry.number": job}


def absent(parts: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same parts, with ids that nobody has."""
    return {name: fresh_id() if isinstance(one, UUID) else one for name, one in parts.items()}
