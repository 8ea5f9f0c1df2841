"""Words, amounts and dates in a person's language, and the templates that speak it; no Flask."""

import gettext
import os
import re
from collections.abc import Mapping, MutableMapping
from datetime import date, datetime
from datetime import time as clock_time
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path
from types import CodeType
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale, dates, numbers
from babel.localedata import locale_identifiers
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined, nodes
from jinja2.bccache import Bucket
from jinja2.visitor import NodeTransformer
from markupsafe import Markup, escape
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from portal.domain.money import Money

LANGUAGES = {"en": "English", "es": "Español", "fr": "Français"}
PSEUDO = {"eo": "Pseudo", "yi": "Pseudo, right to left"}
"""Catalogues made by `portal translations pseudo`; never chosen for a person."""

HERE = Path(__file__).parent
TRANSLATIONS = HERE.parent / "translations"
TEMPLATES = HERE / "templates"

CLDR = {"en": "en_US", "es": "es_US", "fr": "fr_CA", "eo": "en_US", "yi": "en_US"}
"""Formats of a language where CLDR has no locale for it in the creditor's country."""

AMOUNTS = {"es_CA": "en_CA"}
"""Locales whose amounts are written as the country writes them: $ is the country's own."""


SPOKEN = (
    *("gettext", "ngettext", "pgettext", "npgettext"),
    *("money", "number", "percent", "date", "day_of", "time", "datetime"),
)
"""What a template can say without importing anything."""

ALSO_SPOKEN = ("_", "money_text")


class CatalogueMissing(RuntimeError):
    """A language has no compiled catalogue and it cannot be written."""


class CatalogueBroken(RuntimeError):
    """A catalogue has translations whose placeholders or plural forms are wrong."""


def locale_for(language: str, country: str = "US") -> str:
    """The locale of a page: the reader's language and the creditor's country, as es_US."""
    return f"{language if language in CLDR else 'en'}_{country}"


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

    A param may be text, a number, a date, or a pair (cents, currency).
    """
    speaker = voice(locale)
    if not params:
        return speaker.gettext(message)
    return speaker.gettext(message, **{name: speaker.spell(params[name]) for name in params})


def render(locale: str, template: str, /, **context: object) -> str:
    """A template in the language of `locale`: HTML when its name says so, else plain text."""
    env = environment(locale, html=template.endswith(".html"))
    return env.get_template(template).render(context)


def render_block(locale: str, template: str, block: str, /, **context: object) -> str:
    """One block of a template on its own, such as the subject in an e-mail's text."""
    env = environment(locale, html=template.endswith(".html"))
    source = env.get_template(template)
    return "".join(source.blocks[block](source.new_context(dict(context)))).strip()


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
        return self._catalogue.gettext(message) % params

    def lookup(self, message: str) -> str:
        """The message in this language, or itself when it is none of ours."""
        return self._catalogue.gettext(message)

    def ngettext(self, singular: str, plural: str, num: int, /, **params: object) -> str:
        """The form of the message for `num` things; %(num)s is the number."""
        return self._catalogue.ngettext(singular, plural, num) % ({"num": num} | params)

    def pgettext(self, context: str, message: str, /, **params: object) -> str:
        """The message in one of its senses."""
        return self._catalogue.pgettext(context, message) % params

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
        """A message's parameter as text: an amount, an instant, a date, or itself."""
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


@cache
def environment(locale: str, *, html: bool = True) -> Environment:
    """The Jinja environment of a locale: its words and formats are globals, so they cost a call."""
    speaker = voice(locale)
    env = Speaking(
        loader=Templates(TEMPLATES),
        autoescape=html,  # noqa: S701 - the others are plain text
        auto_reload=False,
        bytecode_cache=_compiled(speaker.language, html=html),
        cache_size=-1,
        extensions=["jinja2.ext.i18n"],
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )
    env.newstyle_gettext = True  # type: ignore[attr-defined]
    env.policies["ext.i18n.trimmed"] = True
    words = HtmlVoice(speaker) if html else speaker
    said = {name: getattr(words, name) for name in SPOKEN}
    said |= dict(zip(ALSO_SPOKEN, (words.gettext, speaker.money), strict=True))
    env.globals |= said
    env.filters |= said
    env.globals |= {"language": speaker.language, "languages": LANGUAGES}
    env.globals |= {"locale": locale, "direction": speaker.direction}
    return env


