"""A client's brand color and action color, turned into a palette that can always be read."""

import colorsys
import re
from dataclasses import dataclass

READABLE = 4.5
"""WCAG 2.2 AA (1.4.3): the least contrast between text and its background."""

VISIBLE = 3.0
"""WCAG 2.2 AA (1.4.11): the least contrast of what is seen but not read, such as a focus ring."""

NEUTRAL = "#1f4e79"
"""The color of every page before identity is verified."""

LIGHT = ("#ffffff", "#f3f5f7")
DARK = ("#12161a", "#1c2228")
"""The grounds that text stands on, in app.css: page and soft panel."""

TEXT = {"light": "#14191f", "dark": "#eef1f4", "print": "#000000"}
PAPER = "#ffffff"

_HEX = re.compile(r"#[0-9a-f]{6}")

RGB = tuple[float, float, float]


class NotAColor(ValueError):
    """The text is not a color written as #rrggbb."""


@dataclass(frozen=True)
class Palette:
    """Colors of one theme: the header bar, and the color of links and buttons, light and dark."""

    brand: str
    on_brand: str
    act: str
    on_act: str
    act_dark: str
    on_act_dark: str


@dataclass(frozen=True)
class Pair:
    """Two colors that meet on a page: what stands on what, and where.

    ``mode`` is light, dark or print. ``wished`` is the client's own color where pages show another
    one in its place, because the client's could not be read there.
    """

    mode: str
    use: str
    color: str
    ground: str
    least: float = READABLE
    wished: str | None = None

    @property
    def ratio(self) -> float:
        """The contrast that pages have, 1 to 21."""
        return contrast(self.color, self.ground)

    @property
    def wished_ratio(self) -> float:
        """The contrast that the client's own color would have there."""
        return contrast(self.wished or self.color, self.ground)


def palette(brand: str, action: str | None = None) -> Palette:
    """Shades of two colors in which every text has at least 4.5:1 on each ground it stands on.

    The bar keeps the exact brand color, since black or white always reads on it. Links and buttons
    take the action color, else the brand's, and move lighter or darker until they can be read.
    Raises NotAColor.
    """
    brand = color(brand)
    wished = color(action) if action else brand
    act = _shift(wished, LIGHT, lighter=False)
    act_dark = _shift(wished, DARK, lighter=True)
    return Palette(brand, ink(brand), act, ink(act), act_dark, ink(act_dark))


def report(brand: str, action: str | None = None) -> tuple[Pair, ...]:
    """Every pair of colors that a client's pages use, on screen and on paper. Raises NotAColor.

    The edge of the header bar is not among them: nothing depends on it, since a line ends it.
    """
    p = palette(brand, action)
    wished = color(action or brand)
    on_screen = (("light", p.act, p.on_act, LIGHT), ("dark", p.act_dark, p.on_act_dark, DARK))
    pairs: list[Pair] = []
    for mode, act, on_act, (page, panel) in on_screen:
        moved = wished if act != wished else None
        pairs += [
            Pair(mode, "name", p.on_brand, p.brand),
            Pair(mode, "link", act, page, wished=moved),
            Pair(mode, "link_on_panel", act, panel, wished=moved),
            Pair(mode, "button", on_act, act),
            Pair(mode, "button_shape", act, page, VISIBLE),
            Pair(mode, "focus_in_header", p.on_brand, p.brand, VISIBLE),
            Pair(mode, "focus", TEXT[mode], page, VISIBLE),
        ]
    return (*pairs, Pair("print", "everything", TEXT["print"], PAPER))


def stylesheet(brand: str, action: str | None = None) -> str:
    """CSS custom properties for a client's colors, to stand after app.css. Raises NotAColor.

    They hold on screens alone: paper is black on white.
    """
    p = palette(brand, action)
    light = f"--brand:{p.brand};--on-brand:{p.on_brand};--act:{p.act};--on-act:{p.on_act}"
    dark = f"--act:{p.act_dark};--on-act:{p.on_act_dark}"
    return (
        f"@media screen{{:root{{{light}}}}}"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"
    )


def color(text: str) -> str:
    """The color as lower-case #rrggbb. Raises NotAColor."""
    value = text.strip().lower()
    if not _HEX.fullmatch(value):
        raise NotAColor(text)
    return value


def contrast(one: str, other: str) -> float:
    """Contrast of two colors, 1 to 21, as WCAG 2.2 defines it."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def ink(ground: str) -> str:
    """Black or white, whichever reads better on `ground`; always at least 4.58:1."""
    return max(("#ffffff", "#000000"), key=lambda text: contrast(text, ground))


def _shift(start: str, grounds: tuple[str, ...], *, lighter: bool) -> str:
    hue, lightness, saturation = colorsys.rgb_to_hls(*_rgb(start))
    step, shade = (0.01 if lighter else -0.01), start
    while min(contrast(shade, ground) for ground in grounds) < READABLE:
        lightness += step
        if not 0 <= lightness <= 1:
            return "#ffffff" if lighter else "#000000"
        shade = _hex(colorsys.hls_to_rgb(hue, lightness, saturation))
    return shade


def _rgb(shade: str) -> RGB:
    red, green, blue = (int(shade[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _hex(rgb: RGB) -> str:
    return "#" + "".join(f"{round(min(1.0, max(0.0, part)) * 255):02x}" for part in rgb)


def _luminance(shade: str) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in _rgb(shade)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
