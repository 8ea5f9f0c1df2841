"""A client's branding: colors, names, ways to be reached and logo, changed on the record.

What law knows a client by, its legal name and its license line, is not changed here (SC-05).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from portal.domain import N_, DomainError, hours, theme
from portal.domain.debts import CollectorRole
from portal.domain.help import TextTooLong
from portal.domain.neutral import pretending_words, revealing_word
from portal.domain.sms import sms_text_fits
from portal.domain.wording import clean_text
from portal.models import Client, Staff
from portal.models.base import Json
from portal.rules.emails import parse_email
from portal.rules.phones import parse_phone
from portal.services import evidence
from portal.services.clients import LANGUAGES, LONGEST_SENDER
from portal.services.logos import Logo, keep_logo

Branding = dict[str, str]

HOURS = tuple(f"hours_{language}" for language in LANGUAGES)
PLAIN = ("brand_color", "trade_name", "sender_name", "street_address", "phone", "email")
FIELDS = (*PLAIN, "action_color", *HOURS)
MAY_BE_EMPTY = {"action_color", *HOURS}
LONGEST = {"trade_name": 60, "street_address": 120, "phone": 30, **dict.fromkeys(HOURS, 80)}
BEFORE_IDENTITY = ("sender_name", "street_address", *HOURS)
"""What stands on pages and in messages before identity is verified (EC-08)."""

CHANGED = "client.branding_changed"
_SIX = re.compile(r"[0-9a-f]{6}")
_NUMBER = re.compile(r"[+\d(][\d ().+-]*", re.ASCII)


class Missing(DomainError):
    message = N_("Fill in this field.")


class ColorUnclear(DomainError):
    message = N_("Write a color as # and six digits or letters from a to f, for example #1f4e79.")


class NotNeutral(DomainError):
    message = N_(
        "“%(word)s” tells a stranger of a debt. This stands where nobody has proved who they are,"
        " so it must not."
    )


class Pretends(DomainError):
    message = N_(
        "“%(words)s” sounds like a warning or an authority. Whoever reads the name must see who"
        " writes, and nothing else."
    )


class SenderTooLong(DomainError):
    message = N_("A text message has room for %(most)s plain letters and digits here.")


class PhoneUnclear(DomainError):
    message = N_("Write a phone number with its area code, for example 1-800-555-0100.")


class EmailUnclear(DomainError):
    message = N_("Write an email address, for example help@example.com.")


class BrandingUnsuitable(DomainError):
    """What is wrong, by the field it is wrong in."""

    message = N_("The branding was not saved.")

    def __init__(self, problems: Mapping[str, DomainError]) -> None:
        super().__init__()
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that somebody else changed: what it was, what it is now, and what was typed."""

    field: str
    before: str
    now: str
    typed: str


class BrandingChangedMeanwhile(DomainError):
    """Somebody saved since the form was made; ``merged`` has their changes and what was typed."""

    message = N_(
        "Somebody else saved the branding while you worked on it. Nothing that you typed is lost:"
        " look at what they changed, then save again."
    )

    def __init__(self, differences: list[Difference], current: Branding, merged: Branding) -> None:
        super().__init__()
        self.differences, self.current, self.merged = differences, current, merged


class LogoChangedMeanwhile(DomainError):
    message = N_(
        "Somebody else changed the logo meanwhile. Look at it, then send yours again if you still"
        " want to."
    )


@dataclass(frozen=True, slots=True)
class LastChange:
    """When the branding was last changed, and by whom."""

    at: datetime
    staff_id: UUID


def branding_of(client: Client) -> Branding:
    """What a client's admin may change, field by field; empty where there is nothing."""
    words = hours.by_language(client.phone_hours)
    found = {name: getattr(client, name) or "" for name in (*PLAIN, "action_color")}
    return found | {f"hours_{one}": words.get(one, "") for one in LANGUAGES}


def change_branding(
    session: Session,
    client_id: UUID,
    typed: Branding,
    *,
    base: Branding,
    staff: Staff,
    now: datetime,
) -> bool:
    """Save what was typed over what the form was made from; false if that changes nothing.

    The caller commits. Raises BrandingChangedMeanwhile, BrandingUnsuitable.
    """
    client = _locked(session, client_id)
    current, wanted = branding_of(client), tidy(typed)
    changed = [name for name in FIELDS if wanted[name] != current[name]]
    if changed and base != current:
        raise _changed_meanwhile(base, current, wanted)
    if problems := _problems(wanted, changed, client):
        raise BrandingUnsuitable(problems)
    if not changed:
        return False
    for name in (*PLAIN, "action_color"):
        setattr(client, name, wanted[name] or None)
    if set(changed) & set(HOURS):
        client.phone_hours = _hours(wanted)
    _tell(session, client, staff, {name: (current[name], wanted[name]) for name in changed}, now)
    return True


