"""A link before it is sent and after: its way, its exact words, and how far its reader came."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app
from wtforms import SelectChoice  # type: ignore[attr-defined]

from portal import i18n
from portal.blueprints.consoles import colleagues_on
from portal.domain import labels, wording
from portal.domain.access import Permission
from portal.domain.outgoing import Action
from portal.domain.permissions import BASES, SOURCES
from portal.domain.sms import segments
from portal.gateways.sms import Texter
from portal.models import Account, Contact, Debtor
from portal.security import current_staff, keys, may
from portal.security.redaction import redact
from portal.services.link_progress import STEPS, progress_of
from portal.services.message_facts import facts_of
from portal.services.ways import ASKED, FIRST, Way, best_way, send_link
from portal.web import gettext as _
from portal.web import locale, now, session
from portal.writing import write


def texter() -> Texter:
    """Who carries texts."""
    found: Texter = current_app.extensions["portal"].texter
    return found


def masked_contact(contact: Contact) -> str:
    """An address to recognise but not to learn."""
    mask = wording.mask_email if contact.channel == "email" else wording.mask_phone
    return mask(contact.address)


def name_of(way: Way) -> str:
    """A way as staff tell it from others: masked, but the city where a letter goes."""
    if way.contact is None:
        return _("By letter, to the address in %(city)s", city=way.debtor.city)
    return f"{_(labels.CHANNELS[way.channel])}: {masked_contact(way.contact)}"


def choices_of(found: Sequence[Way]) -> list[SelectChoice]:
    """The ways that are open, for a form."""
    return [SelectChoice(way.key, name_of(way)) for way in found if way.open]


def permitted_by(way: Way) -> str:
    """What permits the use of an address, and where that is from."""
    if way.contact is None:
        return ""
    row = way.permitted
    basis = row.basis if row else way.contact.permission_basis
    source = row.source if row else way.contact.source
    at = row.at if row else way.contact.created_at
    day = i18n.voice(locale()).day_of(at, way.debtor.time_zone or "UTC", "medium")
    kind = source.partition(":")[0]
    where = _(SOURCES[kind]) if kind in SOURCES else source
    return f"{_(BASES[basis]) if basis in BASES else basis} ({where}, {day})"


@dataclass(frozen=True, slots=True)
class Preview:
    """A message exactly as it would be sent, but for what opens its link."""

    subject: str
    text: str
    segments: int | None


def _written(way: Way, kinds: Sequence[bool]) -> Iterator[Preview]:
    """Put one link on its way, read its message as each of these has it, and undo it."""
    with session.begin_nested() as undone:
        message = send_link(
            session, way, asked_for=kinds[0], keys=keys(), staff=current_staff(), now=now()
        )
        if message is None:
            raise LookupError("a new link was told before")
        for asked_for in kinds:
            message.template = ASKED if asked_for else FIRST
            words = write(facts_of(session, message, way.contact, keys=keys(), now=now()))
            parts = segments(words.text) if way.channel == "sms" else None
            yield Preview(words.subject, redact(words.text), parts)
        undone.rollback()


def previews(found: Sequence[Way]) -> Iterator[tuple[Way, bool, Preview]]:
    """What may leave by each way that is open: as it was asked for, or as we write first."""
    for way in found:
        both = ((True, way.asked), (False, way.first))
        kinds = [asked_for for asked_for, it in both if it.action is not Action.DROP]
        if way.contact and kinds:
            for asked_for, words in zip(kinds, list(_written(way, kinds)), strict=True):
                yield way, asked_for, words


def on_the_phone(account: Account, debtor: Debtor, at: datetime) -> dict[str, Any]:
    """For an account's page: the best way for a link now, and how far the newest one came."""
    if not may(Permission.CONTACT):
        return {}
    return {
        "best": best_way(session, debtor, texter=texter(), now=at),
        "name_of": name_of,
        "also_calling": colleagues_on(account),
        **how_far(account, at),
    }


def how_far(account: Account, at: datetime) -> dict[str, Any]:
    """The panel of progress."""
    return {
        "progress": progress_of(session, account, keys=keys(), now=at),
        "steps": STEPS,
        "channels": labels.CHANNELS,
    }
