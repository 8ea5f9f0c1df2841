"""What every view of the record is made of: marked sentences, and what fills them.

They are translated where they are shown. What was sent, typed and agreed is in the leaf, so a line
is as true as the record.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from portal.domain import N_
from portal.models import Account
from portal.services.evidence import Entry, Payload

Params = Mapping[str, object]
Groups = Mapping[str, Mapping[str, str]]

ERASED_ACTOR = "erased"
ERASED = N_("What it said was erased.")
CLOCK_HELD = N_("The clock had been set back, so this has the time of the entry before it.")
SET_BACK_S = 60
"""From how many seconds on a held time tells that the clock was set back."""


@dataclass(frozen=True, slots=True)
class Words:
    """A marked sentence and what fills it: texts, dates, amounts as (cents, currency), Words."""

    message: str
    params: Params


def filled(
    message: str, names: tuple[str, ...], payload: Payload, account: Account, groups: Groups
) -> Words | None:
    """The sentence, filled with the payload's own values; None where one is missing.

    ``groups`` has the words for the codes that may stand under a name.
    """
    if any(name not in payload for name in names):
        return None
    said = {name: _value(name, payload, account, groups.get(name, {})) for name in names}
    return Words(message, said)


def _value(name: str, payload: Payload, account: Account, group: Mapping[str, str]) -> object:
    value = payload[name]
    if name.endswith("_cents"):
        return value, payload.get("currency", account.currency)
    if name.endswith("_on"):
        return date.fromisoformat(value)
    return Words(group[value], {}) if value in group else value


def actor_of(payload: Payload) -> str:
    """The kind of who acted: debtor, staff, system, stripe; or that nobody knows any more."""
    kind: str = payload["actor"]["kind"] if payload else ERASED_ACTOR
    return kind


def remarks(entry: Entry) -> tuple[str, ...]:
    """What stands beside an entry for everybody, whatever it says: that it was erased."""
    return () if entry.payload else (ERASED,)


def remarks_for_auditors(entry: Entry) -> tuple[str, ...]:
    """The same, and that the time was held where the clock had gone back."""
    # An act that waited for another one's lock is held too: by seconds, at no fault of the clock.
    held = entry.payload.get("clock_held") and entry.payload.get("held_s", SET_BACK_S) >= SET_BACK_S
    return (CLOCK_HELD,) if held else remarks(entry)
