"""Card numbers are kept nowhere that staff write: every form of theirs is walked (PC-01)."""

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from wtforms import HiddenField, StringField

from portal.blueprints import compliance, operating, staff, support
from portal.db import PortalSession, set_tenant
from portal.domain.calls import Outcome
from portal.domain.counter import CounterKind
from portal.domain.help import CardNumberTyped
from portal.domain.holds import HoldKind
from portal.domain.marks import Mark
from portal.domain.money import Cents
from portal.domain.proposals import Proposal as Suggestion
from portal.domain.wishes import WishKind
from portal.models import (
    AttemptCounter,
    HelpRequest,
    HelpStatus,
    MoneyException,
    Role,
    SecondLook,
    Staff,
    fresh_id,
)
from portal.services import evidence, second_person
from portal.services.alarms import open_alarms, raise_alarms
from portal.services.call_me import TOPIC
from portal.services.call_sessions import open_session
from portal.services.calls import Said, begin_call, log_their_call, numbers_of
from portal.services.contact_wishes import Told, in_force, state
from portal.services.counter_payments import Received
from portal.services.dossier import reveal
from portal.services.evidence import SYSTEM
from portal.services.legal_holds import Wanted, set_legal_hold
from portal.services.marks import mark
from portal.services.money_questions import options
from portal.services.proposals import Wish, submit
from portal.services.staff import start_session
from portal.services.standing import set_hold
from portal.services.verify import Broken
from portal.services.visits import Browser
from portal.web import Form
from tests.factories import (
    NOW,
    make_account,
    make_client,
    make_contact,
    make_debtor,
    make_payment,
    make_policy,
    make_visit,
)
from tests.pages.debtors import csrf_of
from tests.pages.staff import enter, make_staff

CARD = "4242 4242 4242 4242"
TYPED = f"She read it to me: {CARD} 12/27 123"
TODAY = NOW.date()
NO_WORDS = {
    "support.addresses.AddressForm.address": "an address or a number, which is read as one",
    "compliance.settings.MailboxForm.email": "an address, which is read as one",
    "compliance.holding.LegalHoldForm.reference": "only looked for",
    "operating.clients.StripeForm.account": "an id, which is read as one",
    "operating.clients.RegistrationForm.registration": "ids from carriers, about no debtor",
    "staff.door.LogInForm.email": "only looked for",
    "staff.door.CodeForm.code": "digits, compared and not kept",
    "staff.enrolling.SecondStepForm.code": "digits, compared and not kept",
    "staff.forgotten.ForgottenForm.email": "only looked for",
    "staff.team.InviteForm.email": "an address, which is read as one",
    **{
        f"staff.{form}": "a password, of which a hash is kept"
        for form in (
            *("door.LogInForm.password", "proving.ProofForm.proof"),
            *("joining.NewPasswordForm.password", "joining.NewPasswordForm.password_again"),
            *("own.ChangePasswordForm.password", "own.ChangePasswordForm.password_again"),
            "own.ChangePasswordForm.password_before",
        )
    },
}
Walk = Callable[["House"], tuple[str, dict[str, str]]]


class House:
    """One account with something to write about in each way."""

    def __init__(self, session: PortalSession) -> None:
        self.session = session
        client = make_client(session)
        make_policy(session, client)
        self.debtor = make_debtor(session, client)
        make_contact(session, self.debtor)
        make_contact(session, self.debtor, channel="sms", address="+15185550142")
        self.account = make_account(session, self.debtor)
        self.client = client
        self.sue = make_staff(session, Role.SUPERVISOR, client)
        self.vera = make_staff(session, Role.COMPLIANCE, client)

    def who(self, console: str) -> Staff:
        """Who writes in this console."""
        if console == "operating":
            return make_staff(self.session, Role.OPERATOR)
        return self.vera if console == "compliance" else self.sue

    @property
    def page(self) -> str:
        return f"/support/accounts/{self.account.id}"

    def hold(self, kind: HoldKind, **given: Any) -> str:
        made = set_hold(
            self.session, self.account, kind, source="staff", actor=SYSTEM, now=NOW, **given
        )
        return f"/support/holds/{made.id}"

    def request(self, topic: str) -> HelpRequest:
        made = HelpRequest(
            client_id=self.account.client_id,
            account_id=self.account.id,
            reference="HR-1",
            topic=topic,
            status=HelpStatus.OPENED,
            answers={"phone": "+15185550199", "part_of_day": "morning"},
            locale="en",
            opened_at=NOW,
            promised_on=TODAY,
        )
        self.session.add(made)
        self.session.flush()
        return made


