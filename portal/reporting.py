"""The words of what a client's compliance mailbox gets."""

from portal.domain import N_
from portal.gateways.mail import Attachment, Mail
from portal.i18n import locale_for, voice
from portal.services.compliance_mail import Daily
from portal.templating import render

SUBJECT = N_("Signed head of your record, %(size)s entries")


def compliance_mail(told: Daily, base_url: str) -> Mail:
    """One day's report as an e-mail with the checkpoint as a file, in the client's language."""
    client, signed, checked = told.client, told.signed, told.checked
    locale = locale_for(client.languages[0], client.country)
    subject = voice(locale).gettext(SUBJECT, size=signed.size)
    context = {
        "subject": subject,
        "sender": client.sender_name,
        "street_address": client.street_address,
        "phone": client.phone,
        "client": client.trade_name,
        "note": signed.note,
        "checked_at": checked.at.strftime("%Y-%m-%d %H:%M") if checked else None,
        "broken": checked.broken if checked else 0,
        "alarms": told.alarms,
        "url": f"{base_url}/log-in",
        "unsubscribe_url": None,
    }
    name = f"checkpoint-{signed.size}.txt"
    return Mail(
        key=f"checkpoint-{client.id}-{told.at:%Y-%m-%d}",
        to=told.to,
        sender_name=client.sender_name,
        reply_to=client.email,
        subject=subject,
        text=render(locale, "email/compliance.txt", **context).strip() + "\n",
        html=render(locale, "email/compliance.html", **context),
        at=told.at,
        attached=(Attachment(name, "text/plain", signed.note.encode()),),
    )