def change_logo(
    session: Session, client_id: UUID, logo: Logo | None, *, base: str, staff: Staff, now: datetime
) -> None:
    """Show this logo from now on, or none; ``base`` is the hash of the one that the page showed.

    The caller commits. Raises LogoChangedMeanwhile.
    """
    client = _locked(session, client_id)
    before = client.logo
    if (before["sha256"] if before else "") != base:
        raise LogoChangedMeanwhile
    client.logo = keep_logo(session, client_id, logo, now=now) if logo else None
    if client.logo != before:
        _tell(session, client, staff, {"logo": (before or {}, client.logo or {})}, now)


def last_change(session: Session, client: Client) -> LastChange | None:
    """The newest change of a client's branding, if there was one."""
    entry = next(evidence.newest(session, client, [CHANGED]), None)
    return LastChange(entry.at, UUID(entry.payload["actor"]["id"])) if entry else None


def _locked(session: Session, client_id: UUID) -> Client:
    return session.get_one(Client, client_id, with_for_update=True, populate_existing=True)


def tidy(typed: Branding) -> Branding:
    """What was typed, every field of it, with single spaces and colors in small letters."""
    found = {name: " ".join(clean_text(typed.get(name, "")).split()) for name in FIELDS}
    return found | {
        name: _as_color(found[name].lower()) for name in ("brand_color", "action_color")
    }


def _as_color(value: str) -> str:
    return f"#{value}" if _SIX.fullmatch(value) else value


def _changed_meanwhile(
    base: Branding, current: Branding, wanted: Branding
) -> BrandingChangedMeanwhile:
    """What somebody did not touch is as the other left it; what both changed is as they typed."""
    theirs = [name for name in FIELDS if current[name] != base.get(name)]
    untouched = {name: current[name] for name in theirs if wanted[name] == base.get(name)}
    return BrandingChangedMeanwhile(
        [Difference(name, base.get(name, ""), current[name], wanted[name]) for name in theirs],
        current,
        wanted | untouched,
    )


def _problems(wanted: Branding, changed: list[str], client: Client) -> dict[str, DomainError]:
    found = {name: _problem(name, wanted[name], client) for name in changed}
    if not any(wanted[name] for name in HOURS):
        found[HOURS[0]] = Missing()
    return {name: problem for name, problem in found.items() if problem}


def _problem(name: str, value: str, client: Client) -> DomainError | None:
    if not value:
        return None if name in MAY_BE_EMPTY else Missing()
    if len(value) > LONGEST.get(name, len(value)):
        return TextTooLong(most=LONGEST[name])
    if name in BEFORE_IDENTITY and (word := revealing_word(value)):
        return NotNeutral(word=word)
    judge = _JUDGES.get(name)
    return judge(value, client) if judge else None


def _of_color(value: str, _client: Client) -> DomainError | None:
    try:
        theme.color(value)
    except theme.NotAColor:
        return ColorUnclear()
    return None


def _of_sender(value: str, client: Client) -> DomainError | None:
    if not (len(value) <= LONGEST_SENDER and sms_text_fits(value)):
        return SenderTooLong(most=LONGEST_SENDER)
    law_firm = client.collector_role == CollectorRole.LAW_FIRM
    words = pretending_words(value, legal_name=client.legal_name, law_firm=law_firm)
    return Pretends(words=words) if words else None


def _of_phone(value: str, client: Client) -> DomainError | None:
    valid = _NUMBER.fullmatch(value) and parse_phone(value, client.country)
    return None if valid else PhoneUnclear()


def _of_email(value: str, _client: Client) -> DomainError | None:
    return None if parse_email(value) else EmailUnclear()


_JUDGES: dict[str, Callable[[str, Client], DomainError | None]] = {
    "brand_color": _of_color,
    "action_color": _of_color,
    "sender_name": _of_sender,
    "phone": _of_phone,
    "email": _of_email,
}


def _hours(wanted: Branding) -> str:
    """One text for everybody where it was given in English alone, else words by language."""
    given = {one: wanted[f"hours_{one}"] for one in LANGUAGES if wanted[f"hours_{one}"]}
    return hours.as_kept(given["en"] if given.keys() == {"en"} else given)


def _tell(
    session: Session,
    client: Client,
    staff: Staff,
    changed: Mapping[str, tuple[str | Json, str | Json]],
    now: datetime,
) -> None:
    evidence.record(
        session,
        client_id=client.id,
        chain_id=client.chain_id,
        type=CHANGED,
        payload={
            "actor": evidence.staff(staff.id),
            "before": {name: before for name, (before, _) in changed.items()},
            "after": {name: after for name, (_, after) in changed.items()},
        },
        now=now,
    )
