"""The words of messages: facts in, e-mail or text out, in the debtor's language.

E-mails and texts say nothing about a debt, a creditor or an amount (EC-08), except an e-mail to an
address through which somebody has proved who they are; then the collector's line stands in it
too (TX-01). docs/decisions/0006-messages.md says why.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from jinja2 import TemplateError

from portal.domain import N_
from portal.domain.brands import BANK_METHODS, brand_name
from portal.domain.codes import unbroken
from portal.domain.counter import paid_with as came_as
from portal.domain.disclosures import AUTHORIZATION_COPY
from portal.i18n import Voice, locale_for, voice
from portal.models import Channel
from portal.rules.disclosures import LegalText, legal_text
from portal.runtime import Runtime
from portal.services.dispatch import Carriers, NotWritten, Words
from portal.services.message_facts import Authorized, MessageFacts
from portal.services.printing import Recipient
from portal.templating import render

SUBJECTS = {
    "link": N_("You have a private message"),
    "new_link": N_("Your new link"),
    "payment_link": N_("The page that you asked for"),
    "one_time_code": N_("Your code"),
    "receipt": N_("Your receipt"),
    "payment_failed": N_("Please look at your page"),
    "payment_missed": N_("Please look at your page"),
    "payment_processing": N_("Your receipt will follow"),
    "refund_made": N_("News on your page"),
    "charged_back": N_("Please look at your page"),
    "payment_returned": N_("Please look at your page"),
    "agreement_copy": N_("Your copy"),
    "authorization_copy": N_("Your copy"),
    "arrangement_withdrawn": N_("News on your page"),
    "arrangement_canceled": N_("We did what you asked"),
    "automatic_stopped": N_("We did what you asked"),
    "plan_changed": N_("We did what you asked"),
    "plan_completed": N_("Thank you"),
    "plan_ended": N_("News on your page"),
    "proposal_received": N_("We have your message"),
    "proposal_accepted": N_("We answered you"),
    "proposal_countered": N_("We answered you"),
    "proposal_declined": N_("We answered you"),
    "help_received": N_("We have your message"),
    "help_answered": N_("We answered you"),
    "thread_reply": N_("We answered you"),
    "address_added": N_("A new way to reach you"),
    "esign_sample": N_("Your sample"),
    "pre_debit_notice": N_("Your next date"),
    "payments_ahead": N_("Your next dates"),
    "payment_reminder": N_("A reminder for you"),
    "rest_ends": N_("News on your page"),
    "payment_waits": N_("Please look at your page"),
    "plan_accounting": N_("Your overview"),
    "account_paid": N_("Thank you"),
    "closing_notice": N_("Our answer to your request"),
    "abandoned_checkout": N_("You can carry on where you stopped"),
}

NOBODY_ANSWERED = N_("News on your page")
"""The subject of an answer that no person gave."""

IDENTITY_METHODS = {
    "date_of_birth": N_("your date of birth"),
    "postal_code": N_("your postal code"),
    "last_four": N_("the last 4 digits of your Social Security number"),
    "code:email": N_("a code that we sent by email"),
    "code:sms": N_("a code that we sent by text"),
}

TEXTS = ("link", "new_link", "one_time_code", "payment_link", "address_added")
"""Text messages with words of their own; all others say that there is something to read."""


def carriers_of(runtime: Runtime) -> Carriers:
    """How messages leave the process that works with this runtime."""
    return Carriers(
        mailer=runtime.mailer,
        texter=runtime.texter,
        write=write,
        keys=runtime.settings.keys,
        outbox=runtime.settings.outbox,
    )


def write(facts: MessageFacts) -> Words:
    """The words of a message. Raises NotWritten where its template or its facts are wrong."""
    locale = locale_for(facts.language, facts.country)
    try:
        if facts.channel == Channel.SMS:
            return Words(_text(facts, locale))
        return _mail(facts, locale)
    except (TemplateError, LookupError, TypeError, ValueError) as error:
        raise NotWritten(f"{facts.template}: {type(error).__name__}: {error}") from error


def _text(facts: MessageFacts, locale: str) -> str:
    name = facts.template if facts.template in TEXTS else "notice"
    said = render(
        locale,
        f"sms/{name}.txt",
        sender=facts.sender,
        phone=facts.phone,
        link_url=facts.link_url,
        **facts.values,
    )
    return " ".join(said.split())


def _mail(facts: MessageFacts, locale: str) -> Words:
    said = voice(locale)
    by_person = facts.values.get("by_person", True)
    subject = said.gettext(SUBJECTS[facts.template] if by_person else NOBODY_ANSWERED)
    context = _context(facts, subject, said)
    text = render(locale, f"email/{facts.template}.txt", **context)
    html = render(locale, f"email/{facts.template}.html", **context)
    return Words(_tidy(text), subject, html)


def write_letter(facts: MessageFacts, to: Recipient, on: date, *, base_url: str) -> str:
    """A message as a printable page. Raises NotWritten where its template or facts are wrong."""
    locale = locale_for(facts.language, facts.country)
    said = voice(locale)
    subject = said.gettext(SUBJECTS[facts.template])
    code = unbroken(facts.link_code) if facts.link_code and not to.represented else None
    try:
        context = _context(facts, subject, said) | {
            "layout": "layouts/letter.html",
            "link_code": code,
            "link_url": None,
            "recipient": to,
            "written_on": on,
            "base_url": base_url,
        }
        return render(locale, f"email/{facts.template}.html", **context)
    except (TemplateError, LookupError, TypeError, ValueError) as error:
        raise NotWritten(f"{facts.template}: {type(error).__name__}: {error}") from error


def _context(facts: MessageFacts, subject: str, said: Voice) -> dict[str, Any]:
    texts = [legal_text(law, facts.language) for law in facts.laws]
    laws = [*texts, *(collector for collector in [_collector(facts)] if collector)]
    authorized = facts.authorized and authorization_copy(facts.authorized, said, facts.zone)
    return {
        "subject": subject,
        "sender": facts.sender,
        "zone": facts.zone,
        "street_address": facts.street_address,
        "phone": facts.phone,
        "unsubscribe_url": facts.unsubscribe_url,
        "private": facts.private,
        "link_url": facts.link_url,
        "link_code": None,
        "recipient": None,
        "link_until": facts.link_until,
        "laws": laws,
        "authorized": authorized,
        "attached": bool(facts.copy),
        "paid_with": _paid_with(said, facts.values),
        "by_payer": False,
        "cure": None,
        "other_way": False,
        **facts.values,
    }


def _collector(facts: MessageFacts) -> LegalText | None:
    if facts.collector_line is None:
        return None
    return legal_text(facts.collector_line, facts.language)


def _paid_with(said: Voice, values: Mapping[str, Any]) -> str:
    kind, number = values.get("counter") or (None, None)
    if kind is not None:
        return said.gettext(came_as(kind, number), number=number)
    return paid_with(said, values.get("method_brand"), values.get("method_last4"))


def paid_with(said: Voice, brand: str | None, last4: str | None) -> str:
    """A card or bank account as people know it: Visa ending in 4242; empty where unknown."""
    if not last4:
        return ""
    bank = brand in BANK_METHODS or not brand
    name = said.gettext("Bank account") if bank else brand_name(str(brand))
    return said.gettext("%(brand)s ending in %(last4)s", brand=name, last4=last4)


def authorization_copy(authorized: Authorized, said: Voice, zone: str) -> LegalText:
    """The copy of a permission for automatic payments, as the law wants it (PY-05)."""
    days = [day for day, _ in authorized.schedule]
    return legal_text(
        AUTHORIZATION_COPY,
        said.language,
        payer_name=authorized.payer_name,
        company=authorized.company,
        creditor=authorized.creditor,
        reference=authorized.reference,
        schedule=_schedule(authorized.schedule, authorized.currency, said),
        total=said.money(authorized.total_cents, authorized.currency),
        currency=authorized.currency,
        first_on=said.date(min(days)),
        last_on=said.date(max(days)),
        phone=authorized.phone,
        address=authorized.address,
        method=paid_with(said, authorized.method_brand, authorized.method_last4),
        agreed_at=said.datetime(authorized.agreed_at, zone),
        identity_method=known_by(said, authorized.identity_method),
    )


def known_by(said: Voice, method: str) -> str:
    """How somebody proved who they are, in words: your date of birth, your postal code."""
    parts = [said.lookup(IDENTITY_METHODS.get(part, part)) for part in method.split("+")]
    return ", ".join(parts)


def _schedule(parts: Sequence[tuple[date, int]], currency: str, said: Voice) -> list[str]:
    return [f"{said.date(day)}: {said.money(cents, currency)}" for day, cents in parts]


def _tidy(text: str) -> str:
    """Plain text without the gaps that a template leaves: at most one empty line."""
    lines: list[str] = []
    for line in (line.rstrip() if line != "-- " else line for line in text.split("\n")):
        if line or (lines and lines[-1]):
            lines.append(line)
    return "\n".join(lines).strip() + "\n"
