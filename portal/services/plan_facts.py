"""What messages about a running or fulfilled plan say, read from the rows (PY-07, PY-12)."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import extract, select

from portal.domain.noticing import LATEST
from portal.domain.schedules import Schedule
from portal.domain.statuses import LIVE, InstallmentStatus
from portal.models import (
    Account,
    Arrangement,
    Authorization,
    Hold,
    Installment,
    LedgerEntry,
    Payment,
)
from portal.services import authorizations, tries
from portal.services.arrangements import UNPAID, arrangement_of
from portal.services.ledger import MONEY
from portal.services.message_subject import OutOfDate, Subject, Values
from portal.services.pre_debit import is_given, open_cents, taken_on
from portal.services.satisfaction import Satisfaction, satisfaction
from portal.services.standing import standing_on

A_DAY = timedelta(days=1)


def _live(subject: Subject) -> Arrangement:
    """The plan that a message speaks of. Raises OutOfDate once it is over."""
    agreed: Arrangement = subject.row(Arrangement, "arrangement")
    if agreed.status not in LIVE:
        raise OutOfDate
    return agreed


def _part(subject: Subject) -> Installment:
    """The part that it speaks of, still open on that day. Raises OutOfDate."""
    part: Installment = subject.row(Installment, "installment")
    same = taken_on(part).isoformat() == subject.message.context["due_on"]
    if part.status != InstallmentStatus.SCHEDULED or not same:
        raise OutOfDate
    return part


def _taken(subject: Subject, agreed: Arrangement, part: Installment) -> Authorization | None:
    """The permission under which a part is taken on its day; None where its debtor pays it."""
    return tries.takes(subject.session, subject.account, agreed, part, on=taken_on(part))


def _said(subject: Subject, agreed: Arrangement) -> Values:
    return {"reference": agreed.reference, "account_reference": subject.account.reference}


def _debit(subject: Subject) -> Values:
    """The debit that comes, as it was when it was to be told. Raises OutOfDate.

    One that a hold will keep from being taken, as far as it is known now, is not told.

    An e-mail after the last day for it says nothing of use: without it nothing is taken. A letter
    counts from when it was on the list, and is printed until the day comes.
    """
    agreed, part = _live(subject), _part(subject)
    permission, today = _taken(subject, agreed, part), subject.day(subject.now)
    last_on = taken_on(part) - LATEST * A_DAY if subject.contact else taken_on(part) - A_DAY
    changed = open_cents(part) != subject.message.context["cents"]
    if permission is None or changed or today > last_on:
        raise OutOfDate
    if not standing_on(subject.session, subject.account, taken_on(part)).charge.allowed:
        raise OutOfDate
    return _said(subject, agreed) | {
        "amount": (open_cents(part), agreed.currency),
        "due_on": taken_on(part),
        "stop_until": taken_on(part) - A_DAY,
        "method_brand": permission.method_brand,
        "method_last4": permission.method_last4,
    }


def _reminder(subject: Subject) -> Values:
    """A payment that comes; ``taken``: we take it, so its debtor has nothing to do."""
    agreed, part = _live(subject), _part(subject)
    if subject.day(subject.now) >= taken_on(part):
        raise OutOfDate
    granted = _taken(subject, agreed, part)
    said = _said(subject, agreed) | {
        "amount": (open_cents(part), agreed.currency),
        "due_on": taken_on(part),
        "taken": granted is not None and is_given(subject.session, agreed, part),
    }
    return said | _method(granted)


def _method(granted: Authorization | None) -> Values:
    if granted is None:
        return {}
    return {"method_brand": granted.method_brand, "method_last4": granted.method_last4}


def _ahead(subject: Subject) -> Values:
    """The open payments of a month of the calendar, from today on. Raises OutOfDate.

    ``by_hand``: those among payments that we take which their debtor makes.
    """
    agreed, today = _live(subject), subject.day(subject.now)
    month = date.fromisoformat(subject.message.context["due_on"])
    parts = subject.session.scalars(
        select(Installment)
        .where(
            Installment.client_id == agreed.client_id,
            Installment.arrangement_id == agreed.id,
            Installment.status == InstallmentStatus.SCHEDULED,
            Installment.due_on >= today,
            extract("year", Installment.due_on) == month.year,
            extract("month", Installment.due_on) == month.month,
        )
        .order_by(Installment.due_on)
    ).all()
    if not parts:
        raise OutOfDate
    granted = {part.id: _taken(subject, agreed, part) for part in parts}
    ours = [part for part in parts if granted[part.id]]
    by_hand = [part for part in parts if part not in ours] if ours else []
    told = ours or parts
    return (
        _said(subject, agreed)
        | {
            "payments": [(part.due_on, (open_cents(part), agreed.currency)) for part in told],
            "by_hand": [(part.due_on, (open_cents(part), agreed.currency)) for part in by_hand],
            "taken": bool(ours),
            "stop_until": told[0].due_on - A_DAY,
        }
        | _method(granted[told[0].id])
    )


def _not_taken(subject: Subject) -> Values:
    part: Installment = subject.row(Installment, "installment")
    agreed = subject.session.get_one(Arrangement, (part.client_id, part.arrangement_id))
    if part.status != InstallmentStatus.SCHEDULED or agreed.status not in LIVE:
        raise OutOfDate
    return _said(subject, agreed) | {
        "amount": (open_cents(part), agreed.currency),
        "due_on": part.due_on,
        "again_on": taken_on(part),
    }


def _accounting(subject: Subject) -> Values:
    """What was paid for a running plan and what went back of it, and what is left and when."""
    agreed = _live(subject)
    moved = subject.session.scalars(
        select(LedgerEntry)
        .join(
            Payment,
            (Payment.client_id == LedgerEntry.client_id) & (Payment.id == LedgerEntry.payment_id),
        )
        .where(
            LedgerEntry.client_id == agreed.client_id,
            Payment.arrangement_id == agreed.id,
            LedgerEntry.kind.in_(MONEY),
        )
        .order_by(LedgerEntry.at, LedgerEntry.id)
    ).all()
    left = _parts_left(subject, agreed)
    return _said(subject, agreed) | {
        "creditor": subject.account.current_creditor,
        "payments": [(subject.day(one.at), (-one.amount_cents, agreed.currency)) for one in moved],
        "paid": (-sum(one.amount_cents for one in moved), agreed.currency),
        "left": (sum(cents for _, cents in left), agreed.currency),
        "left_payments": len(left),
        "next_on": left[0][0] if left else None,
        "owed": (max(subject.account.balance_cents, 0), agreed.currency),
    }


def _parts_left(subject: Subject, agreed: Arrangement) -> Schedule:
    return tuple((part.due_on, open_cents(part)) for part in _open_parts(subject, agreed))


def _open_parts(subject: Subject, agreed: Arrangement) -> Sequence[Installment]:
    return subject.session.scalars(
        select(Installment)
        .where(
            Installment.client_id == agreed.client_id,
            Installment.arrangement_id == agreed.id,
            Installment.status.in_(UNPAID),
        )
        .order_by(Installment.n)
    ).all()


def _completed(subject: Subject) -> Values:
    agreed: Arrangement = subject.row(Arrangement, "completed")
    owed = max(subject.account.balance_cents, 0)
    return {
        "reference": agreed.reference,
        "owed": (owed, agreed.currency) if owed else None,
        **_satisfied(subject),
    }


def _account_paid(subject: Subject) -> Values:
    """A closed account. Raises OutOfDate where it owes again."""
    said = _satisfied(subject)
    if said["satisfied"] is None:
        raise OutOfDate
    return said


def _satisfied(subject: Subject) -> dict[str, Any]:
    found = satisfaction(subject.session, subject.account)
    return {"satisfied": letter_of(found, subject) if found else None}


def letter_of(found: Satisfaction, subject: Subject) -> Values:
    """The values of a letter that says that nothing is owed (TX-04)."""
    account, debtor = found.account, subject.debtor
    return {
        "name": f"{debtor.first_name} {debtor.last_name}",
        "company": subject.client.legal_name,
        "original_creditor": account.original_creditor,
        "creditor": account.current_creditor,
        "account_reference": account.reference,
        "agreement": found.agreed.reference if found.agreed else None,
        "settled": found.settled,
        "paid": (found.paid_cents, account.currency),
        "forgiven": (found.forgiven_cents, account.currency),
        "paid_on": subject.day(found.at),
    }


def left_of(subject: Subject, payment: Payment) -> Values:
    """What a receipt says beside the payment itself: what is left, and what comes (PY-12)."""
    account: Account = subject.account
    said: Values = {
        "creditor": account.current_creditor,
        "left": (max(account.balance_cents, 0), payment.currency),
        "agreement": None,
        "permission": None,
        "payments": [],
    }
    if payment.arrangement_id is None:
        return said
    agreed = subject.session.get_one(Arrangement, (payment.client_id, payment.arrangement_id))
    said["agreement"] = agreed.reference
    if agreed.status in LIVE:
        left: Sequence[tuple[date, int]] = _parts_left(subject, agreed)
        said["payments"] = [(day, (cents, agreed.currency)) for day, cents in left]
    if payment.permitted_at is not None:
        granted = authorizations.under(subject.session, payment)
        said["permission"] = str(granted.id) if granted else None
    return said


def _rest_ends(subject: Subject) -> Values:
    """Until when everything rests, and what comes then. Raises OutOfDate where it is over.

    A payment that could not be moved is not what comes next.
    """
    hold: Hold = subject.row(Hold, "rest")
    if hold.lifted_at is not None or hold.ends_at is None or hold.ends_at <= subject.now:
        raise OutOfDate
    agreed = arrangement_of(subject.session, subject.account)
    left = _open_parts(subject, agreed) if agreed and agreed.status in LIVE else []
    until = subject.day(hold.ends_at)
    said: Values = {"until": until, "next": None, "phone": subject.client.phone}
    said["account_reference"] = subject.account.reference
    if agreed and left and left[0].due_on >= until:
        said["next"] = (left[0].due_on, (open_cents(left[0]), agreed.currency))
        said["automatic"] = _taken(subject, agreed, left[0]) is not None
    return said


SAID: dict[str, Callable[[Subject], Values]] = {
    "pre_debit_notice": _debit,
    "payments_ahead": _ahead,
    "payment_reminder": _reminder,
    "rest_ends": _rest_ends,
    "payment_waits": _not_taken,
    "plan_accounting": _accounting,
    "plan_completed": _completed,
    "account_paid": _account_paid,
}
