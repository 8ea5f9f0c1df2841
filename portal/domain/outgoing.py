"""What we send: the kinds of messages, and whether one may leave now (CT-01 to CT-08, EC, CA).

The question is asked right before a message is handed over, never when it is written.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from portal.domain import N_
from portal.domain.capabilities import Capabilities, Verdict
from portal.domain.caps import MadeContact, next_contact
from portal.domain.channels import Channel
from portal.domain.holds import Capability
from portal.domain.packs import FEDERAL_RULES, ContactRules
from portal.domain.permissions import Address, bar
from portal.domain.windows import CandidateZones, ContactWindow, next_opening, sendable
from portal.domain.wishes import NO_WISHES, Wishes, window_of

LONGEST_CAP_WAIT = timedelta(hours=24)
"""A message that the cap keeps longer than this is out of date: it is not sent, unless patient."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """One kind of message.

    ``needs``: what must be allowed on one account that it is about; nothing for a code, which a
    debtor asks for to get in and which says nothing of a debt (CT-04). ``capped``: it counts as a
    contact, and waits for the caps (CT-05) and for a first notice. ``required``: the law wants the
    copy, so it goes by letter too unless a consent makes the e-mail enough (ES-01). ``private``: it
    may say more than that there is something to read, to an address that is proven. ``door``: it
    brings a link. ``patient``: the cap lets it wait however long, because something hangs on it.
    ``despite_opt_out``: the debtor asked for it at that very address.
    """

    name: str
    needs: tuple[Capability, ...] = (Capability.ANSWER,)
    capped: bool = False
    required: bool = False
    private: bool = False
    door: bool = True
    despite_opt_out: bool = False
    patient: bool = False


INVITED = (Capability.LINK, Capability.SEND)
INVITATIONS = ("link", "new_link")
"""What brings nothing but a link: one that we send first, and one that was asked for."""

TEMPLATES = {
    template.name: template
    for template in (
        Template(name="link", needs=INVITED, capped=True),
        Template(name="new_link", needs=(Capability.LINK,), despite_opt_out=True),
        Template(name="payment_link", needs=(Capability.PAY,), door=False, despite_opt_out=True),
        Template(name="one_time_code", needs=(), door=False, despite_opt_out=True),
        Template(name="receipt", required=True, private=True),
        Template(name="payment_failed", private=True),
        Template(
            name="payment_missed",
            needs=(Capability.SEND,),
            capped=True,
            private=True,
            patient=True,
        ),
        Template(name="payment_processing", private=True),
        Template(name="refund_made", private=True),
        Template(name="charged_back", private=True),
        Template(name="payment_returned", private=True),
        Template(name="agreement_copy", required=True, private=True),
        Template(name="authorization_copy", required=True, private=True),
        Template(name="arrangement_withdrawn", private=True),
        Template(name="arrangement_canceled", private=True),
        Template(name="automatic_stopped", required=True, private=True),
        Template(name="plan_changed", required=True, private=True),
        Template(name="plan_completed", required=True, private=True),
        Template(name="plan_ended", private=True),
        Template(name="proposal_received", private=True),
        Template(name="proposal_accepted"),
        Template(name="proposal_countered"),
        Template(name="proposal_declined"),
        Template(name="help_received", private=True),
        Template(name="help_answered"),
        Template(name="thread_reply"),
        Template(name="rest_ends", private=True),
        Template(name="address_added", needs=(Capability.SEND,), door=False),
        Template(name="esign_sample", needs=(), door=False),
        Template(name="pre_debit_notice", required=True, private=True),
        Template(name="payments_ahead", needs=(Capability.SEND,), capped=True, private=True),
        Template(name="payment_reminder", needs=(Capability.SEND,), capped=True, private=True),
        Template(name="payment_waits", private=True),
        Template(name="plan_accounting", required=True, private=True),
        Template(name="account_paid", required=True, private=True),
        Template(name="closing_notice", private=True),
        Template(name="abandoned_checkout", needs=(Capability.SEND,), capped=True),
    )
}

TEXT_ANSWER = Template(name="text_answer", needs=(), door=False)
"""What goes back to a text by itself. It is kept as a message, and never queued."""

REQUIRED = tuple(name for name, template in TEMPLATES.items() if template.required)
"""The copies that the law wants."""


class TemplateUnknown(LookupError):
    """There is no message of this name."""


def template_named(name: str) -> Template:
    """The kind of message of this name. Raises TemplateUnknown."""
    if name == TEXT_ANSWER.name:
        return TEXT_ANSWER
    if name not in TEMPLATES:
        raise TemplateUnknown(name)
    return TEMPLATES[name]


class Rule(StrEnum):
    """Why a message waits or is not sent, where no hold or fact of the account says so."""

    HOURS = "CT-01"
    HOURS_SOMEWHERE = "CT-02"
    WISH = "CT-03"
    CAP = "CT-05"
    CALLS = "CT-06"
    WORK = "CT-07"
    CEASED = "CT-08"
    NO_PERMISSION = "EC-01"
    NUMBER_STALE = "EC-02"
    OPTED_OUT = "EC-05"
    UNREAD = "EC-06"
    NO_TEXTS = "EC-07"
    WRONG_PERSON = "EC-08"
    BOUNCED = "EC-09"
    ONTARIO = "CA-01"
    BRITISH_COLUMBIA = "CA-02"
    QUEBEC = "CA-03"
    CANADA = "CA-05"
    LETTER = "letter"
    NO_ADDRESS = "no_address"
    OUT_OF_DATE = "out_of_date"
    REPEATED = "repeated"
    ARRANGED = "arranged"
    UNREACHABLE = "unreachable"
    EMAIL_ONLY = "email_only"
    LETTER_ONLY = "letter_only"
    CAMPAIGN_PAUSED = "campaign_paused"
    CAMPAIGN_STOPPED = "campaign_stopped"


FAILED = "failed"
"""Stands for a rule where none forbade a message: its carrier did not take it, or gave it up."""
REASONS: dict[str, str] = {
    Rule.HOURS: N_("It is outside the hours in which we may write."),
    Rule.HOURS_SOMEWHERE: N_("It may be outside the hours in which we may write to this person."),
    Rule.WISH: N_("This person asked us not to write then, there or in this way."),
    Rule.CAP: N_("We wrote often enough lately."),
    Rule.CALLS: N_("We called often enough about this account lately."),
    Rule.WORK: N_("This address is at work, and the person did not tell us to use it."),
    Rule.CEASED: N_("This person asked us to stop, or somebody else acts for them."),
    Rule.NO_PERMISSION: N_("Nothing on file permits us to use this email address."),
    Rule.NUMBER_STALE: N_(
        "Nothing on file permits us to text this number, or it was not confirmed for 60 days."
    ),
    Rule.OPTED_OUT: N_("This person asked us to stop writing to this address."),
    Rule.UNREAD: N_("A text from this number may mean stop. A person has to read it first."),
    Rule.NO_TEXTS: N_("Text messages are not allowed for this client."),
    Rule.WRONG_PERSON: N_("Somebody told us that this address belongs to another person."),
    Rule.BOUNCED: N_("This address does not take our messages."),
    Rule.ONTARIO: N_("Ontario wants a notice and six days first, and hours of its own."),
    Rule.BRITISH_COLUMBIA: N_(
        "British Columbia wants a notice and five days first, and hours of its own."
    ),
    Rule.QUEBEC: N_("Quebec wants a notice on paper and five days first, and hours of its own."),
    Rule.CANADA: N_("It is outside the hours in which this province lets us write."),
    Rule.LETTER: N_("This goes by letter."),
    Rule.NO_ADDRESS: N_("There is no email address or phone number that we may use."),
    Rule.OUT_OF_DATE: N_("What it says is no longer of use."),
    Rule.REPEATED: N_("The same message waits already, or went out today."),
    Rule.ARRANGED: N_("There is an agreement already."),
    Rule.UNREACHABLE: N_("It could not be handed over. We try again."),
    Rule.EMAIL_ONLY: N_("This campaign sends no text messages, and no email address is open."),
    Rule.LETTER_ONLY: N_("Only a letter could go to this person, and this campaign sends none."),
    Rule.CAMPAIGN_PAUSED: N_("The campaign is paused."),
    Rule.CAMPAIGN_STOPPED: N_("The campaign was stopped before this was sent."),
    FAILED: N_("It could not be delivered."),
    "VN-04": N_("The validation notice has not been sent."),
    "TB-02": N_("The debt is too old to write about first."),
    "DH-09": N_("Nothing is owed, or the account is no longer with us."),
    "too_little": N_("What is left is too little to be charged."),
}
OTHER_REASON = N_("A hold on the account forbids it.")


_PROVINCES = (Rule.ONTARIO, Rule.BRITISH_COLUMBIA, Rule.QUEBEC)


def reason_of(rule: str, *, waits: bool = False) -> str:
    """The sentence for staff that says what a rule's id means.

    ``waits``: for something that the rule only delays; a province's notice keeps it back for good.
    """
    return REASONS.get(Rule.CANADA if waits and rule in _PROVINCES else rule, OTHER_REASON)


class Action(StrEnum):
    """What becomes of a message now."""

    SEND = "send"
    WAIT = "wait"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Decision:
    """Send it, let it wait ``until`` (aware UTC), or drop it; ``rule`` says why not now."""

    action: Action
    rule: str = ""
    until: datetime | None = None


SEND = Decision(Action.SEND)


@dataclass(frozen=True, slots=True, kw_only=True)
class Debt:
    """One account that a message is about: what is allowed, and when its first notice went.

    ``written_on``: by whatever way; ``mailed_on``: on paper.
    """

    id: UUID
    allowed: Capabilities
    written_on: date | None = None
    mailed_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """The facts that decide, as they are at this instant.

    ``closed``: the rule that closes the address or the message's purpose, if one does. ``debts``:
    the accounts it is about. ``rules``: those of the places where the debtor may live. ``address``:
    where it goes, with what permits it. ``earlier``: the contacts with this debtor lately.
    ``today`` is the debtor's. ``asked_for``: the debtor waits for it there, so neither wishes nor
    permissions nor hours nor caps count (CT-04).
    """

    template: Template
    address: Address
    zones: CandidateZones
    debts: Sequence[Debt]
    today: date
    rules: ContactRules = FEDERAL_RULES
    wishes: Wishes = NO_WISHES
    closed: str | None = None
    earlier: Iterable[MadeContact] = ()
    asked_for: bool = False


def decide(situation: Situation, now: datetime) -> Decision:
    """Whether a message leaves at this instant. Whatever forbids it wins over what delays it."""
    if situation.closed:
        return Decision(Action.DROP, situation.closed)
    if rule := _unwanted(situation, now):
        return Decision(Action.DROP, rule)
    if rule := _held(situation):
        return Decision(Action.DROP, rule)
    return SEND if situation.asked_for else _in_time(situation, now)


def _unwanted(situation: Situation, now: datetime) -> str | None:
    """The rule that keeps this way to the debtor closed: their own wish, or no permission."""
    if situation.asked_for:
        return None
    address, wishes = situation.address, situation.wishes
    if wishes.only not in (None, address.channel) or address.id in wishes.places:
        return Rule.WISH
    consent = address.channel in situation.rules.consent
    return bar(address, situation.today, now, consent=consent)


def _held(situation: Situation) -> str | None:
    """The rule against all accounts, unless one of them may be written about now."""
    template = situation.template
    allowed = [debt.allowed for debt in situation.debts]
    if rule := forbidden_by(allowed, template.needs):
        return rule
    if not template.capped:
        return None
    ready = [debt for debt in situation.debts if not forbidden_by([debt.allowed], template.needs)]
    bars = [
        situation.rules.notice_bar(debt.written_on, debt.mailed_on, situation.today)
        for debt in ready
    ]
    return None if None in bars else bars[0]


def _in_time(situation: Situation, now: datetime) -> Decision:
    """No hour binds a letter: nobody knows when it is read."""
    windows = situation.rules.windows
    if situation.wishes.never:
        windows = (*windows, window_of(situation.wishes.never))
    free = _free_at(situation, now)
    if free - now > LONGEST_CAP_WAIT and not situation.template.patient:
        return Decision(Action.DROP, Rule.CAP)
    if situation.address.channel is Channel.LETTER:
        return Decision(Action.WAIT, Rule.CAP, free) if free > now else SEND
    until = next_opening(free, situation.zones.names, windows)
    if until is None:
        return Decision(Action.DROP, closed_by(situation.zones, windows, free))
    if until == now:
        return SEND
    rule = Rule.CAP if free > now else closed_by(situation.zones, windows, now)
    return Decision(Action.WAIT, rule, until)


def _free_at(situation: Situation, now: datetime) -> datetime:
    if not situation.template.capped:
        return now
    return next_contact(
        situation.earlier,
        now,
        channel=situation.address.channel,
        accounts=[debt.id for debt in situation.debts],
        caps=situation.rules.caps,
    )


def closed_by(zones: CandidateZones, windows: Iterable[ContactWindow], at: datetime) -> str:
    """The rule of the first window that is closed at an instant: in some zones only, CT-02."""
    for window in windows:
        closed = [name for name in zones.names if not sendable(at, [name], [window])]
        if closed:
            split = len(closed) < len(zones.names) and window.rule != Rule.WISH
            return Rule.HOURS_SOMEWHERE if split else window.rule
    return Rule.HOURS_SOMEWHERE


def forbidden_by(accounts: Iterable[Capabilities], needs: Iterable[Capability]) -> str | None:
    """The rule against all that is needed, unless one account allows it whole."""
    needed = tuple(needs)
    against = [_against([allowed.of(need) for need in needed]) for allowed in accounts]
    if not against:
        return Rule.NO_ADDRESS
    return None if None in against else against[0]


def _against(verdicts: Iterable[Verdict]) -> str | None:
    denied = [verdict for verdict in verdicts if not verdict.allowed]
    return denied[0].rules[0] if denied else None
