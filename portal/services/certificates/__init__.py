"""The certificate of an acceptance: what the record says, told for people, in no language yet.

It says nothing that the bundle does not prove: all of it comes from the payload of the acceptance,
its leaf, the later leaves of its chain and the checkpoint over them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from portal.domain import N_
from portal.services.certificates import agreed, happened, later, proof
from portal.services.certificates.parts import Page, Said, Utc, day, moment, money, say
from portal.services.certificates.proof import CheckpointFacts, LeafFacts
from portal.services.evidence import Entry, Payload
from portal.services.no_proof import RecordErased

__all__ = ["CheckpointFacts", "LeafFacts", "Told", "certificate_page"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """All that a certificate is made of.

    ``entries`` are leaves of the same chain, of which those after the acceptance count. ``country``
    is the client's, ``base_url`` the portal's address without a slash at its end.
    """

    acceptance: Payload
    leaf: LeafFacts
    entries: Sequence[Entry]
    checkpoint: CheckpointFacts
    base_url: str
    country: str
    made_at: datetime


def certificate_page(told: Told) -> Page:
    """The certificate of an acceptance (EV-02), section by section. Raises RecordErased."""
    record = told.acceptance
    if not record:
        raise RecordErased
    since = later.since(told.entries, record, told.leaf.n)
    return Page(
        reference=record["reference"],
        title=say(N_("Certificate of agreement %(reference)s"), reference=record["reference"]),
        lead=(*_lead(record), *later.outcome(record, since)),
        sections=(
            agreed.who(record),
            agreed.what(record),
            agreed.shown(record),
            happened.when(record, told.leaf.at, told.made_at),
            happened.how(record),
            happened.intent(record),
            later.permission(record, since),
            later.delivery(since),
            later.came_later(record, since),
            proof.check(record["reference"], told.leaf, told.checkpoint, told.base_url),
        ),
        locale=record["visit"]["locale"],
        zone=record["visit"]["time_zone"],
        made_at=told.made_at,
    )


def _lead(record: Payload) -> tuple[Said, ...]:
    """The agreement in a few sentences, for who reads no further."""
    terms, schedule = record["terms"], record["terms"]["schedule"]
    first, last = day(schedule[0], "due_on"), day(schedule[-1], "due_on")
    one = N_("It is one payment, due on %(first)s.")
    many = N_("There are %(parts)s payments, from %(first)s to %(last)s.")
    lines: list[Said] = [
        say(
            N_("%(name)s agreed to pay %(total)s to %(company)s."),
            name=record["party"]["name_shown"],
            total=money(terms, "total_cents"),
            company=record["client"]["legal_name"],
        ),
        say(one if len(schedule) == 1 else many, parts=len(schedule), first=first, last=last),
    ]
    if terms["saved_cents"]:
        forgiven = N_("Once that is paid, the other %(saved)s is forgiven.")
        lines.append(say(forgiven, saved=money(terms, "saved_cents")))
    agreed = moment(record["assent"], "accepted_at")
    return (*lines, say(N_("Agreed: %(at)s (%(utc)s UTC)"), at=agreed, utc=Utc(agreed.at)))
