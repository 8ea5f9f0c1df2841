"""Whether a debtor may be called now, and which calls count (CT-06; 12 CFR 1006.14(b)).

The question is asked before the number is shown, never when the call is over.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from portal.domain import N_
from portal.domain.caps import MadeContact, next_contact
from portal.domain.holds import Capability
from portal.domain.outgoing import REASONS, Debt, Rule, closed_by, forbidden_by, reason_of
from portal.domain.packs import FEDERAL_RULES, ContactRules
from portal.domain.permissions import THEIR_OWN, Address
from portal.domain.windows import CandidateZones, ContactWindow, next_opening
from portal.domain.wishes import NO_WISHES, Wishes, window_of

MOST = 7
"""The most attempts about one debt in as many consecutive days (12 CFR 1006.14(b)(2)(i)(A))."""
SPAN = timedelta(days=7)
"""For how long attempts count, a conversation keeps us silent and a consent lasts."""


class Outcome(StrEnum):
    """How a call went."""

    NO_ANSWER = "no_answer"
    NO_MESSAGE = "no_message"
    VOICEMAIL = "voicemail"
    CONVERSATION = "conversation"
    SOMEBODY_ELSE = "somebody_else"
    WRONG_NUMBER = "wrong_number"
    NOT_CONNECTED = "not_connected"
    NOT_MADE = "not_made"


OUTCOMES: dict[str, str] = {
    Outcome.NO_ANSWER: N_("No answer"),
    Outcome.NO_MESSAGE: N_("Voicemail, no message left"),
    Outcome.VOICEMAIL: N_("Voicemail, a message that says nothing of a debt"),
    Outcome.CONVERSATION: N_("Spoke with the debtor"),
    Outcome.SOMEBODY_ELSE: N_("Spoke with somebody else"),
    Outcome.WRONG_NUMBER: N_("Wrong number: it is never called or texted again"),
    Outcome.NOT_CONNECTED: N_("Did not connect: busy, or not in service"),
    Outcome.NOT_MADE: N_("I did not call"),
}
"""Each outcome in the words of who logs it."""

NO_ATTEMPT = frozenset({Outcome.NOT_CONNECTED, Outcome.NOT_MADE})
"""What does not count: a call that did not reach the number (12 CFR 1006.14(b)(3)(ii))."""


class Ground(StrEnum):
    """Why a call is outside of the count, or was let through against it.

    ``asked``: the debtor asked to be called. ``consent``: they agreed to more calls within seven
    days. ``theirs``: they called us. ``supervisor``: a supervisor said why; it still counts.
    """

    ASKED = "asked"
    CONSENT = "consent"
    THEIRS = "theirs"
    SUPERVISOR = "supervisor"


GROUNDS: dict[str, str] = {
    Ground.ASKED: N_("The debtor asked for this call, so it does not count."),
    Ground.CONSENT: N_("The debtor agreed to more calls in these seven days: it does not count."),
    Ground.THEIRS: N_("The debtor called us."),
    Ground.SUPERVISOR: N_("A supervisor allowed it."),
}
"""Each ground in words for staff."""

UNCOUNTED = frozenset({Ground.ASKED, Ground.CONSENT, Ground.THEIRS})

WHY_NOT: dict[str, str] = {
    Rule.HOURS: N_("It is outside the hours in which we may call."),
    Rule.HOURS_SOMEWHERE: N_("It may be outside the hours in which we may call this person."),
    Rule.WISH: N_("This person asked us not to reach them then, there or in this way."),
    Rule.CAP: N_("We called or wrote often enough lately for where this person lives."),
    Rule.WORK: N_("This number is at work, and the person did not tell us to use it."),
    Rule.NUMBER_STALE: N_("This number belongs to somebody else now."),
    Rule.WRONG_PERSON: N_("Somebody told us that this number belongs to another person."),
    Rule.NO_ADDRESS: N_("This number is no longer used."),
    Rule.CANADA: N_("It is outside the hours in which this province lets us call."),
}
"""Where a rule reads otherwise of a call than of a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call about a debt. ``on`` is the debtor's day; no ``outcome``: nobody said how it went.

    ``consented``: in it, the debtor agreed to be called again within seven days.
    """

    at: datetime
    on: date
    outcome: Outcome | None = None
    ground: Ground | None = None
    consented: bool = False

    @property
    def counts(self) -> bool:
        """Whether it is an attempt that counts; one of which nothing is known does."""
        return self.outcome not in NO_ATTEMPT and self.ground not in UNCOUNTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """The facts that decide about a call, as they are at this instant.

    ``address``: the number, with what permits it. ``closed``: the rule that closes it, if one does.
    ``calls``: those about this debt. ``made``: all contacts with this person in seven days.
    ``today`` is the debtor's. ``asked_at``: when the debtor asked for this call, at this number; so
    neither their wishes nor a first notice nor a place's caps count (CT-04), but hours do.
    """

    address: Address
    zones: CandidateZones
    debt: Debt
    today: date
    rules: ContactRules = FEDERAL_RULES
    wishes: Wishes = NO_WISHES
    closed: str | None = None
    calls: Sequence[Call] = ()
    made: Sequence[MadeContact] = ()
    asked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether somebody may be called now, else the ``rule`` and, where it ends, ``until`` when.

    ``ground``: why the call does not count.
    """

    rule: str = ""
    until: datetime | None = None
    ground: Ground | None = None

    @property
    def allowed(self) -> bool:
        """Whether anybody who works here may call."""
        return not self.rule

    @property
    def by_supervisor(self) -> bool:
        """Whether a supervisor may with a reason: past the limits, and past nothing else."""
        return self.rule == Rule.CALLS


