"""Offer limits in words that a collections manager reads, and what two versions differ in."""

from collections.abc import Iterator
from dataclasses import dataclass

from portal.blueprints.consoles import words_of
from portal.domain import labels
from portal.domain.compiler import percent
from portal.domain.cover import Span
from portal.domain.money import WHOLE_BPS, Cents
from portal.domain.policy import (
    REMINDED_BEFORE,
    Band,
    Concessions,
    Keeping,
    PlanLimits,
    Policy,
    ProposalLimits,
    SavedMethod,
    Segment,
    Tier,
)
from portal.web import gettext as _
from portal.web import ngettext

Line = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Change:
    """One line of limits as it is and as it would be; None where there is none."""

    what: str
    before: str | None
    after: str | None

    @property
    def changed(self) -> bool:
        """Whether the two differ."""
        return self.before != self.after


def describe(policy: Policy) -> list[Line]:
    """What is limited, and how, line by line."""
    return [
        (_("Pay everything at once"), _offered(policy.pay_in_full)),
        *(segment_words(segment) for segment in policy.segments),
        *(_band(band, policy) for band in policy.bands),
        (_("Settlements are rounded"), _rounding(policy)),
        (
            _("Who pays a part may have to pay more to close the rest"),
            _("yes") if policy.paying_part_may_cost_more else _("no"),
        ),
        *_plan(policy.plan, policy.currency),
        *_proposals(_("Agreed at once"), policy.agree, policy.currency),
        *_proposals(_("Granted by staff"), policy.review, policy.currency),
        *_answers(policy),
        *_concessions(policy.concessions),
        *_keeping(policy.keeping),
        *_dates(policy),
    ]


def _offered(yes: bool) -> str:
    return _("offered") if yes else _("not offered")


def segment_words(segment: Segment) -> Line:
    """A segment's name, and whom it holds."""
    parts = [
        ", ".join(segment.products),
        ", ".join(segment.regions),
        ", ".join(words_of(role, labels.COLLECTORS) for role in segment.collector_roles),
        ", ".join(words_of(one, labels.HISTORIES) for one in segment.histories),
    ]
    words = _("; ").join(part for part in parts if part)
    return _("Segment %(name)s", name=segment.name), words or _("every account")


def _band(band: Band, policy: Policy) -> Line:
    currency, agreed = policy.currency, policy.agreed_settlement_bps(band)
    if not band.tiers and agreed < WHOLE_BPS:
        share = percent(agreed)
        return _who(band, currency), _(
            "none offered, but %(share)s%% is agreed at once", share=share
        )
    return _who(band, currency), _("; ").join(_tiers(band, currency)) or _("no settlement")


def _who(band: Band, currency: str) -> str:
    """Which accounts a band is for."""
    accounts = [balance_words((band.from_balance_cents, band.to_balance_cents), currency)]
    if band.from_days or band.to_days is not None:
        accounts.append(age_words((band.from_days, band.to_days)))
    words = _("Settlement, %(accounts)s", accounts=", ".join(accounts))
    return f"{band.segment}: {words}" if band.segment else words


def balance_words(span: Span, currency: str) -> str:
    """A span of balances (cents), with the last cent that is inside."""
    first, end = span
    since = (Cents(first), currency)
    if end is None:
        return _("every balance") if first <= 1 else _("%(since)s or more", since=since)
    last = (Cents(end - 1), currency)
    return (
        _("up to %(last)s", last=last)
        if first <= 1
        else _("%(since)s to %(last)s", since=since, last=last)
    )


def age_words(span: Span) -> str:
    """A span of days since default, with the last day that is inside."""
    first, end = span
    if end is None:
        return _("on every day") if first <= 0 else _("from day %(first)s", first=first)
    return _("day %(first)s to %(last)s", first=first, last=end - 1)


def _tiers(band: Band, currency: str) -> Iterator[str]:
    for tier in band.tiers:
        pays, days = tier_words(tier, currency), tier.valid_for_days
        yield _("%(pays)s, for %(days)s days", pays=pays, days=days)
    if band.agree_settlement_bps is not None:
        yield _("agreed down to %(share)s%%", share=percent(band.agree_settlement_bps))


def tier_words(tier: Tier, currency: str) -> str:
    """What a tier takes, and in how many payments."""
    pays = _("%(share)s%%", share=percent(tier.pay_bps))
    if tier.pay_cents:
        pays = _("%(amount)s", amount=(Cents(tier.pay_cents), currency))
    if tier.max_parts == 1:
        return _("%(pays)s at once", pays=pays)
    return _("%(pays)s in up to %(parts)s payments", pays=pays, parts=tier.max_parts)


def _rounding(policy: Policy) -> str:
    if policy.rounding_cents == 1:
        return _("to the cent")
    step = (Cents(policy.rounding_cents), policy.currency)
    return _("down to a multiple of %(step)s", step=step)


def _plan(plan: PlanLimits | None, currency: str) -> Iterator[Line]:
    if plan is None:
        yield _("Payment plans"), _("not offered")
        return
    yield _("Payment plans"), _("offered")
    yield _("Smallest payment of a plan"), _smallest(plan, currency)
    yield _("Longest plan"), _("; ").join(_longest(plan))
    often = [words_of(one, labels.FREQUENCIES) for one in plan.frequencies]
    yield _("How often a plan is paid"), ", ".join(often)
    yield _("When a payment is due"), words_of(plan.due_days, labels.DUE_DAYS)
    yield _("Down payment"), f"{percent(plan.down_payment_bps)}%"
    first = ngettext("%(num)d day", "%(num)d days", plan.first_payment_within_days)
    yield _("First payment within"), first
    saved = _offered(plan.saved_method is not SavedMethod.NOT_OFFERED)
    yield _("Payments by themselves from a saved card or bank account"), saved


