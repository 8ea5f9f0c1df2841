"""What the review of a change says, as exact bytes: made from the plan, the same each time."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from portal import __version__, i18n, templating
from portal.blueprints.debtor.agreement_words import named
from portal.blueprints.debtor.documents import AUTHORIZATION, terms_values, text_values
from portal.blueprints.debtor.words import each, method_name
from portal.domain import N_
from portal.domain import amendments as law
from portal.domain.amendments import Amendment, Change, Running
from portal.domain.debts import Country
from portal.domain.disclosures import AUTHORIZATION_CHANGED
from portal.domain.money import Cents
from portal.domain.schedules import Schedule
from portal.domain.terms import Kind, Terms
from portal.rules.disclosures import LegalText, legal_text
from portal.services.agreements import AgreementPage
from portal.services.amendment_record import PERMISSIONS
from portal.services.balance import Balance
from portal.services.reviews import ShownDocument

LEAD = {
    Change.SKIPPED: N_("You pay nothing on %(day)s. That payment comes at the end instead."),
    Change.PAUSED: N_(
        "You pay nothing on %(day)s. From then on, each payment comes one date later."
    ),
    Change.SHORTENED: N_("Your payments stay as they are, and your plan ends sooner."),
    Change.LOWERED: N_("Your dates stay as they are, and your payments get smaller."),
    Change.SPREAD: N_(
        "You do not have to pay what is missing at once. You pay a little more each time instead."
    ),
}
"""What a change means, in a sentence; ``day`` is the date on which nothing is paid."""
SMALLER_LAST = N_("Your dates stay as they are, and your last payment gets smaller.")
"""What an extra payment means that is too small to end a plan sooner."""
LEAVES_LATE = (Change.MOVED, Change.SKIPPED, Change.PAUSED)
"""The changes that can be made while an earlier payment is late, and leave it as it is."""


@dataclass(frozen=True, slots=True)
class Changing:
    """A change on its way to its review: whose plan, and what would become of it."""

    view: Balance
    agreed: AgreementPage
    plan: Running
    change: Amendment

    @property
    def permission_changes(self) -> bool:
        """Whether a saved method would be charged otherwise than was allowed (PY-05)."""
        permitted = self.agreed.granted or self.agreed.wants_method
        return self.change.change in law.ASKS and permitted

    @property
    def day(self) -> date:
        """The date that the change is about: the new one of what is moved, else what it empties."""
        old, new = dict(self.change.before), dict(self.change.after)
        gone = [day for day in old if day not in new]
        found = [day for day in new if day not in old]
        return ((found if self.change.change is Change.MOVED else gone) or [*new])[0]

    @property
    def stays(self) -> Schedule:
        """What is late, or else due, and stays so: the change is of a later payment."""
        if self.change.change not in LEAVES_LATE:
            return ()
        cure = self.agreed.cure
        late = [(one.due_on, one.cents) for one in cure.late] if cure else [*self.plan.due]
        return tuple(part for part in late if part in self.change.after)

    @property
    def extra_cents(self) -> Cents:
        """What is paid with it, in cents: the rest stays to be paid."""
        before, after = (sum(c for _, c in p) for p in (self.change.before, self.change.after))
        return Cents(before - after)


def documents(it: Changing, locale: str, tick: str) -> tuple[ShownDocument, ...]:
    """Everything that the page says: its own part first, then each text of law."""
    page = fragment(it, locale).encode()
    return (
        ShownDocument("change", __version__, locale, "text/html", page),
        *(
            ShownDocument(
                *(one.doc_id, one.version, one.locale, "text/plain", one.text.encode()),
                label=tick if one.doc_id in PERMISSIONS else None,
            )
            for one in texts(it, locale)
        ),
    )


def texts(it: Changing, locale: str) -> tuple[LegalText, ...]:
    """The changed permission to charge, where there is one; in Canada with the rights (PY-05)."""
    if not it.permission_changes:
        return ()
    found = it.agreed.permission
    permission = AUTHORIZATION_CHANGED if it.agreed.granted else AUTHORIZATION
    canada = it.view.debtor.country == Country.CA
    ids = (permission, "pad-rights") if canada else (permission,)
    values = text_values(it.view) | terms_values(terms_of(it), locale)
    values["method"] = method_name(found.brand, found.last4) if found else ""
    return tuple(legal_text(doc_id, locale, version=None, **values) for doc_id in ids)


def terms_of(it: Changing) -> Terms:
    """What is left as terms, for texts that tell a schedule."""
    rhythm, after = it.change.rhythm, it.change.after
    return replace(
        it.agreed.terms,
        schedule=after,
        total_cents=Cents(sum(cents for _, cents in after)),
        frequency=rhythm.frequency,
        days=rhythm.days,
        anchor_on=None,
    )


def fragment(it: Changing, locale: str) -> str:
    """The page's own part: before and after, and what stays."""
    return templating.render(
        locale,
        "documents/change.html",
        lead=_lead(it, locale),
        stays=_stays(it, locale),
        rows=[*_rows(it, locale)],
        after=it.change.after,
        currency=it.agreed.terms.currency,
        settles=it.agreed.terms.kind is Kind.SETTLEMENT,
        method=_method(it),
        until=_until(it, locale),
        left=_left(it, locale),
    )


