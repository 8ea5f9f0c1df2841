"""Causes that lie in the account, its client, or what was suggested: who may pay, and what."""

from collections.abc import Iterator

from portal.domain import N_
from portal.domain.diagnosis.facts import Cause, Facts, Remedy, Seen, Shows, Source
from portal.domain.statuses import AccountStatus, ProposalStatus


def _recalled(facts: Facts) -> Iterator[Seen]:
    if facts.status == AccountStatus.RECALLED:
        yield Seen(at=facts.recalled_at)


def _owes_nothing(facts: Facts) -> Iterator[Seen]:
    if facts.status != AccountStatus.RECALLED and facts.denied_by("DH-09"):
        yield Seen(said={"balance": facts.balance})


def _denied(rule: str) -> Shows:
    """Where a rule about the account itself forbids to pay."""

    def shows(facts: Facts) -> Iterator[Seen]:
        if facts.denied_by(rule) and not facts.denied_by("DH-09"):
            yield Seen(said={"balance": facts.balance})

    return shows


def _frozen(facts: Facts) -> Iterator[Seen]:
    if facts.frozen_at is not None:
        yield Seen(at=facts.frozen_at)


def _proposal(*statuses: ProposalStatus) -> Shows:
    """Where the newest proposal stands so, and nothing took its place."""

    def shows(facts: Facts) -> Iterator[Seen]:
        asked = facts.proposal
        if asked is not None and asked.status in statuses and facts.allowed.offer.allowed:
            until = asked.until or asked.due_on
            yield Seen(at=asked.at, said={"due": asked.due_on, "until": until}, about=asked.id)

    return shows


def _no_limits(facts: Facts) -> Iterator[Seen]:
    if not facts.offered.limits and facts.allowed.offer.allowed:
        yield Seen()


def _only_all(facts: Facts) -> Iterator[Seen]:
    offered = facts.offered
    if offered.limits and not offered.choice and facts.allowed.offer.allowed:
        yield Seen(said={"balance": facts.balance})


def _offer_ended(facts: Facts) -> Iterator[Seen]:
    if facts.offered.ended_on is not None and facts.allowed.offer.allowed:
        yield Seen(said={"day": facts.offered.ended_on})


def _plan_ended(facts: Facts) -> Iterator[Seen]:
    if facts.plan_ended_at is not None:
        yield Seen(at=facts.plan_ended_at)


def _question(facts: Facts) -> Iterator[Seen]:
    if facts.question is not None:
        yield Seen(at=facts.question[1], about=facts.question[0])


CAUSES = (
    Cause(
        code="recalled",
        sure=True,
        title=N_("The client took the account back"),
        seen=N_("It is not with us any more."),
        source=Source.ACCOUNT,
        tell=N_("This account is no longer with us. Please ask the company that you owe."),
        remedy=Remedy.NONE,
        shows=_recalled,
    ),
    Cause(
        code="nothing_owed",
        sure=True,
        title=N_("Nothing is owed"),
        seen=N_("The balance is %(balance)s."),
        source=Source.ACCOUNT,
        tell=N_("You owe nothing on this account. You do not need to do anything."),
        remedy=Remedy.NONE,
        shows=_owes_nothing,
    ),
    Cause(
        code="too_little",
        sure=True,
        title=N_("Less is left than a card or bank can be charged"),
        seen=N_("The balance is %(balance)s."),
        source=Source.ACCOUNT,
        tell=N_("What is left is too little to pay by card or bank. You do not need to do more."),
        remedy=Remedy.NONE,
        shows=_denied("too_little"),
    ),
    Cause(
        code="notice_first",
        sure=True,
        title=N_("The validation notice has not been sent"),
        seen=N_("No day of a notice is on file. Nothing may be shown or paid online before."),
        source=Source.ACCOUNT,
        tell=N_("We must send you a letter about this debt first."),
        remedy=Remedy.NONE,
        shows=_denied("VN-04"),
    ),
    Cause(
        code="time_barred",
        sure=True,
        title=N_("The debt is too old to be paid online"),
        seen=N_("Its limitation period has ended; %(balance)s is owed."),
        source=Source.ACCOUNT,
        tell=N_("This debt is old. There is something we must tell you before you can pay it."),
        remedy=Remedy.NONE,
        shows=_denied("TB-02"),
    ),
    Cause(
        code="client_frozen",
        sure=True,
        title=N_("Nothing can be agreed with this client now"),
        seen=N_("Agreements are stopped until compliance has looked at the record."),
        source=Source.RECORD,
        tell=N_("We cannot make an agreement now. You can pay all of it, or we call you back."),
        remedy=Remedy.WRITE,
        shows=_frozen,
    ),
    Cause(
        code="proposal_waits",
        title=N_("Their proposal waits for us"),
        seen=N_("They sent it, and we promised an answer by %(due)s."),
        source=Source.RECORD,
        tell=N_("We have your suggestion, and we are answering it."),
        remedy=Remedy.PROPOSAL,
        shows=_proposal(ProposalStatus.SUBMITTED),
    ),
    Cause(
        code="proposal_answered",
        title=N_("Our answer to their proposal waits for them"),
        seen=N_("They have to agree to it by %(until)s."),
        source=Source.RECORD,
        tell=N_("We have answered you. Open your account, read our answer, and agree to it."),
        remedy=Remedy.LINK,
        shows=_proposal(ProposalStatus.ACCEPTED, ProposalStatus.COUNTERED),
    ),
    Cause(
        code="proposal_declined",
        title=N_("Their proposal was not accepted"),
        seen=N_("It was declined, or its time went by."),
        source=Source.RECORD,
        tell=N_("We could not agree to that. You can choose another way to pay."),
        remedy=Remedy.LINK,
        shows=_proposal(ProposalStatus.DECLINED, ProposalStatus.EXPIRED),
    ),
    Cause(
        code="offer_ended",
        title=N_("The offer that they saw has ended"),
        seen=N_("Its last day was %(day)s."),
        source=Source.RECORD,
        tell=N_("That offer has ended. These are the ways to pay that you have now."),
        remedy=Remedy.LINK,
        shows=_offer_ended,
    ),
    Cause(
        code="plan_ended",
        title=N_("Their plan ended because it was not paid"),
        seen=N_("The agreement is broken; what was paid counts."),
        source=Source.RECORD,
        tell=N_("Your plan has ended. All that you paid counts, and you can make a new plan."),
        remedy=Remedy.LINK,
        shows=_plan_ended,
    ),
    Cause(
        code="no_limits",
        title=N_("The client has no offer limits in force"),
        seen=N_("No version of them is live, so there is nothing to choose."),
        source=Source.ACCOUNT,
        tell=N_("You cannot choose a plan online yet. Tell us what you can pay."),
        remedy=Remedy.WRITE,
        shows=_no_limits,
    ),
    Cause(
        code="only_all",
        title=N_("They may only pay all of it at once"),
        seen=N_("No settlement and no plan fits %(balance)s under the client’s limits."),
        source=Source.ACCOUNT,
        tell=N_("You can pay all of it, pay a part now, or suggest what you can pay."),
        remedy=Remedy.LINK,
        shows=_only_all,
    ),
    Cause(
        code="money_question",
        title=N_("A question about their money waits for a person"),
        seen=N_("Nothing answers it by itself."),
        source=Source.PAYMENTS,
        tell=N_("We are checking a payment of yours, and will write to you."),
        remedy=Remedy.QUESTION,
        shows=_question,
    ),
)
