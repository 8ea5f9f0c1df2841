"""What my plan says of the next payment, and what a stop keeps from being taken (PY-08)."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from portal import i18n
from portal.blueprints.debtor.agreement_words import naming
from portal.blueprints.debtor.words import method_name, money, written
from portal.domain.curing import DuePart
from portal.domain.statuses import InstallmentStatus
from portal.services.agreements import AgreementPage, Part
from portal.services.balance import Balance
from portal.services.charging import LATEST
from portal.web import gettext as _
from portal.web import locale

A_DAY = timedelta(days=1)


def is_missed(view: Balance, agreed: AgreementPage) -> bool:
    """Whether it is too late for us to take the next part, so that only its debtor can pay it."""
    part = agreed.next_part
    if part is None or view.waits:
        return False
    return (agreed.waits_until or part.due_on) + LATEST < view.today


def next_payment(view: Balance, agreed: AgreementPage) -> tuple[str, str]:
    """The next payment with its day, and who makes it; both empty where there is none."""
    part = agreed.next_part
    return (_when(view, agreed, part), _how(view, agreed, part)) if part else ("", "")


def _takes(view: Balance, agreed: AgreementPage, part: Part) -> bool:
    """Whether the next part, which has not failed, is taken by itself."""
    scheduled = part.status is InstallmentStatus.SCHEDULED
    granted = agreed.granted and agreed.declined.may_take
    return scheduled and granted and not is_missed(view, agreed)


def _when(view: Balance, agreed: AgreementPage, part: Part) -> str:
    amount = money(part.open_cents, view.account.currency)
    if view.waits or part.status is InstallmentStatus.PROCESSING:
        return f"{amount}."
    if part.due_on > view.today or agreed.waits_until:
        return _("%(amount)s on %(day)s.", amount=amount, day=written(part.due_on))
    if part.due_on == view.today and _takes(view, agreed, part):
        return _("%(amount)s is due today.", amount=amount)
    return _("%(amount)s is due now.", amount=amount)


def _how(view: Balance, agreed: AgreementPage, part: Part) -> str:
    if view.waits:
        said = naming(agreed.terms.kind)
        return said("Your plan waits. We take nothing, and nothing is due now.")
    if part.status is InstallmentStatus.PROCESSING:
        return _("It is on its way.")
    if agreed.granted and agreed.declined.method_over:
        return _("Please choose another way to pay it.")
    if agreed.waits_until or _takes(view, agreed, part):
        return _from_method(view, agreed, part)
    by_hand = not (agreed.granted and agreed.declined.may_take)
    return _("You make this payment yourself.") if by_hand and not agreed.wants_method else ""


def _from_method(view: Balance, agreed: AgreementPage, part: Part) -> str:
    found = agreed.permission
    method = method_name(found.brand, found.last4) if found else ""
    if agreed.waits_until:
        return _(
            "We did not take it, because our note about it did not reach you in time. That does not"
            " count against you. We take it on %(day)s from %(method)s. You can also pay it"
            " yourself before.",
            day=written(agreed.waits_until),
            method=method,
        )
    if part.due_on > view.today:
        return _("We take it then from %(method)s.", method=method)
    if part.due_on == view.today:
        return _("We take it today from %(method)s.", method=method)
    until = written(part.due_on + LATEST)
    return _("We take it by %(day)s from %(method)s.", day=until, method=method)


def stopped(view: Balance, agreed: AgreementPage) -> Iterator[str]:
    """What a stop keeps from being taken, and until when it does: up to the next date ahead.

    A payment that is tried again, or is due and not taken yet, comes before it.
    """
    for part in agreed.due_parts:
        ahead = part.status is InstallmentStatus.SCHEDULED and part.taken_on > view.today
        if not _would_take(view, agreed, part, ahead=ahead):
            continue
        yield _stopped(view, part)
        if ahead:
            return


def _would_take(view: Balance, agreed: AgreementPage, part: DuePart, *, ahead: bool) -> bool:
    """Whether a part is taken by itself once its time comes, if nobody stops it."""
    oldest = agreed.cure.late[0].n if agreed.cure else agreed.next_part and agreed.next_part.n
    if agreed.declined.method_over or (part.n == oldest and not agreed.declined.may_take):
        return False
    if part.status is InstallmentStatus.FAILED and part.again_on is None:
        return False
    if part.status not in (InstallmentStatus.SCHEDULED, InstallmentStatus.FAILED):
        return False
    soon = agreed.granted and not view.waits and part.taken_on + LATEST >= view.today
    return ahead or soon


def _stopped(view: Balance, part: DuePart) -> str:
    day, at = written(part.due_on), _end_of(part.taken_on - A_DAY, view.zone)
    if part.taken_on <= view.today:
        return _(
            "We have not taken your payment of %(day)s yet. It is not taken if you stop before"
            " we do.",
            day=day,
        )
    if part.status is InstallmentStatus.FAILED:
        return _(
            "We try your payment of %(day)s again on %(again)s. We do not if you stop by %(at)s.",
            day=day,
            again=written(part.taken_on),
            at=at,
        )
    return _("Your payment of %(day)s is not taken if you stop by %(at)s.", day=day, at=at)


def _end_of(day: date, zone: str) -> str:
    """The last minute of a day on the debtor's clock: May 13, 2027, 11:59 PM."""
    last = datetime.combine(day, time(23, 59), ZoneInfo(zone))
    return i18n.voice(locale()).datetime(last, zone)
