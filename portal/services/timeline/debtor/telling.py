"""One leaf as it is told to its debtor, and the ways to fill a sentence with what it says."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from portal.domain import N_
from portal.models import Account
from portal.services.evidence import Entry, Payload
from portal.services.timeline.wording import Groups, Words, actor_of, filled


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What other leaves of the account say that one needs.

    ``topics``: of each request for help. ``by_others``: the payments of people whom the debtor
    asked to pay.
    """

    topics: Mapping[str, str]
    by_others: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What a leaf says, about which account, and the sentence that says the least of it."""

    payload: Payload
    account: Account
    around: Around
    plain: str

    @property
    def actor(self) -> str:
        """The kind of who acted."""
        return actor_of(self.payload)

    @property
    def by_phone(self) -> bool:
        """Whether staff did it for somebody who was on the telephone with them."""
        return "call_session" in {**self.payload, **self.payload.get("assent", {})}

    @property
    def by_letter(self) -> bool:
        """Whether staff copied it from a letter of the debtor."""
        return "received_on" in self.payload

    @property
    def by_other(self) -> bool:
        """Whether it is about a payment that somebody else made."""
        return self.payload.get("payment") in self.around.by_others

    def fill(self, message: str, *names: str, groups: Groups | None = None) -> Words:
        """The sentence with the payload's own values; the plain one where a value is missing."""
        said = filled(message, names, self.payload, self.account, groups or {})
        return said or Words(self.plain, {})

    def money(self, name: str) -> tuple[int, str]:
        """An amount of the payload, as a sentence takes it."""
        return self.payload[name], self.payload.get("currency", self.account.currency)


Say = Callable[[Telling], Words | None]
"""What a debtor reads of a leaf; None: nothing of it is for the debtor."""


def around(entries: Iterable[Entry]) -> Around:
    """What the leaves of an account say of each other."""
    entries = list(entries)
    return Around(
        topics={
            entry.payload["request"]: entry.payload["topic"]
            for entry in entries
            if entry.type == "help.opened" and "request" in entry.payload
        },
        by_others=frozenset(
            entry.payload["payment"]
            for entry in entries
            if "payer_link" in entry.payload and "payment" in entry.payload
        ),
    )


def plainly(it: Telling) -> Words:
    """The plain sentence, whatever else the leaf says."""
    return Words(it.plain, {})


def with_(message: str, *names: str) -> Say:
    """The sentence, filled with the payload's own values."""

    def say(it: Telling) -> Words:
        return it.fill(message, *names)

    return say


def mine(by_debtor: str, by_others: str, *names: str) -> Callable[[Telling], Words]:
    """One sentence for what the debtor did, another one for what somebody else did."""

    def say(it: Telling) -> Words:
        return it.fill(by_debtor if it.actor == "debtor" else by_others, *names)

    return say


def and_left(say: Say) -> Say:
    """The same, and what was left to pay after it."""

    def say_both(it: Telling) -> Words | None:
        said = say(it)
        if said is None or "balance_cents" not in it.payload:
            return said
        if it.payload["balance_cents"] <= 0:
            return Words(N_("%(said)s After that, nothing was left to pay."), {"said": said})
        left = it.money("balance_cents")
        return Words(N_("%(said)s After that, %(left)s was left."), {"said": said, "left": left})

    return say_both


def because(said: Words, why: str) -> Words:
    """The sentence, and a second one that says why."""
    return Words(N_("%(said)s %(why)s"), {"said": said, "why": Words(why, {})})
