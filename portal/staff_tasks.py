"""The jobs of staff's access: the e-mails with their links."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from portal.gateways.mail import Mail
from portal.jobs import Backoff, jobs
from portal.models import Staff, StaffInvitation
from portal.services.hiring import INVITED_FOR, invitation_url
from portal.services.passwords import RESET_FOR, reset_url
from portal.staff_mail import Letter, invitation_mail, new_password_mail
from portal.tasks import current, open_session

MAIL = Backoff(attempts=5, first_s=20)


@jobs.task(name="staff.send_invitation", retry=MAIL)
def send_invitation(invitation_id: str, sends: int, locale: str) -> None:
    """Send an invitation's newest link, unless it was used, taken back or sent again since."""
    runtime = current()
    with open_session() as session:
        found = session.get_one(StaffInvitation, UUID(invitation_id))
        url = invitation_url(runtime.settings.keys, found)
    if found.accepted_at or found.revoked_at or found.sends != sends:
        return
    letter = Letter(found.email, found.name, url, INVITED_FOR // timedelta(hours=1), locale)
    key = f"invitation-{found.id}-{sends}"
    _hand_over(invitation_mail(letter, key, runtime.clock.now()))


@jobs.task(name="staff.send_reset", retry=MAIL)
def send_reset(staff_id: str, asked_at: int, locale: str) -> None:
    """Send the link for a new password that somebody asked for, unless nobody has the address."""
    runtime = current()
    columns = select(Staff.id, Staff.email, Staff.name, Staff.password_set_at)
    with open_session() as session:
        found = session.execute(columns.where(Staff.id == UUID(staff_id))).one_or_none()
    if found is None:
        return
    url = reset_url(runtime.settings.keys, found.id, found.password_set_at, asked_at=asked_at)
    minutes = RESET_FOR // timedelta(minutes=1)
    letter = Letter(found.email, found.name, url, minutes, locale)
    key = f"new-password-{found.id}-{asked_at}"
    _hand_over(new_password_mail(letter, key, runtime.clock.now()))


def _hand_over(mail: Mail) -> None:
    mailer = current().mailer
    mailer.send(mail, mailer.message_bytes(mail))
