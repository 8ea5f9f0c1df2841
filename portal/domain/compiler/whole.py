"""The limits of a policy as a whole: what its numbers may be, and which goes further than which."""

from portal.domain import N_
from portal.domain.building import settlement_frequencies
from portal.domain.compiler.groups import FIRST_YEAR, LAST_YEAR, example_day
from portal.domain.compiler.problems import (
    FARTHEST_REMINDER,
    KEEPING,
    LONGEST_DAYS,
    LONGEST_MONTHS,
    LONGEST_PLAN_DAYS,
    MOST_CONCESSIONS,
    MOST_SETTLEMENT_PARTS,
    ROUNDINGS,
    Example,
    Place,
    Problem,
    Problems,
    percent,
)
from portal.domain.compiler.tiers import payable
from portal.domain.facts import AccountFacts
from portal.domain.money import LARGEST_CENTS, WHOLE_BPS, Cents, Money
from portal.domain.offers import plan_presets
from portal.domain.policy import (
    REMINDED_BEFORE,
    Keeping,
    PlanLimits,
    Policy,
    ProposalLimits,
    SavedMethod,
)
from portal.domain.schedules import MOST_PARTS, most_parts
from portal.domain.terms import Choice


def whole(policy: Policy) -> Problems:
    """The policy offers something, on days that exist, and is answered in time."""
    if policy.version < 1:
        text = N_("Versions are numbered from 1; this one has %(number)s.")
        yield Problem("version", text, {"number": policy.version}, Place("version"))
    offered = policy.pay_in_full or policy.plan or any(band.tiers for band in policy.bands)
    if not offered:
        text = N_("With this policy nobody is offered anything.")
        yield Problem("nothing", text, {}, Place("pay_in_full"))
    if not 1 <= policy.answer_working_days <= 30:
        text = N_("A proposal is answered within 1 to 30 working days, not %(number)s.")
        number: dict[str, object] = {"number": policy.answer_working_days}
        yield Problem("answer_working_days", text, number, Place("answer_working_days"))
    if policy.rounding_cents not in ROUNDINGS:
        text = N_("Settlements are rounded to the cent, or to $1, $5 or $10.")
        yield Problem("rounding", text, {}, Place("rounding_cents"))
    yield from _dates(policy)
    yield from _concessions(policy)
    yield from _keeping(policy.keeping)


def _dates(policy: Policy) -> Problems:
    for name, on in (("from_on", policy.from_on), ("to_on", policy.to_on)):
        if on is not None and not FIRST_YEAR <= on.year <= LAST_YEAR:
            text = N_("Choose a date from %(first)s to %(last)s.")
            years: dict[str, object] = {"first": FIRST_YEAR, "last": LAST_YEAR}
            yield Problem("dates.year", text, years, Place(name))
    if policy.from_on is not None and policy.to_on is not None and policy.to_on < policy.from_on:
        text = N_("Offers cannot end on %(to)s: they begin on %(from)s.")
        dates: dict[str, object] = {"from": policy.from_on, "to": policy.to_on}
        yield Problem("dates.order", text, dates, Place("to_on"))


def _concessions(policy: Policy) -> Problems:
    for name in ("skips", "moves", "pauses"):
        times = getattr(policy.concessions, name)
        if not 0 <= times <= MOST_CONCESSIONS:
            text = N_("A debtor may change a plan alone 0 to %(most)s times, not %(times)s.")
            params: dict[str, object] = {"most": MOST_CONCESSIONS, "times": times}
            yield Problem("concessions", text, params, Place(f"concessions.{name}"))


def _keeping(keeping: Keeping) -> Problems:
    for name, (least, most) in KEEPING.items():
        number = getattr(keeping, name)
        if not least <= number <= most:
            text = N_("Choose a number from %(least)s to %(most)s, not %(number)s.")
            params: dict[str, object] = {"least": least, "most": most, "number": number}
            yield Problem("keeping", text, params, Place(f"keeping.{name}"))
    days = keeping.extra_reminders
    free = set(range(1, FARTHEST_REMINDER + 1)) - {REMINDED_BEFORE}
    if len(set(days)) != len(days) or not free.issuperset(days):
        text = N_(
            "Further reminders go 1 to %(most)s days before a payment, each day once, and not on"
            " the third, on which one goes anyway."
        )
        most_days: dict[str, object] = {"most": FARTHEST_REMINDER}
        yield Problem("keeping.reminders", text, most_days, Place("keeping.extra_reminders"))


