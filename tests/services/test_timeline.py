"""Every leaf reads as words in each view: no type of the code is without a decision."""

import ast
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from portal.domain.deliveries import TOLD
from portal.domain.holds import HoldKind
from portal.domain.outgoing import TEMPLATES, TEXT_ANSWER
from portal.i18n import voice
from portal.models import Account
from portal.services.evidence import STRIPE, SYSTEM, Entry
from portal.services.ledger import LEAVES
from portal.services.openings import TYPE as OPENED
from portal.services.timeline import WORDS, Words, client, debtor
from portal.services.timeline.client import for_client
from portal.services.timeline.compliance import compliance
from portal.services.timeline.debtor import contact, happened
from portal.services.timeline.staff import timeline

SERVICES = Path(__file__).parents[2] / "portal" / "services"
RECORDERS = {
    *("record", "_record", "record_money", "_tell", "tell", "tell_accounts", "set_hold"),
    "_tell_consent",
}
DYNAMIC = {
    "client.branding_changed",
    *(f"policy.draft_{what}" for what in ("discarded", "put_back", "saved")),
    *("policy.approved", "policy.sent_back"),
    *(f"message.{fate}" for fate in TOLD),
    *(f"authorization.{status}" for status in ("granted", "revoked")),
    *(f"placement.{status}" for status in ("completed", "interrupted")),
    *(f"proposal.{s}" for s in ("accepted", "countered", "declined", "expired", "submitted")),
    *("proposal.closed", "proposal.escalated", "proposal.withdrawn"),
    "debtor.corrected",
    *("note.written", "account.marked", "account.mark_taken_back"),
    "payment.charged_back",
    "payment.chargeback_reversed",
    *LEAVES.values(),
    OPENED,
}


def told() -> set[str]:
    """Every type that a recorder is called with as a literal, and those put together."""
    found = set(DYNAMIC)
    for path in SERVICES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            name = getattr(node, "func", None)
            called = getattr(name, "attr", getattr(name, "id", ""))
            if isinstance(node, ast.Call) and called in RECORDERS:
                values = [*node.args, *(k.value for k in node.keywords if k.arg == "type")]
                found |= {
                    one.value
                    for one in values
                    if isinstance(one, ast.Constant)
                    and isinstance(one.value, str)
                    and one.value.count(".") == 1
                }
    return found


NOW = datetime(2026, 11, 23, 17, 5, 9, 123000, tzinfo=UTC)
DANA = {"kind": "debtor", "id": "0199d5f0-0000-7000-8000-00000000da7a"}
SAM = {"kind": "staff", "id": "0199d5f0-0000-7000-8000-0000000005a4"}
VIEWS: dict[str, tuple[Mapping[str, Any], Mapping[str, str]]] = {
    "client": (client.DETAILS, client.NOT_SHOWN),
    "debtor": (debtor.WORDS, debtor.NOT_SHOWN),
}
NOTE = "Sam thinks that she drinks"
TERMS = {
    "kind": "plan",
    "total_cents": 600_00,
    "currency": "USD",
    "schedule": [
        {"n": n, "due_on": f"2026-12-{n:02}", "amount_cents": 100_00} for n in range(1, 7)
    ],
    "valid_until": "2026-12-15",
}
AT_ONCE = TERMS | {"kind": "settlement", "schedule": TERMS["schedule"][:1]}  # type: ignore[index]
PAID = {"payment": "p-1", "reference": "HR-7K2M-91", "amount_cents": 50_00, "currency": "USD"}
OWED = {**PAID, "balance_cents": 550_00}
CARD = {"method": {"brand": "visa", "last4": "4242"}, "cap_cents": 600_00}
AGREED = {"reference": "HR-7K2M-91"}
MAIL = {"template": "receipt", "channel": "email"}
ASKED = {"request": "q-1", "topic": "already-paid", "promised_on": "2026-11-27"}
BY_HAND = {"link": "l-1", "channel": "letter"}
OWN = ("l-1", "c-1")
OFFER = {"total_cents": 868_00, "valid_until": "2026-12-15"}


