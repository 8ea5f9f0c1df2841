"""Every leaf of an account in words that staff read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce
from uuid import UUID

from sqlalchemy.orm import Session

from portal.domain import N_, labels
from portal.domain.brands import brand_name
from portal.domain.outgoing import reason_of
from portal.models import Account
from portal.services.evidence import Entry, Payload
from portal.services.staff import names_of
from portal.services.timeline.asked import asked, reviewed, written
from portal.services.timeline.calls import begun, logged, wrapped_up
from portal.services.timeline.changes import amended
from portal.services.timeline.marks import WORDS as MARKS
from portal.services.timeline.plain import PLAIN
from portal.services.timeline.wishes import wanted
from portal.services.timeline.wording import ERASED_ACTOR, Groups, Words, actor_of, filled, remarks

GROUPS: Groups = {
    "kind": {**labels.HOLDS, **labels.STOPS},
    "topic": labels.TOPICS,
    "channel": labels.CHANNELS,
    "template": labels.TEMPLATES,
    "reason": labels.REASONS,
}
"""Where the words for codes are that services write; what people typed stays as it is."""


@dataclass(frozen=True, slots=True)
class Event:
    """One line: when, who, what happened, and the detail that the leaf keeps.

    ``actor`` is the name of a member of staff, or a marked word for anybody else. ``remarks`` are
    marked sentences: that the detail was erased.
    """

    n: int
    type: str
    at: datetime
    actor: str
    title: str
    detail: Words | None
    remarks: tuple[str, ...] = ()


Detail = Callable[[Payload, Account], Words | None]

ACTORS = {
    "debtor": N_("The debtor"),
    "system": N_("The portal"),
    "stripe": N_("Stripe"),
    "client": N_("The client"),
    "staff": N_("Staff"),
    ERASED_ACTOR: N_("Not known any more"),
}


def timeline(session: Session, account: Account, entries: Sequence[Entry]) -> Sequence[Event]:
    """What happened on an account, newest first, from its leaves."""
    by = [_staff_id(entry.payload) for entry in entries]
    names = names_of(session, [one for one in by if one])
    return [
        _event(entry, account, names.get(one) if one else None)
        for entry, one in zip(reversed(entries), reversed(by), strict=True)
    ]


def _staff_id(payload: Payload) -> UUID | None:
    actor = payload.get("actor", {})
    return UUID(actor["id"]) if actor.get("kind") == "staff" else None


def _event(entry: Entry, account: Account, name: str | None) -> Event:
    title, detail = WORDS.get(entry.type, UNKNOWN)
    said = detail(entry.payload, account) if entry.payload else None
    actor = name or ACTORS[actor_of(entry.payload)]
    return Event(entry.n, entry.type, entry.at, actor, title, said, remarks(entry))


def _nothing(payload: Payload, account: Account) -> Words | None:
    return None


def _as(message: str, *names: str) -> Detail:
    """The sentence, filled with the payload's own values; nothing where one is missing."""

    def detail(payload: Payload, account: Account) -> Words | None:
        return filled(message, names, payload, account, GROUPS)

    return detail


def _terms(at_once: str, in_parts: str) -> Detail:
    """The total of the terms that a payload carries, and how many payments there are."""

    def detail(payload: Payload, account: Account) -> Words | None:
        terms = payload.get("terms")
        if not terms:
            return None
        total, parts = (terms["total_cents"], terms["currency"]), len(terms["schedule"])
        return Words(at_once if parts == 1 else in_parts, {"total": total, "parts": parts})

    return detail


def _offers(payload: Payload, account: Account) -> Words:
    """The cheapest of the settlements that could be seen, and its last day."""
    least = min(payload["offers"], key=lambda one: (one["total_cents"], one["valid_until"]))
    total = (least["total_cents"], account.currency)
    day = date.fromisoformat(least["valid_until"])
    return Words(N_("%(total)s until %(day)s, or more."), {"total": total, "day": day})


def _method(payload: Payload, account: Account) -> Words | None:
    method = payload.get("method")
    if not method:
        return _as(_REASON, "reason")(payload, account)
    brand = brand_name(str(method["brand"]))
    return Words(N_("%(brand)s ending in %(last4)s."), {**method, "brand": brand})


def _identity(payload: Payload, account: Account) -> Words | None:
    parts = str(payload.get("method", "")).split("+")
    said = [Words(labels.IDENTITY.get(part, part), {}) for part in parts]
    return reduce(lambda one, two: Words(_AND, {"one": one, "two": two}), said)


