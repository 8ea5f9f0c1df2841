"""What we send: the kinds of messages, and whether one may leave now (CT-01 to CT-05, EC-07).

The question is asked right before a message is handed over, never when it is written.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from portal.domain import N_
from portal.domain.capabilities import Capabilities, Verdict
from portal.domain.caps import next_contact
from portal.domain.holds import Capability
from portal.domain.windows import CandidateZones, next_opening, sendable

LONGEST_CAP_WAIT = timedelta(hours=24)
"""A message that the cap keeps longer than this is out of date: it is not sent at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """One kind of message.

    ``needs``: what must be allowed on one account that it is about; nothing for a code, which a
    debtor asks for to get in and which says nothing of a debt (CT-04). ``capped``: it counts as a
    contact, and waits for the cap (CT-05). ``required``: the law wants the copy, so it goes by
    letter too unless a consent makes the e-mail enough (ES-01). ``private``: it may say more than
    that there is something to read, to an address that is proven. ``door``: it brings a link.
    ``despite_opt_out``: the debtor asked for it at that very address.
    """

    name: str
    needs: tuple[Capability, ...] = (Capability.ANSWER,)
    capped: bool = False
    required: bool = False
    private: bool = False
    door: bool = True
    despite_opt_out: bool = False


INVITED = (Capability.LINK, Capability.SEND)

TEMPLATES = {
    template.name: template
    for template in (
        Template(name="link", needs=INVITED, capped=True),
        Template(name="new_link", needs=(Capability.LINK,), despite_opt_out=True),
        Template(name="one_time_code", needs=(), door=False, despite_opt_out=True),
        Template(name="receipt", required=True, private=True),
        Template(name="payment_failed", private=True),
        Template(name="payment_processing", private=True),
        Template(name="refund_made", private=True),
        Template(name="agreement_copy", required=True, private=True),
        Template(name="authorization_copy", required=True, private=True),
        Template(name="arrangement_withdrawn", private=True),
        Template(name="automatic_stopped", required=True, private=True),
        Template(name="plan_completed", required=True, private=True),
        Template(name="proposal_received", private=True),
        Template(name="proposal_accepted"),
        Template(name="proposal_countered"),
        Template(name="proposal_declined"),
        Template(name="help_received", private=True),
        Template(name="help_answered"),
        Template(name="thread_reply"),
        Template(name="esign_sample", needs=(), door=False),
        Template(name="abandoned_checkout", needs=(Capability.SEND,), capped=True),
    )
}


REQUIRED = tuple(name for name, template in TEMPLATES.items() if template.required)
"""The copies that the law wants."""


class TemplateUnknown(LookupError):
    """There is no message of this name."""


def template_named(name: str) -> Template:
    """The kind of message of this name. Raises TemplateUnknown."""
    if name not in TEMPLATES:
        raise TemplateUnknown(name)
    return TEMPLATES[name]


class Rule(StrEnum):
    """Why a message waits or is not sent, where no hold or fact of the account says so."""

    HOURS = "CT-01"
    HOURS_SOMEWHERE = "CT-02"
    CAP = "CT-05"
    OPTED_OUT = "EC-05"
    NO_TEXTS = "EC-07"
    WRONG_PERSON = "EC-08"
    BOUNCED = "EC-09"
    LETTER = "letter"
    NO_ADDRESS = "no_address"
    OUT_OF_DATE = "out_of_date"
    REPEATED = "repeated"
    ARRANGED = "arranged"
    UNREACHABLE = "unreachable"
    EMAIL_ONLY = "email_only"
    CAMPAIGN_PAUSED = "campaign_paused"
    CAMPAIGN_STOPPED = "campaign_stopped"


REASONS: dict[str, str] = {
    Rule.HOURS: N_("It is outside the hours in which we may write."),
    Rule.HOURS_SOMEWHERE: N_("It may be outside the hours in which we may write to this person."),
    Rule.CAP: N_("We wrote often enough lately."),
    Rule.OPTED_OUT: N_("This person asked us to stop writing to this address."),
    Rule.NO_TEXTS: N_("Text messages are not allowed for this client."),
    Rule.WRONG_PERSON: N_("Somebody told us that this address belongs to another person."),
    Rule.BOUNCED: N_("This address does not take our messages."),
    Rule.LETTER: N_("This goes by letter."),
    Rule.NO_ADDRESS: N_("There is no email address or phone number that we may use."),
    Rule.OUT_OF_DATE: N_("What it says is no longer of use."),
    Rule.REPEATED: N_("The same message waits already, or went out today."),
    Rule.ARRANGED: N_("There is an agreement already."),
    Rule.UNREACHABLE: N_("It could not be handed over. We try again."),
    Rule.EMAIL_ONLY: N_("This campaign goes by email only, and no email address is open."),
    Rule.CAMPAIGN_PAUSED: N_("The campaign is paused."),
    Rule.CAMPAIGN_STOPPED: N_("The campaign was stopped before this was sent."),
    "VN-04": N_("The validation notice has not been sent."),
    "TB-02": N_("The debt is too old to write about first."),
    "DH-09": N_("Nothing is owed, or the account is no longer with us."),
    "too_little": N_("What is left is too little to be charged."),
}
OTHER_REASON = N_("A hold on the account forbids it.")


def reason_of(rule: str) -> str:
    """The sentence for staff that says what a rule's id means."""
    return REASONS.get(rule, OTHER_REASON)


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
class Situation:
    """The facts that decide, as they are at this instant.

    ``closed``: the rule that closes the address or the message's purpose, if one does.
    ``accounts``: what is allowed on each account it is about. ``earlier``: when we wrote first to
    this debtor lately. ``asked_for``: the debtor waits for it, so hours and caps do not count
    (CT-04).
    """

    template: Template
    zones: CandidateZones
    accounts: Sequence[Capabilities]
    closed: str | None = None
    earlier: Iterable[datetime] = ()
    asked_for: bool = False


def decide(situation: Situation, now: datetime) -> Decision:
    """Whether a message leaves at this instant. Whatever forbids it wins over what delays it."""
    if situation.closed:
        return Decision(Action.DROP, situation.closed)
    if rule := forbidden_by(situation.accounts, situation.template.needs):
        return Decision(Action.DROP, rule)
    return SEND if situation.asked_for else _in_time(situation, now)


def _in_time(situation: Situation, now: datetime) -> Decision:
    free = next_contact(situation.earlier, now) if situation.template.capped else now
    if free - now > LONGEST_CAP_WAIT:
        return Decision(Action.DROP, Rule.CAP)
    until = next_opening(free, situation.zones.names)
    if until is None:
        return Decision(Action.DROP, Rule.HOURS_SOMEWHERE)
    if until == now:
        return SEND
    return Decision(Action.WAIT, Rule.CAP if free > now else _hours(situation.zones, now), until)


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


def _hours(zones: CandidateZones, now: datetime) -> Rule:
    somewhere_open = any(sendable(now, [name]) for name in zones.names)
    return Rule.HOURS_SOMEWHERE if somewhere_open else Rule.HOURS
