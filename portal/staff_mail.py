"""The words of what staff get by e-mail: an invitation, and a link for a new password."""

from dataclasses import dataclass
from datetime import datetime

from portal.domain import N_
from portal.gateways.mail import Mail
from portal.i18n import voice
from portal.templating import render

SENDER = N_("Payment portal")
INVITED = N_("You are invited to the console of the payment portal")
NEW_PASSWORD = N_("A new password for the console of the payment portal")


@dataclass(frozen=True, slots=True)
class Letter:
    """Whom an e-mail is for, the link in it, and how many hours or minutes that opens."""

    to: str
    name: str
    url: str
    opens_for: int
    locale: str


def invitation_mail(letter: Letter, key: str, now: datetime) -> Mail:
    """An invitation, in the language of whoever invites."""
    return _mail("staff_invited", INVITED, letter, key, now)


def new_password_mail(letter: Letter, key: str, now: datetime) -> Mail:
    """The link for a new password."""
    return _mail("staff_password", NEW_PASSWORD, letter, key, now)


def _mail(template: str, subject: str, letter: Letter, key: str, now: datetime) -> Mail:
    said = voice(letter.locale)
    sender, titled = said.gettext(SENDER), said.gettext(subject)
    context = {"sender": sender, "subject": titled, "letter": letter, "unsubscribe_url": None}
    return Mail(
        key=key,
        to=letter.to,
        sender_name=sender,
        reply_to=None,
        subject=titled,
        text=render(letter.locale, f"email/{template}.txt", **context).strip() + "\n",
        html=render(letter.locale, f"email/{template}.html", **context),
        at=now,
    )