SPOKEN: dict[str, Any] = {"actor": SAM, "assent": {"call_session": "s-1"}}


def dana() -> Account:
    """Dana's account, as it stands in no database."""
    debtor_id = UUID(DANA["id"])
    return Account(currency="USD", current_creditor="Northgate Energy", debtor_id=debtor_id)


def entry(type: str, payload: dict[str, Any] | None = None, n: int = 0, **more: Any) -> Entry:
    """A leaf as it is read back; without a payload it was erased."""
    said = {"actor": SYSTEM, "type": type, "v": 1, **payload, **more} if payload is not None else {}
    return Entry(n, type, NOW + timedelta(minutes=n), f"{n:064x}", said)


def english(words: Words | None) -> str:
    """What somebody reads."""
    if words is None:
        return ""
    speaker = voice("en_US")
    said = {
        name: english(value) if isinstance(value, Words) else speaker.spell(value)
        for name, value in words.params.items()
    }
    return speaker.gettext(words.message, **said)


def read(*entries: Entry) -> list[str]:
    """What the debtor reads of these leaves, newest first."""
    return [english(line.said) for line in happened(dana(), entries, OWN)]


def test_every_type_of_leaf_has_words():
    assert {"hold.set", "link.issued", "payment.succeeded"} <= told()
    assert told() - WORDS.keys() == set()


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_decides_on_every_type_of_leaf(view: str):
    """A new type is shown in words of the view's own, or not shown, because."""
    shown, hidden = VIEWS[view]
    assert shown.keys() | hidden.keys() == WORDS.keys()
    assert shown.keys() & hidden.keys() == set()
    assert all(hidden.values())


def test_debtors_have_words_for_every_kind_of_message_and_hold():
    assert contact.TEMPLATES.keys() == {*TEMPLATES, TEXT_ANSWER.name}
    assert contact.HELD.keys() == {str(kind) for kind in HoldKind}