def begun(house: House) -> str:
    number = numbers_of(house.session, house.account)[0]
    made = begin_call(house.session, house.account, number, reason="", staff=house.sue, now=NOW)
    return f"/support/call-attempts/{made.id}"


def answered(house: House) -> str:
    """Sue is on the line with somebody."""
    log_in, _ = start_session(
        house.session, house.sue, browser=Browser("127.0.0.1", "test"), now=NOW
    )
    open_session(
        house.session, house.account, staff=house.sue, log_in_id=log_in.session_id, now=NOW
    )
    return "/support/on-the-line/wrap-up"


def spoken(house: House) -> dict[str, str]:
    """A conversation, after which only a supervisor calls, with a reason."""
    said = Said(Outcome.CONVERSATION, "She called.")
    log_their_call(house.session, house.account, said, staff=house.sue, now=NOW)
    return {"number": str(numbers_of(house.session, house.account)[0].id)}


def wished(house: House) -> str:
    told = Told(actor=SYSTEM, words="Not by phone", source="phone", by=house.sue.id)
    state(house.session, house.debtor, WishKind.ONLY, "email", told=told, now=NOW)
    (wish,) = in_force(house.session, house.debtor)
    return f"{house.page}/wishes/{wish.id}/end"


def asked(house: House) -> tuple[str, dict[str, str]]:
    question = MoneyException(
        client_id=house.account.client_id,
        account_id=house.account.id,
        kind="stripe_mismatch",
        source="one",
        detail="",
        opened_at=NOW,
    )
    house.session.add(question)
    house.session.flush()
    mark = options(house.session, question)[0].mark
    return f"/support/questions/{question.id}", {"decision": mark}


def proposed(house: House) -> str:
    wish = Suggestion(first_on=TODAY + timedelta(days=8), amount_cents=Cents(4_000))
    visit = make_visit(house.session, house.account)
    made = submit(house.session, house.account, Wish(wish), visit=visit, now=NOW)
    return f"/support/proposals/{made.id}/decline"


def alarmed(house: House) -> str:
    raise_alarms(house.session, house.client.id, [Broken("whole", "leaf 1")], now=NOW)
    (alarm,) = open_alarms(house.session, house.client.id)
    return f"/compliance/alarms/{alarm.id}/clear"


def kept(house: House) -> str:
    wanted = Wanted(reference=house.account.reference, reason="A suit.", matter="24-1")
    made = set_legal_hold(house.session, wanted, staff=house.vera, now=NOW)
    return f"/compliance/legal-holds/{made.id}/lift"


def locked_out(house: House) -> str:
    mark = fresh_id().bytes * 2
    until = NOW + timedelta(days=900)
    closed = {"window_started_at": NOW, "count": 5, "locked_until": until}
    house.session.add(AttemptCounter(scope="link", key_hash=mark, **closed))
    return f"/operator/lock-outs/link/{mark.hex()}/lift"


CASH = {
    **{"came_as": "cash", "amount": "5"},
    **{"received-month": "11", "received-day": "23", "received-year": "2026"},
}