def _held(payload: Payload, account: Account) -> Words | None:
    rule = str(payload.get("rule", ""))
    law = N_("“%(template)s”, %(channel)s. %(why)s (%(rule)s)")
    ours = N_("“%(template)s”, %(channel)s. %(why)s")
    said = _as(law if "-" in rule else ours, "template", "channel")(payload, account)
    why = {"why": Words(reason_of(rule), {}), "rule": rule}
    return Words(said.message, {**said.params, **why}) if said else None


def wished(payload: Payload, account: Account) -> Words:
    """What a debtor suggested, without the note that they wrote beside it."""
    wish = payload.get("wish", {})
    total = (wish.get("total_cents", payload["balance_cents"]), account.currency)
    part = (wish.get("amount_cents", total[0]), account.currency)
    return Words(
        N_("%(reference)s: %(total)s in payments of %(part)s."),
        {"reference": payload["reference"], "total": total, "part": part},
    )


def _wish(payload: Payload, account: Account) -> Words:
    note = payload.get("note")
    said = wished(payload, account)
    return Words(N_("%(said)s %(note)s"), {"said": said, "note": note}) if note else said


def _received(payload: Payload, account: Account) -> Words | None:
    by_payer = "payer_link" in payload
    message = N_("%(reference)s: %(amount_cents)s, from somebody the debtor asked.")
    return _as(message if by_payer else _PAID, "reference", "amount_cents")(payload, account)


def granted(payload: Payload, account: Account) -> Words | None:
    """The granted terms from their first day to the last one to agree; None without terms."""
    terms = payload.get("terms")
    if not terms:
        return None
    parts = len(terms["schedule"])
    return Words(
        _AT_ONCE if parts == 1 else _IN_PARTS,
        {
            "reference": payload["reference"],
            "total": (terms["total_cents"], terms["currency"]),
            "parts": parts,
            "first_on": date.fromisoformat(terms["schedule"][0]["due_on"]),
            "until": date.fromisoformat(terms["valid_until"]),
        },
    )


def _answered(payload: Payload, account: Account) -> Words | None:
    """What was granted, and why nobody gave it."""
    said, why = granted(payload, account), _as(_REASON, "reason")(payload, account)
    if not said or not why:
        return said or why
    return Words(N_("%(said)s %(why)s"), {"said": said, "why": why})


def _withdrawn(payload: Payload, account: Account) -> Words | None:
    replaced = N_("%(reference)s, and another one takes its place.")
    return _as(replaced if payload.get("replaced") else _REFERENCE, "reference")(payload, account)


_AND = N_("%(one)s, %(two)s")
_REASON = N_("Reason: %(reason)s")
_AMOUNT = N_("%(amount_cents)s")
_PAID = N_("%(reference)s: %(amount_cents)s")
_REFERENCE = N_("%(reference)s")
_RECORDS = N_("%(records)s records.")
_CHANNEL = N_("%(channel)s")
_MESSAGE = N_("“%(template)s”, %(channel)s")
_LETTER = N_("“%(template)s”, batch %(batch)s")
_AT_ONCE = N_(
    "%(reference)s: %(total)s in one payment on %(first_on)s. The debtor can agree until %(until)s."
)
_IN_PARTS = N_(
    "%(reference)s: %(total)s in %(parts)s payments from %(first_on)s."
    " The debtor can agree until %(until)s."
)