SENTENCES = [
    (
        "acceptance",
        {"terms": TERMS, **AGREED},
        "You agreed to pay $600.00 in 6 payments (HR-7K2M-91).",
    ),
    (
        "acceptance",
        {"terms": AT_ONCE, **AGREED},
        "You agreed to pay $600.00 in one payment to close the account (HR-7K2M-91).",
    ),
    (
        "account.recalled",
        {"actor": SAM},
        "Northgate Energy took this account back. It is not with us any more.",
    ),
    (
        "arrangement.amended",
        {**AGREED, "balance_cents": 300_00},
        "Less was owed, so your agreement HR-7K2M-91 got smaller. After that, $300.00 was left.",
    ),
    (
        "arrangement.amended",
        {**AGREED, "actor": DANA, "kind": "moved", "from_on": "2026-12-14", "to_on": "2026-12-20"},
        "You moved your payment of December 14, 2026 to December 20, 2026 (HR-7K2M-91).",
    ),
    (
        "arrangement.amended",
        {
            **AGREED,
            "actor": DANA,
            "kind": "skipped",
            "from_on": "2026-12-14",
            "to_on": "2027-03-14",
        },
        "You skipped your payment of December 14, 2026. You pay it on March 14, 2027 (HR-7K2M-91).",
    ),
    (
        "arrangement.amended",
        {**AGREED, "actor": DANA, "kind": "lowered", "amount_cents": 50_00},
        "You paid $50.00 extra, so your next payments are smaller (HR-7K2M-91).",
    ),
    (
        "arrangement.canceled",
        {**AGREED, "actor": DANA, "reason": "debtor_canceled"},
        "You ended your agreement HR-7K2M-91. Nothing more is taken for it.",
    ),
    (
        "arrangement.completed",
        {**AGREED, "forgiven_cents": 372_00},
        "You paid all that we agreed (HR-7K2M-91). Thank you. You do not have to pay the other"
        " $372.00.",
    ),
    (
        "arrangement.withdrawn",
        {**AGREED, "actor": DANA, "reason": "withdrawn"},
        "You took your agreement HR-7K2M-91 back. Nothing was taken.",
    ),
    (
        "arrangement.withdrawn",
        {**AGREED, "reason": "expired"},
        "Your agreement HR-7K2M-91 ended, because no first payment came in time. Nothing was"
        " taken.",
    ),
    (
        "authorization.granted",
        {"actor": STRIPE, **CARD},
        "You allowed automatic payments from Visa ending 4242, at most $600.00 in all.",
    ),
    (
        "authorization.granted",
        {"actor": STRIPE, "cap_cents": 600_00},
        "You allowed automatic payments from the bank account that you saved, at most $600.00 in"
        " all.",
    ),
    (
        "authorization.revoked",
        {"actor": STRIPE, **CARD, "reason": "chargeback"},
        "We take no more automatic payments from Visa ending 4242. Your bank had taken a payment"
        " back.",
    ),
    (
        "automatic.stopped",
        {"actor": DANA},
        "You stopped automatic payments. Nothing more is taken without you.",
    ),
    (
        "call.logged",
        {"actor": SAM, "call": "k-1", "outcome": "voicemail", "note": NOTE},
        "We called you and left a message that says nothing of what you owe.",
    ),
    (
        "call.logged",
        {"actor": SAM, "call": "k-2", "outcome": "conversation", "ground": "theirs", "note": NOTE},
        "You called us, and we spoke with you.",
    ),
    ("contact.added", {"actor": DANA, "channel": "email"}, "You gave us an email address."),
    (
        "contact.stopped",
        {"kind": "wrong_person"},
        "Somebody told us that one of your addresses is not yours. We stopped writing to it.",
    ),
    (
        "exception.resolved",
        {"actor": SAM, "decision": "apply", "reason": NOTE, "balance_cents": 100_00},
        "Northgate Energy changed the amount. After that, $100.00 was left.",
    ),
    (
        "exception.resolved",
        {"actor": SAM, "decision": "write_off", "reason": NOTE, "balance_cents": 0},
        "The rest was too little to pay. You do not have to pay it.",
    ),
    (
        "help.opened",
        {"actor": DANA, **ASKED},
        "You asked us for help: I already paid. We said that we answer by November 27, 2026.",
    ),
    (
        "help.opened",
        {**ASKED, "topic": "call_back"},
        "Somebody with your link asked us to call. We said that we call by November 27, 2026.",
    ),
    (
        "hold.set",
        {"actor": SAM, "kind": "dispute", "evidence": NOTE},
        "You told us that something is not right. We began to check it.",
    ),
    (
        "hold.lifted",
        {"actor": SAM, "kind": "dispute", "reason": NOTE},
        "We finished our check. The account goes on as before.",
    ),
    (
        "identity.failed",
        {"left": 3},
        "Somebody tried to open this page and did not pass the check.",
    ),
    (
        "identity.passed",
        {"actor": DANA, "method": "code:sms+postal_code"},
        "This page was opened with a code that we had sent you.",
    ),
    ("link.issued", BY_HAND, "We made a link to this page for you, for a letter or the phone."),
    ("message.sent", MAIL, "We sent you an email with a receipt."),
    (
        "message.sent",
        {"template": "link", "channel": "sms"},
        "We sent you a text with a link to this page.",
    ),
    ("message.failed", MAIL, "An email to you did not arrive: a receipt."),
    ("message.delivered", MAIL, "Our email to you was delivered: a receipt."),
    (
        "message.bounced",
        MAIL,
        "Our email to you came back: a receipt. Nobody gets messages at that address.",
    ),
    (
        "message.suppressed",
        {**MAIL, "rule": "CT-05"},
        "We did not send you this message: a receipt. We had written to you often enough.",
    ),
    (
        "offers.shown",
        {"offers": [OFFER]},
        "We offered to close the account for $868.00. The last day for it: December 15, 2026.",
    ),
    (
        "offers.shown",
        {"offers": [OFFER, OFFER | {"total_cents": 930_00}]},
        "We made you 2 offers to close the account. The lowest was $868.00. The last day for it:"
        " December 15, 2026.",
    ),
    (
        "payer_link.issued",
        {"actor": DANA, **PAID},
        "You asked somebody else to pay $50.00 (HR-7K2M-91).",
    ),
    (
        "payer_link.issued",
        {"actor": SAM, **PAID},
        "We sent you a page to pay $50.00 (HR-7K2M-91), as you asked.",
    ),
    (
        "payment.succeeded",
        {"actor": STRIPE, **OWED},
        "We received your payment of $50.00 (HR-7K2M-91). After that, $550.00 was left.",
    ),
    (
        "payment.succeeded",
        {"actor": STRIPE, **OWED, "balance_cents": 0, "payer_link": "y-1"},
        "Somebody you asked paid $50.00 (HR-7K2M-91). After that, nothing was left to pay.",
    ),
    (
        "payment.failed",
        {"actor": STRIPE, **OWED, "purpose": "method", "amount_cents": 0},
        "Your card or bank account was not saved. Nothing was taken.",
    ),
    (
        "payment.refunded",
        {"actor": STRIPE, **OWED, "cause": "staff"},
        "We sent $50.00 back to you. After that, $550.00 was left.",
    ),
    (
        "proposal.countered",
        {"actor": SAM, **AGREED, "terms": TERMS},
        "We answered your suggestion HR-7K2M-91: $600.00 in 6 payments from December 1, 2026. The"
        " last day to agree: December 15, 2026.",
    ),
    (
        "proposal.accepted",
        {**AGREED, "terms": TERMS, "reason": "nobody_answered"},
        "We said yes to your suggestion HR-7K2M-91. The last day to agree: December 15, 2026. No"
        " person had answered in time, so our computer did.",
    ),
    (
        "proposal.closed",
        {**AGREED, "reason": "nothing_owed"},
        "Your suggestion HR-7K2M-91 was closed. Nothing was owed any more, so nobody needs to"
        " answer it.",
    ),
    (
        "proposal.submitted",
        {"actor": DANA, **AGREED, "wish": {"amount_cents": 40_00}, "balance_cents": 600_00},
        "You suggested this: $600.00 in all, $40.00 at a time (HR-7K2M-91).",
    ),
    (
        "refund.asked",
        {"actor": SAM, **PAID, "reason": NOTE},
        "We decided to send back $50.00 of the payment HR-7K2M-91.",
    ),
    (
        "staff.revealed",
        {"actor": SAM, "reason": NOTE},
        "Somebody who works for us looked at your personal details, and wrote down why.",
    ),
    (
        "staff.read",
        {"actor": SAM, "reason": NOTE},
        "Somebody who works for us read the record of your account, and wrote down why.",
    ),
    (
        "call_session.matched",
        {"actor": SAM, "call_session": "s-1", "method": "date_of_birth", "attempts": 1},
        "Somebody answered our questions on the telephone, so we spoke with them as with you.",
    ),
    (
        "call_session.not_matched",
        {"actor": SAM, "call_session": "s-1", "left": 4},
        "Somebody could not answer our questions on the telephone. We told them nothing.",
    ),
    ("thread.written", {"actor": SAM, "body": NOTE}, "We wrote to you."),
    ("thread.written", {"actor": DANA, "body": NOTE, "channel": "sms"}, "You sent us a text."),
    (
        "thread.written",
        {"actor": SAM, "body": NOTE, "channel": "letter", "received_on": "2026-11-20"},
        "We took down what your letter of November 20, 2026 says.",
    ),
    (
        "help.opened",
        {"actor": SAM, **ASKED, "by": "letter", "received_on": "2026-11-20"},
        "Your letter of November 20, 2026, which we took down: I already paid. We said that we"
        " answer by November 27, 2026.",
    ),
    (
        "terms.reviewed",
        {"actor": SAM, "call_session": "s-1"},
        "We read you every date and amount on the telephone.",
    ),
    (
        "arrangement.amended",
        {**AGREED, **SPOKEN, "kind": "moved", "from_on": "2026-12-14", "to_on": "2026-12-20"},
        "By telephone with somebody who works for us, you moved your payment of December 14, 2026"
        " to December 20, 2026 (HR-7K2M-91).",
    ),
    (
        "arrangement.amended",
        {**AGREED, **SPOKEN, "kind": "skipped", "from_on": "2026-12-14", "to_on": "2027-03-14"},
        "By telephone with somebody who works for us, you skipped your payment of December 14,"
        " 2026. You pay it on March 14, 2027 (HR-7K2M-91).",
    ),
    (
        "arrangement.amended",
        {**AGREED, "actor": SAM, "kind": "paused", "to_on": "2027-03-14"},
        "We let your plan rest. The last payment is now on March 14, 2027 (HR-7K2M-91).",
    ),
]


