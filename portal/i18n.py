"""Words, amounts and dates in a person's language; no Flask."""

import gettext
import os
import re
from collections.abc import Mapping
from datetime import date, datetime
from datetime import time as clock_time
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale, dates, numbers
from babel.localedata import locale_identifiers
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from portal.domain import Phrases, TimeOfDay
from portal.domain.money import Money

LANGUAGES = {"en": "English", "es": "Español", "fr": "Français"}
PSEUDO = {"eo": "Pseudo", "yi": "Pseudo, right to left"}
"""Catalogues made by `portal translations pseudo`; never chosen for a person."""

HERE = Path(__file__).parent
TRANSLATIONS = HERE.parent / "translations"

CLDR = {"en": "en_US", "es": "es_US", "fr": "fr_CA", "eo": "en_US", "yi": "en_US"}
"""Formats of a language where CLDR has no locale for it in the creditor's country."""

ENDINGS = {1: "st", 2: "nd", 3: "rd"}

AMOUNTS = {"es_CA": "en_CA"}
"""Locales whose amounts are written as the country writes them: $ is the country's own."""


_STOPS = re.compile(r"([ap]\.\s?m)\.\.(?!\.)")
"""Two full stops: that of 5 p.m., and that of the sentence that it ends."""


class CatalogueMissing(RuntimeError):
    """A language has no compiled catalogue and it cannot be written."""


class CatalogueBroken(RuntimeError):
    """A catalogue has translations whose placeholders or plural forms are wrong."""


def locale_for(language: str, country: str = "US") -> str:
    """The locale of a page: the reader's language and the creditor's country, as es_US."""
    return f"{language if language in CLDR else 'en'}_{country}"


def _one_stop(said: str) -> str:
    """A sentence with one full stop where a time of day ends it."""
    return _STOPS.sub(r"\1.", said) if ".." in said else said


@lru_cache(1024)
def best_language(accept_language: str) -> str:
    """The language of ours that an Accept-Language header likes best; English if none."""
    wanted = parse_accept_header(accept_language, LanguageAccept)
    primary = (tag.replace("_", "-").partition("-")[0].lower() for tag, weight in wanted if weight)
    return next((language for language in primary if language in LANGUAGES), "en")


@cache
def voice(locale: str) -> "Voice":
    """The words and formats of a locale from `locale_for`, read once."""
    return Voice(locale)


def translate(locale: str, message: str, params: Mapping[str, object] | None = None) -> str:
    """A marked message in the language of `locale`; amounts and dates among `params` written out.

    A param may be text, a number, a date, a time of day, or a pair (cents, currency).
    """
    speaker = voice(locale)
    if not params:
        return speaker.gettext(message)
    return speaker.gettext(message, **{name: speaker.spell(params[name]) for name in params})


