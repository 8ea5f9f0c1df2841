"""What a diagnosis is made of: the facts of one account, and the shape of a cause."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from portal.domain import N_
from portal.domain.capabilities import Capabilities
from portal.domain.channels import Channel
from portal.domain.deliveries import Fate
from portal.domain.openings import Opener
from portal.domain.statuses import MessageStatus, PaymentStatus, ProposalStatus


class Source(StrEnum):
    """Where the evidence of a cause stands: the section of the account's page that has it."""

    ACCOUNT = "owed"
    PERSON = "person"
    MESSAGES = "messages"
    PAYMENTS = "payments"
    RECORD = "happened"


SOURCES = {
    Source.ACCOUNT: N_("What is owed"),
    Source.PERSON: N_("Person, links and holds"),
    Source.MESSAGES: N_("What we sent"),
    Source.PAYMENTS: N_("Payments"),
    Source.RECORD: N_("What happened"),
}


class Remedy(StrEnum):
    """What one click of staff does about a cause; ``NONE``: the person has to be told, no more."""

    LINK = "link"
    OTHER_WAY_TO_PAY = "other_way_to_pay"
    REOPEN = "reopen"
    UNLOCK = "unlock"
    LIFT = "lift"
    PROPOSAL = "proposal"
    QUESTION = "question"
    LETTERS = "letters"
    WRITE = "write"
    NONE = "none"


REMEDIES = {
    Remedy.LINK: N_("Send a new link, or read a code aloud"),
    Remedy.OTHER_WAY_TO_PAY: N_("Send a link to pay in another way"),
    Remedy.REOPEN: N_("Open the address again"),
    Remedy.UNLOCK: N_("Let them try again"),
    Remedy.LIFT: N_("Lift the hold"),
    Remedy.PROPOSAL: N_("Answer the proposal"),
    Remedy.QUESTION: N_("Answer the question about money"),
    Remedy.LETTERS: N_("Print the letters"),
    Remedy.WRITE: N_("Write to them"),
    Remedy.NONE: N_("Nothing to click: tell them"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One fact that shows a cause: when, what fills its sentence, and the row it is about."""

    at: datetime | None = None
    said: Mapping[str, object] = field(default_factory=dict)
    about: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link, with when it closed or closes, and what opened it, the newest opening first."""

    id: UUID
    state: str
    channel: Channel
    issued_at: datetime
    closes_at: datetime
    reason: str | None = None
    verified: bool = False
    opened: tuple[tuple[datetime, Opener], ...] = ()

    @property
    def live(self) -> bool:
        """Whether it opens now."""
        return self.state == "live"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A message with a link, and the last word of a carrier about it."""

    id: UUID
    channel: Channel
    status: MessageStatus
    rule: str | None
    at: datetime
    send_at: datetime
    fate: Fate | None = None
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """The identity check: wrong answers since it was last passed, newest first, and its lock.

    ``asked`` is how many facts it wants, ``on_file`` how many of them are. ``caller_at``: when a
    caller last answered wrongly; they have tries and a lock of their own.
    """

    wrong: tuple[tuple[datetime, int], ...] = ()
    wrong_links: int = 0
    locked_until: datetime | None = None
    callers_locked_until: datetime | None = None
    caller_at: datetime | None = None
    asked: int = 2
    on_file: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """The newest attempt to pay, with what the bank said of it.

    ``asked``: Stripe took it up; ``on_page``: on a page of its own, open until ``page_until``.
    """

    id: UUID
    status: PaymentStatus
    at: datetime
    amount: tuple[int, str]
    funding: str | None = None
    codes: tuple[str | None, str | None, str | None] = (None, None, None)
    asked: bool = True
    on_page: bool = False
    page_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A hold in force."""

    id: UUID
    kind: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """An address that is closed to us."""

    id: UUID
    kind: str
    channel: Channel
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggested:
    """The newest proposal: ``due_on`` is the day of our promised answer, ``until`` of its end."""

    id: UUID
    status: ProposalStatus
    at: datetime
    due_on: date
    until: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """What they may choose: ``limits`` are in force, and something less than all of it is offered.

    ``ended_on``: the last day of the newest settlement that they were shown and lost.
    """

    limits: bool = True
    choice: bool = True
    ended_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that is asked about one account, read at one instant; lists have the newest first."""

    now: datetime
    status: str
    balance: tuple[int, str]
    recalled_at: datetime | None
    allowed: Capabilities
    holds: tuple[Held, ...] = ()
    frozen_at: datetime | None = None
    links: tuple[Link, ...] = ()
    sent: Sent | None = None
    reachable: bool = True
    stops: tuple[Stopped, ...] = ()
    door: Door = field(default_factory=Door)
    paid: Paid | None = None
    proposal: Suggested | None = None
    offered: Offered = field(default_factory=Offered)
    plan_ended_at: datetime | None = None
    question: tuple[UUID, datetime] | None = None

    @property
    def live(self) -> Link | None:
        """The newest link, if it opens now."""
        return next((link for link in self.links if link.live), None)

    @property
    def waits_outside(self) -> Link | None:
        """The newest open link, while nobody came in by it."""
        return self.live if self.live and not self.live.verified else None

    def denied_by(self, rule: str) -> bool:
        """Whether this rule is among those that forbid to pay."""
        return rule in self.allowed.pay.rules


Shows = Callable[[Facts], Iterable[Seen]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why somebody cannot pay. ``sure``: nothing else helps before it is out of the way.

    ``seen`` is the sentence of its evidence, filled by each `Seen` that ``shows`` finds; ``tell``
    is what staff say to the person.
    """

    code: str
    sure: bool = False
    title: str
    seen: str
    source: Source
    tell: str
    remedy: Remedy
    shows: Shows