def why_not(verdict: Verdict) -> str:
    """The sentence for staff that says why somebody may not be called now."""
    waits = verdict.until is not None
    of_hours = reason_of(verdict.rule, waits=waits) == REASONS[Rule.CANADA]
    return WHY_NOT.get(Rule.CANADA if of_hours else verdict.rule) or reason_of(verdict.rule)


def may_call(asking: Asking, now: datetime) -> Verdict:
    """Whether a debtor may be called at this instant; whatever forbids it wins over what delays it.

    Past the limits of CT-06 alone, which the law only presumes, a supervisor may decide.
    """
    if rule := asking.closed or _unwanted(asking) or _held(asking):
        return Verdict(rule)
    ground = _ground(asking, now)
    free = now if ground else _begin_of(free_on(asking.calls, asking.today), asking, now)
    capped = now if asking.asked_at else _capped_until(asking, now)
    windows, zones = _windows(asking), asking.zones
    opens = next_opening(capped, zones.names, windows)
    until = next_opening(max(free, capped), zones.names, windows)
    if opens != now:
        rule = Rule.CAP if capped > now else closed_by(zones, windows, now)
        return Verdict(rule, until)
    return Verdict(Rule.CALLS, until) if free > now else Verdict(ground=ground)


def free_on(calls: Sequence[Call], today: date) -> date:
    """The first day from today on which one more call stays within the limits (CT-06).

    Seven attempts in seven days about a debt, and none for seven days after a conversation about
    it, the day of the conversation being the first (12 CFR 1006.14(b)(2)(i)).
    """
    tried = sorted(call.on for call in calls if call.counts)
    spoken = [call.on + SPAN for call in calls if call.outcome is Outcome.CONVERSATION]
    full = [tried[-MOST] + SPAN] if len(tried) >= MOST else []
    return max([today, *spoken, *full])


def tries(calls: Sequence[Call], today: date) -> int:
    """How many attempts of the last seven days count, today's among them."""
    return sum(call.counts and today - SPAN < call.on for call in calls)


def _ground(asking: Asking, now: datetime) -> Ground | None:
    """Why a call now does not count: it was asked for or agreed to in the last seven days.

    Both end with the next conversation (comment 14(b)(3)(i) of the official interpretation).
    """
    talks = [call for call in asking.calls if call.outcome is Outcome.CONVERSATION]
    last = max(talks, key=lambda call: call.at, default=None)
    asked = asking.asked_at
    if asked and now - asked < SPAN and (last is None or last.at < asked):
        return Ground.ASKED
    if last and last.consented and asking.today - last.on < SPAN:
        return Ground.CONSENT
    return None


def _unwanted(asking: Asking) -> str | None:
    if asking.asked_at:
        return None
    address, wishes = asking.address, asking.wishes
    if wishes.only is not None or address.id in wishes.places:
        return Rule.WISH
    theirs = any(proof.basis in THEIR_OWN for proof in address.proofs)
    return Rule.WORK if address.at_work and not theirs else None


def _held(asking: Asking) -> str | None:
    """The rule against the debt: a call is to write first, and one that was asked for an answer."""
    allowed, debt = asking.debt.allowed, asking.debt
    if asking.asked_at:
        return forbidden_by([allowed], [Capability.ANSWER])
    if rule := forbidden_by([allowed], [Capability.SEND]):
        return rule
    return asking.rules.notice_bar(debt.written_on, debt.mailed_on, asking.today)


def _windows(asking: Asking) -> tuple[ContactWindow, ...]:
    if asking.wishes.never and not asking.asked_at:
        return (*asking.rules.windows, window_of(asking.wishes.never))
    return asking.rules.windows


def _capped_until(asking: Asking, now: datetime) -> datetime:
    debts, caps = [asking.debt.id], asking.rules.own_caps
    return next_contact(asking.made, now, channel=None, accounts=debts, caps=caps)


def _begin_of(day: date, asking: Asking, now: datetime) -> datetime:
    """When a day has begun in every zone that the debtor may be in; now where it has today."""
    if day <= asking.today:
        return now
    begins = [datetime.combine(day, time(), ZoneInfo(name)) for name in asking.zones.names]
    return max(begin.astimezone(UTC) for begin in begins)
