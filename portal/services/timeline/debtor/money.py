"""Money in the words of the debtor: what was paid, allowed, asked for, and went back."""

from portal.domain import N_
from portal.domain.brands import brand_name
from portal.services.timeline.debtor.telling import Say, Telling, and_left, because, mine, with_
from portal.services.timeline.wording import Words

WHY_NOT_AUTOMATIC = {
    "chargeback": N_("Your bank had taken a payment back."),
    "debit_not_authorized": N_("Your bank said that nobody had allowed a payment."),
    "payment_lost": N_("A payment had gone back."),
    "method_changed": N_("You chose another card or bank account."),
}


def _method(it: Telling) -> Words:
    """The way to pay as its owner knows it."""
    said = it.payload.get("method", {})
    if "brand" not in said:
        return Words(N_("the bank account that you saved"), {})
    brand = brand_name(said["brand"])
    return Words(N_("%(brand)s ending %(last4)s"), {"brand": brand, "last4": said["last4"]})


def _granted(it: Telling) -> Words:
    most = {"method": _method(it), "most": it.money("cap_cents")}
    return Words(
        N_("You allowed automatic payments from %(method)s, at most %(most)s in all."), most
    )


def _revoked(it: Telling) -> Words | None:
    """Nothing where another line says it: the stop itself, or the end of the agreement."""
    said_elsewhere = it.payload.get("reason") in ("stopped", "paid", "nothing_owed")
    if said_elsewhere or "method" not in it.payload:
        return None
    said = Words(N_("We take no more automatic payments from %(method)s."), {"method": _method(it)})
    why = WHY_NOT_AUTOMATIC.get(it.payload.get("reason", ""))
    return because(said, why) if why else said


def _resolved(it: Telling) -> Words | None:
    """What a person's decision did to what is owed; most of them do nothing to it."""
    by_decision: dict[str, Say] = {
        "apply": and_left(
            lambda it: Words(
                N_("%(creditor)s changed the amount."), {"creditor": it.account.current_creditor}
            )
        ),
        "outside": lambda it: Words(N_("We noted that you got money back in another way."), {}),
        "write_off": lambda it: Words(
            N_("The rest was too little to pay. You do not have to pay it."), {}
        ),
    }
    say = by_decision.get(it.payload["decision"])
    return say(it) if say else None


def _payment(yours: str, other: str | None, saving: str | None = None) -> Say:
    """A sentence for the debtor's own payment, for somebody else's, for a card that is saved.

    None for ``other``: what they tried and did not do is theirs.
    """

    def say(it: Telling) -> Words | None:
        if it.payload.get("purpose") == "method":
            return Words(saving, {}) if saving else None
        if not it.by_other:
            return it.fill(yours, "amount_cents", "reference")
        return it.fill(other, "amount_cents", "reference") if other else None

    return say


def _back(yours: str, other: str) -> Say:
    """Money that went back, to the debtor or to whom they had asked to pay."""

    def say(it: Telling) -> Words:
        return it.fill(other if it.by_other else yours, "amount_cents")

    return and_left(say)


