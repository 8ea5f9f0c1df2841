"""What the message about a checkout that was left says: until when what was chosen is kept."""

from portal.models import Arrangement, Payment
from portal.services.arrangements import first_until
from portal.services.message_subject import OutOfDate, Subject, Values
from portal.services.reminders import is_abandoned


def abandoned(subject: Subject) -> Values:
    """The last day of the agreement that waits for its first payment; None where there is none.

    Raises OutOfDate once the debtor went on by another way, or that day has gone by.
    """
    payment: Payment = subject.row(Payment, "payment")
    if not is_abandoned(subject.session, payment):
        raise OutOfDate
    if payment.arrangement_id is None:
        return {"kept_until": None}
    agreed = subject.session.get_one(Arrangement, (payment.client_id, payment.arrangement_id))
    until = first_until(subject.session, subject.account, agreed, now=subject.now)
    if until < subject.day(subject.now):
        raise OutOfDate
    return {"kept_until": until}
