"""What happened on an account, in the words of the client who placed it.

Clients read of money, agreements and suggestions, and that messages went out or did not. What staff
noted and who they are, what a debtor wrote, and how to reach a debtor stay out.
"""

from collections.abc import Sequence

from portal.domain import N_
from portal.models import Account
from portal.services.evidence import Entry, Payload
from portal.services.timeline.asked import reviewed
from portal.services.timeline.staff import (
    ACTORS,
    GROUPS,
    OF_THE_CLIENT,
    Detail,
    Event,
    granted,
    wished,
)
from portal.services.timeline.staff import WORDS as STAFF
from portal.services.timeline.wording import Words, actor_of, filled, remarks

TITLES = {
    "account.recalled": N_("Taken back by you"),
    "hold.set": N_("Account held"),
    "hold.lifted": N_("Account no longer held"),
    "hold.moved": N_("End of a hold changed"),
    "message.suppressed": N_("Message not sent"),
    "thread.written": N_("Message between the debtor and us"),
}
"""Where a client reads another title than staff."""

LIKE_STAFF = (
    *("balance.adjusted", "balance.forgiven", "balance.owed_again"),
    *("acceptance", "arrangement.amended", "arrangement.broken", "arrangement.completed"),
    *("charge.blocked", "forgiveness.restored", "forgiveness.reversed"),
    *("export.made", "hold.set", "link.issued", "message.failed", "message.sent", "offers.shown"),
    *("payer_link.issued", "payer_link.revoked", "payment.charged_back"),
    *("payment.chargeback_reversed", "payment.dropped", "payment.expired", "payment.failed"),
    *("payment.processing", "payment.refund_failed", "payment.refunded", "payment.succeeded"),
    *("proposal.escalated", "proposal.expired", "letter.queued", "notice.given", "notice.missed"),
    *("proposal.escalated", "proposal.expired", "letter.queued", "message.bounced"),
    *("message.delivered", "arrangement.reopened"),
)
"""Where a client reads the same detail as staff: amounts, references, days, kinds of messages."""

BARE = (
    *("account.recalled", "arrangement.canceled", "arrangement.withdrawn", "call.logged"),
    *("authorization.granted", "authorization.revoked", "automatic.stopped"),
    *("call_session.matched", "call_session.not_matched"),
    "debtor.corrected",
    *("exception.resolved", "help.answered", "help.closed", "help.opened", "help.reopened"),
    *("help.withdrawn", "identity.failed", "identity.passed", "link.revoked"),
    *("thread.written", "esign.asked", "esign.consented", "esign.withdrawn"),
    *("notice.closing", "french.delivered", "language.wished"),
    *("second_look.approved", "second_look.asked", "second_look.declined"),
    "second_look.withdrawn",
)
"""Where a client reads that it happened, and nothing else: the rest are words that somebody typed,
how a person was known, and what they pay with.
"""

NOT_SHOWN = {
    "account.marked": "is told with the hold or the request that follows from it",
    "account.mark_taken_back": "is told with the hold or the request that ends with it",
    "call.begun": "is told with how the call went",
    **dict.fromkeys(
        ("call_session.opened", "call_session.wrapped_up"), "is told with how the call went"
    ),
    "contact.added": "is about how to reach the debtor",
    "contact.reopened": "is about how to reach the debtor",
    "contact.stopped": "is about how to reach the debtor",
    "contact.permitted": "is about how to reach the debtor",
    "preference.ended": "is about how to reach the debtor",
    "preference.stated": "is about how to reach the debtor",
    "debtor.language": "is about how to reach the debtor",
    "message.complained": "is about how to reach the debtor",
    "identity.unlocked": "is between the debtor, the member of staff and compliance",
    "charge.dealt_with": "is between the debtor and the member of staff",
    "lock_out.closed": "is between the debtor and the member of staff",
    "queue.assigned": "says who of us works on it",
    "queue.given_back": "says who of us works on it",
    "queue.taken": "says who of us works on it",
    "legal_hold.lifted": "is between compliance and the court that may ask for the record",
    "legal_hold.set": "is between compliance and the court that may ask for the record",
    "note.written": "is what staff noted",
    "staff.looked": "is between the debtor, the member of staff and compliance",
    "staff.read": "is between the debtor, the member of staff and compliance",
    "staff.revealed": "is between the debtor, the member of staff and compliance",
    **dict.fromkeys(OF_THE_CLIENT, "is about no one account, and on the client's own chain"),
}
"""The types of which a client reads nothing on an account, each with the reason."""


def _nothing(payload: Payload, account: Account) -> Words | None:
    return None


def _only(message: str, *names: str) -> Detail:
    """The sentence, filled with these values of the payload and no others."""

    def detail(payload: Payload, account: Account) -> Words | None:
        return filled(message, names, payload, account, GROUPS)

    return detail


DETAILS: dict[str, Detail] = {
    **{type: STAFF[type][1] for type in LIKE_STAFF},
    **dict.fromkeys(BARE, _nothing),
    "hold.moved": _only(N_("%(kind)s"), "kind"),
    "hold.lifted": _only(N_("%(kind)s"), "kind"),
    **dict.fromkeys(
        ("letter.printed", "letter.put_back", "letter.sent"),
        _only(N_("“%(template)s”"), "template"),
    ),
    "message.suppressed": _only(N_("“%(template)s”, %(channel)s"), "template", "channel"),
    "payment.returned": _only(N_("%(reference)s: %(amount_cents)s"), "reference", "amount_cents"),
    "proposal.accepted": granted,
    "proposal.closed": _only(N_("%(reference)s"), "reference"),
    "proposal.countered": granted,
    "proposal.declined": _only(N_("%(reference)s"), "reference"),
    "proposal.submitted": wished,
    "proposal.withdrawn": _only(N_("%(reference)s"), "reference"),
    "terms.reviewed": reviewed,
    "refund.asked": _only(N_("%(reference)s: %(amount_cents)s"), *("reference", "amount_cents")),
}
"""For each type that a client reads, what of the payload."""


def for_client(account: Account, entries: Sequence[Entry]) -> Sequence[Event]:
    """What a client reads of the leaves of an account, newest first; staff have no names in it."""
    return [_event(entry, account) for entry in reversed(entries) if entry.type in DETAILS]


def _event(entry: Entry, account: Account) -> Event:
    title = TITLES.get(entry.type) or STAFF[entry.type][0]
    said = DETAILS[entry.type](entry.payload, account) if entry.payload else None
    actor = ACTORS[actor_of(entry.payload)]
    return Event(entry.n, entry.type, entry.at, actor, title, said, remarks(entry))
