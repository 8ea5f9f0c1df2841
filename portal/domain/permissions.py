"""Which addresses may be used at all: what permits it, and what has run out (EC-01, EC-02, CT-07).

These are the procedures of 12 CFR 1006.6(d)(3) to (5), kept for everybody; no pack loosens them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from portal.domain import N_
from portal.domain.channels import Channel
from portal.domain.debts import CollectorRole, is_debt_collector

NOTICE_DAYS = 35
FRESH = timedelta(days=60)


class Basis(StrEnum):
    """What permits the use of an address.

    ``direct_consent``: the person told us to use it. ``used``: they wrote to us from it about the
    debt. ``creditor_notice``: the creditor used it, and announced the transfer with a way to say
    no. ``prior_collector``: the collector before us was permitted and used it. ``rnd``: a database
    of reassigned numbers says that it is still theirs; this keeps a consent fresh and is none.
    """

    DIRECT_CONSENT = "direct_consent"
    USED = "used"
    CREDITOR_NOTICE = "creditor_notice"
    PRIOR_COLLECTOR = "prior_collector"
    RND = "rnd"


class Barred(StrEnum):
    """The rule by which an address may not be used now."""

    EMAIL = "EC-01"
    NUMBER = "EC-02"
    WORK = "CT-07"


BASES = {
    Basis.DIRECT_CONSENT: N_("The person told us to use it"),
    Basis.USED: N_("The person wrote to us from it"),
    Basis.CREDITOR_NOTICE: N_("The creditor used it, and announced that it goes over to us"),
    Basis.PRIOR_COLLECTOR: N_("The collector before us used it"),
    Basis.RND: N_("It was not reassigned"),
    "creditor_used": N_("The creditor used it"),
}
"""What permits an address, in the words of staff."""
SOURCES = {
    "account": N_("the client’s file of accounts"),
    "file": N_("a file of permissions"),
    "phone": N_("the telephone"),
    "placement": N_("the client’s file of accounts"),
    "preferences": N_("the debtor’s own pages"),
    "rnd": N_("the database of reassigned numbers"),
    "simulation": N_("a simulation"),
    "text": N_("a text message"),
}
"""Where what permits an address is from, by what stands before a colon, in the words of staff."""
THEIR_OWN = frozenset({Basis.DIRECT_CONSENT, Basis.USED})
"""What the person themselves did, with us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One piece of evidence for an address. ``kept``: a copy of the notice is on file."""

    basis: Basis
    at: datetime
    notice_sent_on: date | None = None
    deadline_on: date | None = None
    kept: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An address that a message may go to, and what permits it.

    ``at_work``: an employer is known to provide it. ``public``: on a server that everybody uses.
    """

    channel: Channel
    id: UUID | None = None
    proofs: Sequence[Proof] = ()
    at_work: bool = False
    public: bool = True


def bar(address: Address, today: date, now: datetime, *, consent: bool = False) -> Barred | None:
    """The rule that keeps an address from being used now; None where it may be.

    ``consent``: a pack wants the person's own recorded consent. ``today`` is the person's.
    """
    if address.channel is Channel.EMAIL:
        return _bar_email(address, today, consent=consent)
    if address.channel is Channel.SMS:
        return _bar_number(address, now, consent=consent)
    return None


def claimed(written: str, role: CollectorRole, at: datetime) -> Proof | None:
    """What the word says that stands with an address since a client placed it at this time.

    ``creditor_used``: who collects its own debts has been written to from it; for a collector this
    is the creditor's word, and it needs the creditor's notice (decision 0030).
    """
    if written == "creditor_used":
        basis = Basis.CREDITOR_NOTICE if is_debt_collector(role) else Basis.USED
        return Proof(basis=basis, at=at)
    named = written in tuple(Basis) and written != Basis.RND
    return Proof(basis=Basis(written), at=at) if named else None


def _bar_email(address: Address, today: date, *, consent: bool) -> Barred | None:
    theirs = [one for one in address.proofs if one.basis in THEIR_OWN]
    if address.at_work and not theirs:
        return Barred.WORK
    if consent:
        agreed = any(one.basis is Basis.DIRECT_CONSENT for one in theirs)
        return None if agreed else Barred.EMAIL
    if theirs or any(_passed_on(one, today, public=address.public) for one in address.proofs):
        return None
    return Barred.EMAIL


def _passed_on(proof: Proof, today: date, *, public: bool) -> bool:
    """Whether the procedure was followed by which another's address may be used (EC-01 b, c)."""
    if proof.basis is Basis.PRIOR_COLLECTOR:
        return proof.kept
    if proof.basis is not Basis.CREDITOR_NOTICE or not proof.kept or not public:
        return False
    if proof.notice_sent_on is None or proof.deadline_on is None:
        return False
    long_enough = proof.deadline_on - proof.notice_sent_on >= timedelta(days=NOTICE_DAYS)
    return long_enough and today > proof.deadline_on


def _bar_number(address: Address, now: datetime, *, consent: bool) -> Barred | None:
    wanted = {Basis.DIRECT_CONSENT} if consent else THEIR_OWN
    if not any(one.basis in wanted for one in address.proofs):
        return Barred.NUMBER
    return None if _is_fresh(address.proofs, now) else Barred.NUMBER


def _is_fresh(proofs: Iterable[Proof], now: datetime) -> bool:
    """Whether a text, a consent or a check of the last 60 days says it is still theirs (EC-02)."""
    return any(one.basis in (*THEIR_OWN, Basis.RND) and now - one.at <= FRESH for one in proofs)
