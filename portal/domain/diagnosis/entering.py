"""Causes that lie at the door: the link is there, and the identity check is not passed."""

from collections.abc import Iterator
from datetime import timedelta

from portal.domain import N_
from portal.domain.diagnosis.facts import Cause, Facts, Link, Remedy, Seen, Shows, Source
from portal.domain.openings import PEOPLE, Opener

DOUBTFUL = 5
"""Wrong answers, over more than one link, after which our own data may be what is wrong."""
QUIET = timedelta(hours=1)
"""How long a message may lie before it says something that nobody opened its link."""


def _locked(facts: Facts) -> Iterator[Seen]:
    if facts.door.locked_until is not None:
        since = facts.door.wrong[0][0] if facts.door.wrong else None
        yield Seen(at=since, said={"until": facts.door.locked_until})


def _callers_locked(facts: Facts) -> Iterator[Seen]:
    until = facts.door.callers_locked_until
    if until is not None:
        yield Seen(at=facts.door.caller_at, said={"until": until})


def _facts_missing(facts: Facts) -> Iterator[Seen]:
    door = facts.door
    if facts.live is not None and door.on_file < door.asked:
        yield Seen(said={"on_file": door.on_file, "asked": door.asked})


def _in_doubt(facts: Facts) -> Iterator[Seen]:
    door = facts.door
    if len(door.wrong) >= DOUBTFUL and door.wrong_links > 1:
        yield Seen(at=door.wrong[0][0], said={"tries": len(door.wrong), "links": door.wrong_links})


def _wrong(facts: Facts) -> Iterator[Seen]:
    door = facts.door
    if door.wrong and door.locked_until is None:
        at, left = door.wrong[0]
        yield Seen(at=at, said={"tries": len(door.wrong), "left": left})


def _replaced(facts: Facts) -> Iterator[Seen]:
    link = facts.waits_outside
    older = next((one for one in facts.links if link and not one.live), None)
    if link is not None and older is not None and older.issued_at < link.issued_at:
        yield Seen(at=older.closes_at, said={"newest": link.issued_at})


def _opened_by(*openers: Opener) -> Shows:
    """Where the newest of those who opened the open link, which nobody came in by, is one of."""

    def shows(facts: Facts) -> Iterator[Seen]:
        link = facts.waits_outside
        if link is None or facts.door.wrong:
            return
        people = [one for one in link.opened if one[1] in PEOPLE]
        for at, opener in (people or link.opened)[:1]:
            if opener in openers:
                yield Seen(at=at, said={"times": len(link.opened)})

    return shows


def _unopened(facts: Facts) -> Iterator[Seen]:
    link, sent = facts.waits_outside, facts.sent
    if link is None or link.opened or sent is None or facts.door.wrong:
        return
    if _arrived(facts, link) and facts.now - sent.at >= QUIET:
        yield Seen(at=sent.at, said={"channel": sent.channel})


def _arrived(facts: Facts, link: Link) -> bool:
    sent = facts.sent
    return sent is not None and sent.at >= link.issued_at and sent.status in ("sent", "delivered")


CAUSES = (
    Cause(
        code="identity_locked",
        sure=True,
        title=N_("Too many wrong answers: the door is locked"),
        seen=N_("It opens again by itself at %(until)s."),
        source=Source.RECORD,
        tell=N_("Too many answers did not match. You can try again later, or we help you now."),
        remedy=Remedy.UNLOCK,
        shows=_locked,
    ),
    Cause(
        code="facts_missing",
        sure=True,
        title=N_("Too little is on file to know them by"),
        seen=N_("Of %(asked)s facts that we ask for, %(on_file)s is on file. Only a code gets in."),
        source=Source.PERSON,
        tell=N_("We lack something to know you by. Ask for a code on the page, or talk to us."),
        remedy=Remedy.LINK,
        shows=_facts_missing,
    ),
    Cause(
        code="facts_in_doubt",
        title=N_("What we have on file may be wrong"),
        seen=N_("%(tries)s wrong answers over %(links)s links, and never a right one."),
        source=Source.RECORD,
        tell=N_("We may have something wrong. Let us check it with the company that you owe."),
        remedy=Remedy.WRITE,
        shows=_in_doubt,
    ),
    Cause(
        code="wrong_answers",
        title=N_("Their answers did not match"),
        seen=N_("%(tries)s wrong answers since they were last inside; %(left)s tries are left."),
        source=Source.RECORD,
        tell=N_("Use the date of birth and ZIP code that the company you owe has of you."),
        remedy=Remedy.LINK,
        shows=_wrong,
    ),
    Cause(
        code="callers_locked",
        title=N_("Too many wrong answers on the telephone"),
        seen=N_("Nobody can be checked on the telephone until %(until)s."),
        source=Source.RECORD,
        tell=N_("I cannot check on the telephone who you are now. I can send you a link instead."),
        remedy=Remedy.UNLOCK,
        shows=_callers_locked,
    ),
    Cause(
        code="in_app_browser",
        title=N_("They opened it inside another app"),
        seen=N_("The link was opened in the browser of an app, which may forget who they are."),
        source=Source.PERSON,
        tell=N_("Open the link in Safari or Chrome: press the dots, then “Open in browser”."),
        remedy=Remedy.LINK,
        shows=_opened_by(Opener.IN_APP),
    ),
    Cause(
        code="stopped_at_door",
        title=N_("They opened the link and did not answer"),
        seen=N_("A person opened it, and no answer came."),
        source=Source.PERSON,
        tell=N_("The page asks two things that only you know. It shows nothing before that."),
        remedy=Remedy.LINK,
        shows=_opened_by(Opener.PERSON),
    ),
    Cause(
        code="scanner_only",
        title=N_("Only a machine opened the link"),
        seen=N_("Times opened: %(times)s. Each time by a mail scanner or for a preview."),
        source=Source.PERSON,
        tell=N_("Our message may be in your junk mail. We can send it another way."),
        remedy=Remedy.LINK,
        shows=_opened_by(Opener.SCANNER, Opener.PREVIEW),
    ),
    Cause(
        code="link_replaced",
        title=N_("They may be using an older link, which is closed"),
        seen=N_("The older one closed then; the newest was made at %(newest)s."),
        source=Source.PERSON,
        tell=N_("Please use the link in our newest message. Older ones are closed."),
        remedy=Remedy.LINK,
        shows=_replaced,
    ),
    Cause(
        code="nobody_opened",
        title=N_("Nobody opened the link"),
        seen=N_("It left by this way, and no opening was counted: %(channel)s."),
        source=Source.MESSAGES,
        tell=N_("We sent you a message. Look in your junk mail, or we send it another way."),
        remedy=Remedy.LINK,
        shows=_unopened,
    ),
)
