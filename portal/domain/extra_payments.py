"""A payment beyond what is due: what is left of a plan becomes shorter, or its payments smaller."""

from enum import StrEnum

from portal.domain import N_, DomainError
from portal.domain.amendments import Amendment, Change, DueFirst, FirstPaymentFirst, Running
from portal.domain.money import Cents, Money, PartTooSmall, minimum_charge
from portal.domain.schedules import Schedule, shorten


class Effect(StrEnum):
    """What an extra payment does: fewer payments, or smaller ones on the same dates."""

    SHORTEN = "shorten"
    LOWER = "lower"


class EnoughToPayOff(DomainError):
    """An extra payment of all that is left, or more."""

    message = N_("%(left)s is all that is left. Choose to pay it all instead.")


class RestTooSmall(DomainError):
    """An extra payment that leaves less than can be paid."""

    message = N_("That would leave too little to pay. Pay at most %(most)s, or all %(left)s.")


class ExtraTooSmall(PartTooSmall):
    """An extra payment of less than can be paid."""

    message = N_("Pay at least %(minimum)s.")


class PaymentsTooSmall(DomainError):
    """Lowered so far, the payments could not be taken any more."""

    message = N_("Your payments would become too small. Choose to finish sooner instead.")


def pay_extra(plan: Running, amount: Cents, effect: Effect) -> Amendment:
    """What an extra payment (cents) leaves: fewer payments, or smaller ones on the same dates.

    Raises FirstPaymentFirst, DueFirst, ExtraTooSmall, EnoughToPayOff, RestTooSmall,
    PaymentsTooSmall.
    """
    if plan.waiting:
        raise FirstPaymentFirst
    if any(plan.taken_on(due_on) <= plan.today for due_on, _ in plan.parts):
        raise DueFirst
    currency, left = plan.terms.currency, plan.left_cents
    least = minimum_charge(currency)
    if amount < least:
        raise ExtraTooSmall(minimum=Money(least, currency))
    if amount >= left:
        raise EnoughToPayOff(left=Money(left, currency))
    if left - amount < least:
        most = Cents(max(left - least, 0))
        raise RestTooSmall(most=Money(most, currency), left=Money(left, currency))
    return _paid_extra(plan, Cents(left - amount), effect, least)


def _paid_extra(plan: Running, rest: Cents, effect: Effect, least: Cents) -> Amendment:
    if effect is Effect.LOWER:
        after = lower(plan.parts, rest)
        if min(cents for _, cents in after) < min(least, *(cents for _, cents in plan.parts)):
            raise PaymentsTooSmall
        return Amendment(Change.LOWERED, plan.parts, after, plan.rhythm)
    after = shorten(plan.parts, rest, minimum=least)
    return Amendment(Change.SHORTENED, plan.parts, after, plan.rhythm)


def lower(parts: Schedule, rest: Cents) -> Schedule:
    """The same dates for a smaller rest (cents): the largest payments come down to one height.

    What does not divide goes a cent each to the last of them.
    """
    amounts = sorted(cents for _, cents in parts)
    height, spread = 0, int(rest)
    for place, cents in enumerate(amounts):
        height, over = divmod(spread, len(amounts) - place)
        if cents > height:
            break
        spread -= cents
    lowered = [min(cents, height) for _, cents in parts]
    cut = [place for place, (_, cents) in enumerate(parts) if cents > height]
    for place in cut[len(cut) - over :] if over else ():
        lowered[place] += 1
    return tuple((due_on, Cents(cents)) for (due_on, _), cents in zip(parts, lowered, strict=True))
