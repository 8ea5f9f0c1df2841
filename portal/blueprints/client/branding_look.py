"""How a client's colors will look: the contrast report and small pictures of a debtor's page."""

from dataclasses import dataclass
from typing import NamedTuple

from babel.numbers import format_decimal

from portal import i18n
from portal.addresses import Logo
from portal.domain import N_, theme
from portal.domain.theme import Pair, Palette
from portal.services.branding import Branding
from portal.web import gettext, locale

MODES = {
    "light": N_("On light screens"),
    "dark": N_("On dark screens"),
    "print": N_("On paper"),
}
USES = {
    "name": N_("Words in the header"),
    "link": N_("Links on the page"),
    "link_on_panel": N_("Links on soft panels"),
    "button": N_("Words on buttons"),
    "button_shape": N_("Buttons against the page"),
    "focus_in_header": N_("Focus ring in the header"),
    "focus": N_("Focus ring on the page"),
    "everything": N_("All words, black on white"),
}
COLORS = {
    "brand_color": N_("Brand color"),
    "action_color": N_("Color of links and buttons"),
}
SAMPLE_CENTS = 124_00
LONGEST_NAME = 24


@dataclass(frozen=True, slots=True)
class Drawn:
    """The colors of one small picture of a page; ``act`` is none where nothing can be tapped."""

    mode: str
    bar: str
    on_bar: str
    page: str
    text: str
    act: str | None = None
    on_act: str | None = None


class Said(NamedTuple):
    """The words of a small picture, in one language."""

    language: str
    name: str
    help: str
    owed: str
    pay: str
    more: str


@dataclass(frozen=True, slots=True)
class Look:
    """The report and the pictures for two colors, or for those in force while they are unclear.

    ``unclear`` are the fields of colors that are not written in full.
    """

    unclear: list[str]
    moved: list[str]
    groups: list[tuple[str, list[Pair]]]
    pictures: list[tuple[str, Drawn]]
    said: list[Said]
    logo: Logo | None


def look(shown: Branding, in_force: Branding, logo: Logo | None, country: str, money: str) -> Look:
    """What debtors would see with the colors and the name of a form."""
    brand, action, unclear = _colors(shown, in_force)
    pairs, field = theme.report(brand, action), "action_color" if action else "brand_color"
    drawn = _drawn(theme.palette(brand, action))
    return Look(
        unclear=unclear,
        moved=[line for mode in ("light", "dark") if (line := _moved(pairs, mode, field))],
        groups=[(MODES[mode], [one for one in pairs if one.mode == mode]) for mode in MODES],
        pictures=[(MODES[one.mode], one) for one in drawn],
        said=[_said(language, country, money, shown["trade_name"]) for language in i18n.LANGUAGES],
        logo=logo,
    )


def _colors(shown: Branding, in_force: Branding) -> tuple[str, str | None, list[str]]:
    needed = [name for name in COLORS if shown[name] or name == "brand_color"]
    unclear = [name for name in needed if not _is_color(shown[name])]
    told = in_force if unclear else shown
    return told["brand_color"], told["action_color"] or None, unclear


def _is_color(value: str) -> bool:
    try:
        theme.color(value)
    except theme.NotAColor:
        return False
    return True


def ratio(value: float) -> str:
    """A contrast as people write it, 4.5:1; rounded down, so that it promises nothing."""
    return f"{format_decimal(int(value * 10) / 10, '0.0', locale=locale())}:1"


def _moved(pairs: tuple[Pair, ...], mode: str, field: str) -> str | None:
    """Why links and buttons do not have the very color that was chosen in a field."""
    moved = [one for one in pairs if one.mode == mode and one.wished]
    if not moved:
        return None
    worst = min(moved, key=lambda one: one.wished_ratio)
    facts = {
        "field": gettext(COLORS[field]),
        "color": worst.wished,
        "ground": worst.ground,
        "would": ratio(worst.wished_ratio),
        "shade": worst.color,
        "has": ratio(worst.ratio),
    }
    said = {
        "light": N_(
            "“%(field)s”: on light screens %(color)s would have %(would)s on %(ground)s, which is"
            " hard to read. Links and buttons use %(shade)s there: %(has)s."
        ),
        "dark": N_(
            "“%(field)s”: on dark screens %(color)s would have %(would)s on %(ground)s, which is"
            " hard to read. Links and buttons use %(shade)s there: %(has)s."
        ),
    }
    return gettext(said[mode], **facts)


def _drawn(p: Palette) -> list[Drawn]:
    light, dark, paper = theme.LIGHT[0], theme.DARK[0], theme.PAPER
    return [
        Drawn("light", p.brand, p.on_brand, light, theme.TEXT["light"], p.act, p.on_act),
        Drawn("dark", p.brand, p.on_brand, dark, theme.TEXT["dark"], p.act_dark, p.on_act_dark),
        Drawn("print", paper, theme.TEXT["print"], paper, theme.TEXT["print"]),
    ]


def _said(language: str, country: str, currency: str, name: str) -> Said:
    """The words of a debtor's balance page, cut to what a small picture holds."""
    speaker = i18n.locale_for(language, country)
    voice = i18n.voice(speaker)
    amount = voice.money(SAMPLE_CENTS, currency)
    short = name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
    return Said(
        language,
        short,
        voice.lookup(N_("Get help")),
        i18n.translate(speaker, N_("You owe %(amount)s"), {"amount": amount}),
        voice.lookup(N_("Pay it all today")),
        voice.lookup(N_("Messages with us")),
    )