WORDS: dict[str, tuple[str, Detail]] = {
    **MARKS,
    "acceptance": (
        N_("Agreed"),
        _terms(N_("%(total)s in one payment."), N_("%(total)s in %(parts)s payments.")),
    ),
    "alarm.cleared": (N_("Alarm about the record dealt with"), _as(_REASON, "reason")),
    "alarm.raised": (
        N_("The record does not hold"),
        _as(N_("%(invariant)s: %(place)s"), "invariant", "place"),
    ),
    "arrangement.amended": (N_("Plan changed"), amended),
    "arrangement.broken": (
        N_("Agreement ended, because it was not paid"),
        _as(N_("It could be kept until %(until_on)s."), "until_on"),
    ),
    "arrangement.canceled": (N_("Agreement canceled"), _as(_REASON, "reason")),
    "arrangement.completed": (N_("Agreement fulfilled"), _as(_REFERENCE, "reference")),
    "authorization.granted": (N_("Automatic payments allowed"), _method),
    "authorization.revoked": (N_("Automatic payments ended"), _method),
    "balance.adjusted": (N_("Amount changed"), _as(_AMOUNT, "amount_cents")),
    "balance.forgiven": (N_("A part is not owed any more"), _as(_AMOUNT, "amount_cents")),
    "balance.owed_again": (N_("A part is owed again"), _as(_AMOUNT, "amount_cents")),
    "call.begun": (N_("Call begun"), begun),
    "call.logged": (N_("Telephone call"), logged),
    "call_session.wrapped_up": (N_("Call wrapped up"), wrapped_up),
    **{
        type: (title, _as(message, *names) if message else _nothing)
        for type, (title, message, *names) in PLAIN.items()
    },
    "contact.added": (N_("Address added"), _as(_CHANNEL, "channel")),
    "contact.reopened": (N_("Address opened again"), _as(N_("It was: %(kind)s."), "kind")),
    "contact.stopped": (N_("Address closed"), _as(N_("%(kind)s"), "kind")),
    "contact.permitted": (N_("Permission for an address"), _as(_CHANNEL, "channel")),
    "erasure": (
        N_("Record erased"),
        _as(N_("%(leaves)s leaves, %(documents)s documents."), "leaves", "documents"),
    ),
    "erasure.approved": (N_("Erasing of records approved"), _as(_RECORDS, "records")),
    "erasure.asked": (
        N_("Erasing of records asked for"),
        _as(N_("%(records)s records. Reason: %(reason)s"), "records", "reason"),
    ),
    "erasure.declined": (
        N_("Erasing of records declined"),
        _as(N_("%(records)s records. Reason: %(reason)s"), "records", "reason"),
    ),
    "exception.resolved": (N_("Question about money answered"), _as(_REASON, "reason")),
    "export.made": (N_("Proof of an agreement exported"), _as(_REFERENCE, "reference")),
    "forgiveness.restored": (
        N_("Settlement stands again"),
        _as(_PAID, "reference", "amount_cents"),
    ),
    "forgiveness.reversed": (
        N_("Settlement ended, because a payment went back"),
        _as(N_("%(reference)s: %(amount_cents)s is owed again."), "reference", "amount_cents"),
    ),
    "help.closed": (N_("Call or text dealt with"), _as(_REASON, "reason")),
    "help.opened": (N_("Asked for help"), asked),
    "hold.lifted": (
        N_("Hold lifted"),
        _as(N_("%(kind)s. Reason: %(reason)s"), "kind", "reason"),
    ),
    "hold.moved": (
        N_("End of a hold changed"),
        _as(N_("%(kind)s. Reason: %(reason)s"), "kind", "reason"),
    ),
    "hold.set": (N_("Hold set"), _as(N_("%(kind)s"), "kind")),
    "identity.failed": (N_("Identity check not passed"), _as(N_("Tries left: %(left)s"), "left")),
    "identity.passed": (N_("Identity check passed"), _identity),
    "ledger.opened": (
        N_("Older movements of balances stated"),
        _as(N_("%(entries)s entries."), "entries"),
    ),
    "legal_hold.lifted": (N_("Legal hold lifted"), _as(_REASON, "reason")),
    "legal_hold.set": (
        N_("Legal hold set"),
        _as(N_("%(matter)s. Reason: %(reason)s"), "matter", "reason"),
    ),
    "letter.printed": (N_("Letter printed"), _as(_LETTER, "template", "batch")),
    "letter.put_back": (N_("Letter put back on the list"), _as(_LETTER, "template", "batch")),
    "letter.queued": (N_("Letter put on the list"), _as(N_("“%(template)s”"), "template")),
    "letter.sent": (N_("Letter sent"), _as(_LETTER, "template", "batch")),
    "letters.downloaded": (N_("Printed letters downloaded"), _as(N_("Batch %(batch)s."), "batch")),
    "link.issued": (N_("Link issued"), _as(_CHANNEL, "channel")),
    "link.revoked": (N_("Link revoked"), _as(_REASON, "reason")),
    "log.begun_anew": (N_("Log signed anew after a loss"), _as(_REASON, "reason")),
    "message.bounced": (N_("Message came back"), _as(_MESSAGE, "template", "channel")),
    "message.complained": (
        N_("Message reported as unwanted"),
        _as(_MESSAGE, "template", "channel"),
    ),
    "message.delivered": (N_("Message delivered"), _as(_MESSAGE, "template", "channel")),
    "message.failed": (N_("Message not delivered"), _as(_MESSAGE, "template", "channel")),
    "message.sent": (N_("Message sent"), _as(_MESSAGE, "template", "channel")),
    "message.suppressed": (N_("Message held back"), _held),
    "notice.given": (N_("First notice sent"), _as(N_("On %(sent_on)s."), "sent_on")),
    "notice.missed": (N_("First notice did not arrive"), _as(N_("On %(sent_on)s."), "sent_on")),
    "offers.shown": (N_("Settlements shown"), _offers),
    "payer_link.issued": (
        N_("Asked somebody else to pay"),
        _as(_PAID, "reference", "amount_cents"),
    ),
    "payer_link.revoked": (
        N_("Took back asking somebody else to pay"),
        _as(_PAID, "reference", "amount_cents"),
    ),
    "charge.blocked": (
        N_("Not taken: its notice did not leave in time (PY-07)"),
        _as(N_("%(amount_cents)s of %(due_on)s"), "amount_cents", "due_on"),
    ),
    "payment.charged_back": (N_("Payment charged back"), _as(_AMOUNT, "amount_cents")),
    "payment.chargeback_reversed": (N_("Chargeback reversed"), _as(_AMOUNT, "amount_cents")),
    "payment.dropped": (
        N_("Payment never began, nothing was taken"),
        _as(_PAID, "reference", "amount_cents"),
    ),
    "payment.expired": (
        N_("Payment page ran out, nothing was taken"),
        _as(_PAID, "reference", "amount_cents"),
    ),
    "payment.failed": (N_("Payment did not go through"), _as(_PAID, "reference", "amount_cents")),
    "payment.processing": (
        N_("Payment is on its way"),
        _as(_PAID, "reference", "amount_cents"),
    ),
    "payment.refund_failed": (N_("Refund came to nothing"), _as(_AMOUNT, "amount_cents")),
    "payment.refunded": (N_("Payment refunded"), _as(_AMOUNT, "amount_cents")),
    "payment.succeeded": (N_("Payment received"), _received),
    "placement.completed": (N_("File placed"), _as(N_("%(file_name)s"), "file_name")),
    "placement.interrupted": (
        N_("Placing a file was cut off"),
        _as(N_("%(file_name)s"), "file_name"),
    ),
    "policy.published": (
        N_("Offer limits published"),
        _as(N_("Version %(version)s."), "version"),
    ),
    "policy.rehearsed": (
        N_("Offer limits rehearsed"),
        _as(N_("%(accounts)s accounts, of which %(loses)s lose something."), "accounts", "loses"),
    ),
    "proposal.accepted": (N_("Proposal accepted"), _answered),
    "proposal.closed": (N_("Proposal closed"), _as(_REASON, "reason")),
    "proposal.countered": (N_("Proposal answered with other terms"), _answered),
    "proposal.declined": (N_("Proposal declined"), _as(_REASON, "reason")),
    "proposal.escalated": (
        N_("Proposal put before supervisors"),
        _as(N_("%(reference)s: an answer was promised by %(due_on)s."), "reference", "due_on"),
    ),
    "proposal.expired": (N_("Granted terms expired"), _as(_REFERENCE, "reference")),
    "proposal.submitted": (N_("Proposal made"), _wish),
    "proposal.withdrawn": (N_("Proposal taken back"), _withdrawn),
    "refund.asked": (
        N_("Refund asked for"),
        _as(
            N_("%(amount_cents)s of %(reference)s. Reason: %(reason)s"),
            *("amount_cents", "reference", "reason"),
        ),
    ),
    "preference.ended": (N_("Wish about contact ended"), wanted),
    "preference.stated": (N_("Wish about contact"), wanted),
    "staff.read": (N_("What the record says was read"), _as(_REASON, "reason")),
    "staff.revealed": (N_("Personal data looked at"), _as(_REASON, "reason")),
    "terms.reviewed": (N_("Looked at the exact terms"), reviewed),
    "thread.written": (N_("Message in the thread"), written),
}
"""For each type of leaf its title, and the sentence that its payload fills."""

UNKNOWN = (N_("Something was recorded"), _nothing)

_CLIENT_S = (
    *("alarm.", "campaign.", "client.", "erasure", "ledger.", "letters.", "log.", "placement."),
    "policy.",
)
OF_THE_CLIENT = tuple(type for type in WORDS if type.startswith(_CLIENT_S))
"""What is about no one account, and stands on the client's own chain."""