def _lead(it: Changing, locale: str) -> str | None:
    """What the change means."""
    change, same_end = it.change.change, it.change.before[-1][0] == it.change.after[-1][0]
    lead = SMALLER_LAST if change is Change.SHORTENED and same_end else LEAD.get(change)
    kind = it.agreed.terms.kind
    return i18n.translate(locale, named(lead, kind), {"day": it.day}) if lead else None


def _stays(it: Changing, locale: str) -> str | None:
    """That what is late is still to be paid, and until when; None where nothing is."""
    if not it.stays:
        return None
    said, cure = i18n.voice(locale), it.agreed.cure
    total = _sum(it.stays, it.agreed.terms.currency, locale)
    count, day = len(it.stays), said.date(it.stays[0][0])
    stays = said.ngettext(
        "Your payment of %(amount)s from %(day)s stays.",
        "Your %(num)d payments from %(day)s on that are not paid yet stay, %(amount)s in all.",
        count,
        amount=total,
        day=day,
    )
    if cure is None or cure.until is None or it.view.waits:
        return stays
    by = said.ngettext(
        "You still have to pay it by %(until)s.",
        "You still have to pay them by %(until)s.",
        count,
        until=said.date(cure.until),
    )
    return f"{stays} {by}"


def _until(it: Changing, locale: str) -> str | None:
    """Until when the next payment that would be taken can still be stopped (PY-08)."""
    if not it.plan.automatic:
        return None
    due_on, said = it.change.after[0][0], i18n.voice(locale)
    return said.gettext(
        N_("You can stop your payment of %(day)s until %(at)s."),
        day=said.date(due_on),
        at=cut_off(it.plan, due_on, it.view.zone, locale),
    )


def cut_off(plan: Running, due_on: date, zone: str, locale: str) -> str:
    """Until when a part can be changed, on the debtor's clock: May 13, 2027, 11:59 PM."""
    last = datetime.combine(plan.until(due_on), time(23, 59), ZoneInfo(zone))
    return i18n.voice(locale).datetime(last, zone)


LAST = {
    Change.MOVED: N_("This is the last payment that you can move alone."),
    Change.SKIPPED: N_("This is the last payment that you can skip alone."),
    Change.PAUSED: N_("This is the last time that you can let it rest alone."),
}


def _left(it: Changing, locale: str) -> str | None:
    """How many changes of this kind are left after it, where it uses one up."""
    said, change = i18n.voice(locale), it.change.change
    left_now = {
        Change.MOVED: law.moves_left,
        Change.SKIPPED: law.skips_left,
        Change.PAUSED: law.pauses_left,
    }.get(change)
    if left_now is None:
        return None
    left = left_now(it.plan) - 1
    return _more(said, change, left) if left else i18n.translate(locale, LAST[change])


def _more(said: i18n.Voice, change: Change, left: int) -> str:
    match change:
        case Change.MOVED:
            return said.ngettext(
                "After this you can move %(num)d more payment.",
                "After this you can move %(num)d more payments.",
                left,
            )
        case Change.SKIPPED:
            return said.ngettext(
                "After this you can skip %(num)d more payment.",
                "After this you can skip %(num)d more payments.",
                left,
            )
    return said.ngettext(
        "After this your plan can rest %(num)d more time.",
        "After this your plan can rest %(num)d more times.",
        left,
    )


def _method(it: Changing) -> str | None:
    """The saved method that goes on being charged; None where there is none, or it is asked for."""
    found = it.agreed.permission
    if found is None or not it.agreed.granted or it.permission_changes:
        return None
    return method_name(found.brand, found.last4)


def _rows(it: Changing, locale: str) -> Iterator[tuple[str, str, str]]:
    """(what, now, after this) of all that changes, and of all that people ask about."""
    said, currency = i18n.voice(locale), it.agreed.terms.currency
    before, after = it.change.before, it.change.after
    moved = it.change.change is Change.MOVED
    pairs = [(old, new) for old, new in zip(before, after, strict=False) if old != new]
    old, new = pairs[0] if moved else (before[0], after[0])
    if it.stays and not moved:
        same = _part(it.stays[0], currency, locale)
        yield said.gettext("Not paid yet"), same, same
        old, new = pairs[0]
    first = said.gettext("This payment") if moved else said.gettext("Next payment")
    yield first, _part(old, currency, locale), _part(new, currency, locale)
    if it.change.change is Change.REPLANNED:
        now, then = it.plan.rhythm, it.change.rhythm
        paid = [said.money(parts[0][1], currency) for parts in (before, after)]
        paces = [each(paid[0], now.frequency, now.days, locale)]
        paces.append(each(paid[1], then.frequency, then.days, locale))
        yield said.gettext("You pay"), paces[0], paces[1]
    yield said.gettext("Payments left"), said.number(len(before)), said.number(len(after))
    last = _part(before[-1], currency, locale), _part(after[-1], currency, locale)
    yield said.gettext("Last payment"), *last
    left = _sum(before, currency, locale), _sum(after, currency, locale)
    yield said.gettext("Left to pay"), *left


def _part(part: tuple[date, Cents], currency: str, locale: str) -> str:
    said = i18n.voice(locale)
    day, amount = said.date(part[0], "medium"), said.money(part[1], currency)
    return said.gettext(N_("%(amount)s on %(day)s"), amount=amount, day=day)


def _sum(parts: Schedule, currency: str, locale: str) -> str:
    return i18n.voice(locale).money(sum(cents for _, cents in parts), currency)
