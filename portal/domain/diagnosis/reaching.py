"""Causes that lie before the door: no link opens, or the message with it never came."""

from collections.abc import Callable, Iterator

from portal.domain import N_
from portal.domain.channels import Channel
from portal.domain.deliveries import Fate
from portal.domain.diagnosis.facts import Cause, Facts, Remedy, Seen, Sent, Shows, Source
from portal.domain.outgoing import Rule, reason_of
from portal.domain.statuses import MessageStatus as M

HOURS = (
    *(Rule.HOURS, Rule.HOURS_SOMEWHERE, Rule.WISH),
    *(Rule.ONTARIO, Rule.BRITISH_COLUMBIA, Rule.QUEBEC, Rule.CANADA),
)
WAITS = (M.QUEUED, M.DEFERRED)


def _closed(state: str) -> Shows:
    """Where no link opens, and this is what became of the newest."""

    def shows(facts: Facts) -> Iterator[Seen]:
        link = facts.links[0] if facts.links and facts.live is None else None
        if link is not None and link.state == state:
            yield Seen(at=link.closes_at, said={"reason": link.reason or ""}, about=link.id)

    return shows


def _no_link(facts: Facts) -> Iterator[Seen]:
    if not facts.links and facts.sent is None:
        yield Seen()


def _message(test: Callable[[Sent], bool]) -> Shows:
    """Where the newest message with a link is so, and nobody came in by a link since."""

    def shows(facts: Facts) -> Iterator[Seen]:
        sent = facts.sent
        inside = facts.live is not None and facts.live.verified
        if sent is not None and not inside and test(sent):
            said: dict[str, object] = {"channel": sent.channel, "code": sent.code}
            said["until"] = sent.send_at
            said["why"] = reason_of(sent.rule or "", waits=sent.status in WAITS)
            yield Seen(at=sent.at, said=said, about=sent.id)

    return shows


def _lost(sent: Sent) -> bool:
    return sent.status is M.FAILED and sent.fate is not Fate.BOUNCED


def _waits_for(*rules: Rule) -> Shows:
    return _message(lambda sent: sent.status in WAITS and sent.rule in rules)


def _stopped(*kinds: str) -> Shows:
    def shows(facts: Facts) -> Iterator[Seen]:
        for stop in facts.stops:
            if stop.kind in kinds:
                yield Seen(at=stop.since, said={"channel": stop.channel}, about=stop.id)

    return shows


def _unreachable(facts: Facts) -> Iterator[Seen]:
    if not facts.reachable:
        yield Seen()