@pytest.mark.parametrize(("type", "payload", "sentence"), SENTENCES)
def test_a_debtor_reads_what_happened_in_their_own_words(
    type: str, payload: dict[str, Any], sentence: str
):
    assert read(entry(type, payload)) == [sentence]


@pytest.mark.parametrize("type", sorted(debtor.WORDS))
def test_a_leaf_that_says_less_than_today_s_still_reads_as_a_sentence(type: str):
    for said in read(entry(type, {})):
        assert said.endswith(".")
        assert "%" not in said


@pytest.mark.parametrize(
    ("type", "payload"),
    [
        ("authorization.revoked", {"actor": DANA, **CARD, "reason": "stopped"}),
        ("exception.resolved", {"actor": SAM, "decision": "close", "reason": NOTE}),
        ("help.opened", {**ASKED, "topic": "text"}),
        ("link.issued", {"link": "l-1", "channel": "sms"}),
        ("payment.expired", {"actor": STRIPE, **OWED, "payer_link": "y-1"}),
        ("policy.published", {"actor": SAM, "version": 2}),
        ("campaign.sent", {"goes": 1, "later": 0}),
        ("something.new", {}),
    ],
)
def test_a_debtor_reads_nothing_that_another_line_says_or_that_is_somebody_else_s(
    type: str, payload: dict[str, Any]
):
    assert read(entry(type, payload)) == []