def recorded(house: House, cents: int) -> SecondLook:
    """Cash that somebody else recorded, or wants to record."""
    other = make_staff(house.session, Role.AGENT, house.client)
    received = Received(
        kind=CounterKind.CASH, amount_cents=Cents(cents), received_on=house.account.placed_at.date()
    )
    act = second_person.recording(house.account, received, "")
    return second_person.ask(house.session, act, staff=other, now=NOW)


def marked(house: House) -> str:
    facts = {"name": "Ada Law", "address": "1 Main St", "from": "Her letter"}
    made = mark(house.session, house.account, Mark.ATTORNEY, facts, staff=house.sue, now=NOW)
    return f"{house.page}/marks/{made}/take-back"


CORRECTED = {
    **{"first_name": "Dana", "last_name": "Reyes", "date_of_birth": "", "address_line": ""},
    **{"city": "", "region": "NY", "postal_code": "", "reason": "Her letter"},
}


def corrected(house: House) -> tuple[str, dict[str, str]]:
    """Sue sees who the debtor is, and is sure of what changes."""
    reveal(house.session, house.account, reason="She wrote", staff=house.sue, now=NOW)
    sure = {"language": "en", "source": "document", "sure": "y"}
    return f"{house.page}/correct", CORRECTED | sure


FIELDS: dict[str, Walk] = {
    "support.accounts.RevealForm.reason": lambda it: (f"{it.page}/reveal", {}),
    "support.accounts.ReplyForm.body": lambda it: (f"{it.page}/reply", {}),
    "support.calling.CallForm.reason": lambda it: (f"{it.page}/call", spoken(it)),
    "support.calling.HowForm.note": lambda it: (begun(it), {"outcome": "conversation"}),
    "support.calling.TheirForm.note": lambda it: (f"{it.page}/called-us", {}),
    "support.callers.EndForm.note": lambda it: (answered(it), {"disposition": "cut_off"}),
    "support.diagnosing.UnlockForm.reason": lambda it: (f"{it.page}/unlock", {}),
    **{f"support.corrections.CorrectionForm.{name}": corrected for name in CORRECTED},
    "support.holds.HoldForm.reason": lambda it: (f"{it.page}/hold", {"kind": "attorney"}),
    "support.holds.LiftForm.reason": lambda it: (f"{it.hold(HoldKind.ATTORNEY)}/lift", {}),
    "support.holds.RestForm.reason": lambda it: (
        f"{it.hold(HoldKind.HARDSHIP, ends_at=NOW + timedelta(days=9))}/rest",
        {"to": str(TODAY + timedelta(days=20))},
    ),
    "support.marks.TakeBackForm.reason": lambda it: (marked(it), {}),
    "support.notes.NoteForm.note": lambda it: (f"{it.page}/note", {}),
    "support.notes.TemplateForm.body": lambda it: (
        "/support/note-templates",
        {"client": str(it.client.id), "title": "Job"},
    ),
    "support.notes.TemplateForm.title": lambda it: (
        "/support/note-templates",
        {"client": str(it.client.id), "body": "Lost it."},
    ),
    "support.proposals.DeclineForm.more": lambda it: (proposed(it), {"reason": "too_low"}),
    "support.questions.DecisionForm.note": asked,
    "support.requests.AnswerForm.body": lambda it: (
        f"/support/requests/{it.request('question').id}",
        {"hold": "keep"},
    ),
    "support.requests.AnswerForm.reason": lambda it: (
        f"/support/requests/{it.request('question').id}",
        {"hold": "lift", "body": "We looked."},
    ),
    "support.requests.NoteForm.note": lambda it: (f"/support/calls/{it.request(TOPIC).id}", {}),
    "support.refunds.RefundForm.reason": lambda it: (
        f"/support/payments/{make_payment(it.session, it.account).id}/refund",
        {"amount": "1"},
    ),
    "support.counter.ReceivedForm.note": lambda it: (f"{it.page}/record-payment", CASH),
    "support.counter.ReceivedForm.number": lambda it: (f"{it.page}/record-payment", CASH),
    "support.counter.ReturnForm.reason": lambda it: (
        f"/support/payments/{recorded(it, 5_00).payment_id}/returned",
        {"why": "returned"},
    ),
    "support.second_looks.LookForm.reason": lambda it: (
        f"/support/second-looks/{recorded(it, 600_00).id}",
        {"decision": "decline"},
    ),
    "support.wishes.WishForm.words": lambda it: (f"{it.page}/wish", {"wish": "email"}),
    "support.wishes.EndForm.words": lambda it: (wished(it), {}),
    "compliance.holding.LegalHoldForm.matter": lambda it: (
        "/compliance/legal-holds",
        {"reference": it.account.reference, "reason": "A suit."},
    ),
    "compliance.holding.LegalHoldForm.reason": lambda it: (
        "/compliance/legal-holds",
        {"reference": it.account.reference, "matter": "24-1"},
    ),
    "compliance.retention.ReasonForm.reason": lambda it: (kept(it), {}),
    "compliance.reading.ReadForm.reason": lambda it: (
        f"/compliance/records/{it.account.chain_id}/read",
        {},
    ),
    "compliance.state.ClearForm.reason": lambda it: (alarmed(it), {}),
    "operating.locking.LiftLockForm.reason": lambda it: (locked_out(it), {}),
    "staff.team.InviteForm.name": lambda it: (
        "/team/invite",
        {"email": "nina@harbor-services.com", "role": "agent", "clients": str(it.client.id)},
    ),
}


