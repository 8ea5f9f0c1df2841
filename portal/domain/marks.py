"""What staff are told about a debtor that changes everything, and what follows from each of it.

One row for each: what is asked, which holds and other effects it has, and what taking it back means
(CT-08, DH-01 to DH-06).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from portal.domain import N_, DomainError
from portal.domain.help import Topic, holds_for, kept_words
from portal.domain.holds import HoldKind
from portal.domain.stopped import stopped_by

LONGEST_FACT = 300
EVERYWHERE = "everywhere"
"""Where a wrong person was reached: the account is of somebody else altogether."""


class Mark(StrEnum):
    """What happened."""

    WRONG_PERSON = "wrong-person"
    ATTORNEY = "attorney"
    DECEASED = "deceased"
    BANKRUPTCY = "bankruptcy"
    DISPUTE = "dispute"
    IDENTITY_THEFT = "identity-theft"
    CEASE = "cease"


class Reads(StrEnum):
    """How a fact is typed and read."""

    TEXT = "text"
    LONG = "long"
    DAY = "day"
    CHOICE = "choice"
    ADDRESS = "address"
    """One of the addresses on file, or `EVERYWHERE`."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is asked: its words, how it is read, and whether it may stay open."""

    label: str
    reads: Reads = Reads.TEXT
    needed: bool = True
    choices: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequence:
    """What follows from a mark.

    ``hold`` is set, on all accounts of the debtor where it is about the ``person``. ``topic``: it
    is a request, which sets its own holds and is answered by a promised day. ``closes``: every link
    is revoked. ``also``: what else happens; ``back``: what taking it back does not undo.
    """

    title: str
    facts: Mapping[str, Fact]
    hold: HoldKind | None = None
    person: bool = False
    topic: Topic | None = None
    option: str | None = None
    closes: bool = False
    also: tuple[str, ...] = ()
    back: str = ""

    def kinds(self, facts: Mapping[str, str]) -> tuple[HoldKind, ...]:
        """The holds that follow, as far as what was typed decides it."""
        if self.topic is not None:
            return holds_for(self.topic, [self.option or facts.get("about") or "other"])
        somewhere = facts.get("where", EVERYWHERE) != EVERYWHERE
        return () if self.hold is None or somewhere else (self.hold,)


ALL_ACCOUNTS = N_("This counts for all accounts of this person with this client.")
LINKS_CLOSED = N_("Every link is revoked, and whoever uses one is shown out.")
NOT_SENT = N_("Messages that wait and were not asked for are never sent.")
ANSWERED = N_("A confirmation goes to the debtor, and the request waits for its promised answer.")
STAYS_CLOSED = N_("Revoked links stay revoked, and what was not sent stays unsent.")
RECEIVED = Fact(N_("Received on"), Reads.DAY)
SCAN = Fact(N_("Reference of the scanned letter"), needed=False)
FROM = Fact(N_("How do we know? Who told us, or which paper?"))