def plan(policy: Policy) -> Problems:
    """What a plan may look like exists, is offered to somebody, and can be paid by hand."""
    if policy.plan is None:
        return
    problems = list(_plan(policy.plan, policy.currency))
    yield from problems or _for_nobody(policy)
    if policy.plan.saved_method is SavedMethod.REQUIRED:
        text = N_(
            "A plan cannot require a saved card or bank account: whoever pays each time by hand"
            " must be offered it too (PY-06, 12 CFR 1005.10(e)(1))."
        )
        yield Problem("plan.saved_method", text, {}, Place("plan.saved_method"))


def _plan(limits: PlanLimits, currency: str) -> Problems:
    place = Place("plan.minimum_installment_cents")
    minimum = limits.minimum_installment_cents
    yield from payable(minimum, "plan.minimum_installment", place, currency)
    yield from _months(limits.maximum_months, "plan")
    yield from _rhythm(limits)
    yield from _shares(limits)
    yield from _longest(limits)


def _rhythm(limits: PlanLimits) -> Problems:
    if not limits.frequencies or len(set(limits.frequencies)) != len(limits.frequencies):
        text = N_("Choose how often a plan can be paid, each once.")
        yield Problem("plan.frequencies", text, {}, Place("plan.frequencies"))
    if not 0 <= limits.first_payment_within_days <= LONGEST_DAYS:
        text = N_("The first payment is within 0 to %(most)s days, not %(days)s.")
        params: dict[str, object] = {"most": LONGEST_DAYS, "days": limits.first_payment_within_days}
        yield Problem("plan.first_payment", text, params, Place("plan.first_payment_within_days"))


def _shares(limits: PlanLimits) -> Problems:
    if not 0 <= limits.down_payment_bps < WHOLE_BPS:
        text = N_("A down payment is from 0%% to less than 100%%, not %(percent)s%%.")
        params: dict[str, object] = {"percent": percent(limits.down_payment_bps)}
        yield Problem("plan.down_payment", text, params, Place("plan.down_payment_bps"))
    if not 0 <= limits.minimum_installment_bps < WHOLE_BPS:
        text = N_("The smallest payment is from 0%% to less than 100%%, not %(percent)s%%.")
        params = {"percent": percent(limits.minimum_installment_bps)}
        place = Place("plan.minimum_installment_bps")
        yield Problem("plan.minimum_share", text, params, place)


def _longest(limits: PlanLimits) -> Problems:
    count, days = limits.maximum_installments, limits.maximum_days
    if count is not None and not 2 <= count <= MOST_PARTS:
        text = N_("A plan has 2 to %(most)s payments, not %(count)s.")
        params: dict[str, object] = {"most": MOST_PARTS, "count": count}
        yield Problem("plan.installments", text, params, Place("plan.maximum_installments"))
    if days is not None and not 1 <= days <= LONGEST_PLAN_DAYS:
        text = N_("A plan lasts 1 to %(most)s days, not %(days)s.")
        params = {"most": LONGEST_PLAN_DAYS, "days": days}
        yield Problem("plan.days", text, params, Place("plan.maximum_days"))


def _for_nobody(policy: Policy) -> Problems:
    """A plan needs two payments; if the largest debt cannot be paid in two, no debt can."""
    today = example_day(policy)
    account = AccountFacts(LARGEST_CENTS, policy.currency, placed_on=today, default_on=today)
    rhythms = policy.plan.frequencies if policy.plan else ()
    if any(plan_presets(account, policy, today, rhythm) for rhythm in rhythms):
        return
    text = N_(
        "Nobody is offered a plan: within its longest time there is room for one payment only, or"
        " one payment must be nearly all of the debt."
    )
    example = Example(account, today, Choice(key="plan"))
    yield Problem("plan.nobody", text, {}, Place("plan"), example)


