"""The last look at terms before they are accepted, and what staff may grant."""

from datetime import date

from portal.domain.building import (
    AGREED_PLAN,
    AGREED_SETTLEMENT,
    AGREED_WHOLE,
    settlement_floor,
    settlement_frequencies,
    settlement_latest,
    settlement_parts,
)
from portal.domain.facts import AccountFacts
from portal.domain.limits import (
    AutomaticNotOffered,
    BalanceChanged,
    FirstPaymentTooSoon,
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
    plan_bounds,
    smallest_part,
)
from portal.domain.money import Cents, Money, minimum_charge, share
from portal.domain.offers import Offer, chargeable, find_offer
from portal.domain.paydays import kept_days, open_days, paydays
from portal.domain.policy import Policy
from portal.domain.schedules import Frequency
from portal.domain.terms import Basis, Kind, Terms


def admit(
    terms: Terms,
    account: AccountFacts,
    policy: Policy,
    today: date,
    *,
    granted: Terms | None = None,
    offer: Offer | None = None,
) -> Terms:
    """The same terms, if they may be accepted today under the policy version they were shown with.

    Every limit is checked again from the schedule itself (PY-01). Terms granted by staff must
    equal ``granted``, what the staff member wrote down; they may start earlier, and today where
    their first date has gone by. ``offer`` as for ``build``. Raises OfferExpired, BalanceChanged,
    InstallmentTooSmall, PlanTooLong, TooManyParts, FirstPaymentTooLate, FirstPaymentInPast,
    FrequencyNotOffered, DownPaymentTooSmall, SettlementTooLow, AutomaticNotOffered,
    OfferNotInPolicy.
    """
    if policy.version != terms.policy_version or not chargeable(account, policy):
        raise OfferNotInPolicy
    if terms.balance_cents != account.balance_cents or terms.currency != account.currency:
        raise BalanceChanged(balance=Money(account.balance_cents, account.currency))
    if terms.valid_until is not None and today > terms.valid_until:
        raise OfferExpired(valid_until=terms.valid_until)
    _check_shape(terms)
    _check_method(terms, policy)
    if terms.basis is Basis.GRANTED:
        _check_same(terms, granted, account, policy, today)
        _check_granted(terms, account, policy, today)
        return terms
    _check_dates(terms, account, policy, today)
    if terms.key in ("plan", AGREED_PLAN):
        _check_plan(terms, account, policy, today)
    elif terms.basis is Basis.AGREED:
        _check_agreed_settlement(terms, account, policy, today)
    else:
        made = offer or find_offer(terms.key, account, policy, today)
        _check_offered(terms, made, policy, today)
    return terms


def grant(
    terms: Terms, account: AccountFacts, policy: Policy, today: date, *, valid_until: date
) -> Terms:
    """Terms that staff accept or counter with, within what the policy lets them grant.

    They bind nobody until the debtor accepts them (PY-02), and stand until ``valid_until``. No day
    of them is inside the validation period (VN-07): a deadline moves to its end, a first payment is
    refused with FirstPaymentTooSoon. Raises also what ``admit`` raises.
    """
    earliest = account.earliest_deadline_on
    if earliest is not None and terms.first_on < earliest:
        raise FirstPaymentTooSoon(earliest=earliest)
    until = max(valid_until, earliest or valid_until)
    wanted = terms.as_granted(until)
    _check_dates(wanted, account, policy, today)
    return admit(wanted, account, policy, today, granted=wanted)


def granted_terms(
    account: AccountFacts, policy: Policy, *, total: Cents, schedule: tuple[tuple[date, Cents], ...]
) -> Terms:
    """Terms that staff write down by hand, to be passed to ``grant``."""
    kind = Kind.PLAN if total == account.balance_cents else Kind.SETTLEMENT
    return Terms(
        kind=kind,
        key=f"{Basis.GRANTED}:{kind}",
        policy_version=policy.version,
        currency=account.currency,
        balance_cents=account.balance_cents,
        total_cents=total,
        schedule=schedule,
    )


def _check_same(
    terms: Terms, granted: Terms | None, account: AccountFacts, policy: Policy, today: date
) -> None:
    if granted is None:
        raise OfferNotInPolicy
    opened = open_days(account, policy, today)
    if terms not in (granted, granted.starting(terms.counted_from, opened)):
        raise OfferNotInPolicy
    latest = granted.starting(max(granted.first_on, today), opened).first_on
    check_start(terms.first_on, today=today, latest=latest)