MARKS: dict[Mark, Consequence] = {
    Mark.WRONG_PERSON: Consequence(
        title=N_("Somebody else answered, or a letter came back"),
        facts={"where": Fact(N_("Where did we reach somebody else?"), Reads.ADDRESS), "from": FROM},
        hold=HoldKind.WRONG_PERSON,
        person=True,
        closes=True,
        also=(
            N_("An address where somebody else was reached is closed, with every link to it."),
            N_("If we have the wrong person altogether, all of this follows:"),
        ),
        back=STAYS_CLOSED,
    ),
    Mark.ATTORNEY: Consequence(
        title=N_("They have a lawyer"),
        facts={
            "name": Fact(N_("Name of the lawyer")),
            "address": Fact(N_("Address, email or phone of the lawyer")),
            "from": FROM,
        },
        hold=HoldKind.ATTORNEY,
        also=(N_("Only the lawyer is written to and called, at the address that you give."),),
        back=N_("Only if the lawyer does not act for them any more, or never did."),
    ),
    Mark.DECEASED: Consequence(
        title=N_("They have died"),
        facts={
            "died_on": Fact(N_("Died on, if it is known"), Reads.DAY, needed=False),
            "estate": Fact(N_("Who speaks for the estate, and how they are reached"), needed=False),
            "from": FROM,
        },
        hold=HoldKind.DECEASED,
        person=True,
        closes=True,
        also=(ALL_ACCOUNTS, LINKS_CLOSED, NOT_SENT),
        back=STAYS_CLOSED,
    ),
    Mark.BANKRUPTCY: Consequence(
        title=N_("They filed for bankruptcy"),
        facts={
            "chapter": Fact(
                N_("Kind"),
                Reads.CHOICE,
                choices={
                    "7": N_("Chapter 7"),
                    "11": N_("Chapter 11"),
                    "12": N_("Chapter 12"),
                    "13": N_("Chapter 13"),
                    "canada": N_("Bankruptcy in Canada"),
                    "proposal": N_("Consumer proposal in Canada"),
                },
            ),
            "court": Fact(N_("Court, or trustee")),
            "case": Fact(N_("Case number")),
            "filed_on": Fact(N_("Filed on"), Reads.DAY),
            "from": FROM,
        },
        hold=HoldKind.BANKRUPTCY,
        person=True,
        closes=True,
        also=(ALL_ACCOUNTS, LINKS_CLOSED, NOT_SENT),
        back=N_("Only if the case was dismissed, or was never theirs. Revoked links stay revoked."),
    ),
    Mark.DISPUTE: Consequence(
        title=N_("They dispute the debt by letter"),
        facts={
            "received_on": RECEIVED,
            "about": Fact(
                N_("What do they dispute?"),
                Reads.CHOICE,
                choices={
                    "not-mine": N_("This is not my debt"),
                    "amount": N_("The amount is wrong"),
                    "other": N_("Other"),
                    "original-creditor": N_("They ask for the original creditor"),
                },
            ),
            "words": Fact(N_("What they write"), Reads.LONG),
            "scan": SCAN,
        },
        topic=Topic.NOT_MY_DEBT,
        also=(ANSWERED, N_("The day on which it was received says whether it came in time.")),
        back=N_("Only if the letter was not theirs. Else answer it under Help requests."),
    ),
    Mark.IDENTITY_THEFT: Consequence(
        title=N_("They report identity theft"),
        facts={
            "received_on": RECEIVED,
            "report": Fact(N_("Number of the FTC or police report"), needed=False),
            "words": Fact(N_("What they write"), Reads.LONG),
            "scan": SCAN,
        },
        topic=Topic.NOT_MY_DEBT,
        option="identity-theft",
        also=(ANSWERED,),
        back=N_("Only if the letter was not theirs. Else answer it under Help requests."),
    ),
    Mark.CEASE: Consequence(
        title=N_("They ask us by letter to stop writing"),
        facts={"received_on": RECEIVED, "words": Fact(N_("What they write"), Reads.LONG)}
        | {"scan": SCAN},
        hold=HoldKind.CEASE_ALL,
        also=(NOT_SENT, N_("One closing notice may follow; a supervisor sends it.")),
        back=N_("Only if they take it back themselves, or the letter was not theirs."),
    ),
}


class FactMissing(DomainError):
    """What must be known of it was left open."""

    message = N_("Fill in all that does not say that it may stay open.")


class DayToCome(DomainError):
    """Something happened on a day that has not come."""

    message = N_("This day has not come yet: %(day)s")


class DayTooEarly(DomainError):
    """A letter is about an account as it was placed with us, not as it was years before."""

    message = N_(
        "The letter cannot have come so long before the account was placed. The first possible day"
        " is %(first)s."
    )


class TakenBackBefore(DomainError):
    """A mark that does not count any more."""

    message = N_("This was taken back already.")


def checked(what: Mark, typed: Mapping[str, str], first: date, today: date) -> dict[str, str]:
    """The facts of a mark that were filled in, fit to keep; days in ISO form.

    ``first``: the day before which no letter about the debt can have come. Raises FactMissing,
    DayToCome, DayTooEarly, TextTooLong, CardNumberTyped (PC-01).
    """
    facts = dict(_checked(what, typed, today))
    if "received_on" in facts and date.fromisoformat(facts["received_on"]) < first:
        raise DayTooEarly(first=first)
    return facts


def _checked(what: Mark, typed: Mapping[str, str], today: date) -> Iterator[tuple[str, str]]:
    for name, fact in MARKS[what].facts.items():
        words = kept_words(typed.get(name), most=LONGEST_FACT)
        if fact.needed and not words:
            raise FactMissing
        if fact.reads is Reads.DAY and words and (day := date.fromisoformat(words)) > today:
            raise DayToCome(day=day)
        if words:
            yield name, words


def told_before(what: Mark) -> list[str]:
    """What a mark will do, a marked sentence each."""
    it = MARKS[what]
    kinds = it.kinds({})
    return [*it.also, *stopped_by(kinds)]
