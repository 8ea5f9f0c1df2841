"""Offers, agreements and suggestions in the words of the debtor."""

from datetime import date

from portal.domain import N_
from portal.domain.amendments import Change
from portal.domain.terms import Kind
from portal.services.open_proposals import Closed
from portal.services.timeline.debtor.telling import (
    Say,
    Telling,
    and_left,
    because,
    mine,
    plainly,
    with_,
)
from portal.services.timeline.wording import Words

CLOSED: dict[str | None, str] = {
    Closed.AGREED_OTHERWISE: N_("You agreed to something else, so nobody needs to answer it."),
    Closed.NOTHING_OWED: N_("Nothing was owed any more, so nobody needs to answer it."),
    Closed.RECALLED: N_("This account was not with us any more, so nobody answers it."),
}
"""What became of a suggestion that nobody took back."""

AGREED = {
    (False, True): N_("You agreed to pay %(total)s in one payment (%(reference)s)."),
    (False, False): N_("You agreed to pay %(total)s in %(parts)s payments (%(reference)s)."),
    (True, True): N_(
        "You agreed to pay %(total)s in one payment to close the account (%(reference)s)."
    ),
    (True, False): N_(
        "You agreed to pay %(total)s in %(parts)s payments to close the account (%(reference)s)."
    ),
}
"""By whether it is a settlement, and whether it is one payment."""

OTHER_AT_ONCE = N_(
    "We answered your suggestion %(reference)s: %(total)s in one payment on %(first_on)s. The last"
    " day to agree: %(until)s."
)
OTHER_IN_PARTS = N_(
    "We answered your suggestion %(reference)s: %(total)s in %(parts)s payments from %(first_on)s."
    " The last day to agree: %(until)s."
)


def _agreed(it: Telling) -> Words:
    terms = it.payload["terms"]
    parts = len(terms["schedule"])
    return Words(
        AGREED[terms["kind"] == Kind.SETTLEMENT, parts == 1],
        {
            "total": (terms["total_cents"], terms["currency"]),
            "parts": parts,
            "reference": it.payload["reference"],
        },
    )


def _completed(it: Telling) -> Words:
    if it.payload.get("forgiven_cents"):
        return it.fill(
            N_(
                "You paid all that we agreed (%(reference)s). Thank you. You do not have to pay"
                " the other %(forgiven_cents)s."
            ),
            *("reference", "forgiven_cents"),
        )
    return it.fill(N_("You paid all that we agreed (%(reference)s). Thank you."), "reference")


def _withdrawn(it: Telling) -> Words:
    if it.payload.get("reason") == "expired":
        return it.fill(
            N_(
                "Your agreement %(reference)s ended, because no first payment came in time."
                " Nothing was taken."
            ),
            "reference",
        )
    say = mine(
        N_("You took your agreement %(reference)s back. Nothing was taken."),
        N_("Your agreement %(reference)s was taken back. Nothing was taken."),
        "reference",
    )
    return say(it)


CHANGED = {
    Change.MOVED: (
        N_("You moved your payment of %(from_on)s to %(to_on)s (%(reference)s)."),
        ("from_on", "to_on", "reference"),
    ),
    Change.SKIPPED: (
        N_("You skipped your payment of %(from_on)s. You pay it on %(to_on)s (%(reference)s)."),
        ("from_on", "to_on", "reference"),
    ),
    Change.PAUSED: (
        N_("You let your plan rest. The last payment is now on %(to_on)s (%(reference)s)."),
        ("to_on", "reference"),
    ),
    Change.REPLANNED: (N_("You changed how you pay what is left (%(reference)s)."), ("reference",)),
    Change.SHORTENED: (
        N_("You paid %(amount_cents)s extra, so your plan ends sooner (%(reference)s)."),
        ("amount_cents", "reference"),
    ),
    Change.LOWERED: (
        N_("You paid %(amount_cents)s extra, so your next payments are smaller (%(reference)s)."),
        ("amount_cents", "reference"),
    ),
    Change.SPREAD: (
        N_("You added what was missing to your later payments (%(reference)s)."),
        ("reference",),
    ),
}
"""What a debtor changed, and what of the leaf says it."""

FOR_THEM = {
    (Change.MOVED, True): (
        N_(
            "By telephone with somebody who works for us, you moved your payment of %(from_on)s to"
            " %(to_on)s (%(reference)s)."
        ),
        ("from_on", "to_on", "reference"),
    ),
    (Change.SKIPPED, True): (
        N_(
            "By telephone with somebody who works for us, you skipped your payment of %(from_on)s."
            " You pay it on %(to_on)s (%(reference)s)."
        ),
        ("from_on", "to_on", "reference"),
    ),
    (Change.PAUSED, False): (
        N_("We let your plan rest. The last payment is now on %(to_on)s (%(reference)s)."),
        ("to_on", "reference"),
    ),
}
"""What staff did, by whether the debtor was on the telephone with them."""

LESS_OWED = and_left(
    with_(N_("Less was owed, so your agreement %(reference)s got smaller."), "reference")
)


def _amended(it: Telling) -> Words | None:
    kind = it.payload.get("kind")
    if kind is None:
        return LESS_OWED(it)
    for_them = None if it.actor == "debtor" else FOR_THEM.get((Change(kind), it.by_phone))
    message, names = for_them or CHANGED[Change(kind)]
    return it.fill(message, *names)


def _reviewed(it: Telling) -> Words:
    if not it.by_phone:
        return plainly(it)
    return Words(N_("We read you every date and amount on the telephone."), {})