def written_fields() -> Iterator[str]:
    """The fields of all forms of support, compliance, operators and teams in which staff write."""
    for package in (support, compliance, operating, staff):
        for found in pkgutil.iter_modules(package.__path__):
            module = importlib.import_module(f"{package.__name__}.{found.name}")
            for name, form in vars(module).items():
                if not isinstance(form, type) or not issubclass(form, Form):
                    continue
                if form.__module__ != module.__name__:
                    continue
                for field in vars(form):
                    unbound = getattr(form, field)
                    kind = getattr(unbound, "field_class", None)
                    if kind and issubclass(kind, StringField) and not issubclass(kind, HiddenField):
                        short = module.__name__.removeprefix("portal.blueprints.")
                        yield f"{short}.{name}.{field}"


def test_pc_01_every_field_in_which_staff_write_is_walked():
    """PC-01: who adds one says here how it is reached, or why it keeps nothing."""
    assert sorted(written_fields()) == sorted([*FIELDS, *NO_WORDS])


@pytest.mark.parametrize("field", FIELDS)
def test_pc_01_no_card_number_is_kept_that_staff_typed(
    http: FlaskClient, session: PortalSession, field: str
):
    """PC-01: with its date and code beside it, and the page says why."""
    house = House(session)
    path, typed = FIELDS[field](house)
    session.commit()
    staff = house.who(field.partition(".")[0])
    enter(http, session, staff)
    posts_only = ("/reveal", "/reply", "/decline")
    form_page = path if not path.endswith(posts_only) else path.rpartition("/")[0]
    token = csrf_of(http.get(form_page))
    name = field.rpartition(".")[2]
    answer = http.post(path, data={"csrf_token": token, **typed, name: TYPED})
    assert answer.status_code == 422
    assert CardNumberTyped.message.split(".")[0] in answer.get_data(as_text=True)
    set_tenant(session, house.client.id)
    leaves = evidence.account_leaves(session, house.account)
    assert not any(CARD in str(leaf.payload) for leaf in leaves)
    tables = (
        "call_attempt",
        "note_template",
        "debtor",
        "correction",
        "call_session",
        "hold",
        "contact_preference",
        "thread_entry",
        "second_look",
        "staff_invitation",
    )
    for table in (*tables, "staff_event"):
        rows = session.execute(text(f"SELECT t::text FROM {table} t")).scalars()  # noqa: S608
        assert not any(CARD in row for row in rows), table
