"""What messages about late payments may say: how the arrangement can be kept, and until when."""

from collections.abc import Callable

from sqlalchemy import func, select

from portal.domain.holds import Capability
from portal.domain.statuses import LIVE, ArrangementStatus, InstallmentStatus
from portal.models import Arrangement, Installment, Payment
from portal.services import tries
from portal.services.arrangements import first_until
from portal.services.chargeback_facts import charged_back, returned
from portal.services.forgiveness import gone_of_parts
from portal.services.keeping import due_part, read_patience
from portal.services.message_subject import OutOfDate, Subject, Values
from portal.services.pre_debit import open_cents
from portal.services.standing import standing


def failed(subject: Subject) -> Values:
    """The same after a charge failed. Raises OutOfDate once its part is paid, or not needed."""
    payment: Payment = subject.row(Payment, "payment")
    if payment.installment_id is None:
        return {}
    part = subject.session.get_one(Installment, (payment.client_id, payment.installment_id))
    if part.status in (InstallmentStatus.PAID, InstallmentStatus.CANCELED):
        raise OutOfDate
    over = tries.is_over(subject.session, subject.account, payment.method_id)
    return {"cure": _ways(subject, part), "other_way": over}


def missed(subject: Subject) -> Values:
    """The same of a part that was not paid in time. Raises OutOfDate once nothing is late."""
    found = _ways(subject, subject.row(Installment, "missed"))
    if found is None:
        raise OutOfDate
    return {"cure": found, "account_reference": subject.account.reference}


def ended(subject: Subject) -> Values:
    """What was paid of an arrangement that was not kept, and did not go back; what is owed now."""
    agreed: Arrangement = subject.row(Arrangement, "ended")
    key = (agreed.client_id, agreed.id)
    paid = subject.session.scalar(
        select(func.coalesce(func.sum(Installment.paid_cents), 0)).where(
            Installment.client_id == agreed.client_id, Installment.arrangement_id == agreed.id
        )
    )
    return {
        "reference": agreed.reference,
        "paid": (int(paid or 0) - gone_of_parts(subject.session, *key), agreed.currency),
        "owed": (max(subject.account.balance_cents, 0), agreed.currency),
        "settled": agreed.kind == "settlement",
    }


def _ways(subject: Subject, part: Installment) -> Values | None:
    """The ways to keep the arrangement of a part; None where nothing is late."""
    agreed = subject.session.get_one(Arrangement, (part.client_id, part.arrangement_id))
    if agreed.status not in LIVE:
        return None
    usable = tries.usable(subject.session, subject.account, agreed) is not None
    if agreed.status == ArrangementStatus.AWAITING_FIRST_PAYMENT:
        return _first(subject, agreed, part, usable=usable)
    found = read_patience(subject.session, subject.account, agreed, now=subject.now).cure
    if found is None:
        return None
    if not standing(subject.session, subject.account, subject.now).of(Capability.ACCEPT).allowed:
        found = found.by_paying
    return {
        "late": (found.cents, agreed.currency),
        "due_on": found.late[0].due_on,
        "many": len(found.late) > 1,
        "keep_until": found.until,
        "again_on": found.again_on if usable else None,
        "days": found.dates,
        "spreads": bool(found.later),
        "first_until": None,
    }


def _first(
    subject: Subject, agreed: Arrangement, part: Installment, *, usable: bool
) -> Values | None:
    """The same of a first payment: when it is tried again, and until when it is waited for."""
    if not due_part(part).is_late(subject.day(subject.now)):
        return None
    until = first_until(subject.session, subject.account, agreed, now=subject.now)
    return {
        "late": (open_cents(part), agreed.currency),
        "due_on": part.due_on,
        "many": False,
        "keep_until": None,
        "again_on": part.next_attempt_on if usable else None,
        "days": (),
        "spreads": False,
        "first_until": max(until, subject.day(subject.now)),
    }


SAID: dict[str, Callable[[Subject], Values]] = {
    "payment_missed": missed,
    "plan_ended": ended,
    "charged_back": charged_back,
    "payment_returned": returned,
}
