"""Offer limits in words that a collections manager reads, and what two versions differ in."""

from collections.abc import Iterator
from dataclasses import dataclass

from portal.blueprints.consoles import words_of
from portal.domain import labels
from portal.domain.compiler import percent
from portal.domain.money import WHOLE_BPS, Cents
from portal.domain.policy import Band, PlanLimits, Policy, ProposalLimits, Tier
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
        *(_band(band, policy.currency) for band in policy.bands),
        *_plan(policy.plan, policy.currency),
        *_proposals(_("Agreed at once"), policy.agree, policy.currency),
        *_proposals(_("Granted by staff"), policy.review, policy.currency),
        (
            _("Proposals are answered within"),
            ngettext("%(num)d working day", "%(num)d working days", policy.answer_working_days),
        ),
    ]


def _offered(yes: bool) -> str:
    return _("offered") if yes else _("not offered")


def _band(band: Band, currency: str) -> Line:
    return _who(band, currency), _("; ").join(_tiers(band)) or _("no settlement")


def _who(band: Band, currency: str) -> str:
    """Which accounts a band is for."""
    since = (Cents(band.from_balance_cents), currency)
    if band.to_balance_cents is None:
        balance = _("Settlement from %(since)s", since=since)
    else:
        until = (Cents(band.to_balance_cents), currency)
        balance = _("Settlement from %(since)s to under %(until)s", since=since, until=until)
    if band.from_days == 0 and band.to_days is None:
        return balance
    if band.to_days is None:
        return _("%(balance)s, from day %(first)s", balance=balance, first=band.from_days)
    return _(
        "%(balance)s, from day %(first)s to before day %(last)s",
        balance=balance,
        first=band.from_days,
        last=band.to_days,
    )


def _tiers(band: Band) -> Iterator[str]:
    for tier in band.tiers:
        yield _tier(tier)
    if band.agree_settlement_bps is not None:
        yield _("agreed down to %(share)s%%", share=percent(band.agree_settlement_bps))


def _tier(tier: Tier) -> str:
    share, days = percent(tier.pay_bps), tier.valid_for_days
    if tier.max_parts == 1:
        return _("%(share)s%% at once, for %(days)s days", share=share, days=days)
    return _(
        "%(share)s%% in up to %(parts)s payments, for %(days)s days",
        share=share,
        parts=tier.max_parts,
        days=days,
    )


def _plan(plan: PlanLimits | None, currency: str) -> Iterator[Line]:
    if plan is None:
        yield _("Payment plans"), _("not offered")
        return
    yield _("Payment plans"), _("offered")
    smallest = (Cents(plan.minimum_installment_cents), currency)
    yield _("Smallest payment of a plan"), _("%(amount)s", amount=smallest)
    months = ngettext("%(num)d month", "%(num)d months", plan.maximum_months)
    yield _("Longest plan"), months
    often = [words_of(one, labels.FREQUENCIES) for one in plan.frequencies]
    yield _("How often a plan is paid"), ", ".join(often)
    yield _("Down payment"), f"{percent(plan.down_payment_bps)}%"
    first = ngettext("%(num)d day", "%(num)d days", plan.first_payment_within_days)
    yield _("First payment within"), first


def _proposals(title: str, limits: ProposalLimits, currency: str) -> Iterator[Line]:
    lowest = (
        _("none") if limits.settlement_bps >= WHOLE_BPS else f"{percent(limits.settlement_bps)}%"
    )
    smallest = (Cents(limits.minimum_installment_cents), currency)
    months = ngettext("%(num)d month", "%(num)d months", limits.maximum_months)
    yield _("%(title)s: lowest settlement", title=title), lowest
    yield _("%(title)s: smallest payment", title=title), _("%(amount)s", amount=smallest)
    yield _("%(title)s: longest plan", title=title), months


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
        share = percent(int(rest[0]))
        if rest[1] == "1":
            return _("Settlement of %(share)s%% at once", share=share)
        return _("Settlement of %(share)s%%, up to %(parts)s payments", share=share, parts=rest[1])
    if head in ("agreed", "granted") and rest:
        kind = words_of(rest[0], labels.KINDS)
        by = _("agreed at once") if head == "agreed" else _("granted by staff")
        return _("%(kind)s, %(by)s", kind=kind, by=by)
    return words_of(head, labels.KINDS)