@pytest.mark.parametrize("kind", ["bankruptcy", "deceased", "minor", "wrong_person"])
def test_a_hold_that_may_be_about_a_death_does_not_say_so(kind: str):
    assert read(entry("hold.set", {"actor": SAM, "kind": kind})) == [
        "We closed this account for a time, to check something."
    ]


@pytest.mark.parametrize("rule", ["CT-08", "DH-06", "DH-01", "TB-02", "EC-99"])
def test_why_a_message_was_held_back_names_no_rule_and_no_hold(rule: str):
    [said] = read(entry("message.suppressed", {**MAIL, "rule": rule}))
    assert said.endswith("We were not allowed to write to you about this account then.")
    assert rule not in said


def test_what_somebody_else_paid_goes_back_to_them_in_words():
    paid = entry("payment.succeeded", {"actor": STRIPE, **OWED, "payer_link": "y-1"})
    back = entry("payment.refunded", {"actor": STRIPE, **OWED}, n=1)
    assert read(paid, back)[0].startswith("We sent $50.00 back to the person you had asked to pay.")


@pytest.mark.parametrize(
    "before",
    [
        entry("link.revoked", {"link": "l-0", "reason": "account_moved"}, n=1),
        entry("message.sent", {**MAIL, "contact": "c-0"}, n=1),
        entry("identity.failed", {"link": "l-0", "left": 4}, n=1),
        entry("debtor.language", {"actor": {"kind": "debtor", "id": str(UUID(int=1))}}, n=1),
    ],
)
def test_what_was_before_the_account_was_placed_with_this_debtor_is_not_theirs(before: Entry):
    """A third party may not learn that we wrote to somebody about a debt (15 USC 1692c(b))."""
    letter = entry("message.sent", MAIL)
    mine = entry("message.sent", {**MAIL, "contact": "c-1"}, n=2)
    assert read(letter, before, mine) == ["We sent you an email with a receipt."]
    assert len(read(letter, mine)) == 2