def _offers(it: Telling) -> Words:
    """The cheapest of the settlements that were shown, and its last day."""
    offers = it.payload["offers"]
    least = min(offers, key=lambda one: (one["total_cents"], one["valid_until"]))
    said = {
        "total": (least["total_cents"], it.account.currency),
        "day": date.fromisoformat(least["valid_until"]),
    }
    if len(offers) == 1:
        return Words(
            N_("We offered to close the account for %(total)s. The last day for it: %(day)s."), said
        )
    return Words(
        N_(
            "We made you %(count)s offers to close the account. The lowest was %(total)s. The last"
            " day for it: %(day)s."
        ),
        {**said, "count": len(offers)},
    )


def _suggested(it: Telling) -> Words:
    wish, balance = it.payload["wish"], it.money("balance_cents")
    total = wish.get("total_cents", balance[0])
    part = wish.get("amount_cents", total)
    said = {"total": (total, balance[1]), "part": (part, balance[1])}
    message = (
        N_("You suggested this: %(total)s in one payment (%(reference)s).")
        if part >= total
        else N_("You suggested this: %(total)s in all, %(part)s at a time (%(reference)s).")
    )
    return Words(message, {**said, "reference": it.payload["reference"]})


def _accepted(it: Telling) -> Words:
    said = Words(
        N_("We said yes to your suggestion %(reference)s. The last day to agree: %(until)s."),
        {"reference": it.payload["reference"], "until": _until(it)},
    )
    return _by_whom(it, said)


def _countered(it: Telling) -> Words:
    terms = it.payload["terms"]
    parts = len(terms["schedule"])
    said = Words(
        OTHER_AT_ONCE if parts == 1 else OTHER_IN_PARTS,
        {
            "reference": it.payload["reference"],
            "total": (terms["total_cents"], terms["currency"]),
            "parts": parts,
            "first_on": date.fromisoformat(terms["schedule"][0]["due_on"]),
            "until": _until(it),
        },
    )
    return _by_whom(it, said)


def _until(it: Telling) -> date:
    return date.fromisoformat(it.payload["terms"]["valid_until"])


def _by_whom(it: Telling, said: Words) -> Words:
    """The answer, and that a computer gave it where nobody had."""
    if it.actor != "system":
        return said
    return because(said, N_("No person had answered in time, so our computer did."))


def _declined(it: Telling) -> Words:
    """The reason is what we wrote to the debtor."""
    return it.fill(
        N_("We did not agree to your suggestion %(reference)s. We wrote: “%(reason)s”"),
        *("reference", "reason"),
    )


def _closed(it: Telling) -> Words:
    said = it.fill(N_("Your suggestion %(reference)s was closed."), "reference")
    why = CLOSED.get(it.payload.get("reason"))
    return because(said, why) if why else said


def _taken_back(it: Telling) -> Words:
    if it.payload.get("replaced"):
        return it.fill(N_("You sent another suggestion instead of %(reference)s."), "reference")
    say = mine(
        N_("You took your suggestion %(reference)s back."),
        N_("Your suggestion %(reference)s was taken back."),
        "reference",
    )
    return say(it)


WORDS: dict[str, tuple[str, Say]] = {
    "acceptance": (N_("You agreed to pay."), _agreed),
    "account.recalled": (
        N_("This account is not with us any more."),
        lambda it: Words(
            N_("%(creditor)s took this account back. It is not with us any more."),
            {"creditor": it.account.current_creditor},
        ),
    ),
    "arrangement.amended": (N_("Your agreement was changed."), _amended),
    "arrangement.broken": (
        N_("Your agreement ended, because a payment was missing. What you paid still counts."),
        with_(
            N_(
                "Your agreement %(reference)s ended, because a payment was missing."
                " It could be paid until %(until_on)s. What you paid still counts."
            ),
            *("reference", "until_on"),
        ),
    ),
    "arrangement.canceled": (
        N_("Your agreement ended. Nothing more is taken for it."),
        mine(
            N_("You ended your agreement %(reference)s. Nothing more is taken for it."),
            N_("Your agreement %(reference)s ended. Nothing more is taken for it."),
            "reference",
        ),
    ),
    "arrangement.completed": (N_("You paid all that we agreed. Thank you."), _completed),
    "arrangement.withdrawn": (N_("Your agreement was taken back. Nothing was taken."), _withdrawn),
    "export.made": (
        N_("The proof of your agreement was saved."),
        mine(
            N_("You saved the proof of your agreement %(reference)s."),
            N_("Somebody who works for us saved the proof of your agreement %(reference)s."),
            "reference",
        ),
    ),
    "offers.shown": (N_("We made you an offer to close the account."), _offers),
    "proposal.accepted": (N_("We said yes to your suggestion."), _accepted),
    "proposal.closed": (N_("Your suggestion was closed."), _closed),
    "proposal.countered": (N_("We suggested something else."), _countered),
    "proposal.declined": (N_("We did not agree to your suggestion."), _declined),
    "proposal.escalated": (
        N_("We were late with our answer to your suggestion."),
        with_(
            N_("We had said that we answer %(reference)s by %(due_on)s. We were late."),
            *("reference", "due_on"),
        ),
    ),
    "proposal.expired": (
        N_("The last day for our answer to your suggestion has passed."),
        with_(N_("The last day for our answer to %(reference)s has passed."), "reference"),
    ),
    "proposal.submitted": (N_("You suggested something else."), _suggested),
    "proposal.withdrawn": (N_("Your suggestion was taken back."), _taken_back),
    "french.delivered": (N_("We showed you the French version first."), plainly),
    "language.wished": (
        N_("You asked for the agreement and its papers in another language."),
        plainly,
    ),
    "terms.reviewed": (N_("We showed you the page with every date and amount."), _reviewed),
}