class HtmlVoice:
    """A voice inside HTML: messages are markup, their parameters are escaped."""

    def __init__(self, speaker: Voice) -> None:
        self._speaker = speaker
        self._isolate = "<bdi>{}</bdi>" if speaker.direction == "rtl" else "{}"
        self._plain: dict[str, Markup] = {}
        for name in ("date", "day_of", "time", "datetime", "number", "percent"):
            setattr(self, name, getattr(speaker, name))

    def gettext(self, message: str, /, **params: object) -> Markup:
        if params:
            return Markup(self._speaker.gettext(message, **_escaped(params)))  # noqa: S704
        if message not in self._plain:
            self._plain[message] = Markup(self._speaker.gettext(message))  # noqa: S704
        return self._plain[message]

    def ngettext(self, singular: str, plural: str, num: int, /, **params: object) -> Markup:
        return Markup(self._speaker.ngettext(singular, plural, num, **_escaped(params)))  # noqa: S704

    def pgettext(self, context: str, message: str, /, **params: object) -> Markup:
        return Markup(self._speaker.pgettext(context, message, **_escaped(params)))  # noqa: S704

    def npgettext(
        self, context: str, singular: str, plural: str, num: int, /, **params: object
    ) -> Markup:
        text = self._speaker.npgettext(context, singular, plural, num, **_escaped(params))
        return Markup(text)  # noqa: S704

    def money(self, cents: int, currency: str = "USD") -> Markup:
        return Markup(self._isolate.format(self._speaker.money(cents, currency)))  # noqa: S704


def _escaped(params: dict[str, object]) -> dict[str, object]:
    """What goes into a message, fit for HTML; a number stays one."""
    return {
        name: value if isinstance(value, int) else escape(value) for name, value in params.items()
    }


class Speaking(Environment):
    """An environment that settles at compile time what a language settles.

    Sentences without parameters are translated when a template is compiled, and globals are one
    plain dict, which imported macros look up quickly.
    """

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        settled: nodes.Template = Settle(self, own_names(tree)).visit(tree)
        return settled

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """The environment's own globals, and a template's if it brings some."""
        return {**self.globals, **d} if d else self.globals


def own_names(tree: nodes.Template) -> set[str]:
    """What a template itself gives a name to: there the name no longer means a locale's word."""
    imported = (one for found in tree.find_all(nodes.FromImport) for one in found.names)
    names = {one if isinstance(one, str) else one[1] for one in imported}
    names |= {macro.name for macro in tree.find_all(nodes.Macro)}
    return names | {name.name for name in tree.find_all(nodes.Name) if name.ctx != "load"}


class Settle(NodeTransformer):
    """Puts the translation in the place of each call that can have only one answer.

    Other calls of what a locale says become filters, which Jinja calls without a detour.
    """

    def __init__(self, env: Environment, taken: set[str]) -> None:
        self._env = env
        self._words = {*SPOKEN, *ALSO_SPOKEN} - taken

    def visit_Call(self, node: nodes.Call) -> nodes.Node:
        """Look at the arguments first: a call may stand among them."""
        self.generic_visit(node)
        name = node.node.name if isinstance(node.node, nodes.Name) else None
        if name not in self._words or not node.args or node.dyn_args or node.dyn_kwargs:
            return node
        given = [*node.args, *(one.value for one in node.kwargs)]
        if all(isinstance(one, nodes.Const) for one in given):
            return self._settled(name, node)
        first, *rest = node.args
        return nodes.Filter(
            first, name, rest, node.kwargs, None, None, lineno=node.lineno, environment=self._env
        )

    def _settled(self, name: str, node: nodes.Call) -> nodes.Node:
        if name not in ("_", "gettext") or node.kwargs or len(node.args) != 1:
            return node
        (message,) = node.args
        translated = self._env.globals["_"](message.as_const())  # type: ignore[operator]
        return nodes.Const(translated, lineno=node.lineno, environment=self._env)


class Templates(FileSystemLoader):
    """Templates from their folder, without the indentation that only their readers need."""

    def get_source(self, environment: Environment, template: str):  # type: ignore[no-untyped-def]
        source, filename, uptodate = super().get_source(environment, template)
        if template.endswith(".html"):
            source = re.sub(r"^[ \t]+", "", source, flags=re.MULTILINE)
        return source, filename, uptodate


class CompiledTemplates(BytecodeCache):
    """Compiled templates, shared by the environments of one language."""

    def __init__(self) -> None:
        self._code: dict[str, CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._code.get(bucket.key + bucket.checksum)

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code is not None:
            self._code[bucket.key + bucket.checksum] = bucket.code


@cache
def _compiled(language: str, *, html: bool) -> CompiledTemplates:
    return CompiledTemplates()


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
