"""What the message with a payment link says: its address, as long as it can be paid."""

from portal.models import PayerLink
from portal.services import payer_links
from portal.services.message_subject import OutOfDate, Subject, Values
from portal.services.payer_links import PayerState


def payment_link(subject: Subject) -> Values:
    """The address of the page. Raises OutOfDate once nothing can be paid there."""
    link: PayerLink = subject.row(PayerLink, "payer_link")
    view = payer_links.view_of(subject.session, link, now=subject.now)
    if view.state is not PayerState.LIVE:
        raise OutOfDate
    return {"pay_url": payer_links.url_of(subject.keys, link)}