def _months(months: int, rule: str) -> Problems:
    if not 1 <= months <= LONGEST_MONTHS:
        text = N_("A plan lasts 1 to %(most)s months, not %(months)s.")
        params: dict[str, object] = {"most": LONGEST_MONTHS, "months": months}
        yield Problem(f"{rule}.months", text, params, Place(f"{rule}.maximum_months"))


def proposals(policy: Policy) -> Problems:
    """What is offered may be agreed, and what may be agreed without a person staff may grant."""
    for rule, limits in (("agree", policy.agree), ("review", policy.review)):
        if not 1 <= limits.settlement_bps <= WHOLE_BPS:
            text = N_("The lowest share is from 0.01%% to 100%%, not %(percent)s%%.")
            params: dict[str, object] = {"percent": percent(limits.settlement_bps)}
            yield Problem(f"{rule}.share", text, params, Place(f"{rule}.settlement_bps"))
        place = Place(f"{rule}.minimum_installment_cents")
        minimum = limits.minimum_installment_cents
        yield from payable(minimum, f"{rule}.minimum_installment", place, policy.currency)
        yield from _months(limits.maximum_months, rule)
    if policy.plan is not None:
        offered = ProposalLimits(
            policy.agree.settlement_bps,
            policy.plan.minimum_installment_cents,
            policy.plan.maximum_months,
        )
        yield from _narrower(offered, policy.agree, "agree", policy.currency)
    yield from _narrower(policy.agree, policy.review, "review", policy.currency)
    yield from _floors(policy)
    if 1 <= policy.review.maximum_months <= LONGEST_MONTHS:
        yield from _parts(policy)


def _floors(policy: Policy) -> Problems:
    floors = [policy.agreed_settlement_bps(band) for band in (None, *policy.bands)]
    lowest = min(floors)
    if lowest < policy.review.settlement_bps:
        text = N_(
            "A settlement of %(floor)s%% is agreed at once, but staff may not grant less than "
            "%(review)s%%."
        )
        shares: dict[str, object] = {
            "floor": percent(lowest),
            "review": percent(policy.review.settlement_bps),
        }
        yield Problem("review.share", text, shares, Place("review.settlement_bps"))


def _parts(policy: Policy) -> Problems:
    """Staff may grant a settlement in as many parts as one is offered in, whatever its rhythm."""
    months = policy.review.maximum_months
    rhythms = settlement_frequencies(policy)
    most = min((most_parts(rhythm, months) for rhythm in rhythms), default=MOST_SETTLEMENT_PARTS)
    for n, band in enumerate(policy.bands):
        for m, tier in enumerate(band.tiers):
            if most < tier.max_parts <= MOST_SETTLEMENT_PARTS:
                text = N_(
                    "A settlement in up to %(parts)s payments is offered, but in the %(months)s"
                    " months that staff may grant there are no more than %(most)s."
                )
                params: dict[str, object] = {"parts": tier.max_parts, "months": months}
                place = Place("max_parts", n, m)
                yield Problem("review.parts", text, params | {"most": most}, place)


def _narrower(inner: ProposalLimits, outer: ProposalLimits, rule: str, currency: str) -> Problems:
    """What is allowed without a person may not go further than what is allowed with one."""
    if outer.minimum_installment_cents > inner.minimum_installment_cents:
        text = N_("Payments of %(amount)s are offered, but only %(least)s or more may be agreed.")
        params: dict[str, object] = {
            "amount": Money(Cents(inner.minimum_installment_cents), currency),
            "least": Money(Cents(outer.minimum_installment_cents), currency),
        }
        place = Place(f"{rule}.minimum_installment_cents")
        yield Problem(f"{rule}.installment_order", text, params, place)
    if outer.maximum_months < inner.maximum_months:
        text = N_("Plans of %(months)s months are offered, but only %(most)s may be agreed.")
        params = {"months": inner.maximum_months, "most": outer.maximum_months}
        yield Problem(f"{rule}.months_order", text, params, Place(f"{rule}.maximum_months"))