class Voice:
    """The words of one language, and amounts and dates as its readers write them."""

    def __init__(self, locale: str) -> None:
        self.locale = locale
        self.language, _, self.country = locale.partition("_")
        name = locale if locale in _known_locales() else CLDR[self.language]
        self.formats = Locale.parse(name)
        self.amounts = Locale.parse(AMOUNTS.get(locale, name))
        self.direction = Locale.parse(self.language).text_direction
        self._catalogue = _catalogue(self.language)
        self._money = lru_cache(32)(self._read_money)
        self.date = lru_cache(8192)(self._date)
        self._time = lru_cache(1440)(self._read_time)

    def gettext(self, message: str, /, **params: object) -> str:
        """The message in this language, its %(name)s filled in."""
        return _one_stop(self._catalogue.gettext(message) % params)

    def lookup(self, message: str) -> str:
        """The message in this language, or itself when it is none of ours."""
        return self._catalogue.gettext(message)

    def ngettext(self, singular: str, plural: str, num: int, /, **params: object) -> str:
        """The form of the message for `num` things; %(num)s is the number."""
        said = self._catalogue.ngettext(singular, plural, num)
        return _one_stop(said % ({"num": num} | params))

    def pgettext(self, context: str, message: str, /, **params: object) -> str:
        """The message in one of its senses."""
        return _one_stop(self._catalogue.pgettext(context, message) % params)

    def npgettext(
        self, context: str, singular: str, plural: str, num: int, /, **params: object
    ) -> str:
        """The form for `num` things, in one of the message's senses."""
        return self._catalogue.npgettext(context, singular, plural, num) % ({"num": num} | params)

    def money(self, cents: int, currency: str = "USD") -> str:
        """An amount in minor units as this locale writes it."""
        head, group, point, places, tail = self._money(currency)
        whole, rest = divmod(abs(cents), 10**places)
        fraction = f"{point}{rest:0{places}d}" if places else ""
        sign = "-" if cents < 0 else ""
        return f"{sign}{head}{whole:,}".replace(",", group) + fraction + tail

    def _date(self, day: date, style: str = "long") -> str:
        written = dates.format_date(day, style, locale=self.formats)
        first = self.language == "fr" and written.startswith("1 ")
        return f"1er{written[1:]}" if first else written

    def month(self, day: date) -> str:
        """The month of a day, with its year."""
        return dates.format_skeleton("yMMMM", day, locale=self.formats)

    def ordinal(self, day: int) -> str:
        """A day of the month as this language counts it: 1st, 1er, 1."""
        if self.language == "fr":
            return "1er" if day == 1 else str(day)
        if self.language != "en":
            return str(day)
        teen = 11 <= day <= 13
        return f"{day}{'th' if teen else ENDINGS.get(day % 10, 'th')}"

    def time(self, at: datetime, zone: str = "UTC") -> str:
        """The time of day of an aware instant, in a time zone by its IANA name."""
        local = at.astimezone(ZoneInfo(zone))
        return self._time(local.hour, local.minute)

    def _read_time(self, hour: int, minute: int) -> str:
        return dates.format_time(clock_time(hour, minute), "short", locale=self.formats)

    def day_of(self, at: datetime, zone: str = "UTC", style: str = "medium") -> str:
        """The day of an aware instant in a time zone."""
        return self.date(at.astimezone(ZoneInfo(zone)).date(), style)

    def datetime(self, at: datetime, zone: str = "UTC", style: str = "long") -> str:
        """An aware instant as date and time of day, in a time zone by its IANA name."""
        return f"{self.day_of(at, zone, style)}, {self.time(at, zone)}"

    def number(self, value: int) -> str:
        """A whole number with its groups."""
        return numbers.format_decimal(value, locale=self.formats)

    def percent(self, bps: int) -> str:
        """A rate in basis points as a percentage, with the digits that it has."""
        return numbers.format_percent(
            Decimal(bps) / 10_000, locale=self.formats, decimal_quantization=False
        )

    def spell(self, value: object) -> object:
        """A message's parameter as text: an amount, an instant, a date, phrases, or itself."""
        if isinstance(value, Phrases):
            return ", ".join(self.gettext(text, **params) for text, params in value.parts)
        if isinstance(value, TimeOfDay):
            return self.time(value.at, value.zone)
        if isinstance(value, Money):
            return self.money(value.cents, value.currency)
        if isinstance(value, tuple):
            return self.money(*value)
        if isinstance(value, datetime):
            return self.datetime(value)
        return self.date(value) if isinstance(value, date) else value

    def _read_money(self, currency: str) -> tuple[str, str, str, int, str]:
        places = numbers.get_currency_precision(currency)
        group, point = (
            read(self.amounts) for read in (numbers.get_group_symbol, numbers.get_decimal_symbol)
        )
        shape = numbers.format_currency(Decimal(1234567), currency, locale=self.amounts)
        sample = f"1{group}234{group}567" + (point + "0" * places if places else "")
        head, _, tail = shape.partition(sample)
        return head, group, point, places, tail


def stale_catalogues(directory: Path = TRANSLATIONS) -> list[Path]:
    """The .po files whose .mo is missing or older."""
    return [
        po
        for po in sorted(directory.glob("*/LC_MESSAGES/messages.po"))
        if not (mo := po.with_suffix(".mo")).exists() or mo.stat().st_mtime < po.stat().st_mtime
    ]


def compile_catalogues(directory: Path = TRANSLATIONS) -> list[Path]:
    """Compile the stale catalogues; what was written. Raises CatalogueBroken, CatalogueMissing."""
    return [_compile(po) for po in stale_catalogues(directory)]


def _compile(po: Path) -> Path:
    # Imported here, because a worker whose catalogues are compiled never needs the memory.
    from babel.messages.mofile import write_mo  # noqa: PLC0415
    from babel.messages.pofile import read_po  # noqa: PLC0415

    with po.open("rb") as source:
        catalogue = read_po(source, locale=po.parent.parent.name)
    if wrong := [f"{po}:{message.lineno}: {errors[0]}" for message, errors in catalogue.check()]:
        raise CatalogueBroken("\n".join(wrong))
    mo = po.with_suffix(".mo")
    draft = mo.with_suffix(f".{os.getpid()}")
    try:
        with draft.open("wb") as target:
            write_mo(target, catalogue)
        draft.replace(mo)
    except OSError as error:
        raise CatalogueMissing(
            f"{mo} is missing or older than its .po and cannot be written ({error.strerror}):"
            " run `portal translations compile` when you install."
        ) from error
    return mo


def _catalogue(language: str) -> gettext.NullTranslations:
    if language == "en":
        return gettext.NullTranslations()
    compile_catalogues(TRANSLATIONS)
    try:
        return gettext.translation("messages", TRANSLATIONS, [language])
    except FileNotFoundError as error:
        raise CatalogueMissing(
            f"translations/{language}/LC_MESSAGES/messages.mo is missing:"
            " run `portal translations compile`."
        ) from error


@cache
def _known_locales() -> frozenset[str]:
    return frozenset(locale_identifiers())