def _smallest(plan: PlanLimits, currency: str) -> str:
    smallest = (Cents(plan.minimum_installment_cents), currency)
    if not plan.minimum_installment_bps:
        return _("%(amount)s", amount=smallest)
    share = percent(plan.minimum_installment_bps)
    return _("%(amount)s, or %(share)s%% if that is more", amount=smallest, share=share)


def _longest(plan: PlanLimits) -> Iterator[str]:
    yield ngettext("%(num)d month", "%(num)d months", plan.maximum_months)
    if plan.maximum_installments is not None:
        yield ngettext("%(num)d payment", "%(num)d payments", plan.maximum_installments)
    if plan.maximum_days is not None:
        yield ngettext("%(num)d day", "%(num)d days", plan.maximum_days)


def _proposals(title: str, limits: ProposalLimits, currency: str) -> Iterator[Line]:
    lowest = (
        _("none") if limits.settlement_bps >= WHOLE_BPS else f"{percent(limits.settlement_bps)}%"
    )
    smallest = (Cents(limits.minimum_installment_cents), currency)
    months = ngettext("%(num)d month", "%(num)d months", limits.maximum_months)
    yield _("%(title)s: lowest settlement", title=title), lowest
    yield _("%(title)s: smallest payment", title=title), _("%(amount)s", amount=smallest)
    yield _("%(title)s: longest plan", title=title), months


def _answers(policy: Policy) -> Iterator[Line]:
    days = policy.answer_working_days
    within = ngettext("%(num)d working day", "%(num)d working days", days)
    yield _("Proposals are answered within"), within
    yield _("Proposals are answered by"), words_of(policy.answered_by, labels.ANSWERERS)
    late = (
        _("the closest terms are offered") if policy.closest_when_late else _("it goes on waiting")
    )
    yield _("If nobody answers a proposal in time"), late


def _concessions(concessions: Concessions) -> Iterator[Line]:
    for what, number in (
        (_("Payments of a plan that a debtor may skip"), concessions.skips),
        (_("Payments of a plan that a debtor may move"), concessions.moves),
        (_("Times that a debtor may pause a plan"), concessions.pauses),
    ):
        yield what, ngettext("%(num)d time", "%(num)d times", number) if number else _("never")


def _keeping(keeping: Keeping) -> Iterator[Line]:
    failed = ngettext("%(num)d payment", "%(num)d payments", keeping.failures)
    late = ngettext("%(num)d day", "%(num)d days", keeping.grace_days)
    rest = ngettext("%(num)d day", "%(num)d days", keeping.pause_days)
    hours = ngettext("%(num)d hour", "%(num)d hours", keeping.undo_hours)
    before = sorted({*keeping.extra_reminders, REMINDED_BEFORE}, reverse=True)
    yield _("A plan ends after this many failed in a row"), failed
    yield _("A plan ends when a payment is late by more than"), late
    yield _("Reminders go, days before a payment"), ", ".join(map(str, before))
    yield _("An agreement that is not paid yet can be taken back for"), hours
    yield _("Rest for somebody who cannot pay now"), rest


def _dates(policy: Policy) -> Iterator[Line]:
    for what, day in ((_("Offers begin"), policy.from_on), (_("Offers end"), policy.to_on)):
        yield what, _("%(day)s", day=day) if day else _("no date set")


def compare(before: Policy | None, after: Policy) -> list[Change]:
    """Every line of two versions side by side; lines that only one has stand where they belong."""
    old = dict(describe(before)) if before else {}
    new = dict(describe(after))
    gone = [what for what in old if what not in new]
    order = list(new)
    for what in gone:
        earlier = list(old)[: list(old).index(what)]
        place = max((order.index(one) + 1 for one in earlier if one in order), default=0)
        order.insert(place, what)
    return [Change(what, old.get(what), new.get(what)) for what in order]


def offer_words(key: str | None) -> str:
    """An offer's key in words: settlement:7000:3 is a settlement of 70% in up to 3 payments."""
    if key is None:
        return _("Without an agreement")
    head, *rest = key.split(":")
    if head == "settlement" and len(rest) == 2:
        pays = _pays_of(rest[0])
        if rest[1] == "1":
            return _("Settlement of %(pays)s at once", pays=pays)
        return _("Settlement of %(pays)s, up to %(parts)s payments", pays=pays, parts=rest[1])
    if head in ("agreed", "granted") and rest:
        kind = words_of(rest[0], labels.KINDS)
        by = _("agreed at once") if head == "agreed" else _("granted by staff")
        return _("%(kind)s, %(by)s", kind=kind, by=by)
    return words_of(head, labels.KINDS)


def _pays_of(word: str) -> str:
    """What a settlement takes, from its key: 7000 is a share (bps), 50000c an amount."""
    if not word.endswith("c"):
        return _("%(share)s%%", share=percent(int(word)))
    whole, part = divmod(int(word[:-1]), 100)
    return f"${whole:,}.{part:02}"
