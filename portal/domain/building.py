"""From a debtor's choice to exact terms, each limit checked on the way."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Final

from portal.domain.facts import AccountFacts
from portal.domain.limits import (
    Bounds,
    FrequencyNotOffered,
    OfferExpired,
    OfferNotInPolicy,
    SettlementTooLow,
    TooManyParts,
    allowed_method,
    check_down_payment,
    check_first_payment,
    check_pace,
    check_start,
    latest_first_on,
    plan_bounds,
)
from portal.domain.money import (
    NOTHING,
    WHOLE_BPS,
    AmountNotPositive,
    Cents,
    Money,
    minimum_charge,
    share,
)
from portal.domain.offers import Offer, chargeable, find_offer, offers
from portal.domain.paydays import kept_days, open_days, paydays
from portal.domain.policy import Policy
from portal.domain.schedules import (
    Frequency,
    Schedule,
    count_parts,
    parts_by_amount,
    parts_by_count,
    schedule,
)
from portal.domain.terms import Basis, Choice, Kind, Terms, basis_of

ONE_PAYMENT: Final = 1
AGREED_PLAN: Final = f"{Basis.AGREED}:plan"
AGREED_SETTLEMENT: Final = f"{Basis.AGREED}:settlement"
AGREED_WHOLE: Final = f"{Basis.AGREED}:whole"


def build(
    choice: Choice,
    account: AccountFacts,
    policy: Policy,
    today: date,
    *,
    offer: Offer | None = None,
) -> Terms:
    """The exact terms of a choice, computed from the policy alone; nothing in it is trusted.

    ``offer``: the settlement that is chosen, where it was shown before and still stands. Terms
    granted by staff are kept, not built: their key is refused here. Payments are made by hand
    where the policy has no others. Raises the errors of portal.domain.limits, money, paydays and
    schedules.
    """
    if not chargeable(account, policy):
        raise OfferNotInPolicy
    builders: dict[str, Callable[..., Terms]] = {
        "full": full_terms,
        "plan": plan_terms,
        "settlement": settlement_terms,
        AGREED_PLAN: plan_terms,
        AGREED_SETTLEMENT: agreed_settlement_terms,
        AGREED_WHOLE: agreed_settlement_terms,
    }
    builder = builders.get(choice.key) or builders.get(choice.key.partition(":")[0])
    if builder is None:
        raise OfferNotInPolicy
    if offer is None:
        terms = builder(choice, account, policy, today)
    else:
        terms = settlement_terms(choice, account, policy, today, offer=offer)
    method = allowed_method(terms.method, policy)
    return terms if method is terms.method else replace(terms, method=method)


def choice_of(terms: Terms) -> Choice:
    """The choice that builds these terms again: what a page signs and hands back."""
    amounts = tuple(cents for _, cents in terms.schedule)
    choice = Choice(
        key=terms.key,
        frequency=terms.frequency,
        first_on=terms.counted_from,
        method=terms.method,
        down_payment_cents=terms.down_payment_cents or None,
        total_cents=terms.total_cents,
        valid_until=terms.valid_until,
        days=terms.days,
    )
    if len(amounts) == 1:
        return choice
    if amounts == parts_by_count(terms.total_cents, len(amounts), down=terms.down_payment_cents):
        return replace(choice, count=len(amounts))
    return replace(choice, amount_cents=amounts[1] if len(amounts) > 2 else amounts[0])


def full_terms(choice: Choice, account: AccountFacts, policy: Policy, today: date) -> Terms:
    """The whole balance in one payment today. Raises OfferNotInPolicy, FirstPaymentInPast."""
    offer = find_offer("full", account, policy, today)
    first_on = choice.first_on or today
    check_start(first_on, today=today, latest=today)
    parts = ((first_on, offer.total_cents),)
    return _terms(account, policy, kind=Kind.FULL, key=offer.key, parts=parts)


def plan_terms(choice: Choice, account: AccountFacts, policy: Policy, today: date) -> Terms:
    """The whole balance in payments, within what is offered (or agreed, if the key says so).

    Raises OfferNotInPolicy, FrequencyNotOffered, InstallmentTooSmall, PlanTooLong,
    FirstPaymentInPast, FirstPaymentTooLate, DownPaymentTooSmall, AmountNotPositive.
    """
    bounds = plan_bounds(account, policy, today, basis_of(choice.key))
    if bounds is None:
        raise OfferNotInPolicy
    first_on = choice.first_on or today
    check_start(first_on, today=today, latest=bounds.latest_first_on)
    total, frequency = account.balance_cents, choice.frequency or bounds.main_frequency
    down = _down_payment(choice, bounds, total)
    count, regular = _pace(choice, total, down=down, currency=account.currency)
    days = kept_days(frequency, choice.days) if count > 1 else ()
    check_pace(total, regular, count, frequency=frequency, bounds=bounds, days=days)
    amounts = _amounts(choice, total, down=down, currency=account.currency)
    opened = open_days(account, policy, today)
    found = paydays(first_on, frequency, count, days=days, opened=opened)
    parts = schedule(total, amounts, found.dates, currency=account.currency)
    terms = replace(
        _terms(account, policy, kind=Kind.PLAN, key=choice.key, parts=parts),
        frequency=frequency,
        method=choice.method,
        down_payment_cents=down,
        days=days,
        anchor_on=found.anchor_on,
    )
    check_first_payment(terms, today=today, latest=bounds.latest_first_on)
    return terms


def settlement_terms(
    choice: Choice,
    account: AccountFacts,
    policy: Policy,
    today: date,
    *,
    offer: Offer | None = None,
) -> Terms:
    """A settlement that is offered, at once or in its parts, begun before its last day.

    A choice with the deadline it was shown keeps that one. Raises OfferNotInPolicy, OfferExpired,
    TooManyParts, FrequencyNotOffered, FirstPaymentInPast, FirstPaymentTooLate.
    """
    if choice.valid_until is not None and choice.valid_until < today:
        raise OfferExpired(valid_until=choice.valid_until)
    offer = offer or find_offer(choice.key, account, policy, today)
    until = offer.valid_until or today
    if choice.valid_until is not None:
        until = min(until, choice.valid_until)
    check_start(choice.first_on or today, today=today, latest=until)
    terms = _settlement(choice, account, policy, today, offer=offer, until=until)
    check_first_payment(terms, today=today, latest=until)
    return terms


def agreed_settlement_terms(
    choice: Choice, account: AccountFacts, policy: Policy, today: date
) -> Terms:
    """A settlement that no tier offers, but that may be agreed without a person.

    Who may close the account for less in so many parts may also pay all of it in them: that is
    ``agreed:whole``. Raises SettlementTooLow and the errors of ``settlement_terms``.
    """
    floor = settlement_floor(account, policy, today)
    if floor is None:
        raise OfferNotInPolicy
    whole = choice.key == AGREED_WHOLE
    total = account.balance_cents if whole else _wanted(choice, floor)
    if not floor <= total < account.balance_cents + whole:
        raise SettlementTooLow(minimum=Money(floor, account.currency))
    latest = settlement_latest(account, policy, today)
    check_start(choice.first_on or today, today=today, latest=latest)
    offer = Offer(
        kind=Kind.PLAN if whole else Kind.SETTLEMENT,
        key=choice.key,
        policy_version=policy.version,
        currency=account.currency,
        total_cents=total,
        saved_cents=Cents(account.balance_cents - total),
        parts=settlement_parts(account, policy, today),
        from_cents=total,
    )
    terms = _settlement(choice, account, policy, today, offer=offer, until=None)
    check_first_payment(terms, today=today, latest=latest)
    return terms


def _wanted(choice: Choice, floor: Cents) -> Cents:
    return floor if choice.total_cents is None else choice.total_cents


def settlement_floor(account: AccountFacts, policy: Policy, today: date) -> Cents | None:
    """The lowest total that may close the account without a person, or None if none may."""
    agreed_bps = policy.agreed_settlement_bps(policy.band(account, today))
    if agreed_bps >= WHOLE_BPS or not policy.open_for(account, today):
        return None
    lowest = share(account.balance_cents, agreed_bps)
    floor = Cents(max(lowest, minimum_charge(account.currency)))
    return floor if floor < account.balance_cents else None


def settlement_parts(account: AccountFacts, policy: Policy, today: date) -> int:
    """In how many parts a settlement may be agreed: as many as the account's tiers have."""
    band = policy.band(account, today)
    return max((tier.max_parts for tier in band.tiers), default=1) if band else 1


