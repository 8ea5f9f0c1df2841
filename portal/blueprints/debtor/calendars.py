"""The dates of an agreement for somebody's own calendar."""

from datetime import timedelta

from icalendar import Calendar, Event

from portal.domain.statuses import InstallmentStatus
from portal.services.agreements import OPEN_PARTS, AgreementPage, Part
from portal.web import now


def reminders(agreed: AgreementPage, summary: str) -> str:
    """What is still to pay as whole days under one neutral summary, with identifiers that stay.

    What is not asked for any more is canceled, so that it goes from a calendar that has it.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//Payment reminders//EN")
    calendar.add("version", "2.0")
    for part in agreed.parts:
        if part.status in OPEN_PARTS or part.status is InstallmentStatus.CANCELED:
            calendar.add_component(_event(agreed, part, summary))
    return str(calendar.to_ical().decode())


def _event(agreed: AgreementPage, part: Part, summary: str) -> Event:
    event = Event()
    event.add("uid", f"{agreed.id}-{part.n}@payment-reminders")
    event.add("dtstamp", now())
    event.add("sequence", len(agreed.changes))
    event.add("dtstart", part.due_on)
    event.add("dtend", part.due_on + timedelta(days=1))
    event.add("summary", summary)
    event.add("transp", "TRANSPARENT")
    if part.status is InstallmentStatus.CANCELED:
        event.add("status", "CANCELLED")
    return event