CAUSES = (
    Cause(
        code="link_expired",
        sure=True,
        title=N_("Their link has expired"),
        seen=N_("It closed then, and there is no newer one."),
        source=Source.PERSON,
        tell=N_("Your link is out of date. I send you a new one now."),
        remedy=Remedy.LINK,
        shows=_closed("expired"),
    ),
    Cause(
        code="link_revoked",
        sure=True,
        title=N_("Their link was closed"),
        seen=N_("It was closed for this reason, and there is no newer one: %(reason)s."),
        source=Source.PERSON,
        tell=N_("That link was closed to keep you safe. I send you a new one now."),
        remedy=Remedy.LINK,
        shows=_closed("revoked"),
    ),
    Cause(
        code="no_link",
        sure=True,
        title=N_("They never had a link"),
        seen=N_("None was made for them, and none waits to be sent."),
        source=Source.PERSON,
        tell=N_("I send you a link now. With it you can see your account and pay."),
        remedy=Remedy.LINK,
        shows=_no_link,
    ),
    Cause(
        code="message_bounced",
        title=N_("The message with the link came back"),
        seen=N_("Nobody is at that address (%(channel)s %(code)s)."),
        source=Source.MESSAGES,
        tell=N_("Our message did not reach you. How else may we write to you?"),
        remedy=Remedy.LINK,
        shows=_message(lambda sent: sent.status is M.FAILED and sent.fate is Fate.BOUNCED),
    ),
    Cause(
        code="text_failed",
        title=N_("The text with the link did not arrive"),
        seen=N_("The carrier did not deliver it (%(code)s). The number may be right."),
        source=Source.MESSAGES,
        tell=N_("Our text did not reach your phone. Is it switched on, and does it take texts?"),
        remedy=Remedy.LINK,
        shows=_message(lambda sent: _lost(sent) and sent.channel is Channel.SMS),
    ),
    Cause(
        code="message_failed",
        title=N_("The message with the link was not delivered"),
        seen=N_("The mail provider gave it up (%(code)s). The address may be right."),
        source=Source.MESSAGES,
        tell=N_("Our message did not reach you. I send it again, or in another way."),
        remedy=Remedy.LINK,
        shows=_message(lambda sent: _lost(sent) and sent.channel is not Channel.SMS),
    ),
    Cause(
        code="provider_down",
        title=N_("The message could not be handed over yet"),
        seen=N_("The provider did not take it. It is tried again at %(until)s."),
        source=Source.MESSAGES,
        tell=N_("Our message is delayed. I can read you a code now."),
        remedy=Remedy.LINK,
        shows=_waits_for(Rule.UNREACHABLE),
    ),
    Cause(
        code="outside_hours",
        title=N_("The message waits for an hour when we may write"),
        seen=N_("It leaves at %(until)s. %(why)s"),
        source=Source.MESSAGES,
        tell=N_("Our message waits for the morning. If you ask for it now, it leaves now."),
        remedy=Remedy.LINK,
        shows=_waits_for(*HOURS),
    ),
    Cause(
        code="cap_reached",
        title=N_("The message waits: we wrote often enough"),
        seen=N_("It leaves at %(until)s. %(why)s"),
        source=Source.MESSAGES,
        tell=N_("We may not write more often. If you ask for it now, it leaves now."),
        remedy=Remedy.LINK,
        shows=_message(lambda sent: sent.rule == Rule.CAP),
    ),
    Cause(
        code="message_held_back",
        title=N_("The message with the link was not sent"),
        seen=N_("%(why)s"),
        source=Source.MESSAGES,
        tell=N_("We did not write to you. If you ask for it now, I can send you a link."),
        remedy=Remedy.LINK,
        shows=_message(lambda sent: sent.status is M.SUPPRESSED and sent.rule != Rule.CAP),
    ),
    Cause(
        code="letter_waits",
        title=N_("The letter with the link is not printed yet"),
        seen=N_("It has been on the list since then."),
        source=Source.MESSAGES,
        tell=N_("Our letter has not left yet. I can read you a code now."),
        remedy=Remedy.LETTERS,
        shows=_message(lambda sent: sent.channel is Channel.LETTER and sent.status is M.QUEUED),
    ),
    Cause(
        code="wrong_address",
        title=N_("The address on file is somebody else’s"),
        seen=N_("We were told so of this one: %(channel)s."),
        source=Source.PERSON,
        tell=N_("We have a wrong address of yours. How may we write to you?"),
        remedy=Remedy.REOPEN,
        shows=_stopped("wrong_person", "reassigned"),
    ),
    Cause(
        code="address_bounces",
        title=N_("The address on file takes no messages"),
        seen=N_("It is closed since something came back from it: %(channel)s."),
        source=Source.PERSON,
        tell=N_("Our messages do not reach you there. How else may we write to you?"),
        remedy=Remedy.REOPEN,
        shows=_stopped("bounced"),
    ),
    Cause(
        code="opted_out",
        title=N_("They asked us to stop writing there"),
        seen=N_("It is closed to what we write first: %(channel)s."),
        source=Source.PERSON,
        tell=N_("You asked us not to write there. What you ask for yourself we can send."),
        remedy=Remedy.LINK,
        shows=_stopped("opted_out"),
    ),
    Cause(
        code="text_unread",
        title=N_("A text of theirs may mean stop"),
        seen=N_("Nothing goes there before a person has read it: %(channel)s."),
        source=Source.PERSON,
        tell=N_("You sent us a text. Do you want us to stop writing there?"),
        remedy=Remedy.REOPEN,
        shows=_stopped("unread"),
    ),
    Cause(
        code="no_address",
        title=N_("There is no way to write to them"),
        seen=N_("No email address, phone number or postal address is on file and in use."),
        source=Source.PERSON,
        tell=N_("We have no address of yours. I can read you a code now."),
        remedy=Remedy.LINK,
        shows=_unreachable,
    ),
)