def settlement_latest(account: AccountFacts, policy: Policy, today: date) -> date:
    """The last day on which an agreed settlement may begin: no sooner than one that is offered."""
    latest = latest_first_on(account, policy, today, Basis.AGREED)
    return max([latest, *(o.valid_until for o in offers(account, policy, today) if o.valid_until)])


def settlement_frequencies(policy: Policy) -> tuple[Frequency, ...]:
    """The rhythms in which a settlement in parts can be paid."""
    return policy.plan.frequencies if policy.plan else (Frequency.MONTHLY,)


def _settlement(
    choice: Choice,
    account: AccountFacts,
    policy: Policy,
    today: date,
    *,
    offer: Offer,
    until: date | None,
) -> Terms:
    total, count = offer.total_cents, ONE_PAYMENT
    if choice.amount_cents is not None or choice.count is not None:
        count, _ = _pace(choice, total, down=NOTHING, currency=account.currency)
    if count > offer.parts:
        raise TooManyParts.of(offer.parts)
    frequency = choice.frequency or Frequency.MONTHLY
    if count > 1 and frequency not in settlement_frequencies(policy):
        raise FrequencyNotOffered
    amounts = _amounts(choice, total, down=NOTHING, currency=account.currency)
    opened = open_days(account, policy, today)
    days = kept_days(frequency, choice.days) if count > 1 else ()
    found = paydays(choice.first_on or today, frequency, count, days=days, opened=opened)
    parts = schedule(total, amounts, found.dates, currency=account.currency)
    return replace(
        _terms(account, policy, kind=offer.kind, key=offer.key, parts=parts),
        frequency=frequency if count > 1 else None,
        method=choice.method,
        valid_until=until,
        days=days,
        anchor_on=found.anchor_on,
    )