WORDS: dict[str, tuple[str, Say]] = {
    "authorization.granted": (N_("You allowed automatic payments."), _granted),
    "authorization.revoked": (N_("A permission for automatic payments ended."), _revoked),
    "automatic.stopped": (
        N_("Automatic payments were stopped."),
        mine(
            N_("You stopped automatic payments. Nothing more is taken without you."),
            N_("We stopped automatic payments. Nothing more is taken without you."),
        ),
    ),
    "exception.resolved": (N_("A person answered a question about money."), _resolved),
    "forgiveness.restored": (
        N_("Money that had gone back is with us again."),
        and_left(
            with_(
                N_("Money for %(reference)s is with us again. You do not have to pay the rest."),
                "reference",
            )
        ),
    ),
    "forgiveness.reversed": (
        N_("Money that you paid for your agreement went back."),
        and_left(
            with_(
                N_(
                    "Money that you paid for %(reference)s went back. So the part that you did not"
                    " have to pay is owed again: %(amount_cents)s."
                ),
                *("reference", "amount_cents"),
            )
        ),
    ),
    "payer_link.issued": (
        N_("You asked somebody else to pay."),
        mine(
            N_("You asked somebody else to pay %(amount_cents)s (%(reference)s)."),
            N_("We sent you a page to pay %(amount_cents)s (%(reference)s), as you asked."),
            *("amount_cents", "reference"),
        ),
    ),
    "payer_link.revoked": (
        N_("You closed the link for somebody else to pay."),
        mine(
            N_("You closed the link for somebody else to pay %(amount_cents)s (%(reference)s)."),
            N_("We closed the page to pay %(amount_cents)s (%(reference)s)."),
            *("amount_cents", "reference"),
        ),
    ),
    "payment.charged_back": (
        N_("A bank took a payment back."),
        _back(
            N_("Your bank took %(amount_cents)s of a payment back."),
            N_("The bank of the person you had asked took %(amount_cents)s back."),
        ),
    ),
    "payment.chargeback_reversed": (
        N_("A bank gave us a payment again."),
        _back(
            N_("Your bank gave us %(amount_cents)s again."),
            N_("The bank of the person you had asked gave us %(amount_cents)s again."),
        ),
    ),
    "payment.returned": (
        N_("A payment does not count any more."),
        and_left(
            with_(
                N_("Your payment %(reference)s of %(amount_cents)s does not count any more."),
                *("reference", "amount_cents"),
            )
        ),
    ),
    "arrangement.reopened": (
        N_("Your agreement runs on."),
        with_(
            N_("Your agreement %(reference)s runs on, because its last payment does not count."),
            "reference",
        ),
    ),
    "charge.blocked": (
        N_("We did not take a payment, because our note about it did not reach you in time."),
        lambda it: it.fill(
            N_(
                "We did not take your payment of %(amount_cents)s, because our note about it did"
                " not reach you in time. Nothing was taken."
            ),
            "amount_cents",
        ),
    ),
    "payment.dropped": (
        N_("A payment did not begin. Nothing was taken."),
        _payment(
            N_("A payment of %(amount_cents)s did not begin (%(reference)s). Nothing was taken."),
            None,
        ),
    ),
    "payment.expired": (
        N_("A payment was not finished. Nothing was taken."),
        _payment(
            N_(
                "You did not finish a payment of %(amount_cents)s (%(reference)s). Nothing was"
                " taken."
            ),
            None,
            N_("You did not finish saving a card or bank account. Nothing was taken."),
        ),
    ),
    "payment.failed": (
        N_("A payment did not go through."),
        _payment(
            N_("Your payment of %(amount_cents)s did not go through (%(reference)s)."),
            N_(
                "Somebody you asked tried to pay %(amount_cents)s (%(reference)s). It did not go"
                " through."
            ),
            N_("Your card or bank account was not saved. Nothing was taken."),
        ),
    ),
    "payment.processing": (
        N_("A payment was on its way."),
        _payment(
            N_("Your payment of %(amount_cents)s was on its way (%(reference)s)."),
            N_("Somebody you asked paid %(amount_cents)s. It was on its way (%(reference)s)."),
        ),
    ),
    "payment.refund_failed": (
        N_("Money that we sent back did not arrive."),
        _back(
            N_("%(amount_cents)s that we sent back to you did not arrive. It came to us again."),
            N_("%(amount_cents)s that we sent to the person you had asked came to us again."),
        ),
    ),
    "payment.refunded": (
        N_("We sent money back."),
        _back(
            N_("We sent %(amount_cents)s back to you."),
            N_("We sent %(amount_cents)s back to the person you had asked to pay."),
        ),
    ),
    "payment.succeeded": (
        N_("We received a payment."),
        and_left(
            _payment(
                N_("We received your payment of %(amount_cents)s (%(reference)s)."),
                N_("Somebody you asked paid %(amount_cents)s (%(reference)s)."),
            )
        ),
    ),
    "refund.asked": (
        N_("We decided to send money back."),
        with_(
            N_("We decided to send back %(amount_cents)s of the payment %(reference)s."),
            *("amount_cents", "reference"),
        ),
    ),
}
