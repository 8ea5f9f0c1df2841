"""The validation period of a debt, and what may not fall inside it (VN-03, VN-07)."""

from collections.abc import Iterable
from datetime import date, timedelta

from portal.domain.calendars import add_working_days
from portal.domain.debts import CollectorRole, DebtPurpose, is_debt_collector


def needs_validation_notice(role: CollectorRole, purpose: DebtPurpose) -> bool:
    """Whether validation information must have been provided before we write (VN-01, VN-04)."""
    return is_debt_collector(role) and purpose is not DebtPurpose.COMMERCIAL


def assumed_receipt_on(provided_on: date) -> date:
    """The day a notice counts as received: five days on, without weekends and federal holidays.

    12 CFR 1006.34(b)(5), 5 USC 6103(a) (VN-03).
    """
    return add_working_days(provided_on, 5, country="US")


def validation_ends_on(provided_on: date) -> date:
    """The last day of the validation period: 30 days after the assumed receipt (VN-03)."""
    return assumed_receipt_on(provided_on) + timedelta(days=30)


def earliest_deadline_on(provided_on: date | None) -> date | None:
    """The first day on which an offer may end or a first payment may fall due (VN-07).

    None where no notice was needed: no bound.
    """
    if provided_on is None:
        return None
    return validation_ends_on(provided_on) + timedelta(days=1)


def is_in_time(days: Iterable[date], ends_on: date | None) -> bool:
    """Whether a dispute came on or before the last day of the validation period (DH-01).

    ``days`` are the dates it may have been where the debtor is: the earliest counts, for them.
    False where no notice was needed.
    """
    return ends_on is not None and min(days) <= ends_on