def _pace(choice: Choice, total: Cents, *, down: Cents, currency: str) -> tuple[int, Cents]:
    """How many payments a choice makes, and the regular one."""
    if choice.amount_cents is not None:
        least = minimum_charge(currency)
        return count_parts(
            total, choice.amount_cents, minimum=least, down=down
        ), choice.amount_cents
    count = ONE_PAYMENT if choice.count is None else choice.count
    if count < 1:
        raise AmountNotPositive
    regular = total // count
    if down > regular and count > 1:
        regular = (total - down) // (count - 1) if count > 2 else down
    return count, Cents(regular)


def _amounts(choice: Choice, total: Cents, *, down: Cents, currency: str) -> tuple[Cents, ...]:
    if choice.amount_cents is None:
        return parts_by_count(total, choice.count or ONE_PAYMENT, down=down)
    least = minimum_charge(currency)
    return parts_by_amount(total, choice.amount_cents, minimum=least, down=down)


def _down_payment(choice: Choice, bounds: Bounds, total: Cents) -> Cents:
    wanted = choice.down_payment_cents
    if wanted is None:
        return bounds.down_payment_cents
    check_down_payment(wanted, bounds.down_payment_cents, total=total, currency=bounds.currency)
    return Cents(min(wanted, total))


def _terms(
    account: AccountFacts, policy: Policy, *, kind: Kind, key: str, parts: Schedule
) -> Terms:
    return Terms(
        kind=kind,
        key=key,
        policy_version=policy.version,
        currency=account.currency,
        balance_cents=account.balance_cents,
        total_cents=Cents(sum(cents for _, cents in parts)),
        schedule=parts,
    )
