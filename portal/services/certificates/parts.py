"""What a certificate is made of: sections of marked words, rows, tables and exact texts."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeAlias

from portal.domain import N_
from portal.domain.evidence import parse_time
from portal.domain.money import Cents, Money
from portal.services.evidence import Payload
from portal.services.timeline import Words


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant: told in the debtor's time, with UTC beside it."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Utc:
    """An instant as the record has it, to the millisecond."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Exact:
    """A text that has to be read letter by letter: a hash, an id, an address, a browser's name."""

    text: str


@dataclass(frozen=True, slots=True)
class Tongue:
    """A language by the code of its locale."""

    locale: str


@dataclass(frozen=True, slots=True)
class Zone:
    """A time zone by its IANA name."""

    name: str


@dataclass(frozen=True, slots=True)
class Method:
    """A card or bank account as its owner knows it; ``brand`` is Stripe's word."""

    brand: str | None
    last4: str | None


Said: TypeAlias = str | int | date | Words | Moment | Utc | Exact | Money | Tongue | Zone | Method
"""One thing that is said; text that is not in Words stands as it is, whoever wrote it."""


@dataclass(frozen=True, slots=True)
class Row:
    """A label and what stands beside it, one line each."""

    label: Said
    lines: tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows below each other, which may have a caption."""

    rows: tuple[Row, ...]
    caption: Said = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a head that every page repeats; the last column may be amounts."""

    caption: Said
    head: tuple[Said, ...]
    rows: tuple[tuple[Said, ...], ...]
    total: tuple[Said, ...] = ()
    amounts: bool = False


@dataclass(frozen=True, slots=True)
class Notes:
    """Sentences, a paragraph each."""

    lines: tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class Steps:
    """What somebody can do, in order, beside a QR code; ``alt`` says what is in it."""

    lines: tuple[Said, ...]
    code: str
    alt: Said


Block: TypeAlias = Rows | Table | Notes | Steps


@dataclass(frozen=True, slots=True)
class Section:
    """One question that the certificate answers."""

    title: Said
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """A whole certificate, in no language yet; ``zone`` is the debtor's, by its IANA name."""

    reference: str
    title: Said
    lead: tuple[Said, ...]
    sections: tuple[Section, ...]
    locale: str
    zone: str
    made_at: datetime


def say(message: str, /, **params: object) -> Words:
    """A marked sentence, filled with what may itself be said."""
    return Words(message, params)


def quote(text: str) -> Words:
    """Words as somebody read or typed them."""
    return say(N_("“%(text)s”"), text=text)


def money(payload: Payload, name: str = "amount_cents", *, currency: str | None = None) -> Money:
    """An amount of a payload in its own currency, or in the one given."""
    return Money(Cents(payload[name]), currency or payload["currency"])


def moment(payload: Payload, name: str) -> Moment:
    """An instant of a payload."""
    return Moment(parse_time(payload[name]))


def day(payload: Payload, name: str) -> date:
    """A day of a payload."""
    return date.fromisoformat(payload[name])