def _check_shape(terms: Terms) -> None:
    """Sums and smallest charges, whoever made the terms."""
    amounts = [cents for _, cents in terms.schedule]
    least = minimum_charge(terms.currency)
    if not amounts or sum(amounts) != terms.total_cents or min(amounts) < least:
        raise OfferNotInPolicy
    if (terms.kind is Kind.SETTLEMENT) != (terms.total_cents < terms.balance_cents):
        raise OfferNotInPolicy


def _check_method(terms: Terms, policy: Policy) -> None:
    if terms.method is not allowed_method(terms.method, policy):
        raise AutomaticNotOffered


def _check_dates(terms: Terms, account: AccountFacts, policy: Policy, today: date) -> None:
    """The dates of the rhythm, on open days; one that stands on a closed day is due today."""
    rhythm, dates = terms.frequency or Frequency.MONTHLY, [due_on for due_on, _ in terms.schedule]
    opened = open_days(account, policy, None if terms.anchor_on else today)
    days = kept_days(rhythm, terms.days)
    found = paydays(terms.counted_from, rhythm, len(dates), days=days, opened=opened)
    if (list(found.dates), found.anchor_on, days) != (dates, terms.anchor_on, terms.days):
        raise OfferNotInPolicy


def _check_plan(terms: Terms, account: AccountFacts, policy: Policy, today: date) -> None:
    bounds = plan_bounds(account, policy, today, terms.basis)
    if bounds is None or (terms.kind is not Kind.PLAN and terms.basis is not Basis.GRANTED):
        raise OfferNotInPolicy
    check_first_payment(terms, today=today, latest=bounds.latest_first_on)
    parts = [cents for _, cents in terms.schedule]
    check_pace(
        terms.total_cents,
        smallest_part(parts),
        len(parts),
        frequency=terms.frequency or bounds.main_frequency,
        bounds=bounds,
        days=terms.days,
    )
    required = max(bounds.down_payment_cents, terms.down_payment_cents)
    check_down_payment(
        terms.first_cents, required, total=terms.total_cents, currency=terms.currency
    )


def _check_offered(terms: Terms, offer: Offer, policy: Policy, today: date) -> None:
    if (terms.kind, terms.total_cents) != (offer.kind, offer.total_cents):
        raise OfferNotInPolicy
    if (terms.valid_until is None) != (offer.valid_until is None):
        raise OfferNotInPolicy
    if terms.valid_until and offer.valid_until and terms.valid_until > offer.valid_until:
        raise OfferNotInPolicy
    check_first_payment(terms, today=today, latest=terms.valid_until or today)
    _check_settlement_parts(terms, policy, most=offer.parts)


def _check_agreed_settlement(
    terms: Terms, account: AccountFacts, policy: Policy, today: date
) -> None:
    floor = settlement_floor(account, policy, today)
    kinds = {AGREED_SETTLEMENT: Kind.SETTLEMENT, AGREED_WHOLE: Kind.PLAN}
    if floor is None or terms.valid_until or kinds.get(terms.key) is not terms.kind:
        raise OfferNotInPolicy
    if terms.total_cents < floor:
        raise SettlementTooLow(minimum=Money(floor, terms.currency))
    latest = settlement_latest(account, policy, today)
    check_first_payment(terms, today=today, latest=latest)
    _check_settlement_parts(terms, policy, most=settlement_parts(account, policy, today))


def _check_settlement_parts(terms: Terms, policy: Policy, *, most: int) -> None:
    if len(terms.schedule) > most:
        raise TooManyParts.of(most)
    if len(terms.schedule) > 1 and terms.frequency not in settlement_frequencies(policy):
        raise FrequencyNotOffered


def _check_granted(terms: Terms, account: AccountFacts, policy: Policy, today: date) -> None:
    if terms.valid_until is None:
        raise OfferNotInPolicy
    floor = share(account.balance_cents, policy.review.settlement_bps)
    if terms.kind is Kind.SETTLEMENT and terms.total_cents < floor:
        raise SettlementTooLow(minimum=Money(floor, terms.currency))
    _check_plan(terms, account, policy, today)