def test_an_answer_says_what_had_been_asked():
    opened = entry("help.opened", {"actor": DANA, **ASKED})
    answered = entry("help.answered", {"actor": SAM, "request": "q-1"}, n=1)
    unclear = entry("help.opened", {**ASKED, "request": "q-2", "topic": "text"}, n=2)
    closed = entry("help.closed", {"actor": SAM, "request": "q-2", "reason": NOTE}, n=3)
    assert read(opened, answered, unclear, closed)[0] == (
        "We answered what you had asked: I already paid."
    )
    assert read(entry("help.opened"), answered) == [
        "We answered you.",
        "There was a request for help.",
    ]


def samples() -> list[Entry]:
    """A leaf of every kind that the sentences above are about."""
    return [entry(type, payload, n) for n, (type, payload, _said) in enumerate(SENTENCES)]


def test_what_staff_note_about_a_debtor_is_read_by_no_debtor_and_no_client():
    seen = [english(event.detail) for event in for_client(dana(), samples())]
    assert NOTE not in " ".join([*read(*samples()), *seen])


def test_a_client_reads_of_money_and_agreements_and_not_how_to_reach_or_know_a_debtor():
    events = {event.type: event for event in for_client(dana(), samples())}
    assert english(events["acceptance"].detail) == "$600.00 in 6 payments."
    assert english(events["payment.refunded"].detail) == "$50.00"
    assert english(events["message.sent"].detail) == "“Receipt”, E-mail"
    assert events["message.suppressed"].title == "Message not sent"
    assert events["refund.asked"].actor == "Staff"
    assert english(events["identity.passed"].detail) == ""
    assert english(events["authorization.granted"].detail) == ""
    assert not {"contact.added", "staff.revealed", "contact.stopped"} & events.keys()


def test_compliance_reads_every_leaf_in_the_order_of_the_chain():
    rows = compliance([*samples(), entry("something.new", {}, n=99)])
    assert [row.n for row in rows] == [*range(len(SENTENCES)), 99]
    assert rows[0].at == "2026-11-23T17:05:09.123Z"
    assert (rows[0].type, rows[0].title, rows[0].hash) == ("acceptance", "Agreed", "0" * 12)
    assert rows[0].actor == "system portal"
    assert rows[2].actor == f"staff {SAM['id']}"
    assert rows[-1].title == "Something was recorded"


def remarks(one: Entry) -> list[tuple[str, ...]]:
    """What each view says beside a leaf that no member of staff wrote."""
    nobody: Any = None
    views = (timeline(nobody, dana(), [one]), for_client(dana(), [one]), compliance([one]))
    return [line.remarks for lines in (*views, happened(dana(), [one], OWN)) for line in lines]


@pytest.mark.parametrize(("seconds", "told"), [({"held_s": 60}, True), ({"held_s": 59}, False)])
def test_only_auditors_read_that_the_clock_had_been_set_back(seconds: dict[str, int], told: bool):
    """An act that waited for another one's lock is held by seconds, and no clock was wrong."""
    leaf = entry("payment.succeeded", {"actor": STRIPE, **OWED, "clock_held": True, **seconds})
    staff, client, auditors, debtor = remarks(leaf)
    said = "The clock had been set back, so this has the time of the entry before it."
    assert auditors == ((said,) if told else ())
    assert staff == client == debtor == ()


@pytest.mark.parametrize("type", sorted(WORDS))
def test_every_view_says_of_an_erased_leaf_that_it_was_erased(type: str):
    said = remarks(entry(type))
    assert set(said) == {("What it said was erased.",)}
    assert len(said) == 2 + (type in client.DETAILS) + (type in debtor.WORDS)
