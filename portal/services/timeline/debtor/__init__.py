"""What happened on an account, in the words of its debtor.

Debtors read whatever they did, whatever they got, and whatever changed what they owe or agreed to.
Names of staff, what staff noted, ids of rules, addresses and other people stay out.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from portal.models import Account
from portal.services.evidence import Entry
from portal.services.timeline.debtor import agreements, contact, money
from portal.services.timeline.debtor.telling import Around, Say, Telling, around, plainly
from portal.services.timeline.staff import OF_THE_CLIENT
from portal.services.timeline.wording import Words, remarks

WORDS = {**agreements.WORDS, **contact.WORDS, **money.WORDS}
"""For each type of leaf the sentence that says the least, and what says the rest of it."""

NOT_SHOWN = {
    "account.marked": "is told with the hold, the request or the address that follows from it",
    "account.mark_taken_back": "is told with the hold or the address that it ends",
    "balance.adjusted": "is told with the decision that it comes from",
    "balance.forgiven": "is told with the agreement or the decision that it comes from",
    "balance.owed_again": "is told with the payment that went back",
    "call.begun": "is told with how the call went",
    "call_session.opened": "is told with whether the answers matched",
    "call_session.wrapped_up": "is told with how the call went",
    "legal_hold.lifted": "may be about a case against somebody else, and changes nothing for them",
    "legal_hold.set": "may be about a case against somebody else, and changes nothing for them",
    "note.written": "is what staff noted for each other",
    "queue.assigned": "says who of us works on it",
    "queue.given_back": "says who of us works on it",
    "queue.taken": "says who of us works on it",
    "notice.closing": "is told with the message itself",
    "letter.printed": "is a step between two others that are told",
    **dict.fromkeys(
        ("second_look.approved", "second_look.asked", "second_look.declined")
        + ("second_look.withdrawn",),
        "is a step between staff, and what comes of it is told",
    ),
    **dict.fromkeys(OF_THE_CLIENT, "is about no one account, and on the client's own chain"),
}
"""The types of which a debtor reads nothing, each with the reason."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened, as its debtor reads it; ``remarks`` are marked sentences."""

    n: int
    at: datetime
    said: Words
    remarks: tuple[str, ...] = ()


OWN = """
SELECT json_agg(own.id) FROM (
  SELECT k.id FROM access_link k
  WHERE k.client_id = account.client_id AND k.debtor_id = account.debtor_id
  UNION ALL SELECT c.id FROM contact c
  WHERE c.client_id = account.client_id AND c.debtor_id = account.debtor_id
) AS own
"""
"""The ids of the links and addresses of an account's debtor, for ``happened``: SQL over it."""


def happened(account: Account, entries: Sequence[Entry], own: Collection[str]) -> Sequence[Line]:
    """What a debtor reads of the leaves of an account, newest first.

    ``own``: what ``OWN`` finds. A client may place an account anew with somebody else, as long as
    nothing but messages came of it: what was before that is theirs, and stays out.
    """
    mine = _since_it_is_theirs(account, entries, frozenset(own))
    others = around(mine)
    lines = (_line(entry, account, others) for entry in reversed(mine))
    return [line for line in lines if line is not None]


def _since_it_is_theirs(
    account: Account, entries: Sequence[Entry], own: frozenset[str]
) -> Sequence[Entry]:
    """The leaves after the last one that names another debtor, or a link or address of theirs."""
    theirs = str(account.debtor_id)
    for at in range(len(entries) - 1, -1, -1):
        payload = entries[at].payload
        named = (payload.get(name) for name in ("link", "contact"))
        foreign = any(isinstance(id, str) and id not in own for id in named)
        actor = payload.get("actor", {})
        if foreign or (actor.get("kind") == "debtor" and actor["id"] != theirs):
            return entries[at + 1 :]
    return entries


def _line(entry: Entry, account: Account, others: Around) -> Line | None:
    if entry.type not in WORDS:
        return None
    plain, say = WORDS[entry.type]
    telling = Telling(payload=entry.payload, account=account, around=others, plain=plain)
    said = _said(say, telling) if entry.payload else plainly(telling)
    return Line(entry.n, entry.at, said, remarks(entry)) if said else None


def _said(say: Say, telling: Telling) -> Words | None:
    """What a leaf says; the least of it where it was written before it said so much."""
    try:
        return say(telling)
    except KeyError:
        return plainly(telling)
