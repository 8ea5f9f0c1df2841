"""SVG drawings reduced to what a logo needs: shapes, colors and words, and nothing that acts.

What is not on the lists here goes: scripts, links, pictures, animation, foreign content, styles
with addresses in them. The result is small and says how large it is.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from html import escape
from xml.parsers.expat import ExpatError, ParserCreate

from portal.domain import N_, DomainError

SVG = "http://www.w3.org/2000/svg"
XLINK_HREF = "http://www.w3.org/1999/xlink href"
DEEPEST = 40
LONGEST_CHAIN = 8
MOST_WORK = 2_000
"""How many parts a browser may have to draw, each counted as often as it is referred to."""

WORDY = frozenset({"text", "tspan", "title", "desc", "style"})
UNWRAPPED = frozenset({"a", "switch"})
POINTING = frozenset({"use", "linearGradient", "radialGradient"})
ELEMENTS = POINTING | {
    *("svg", "g", "defs", "symbol", "title", "desc", "style", "path", "rect", "circle", "ellipse"),
    *("line", "polyline", "polygon", "text", "tspan", "stop", "clipPath", "mask"),
}
ATTRIBUTES = frozenset(
    {
        *("class", "clip-path", "clip-rule", "clipPathUnits", "color", "cx", "cy", "d", "dx"),
        *("dy", "fill", "fill-opacity", "fill-rule", "font-family", "font-size", "font-style"),
        *("font-weight", "fx", "fy", "gradientTransform", "gradientUnits", "height", "id"),
        *("letter-spacing", "mask", "maskContentUnits", "maskUnits", "offset", "opacity"),
        *("paint-order", "points", "preserveAspectRatio", "r", "rotate", "rx", "ry"),
        *("spreadMethod", "stop-color", "stop-opacity", "stroke", "stroke-dasharray"),
        *("stroke-dashoffset", "stroke-linecap", "stroke-linejoin", "stroke-miterlimit"),
        *("stroke-opacity", "stroke-width", "style", "text-anchor", "textLength", "transform"),
        *("vector-effect", "viewBox", "visibility", "width", "word-spacing", "x", "x1", "x2"),
        *("y", "y1", "y2"),
    }
)

_NAME = r"[.#]?[A-Za-z_][\w-]*"
_DECLARATIONS = r"[\w\s:;#%.,()+-]*"
_RULES = re.compile(rf"\s*(?:{_NAME}(?:\s*,\s*{_NAME})*\s*\{{{_DECLARATIONS}\}}\s*)*", re.ASCII)
_STYLE = re.compile(_DECLARATIONS, re.ASCII)
_ELSEWHERE = re.compile(r"url\((?!\s*#[\w.-]+\s*\))|image(-set)?\(|src\(|\\|//|@", re.IGNORECASE)
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_TARGET = re.compile(r"url\(\s*(#[\w.-]+)\s*\)", re.IGNORECASE)
_INSIDE = re.compile(r"#[\w.-]+", re.ASCII)
_LENGTH = re.compile(r"\s*(\d{1,6}(?:\.\d{1,6})?)(?:px)?\s*", re.ASCII)


class DrawingUnreadable(DomainError):
    message = N_("This is not an SVG drawing that we can read.")


class DrawingWithEntities(DomainError):
    message = N_("This drawing declares entities of its own. Save it as plain SVG, then try again.")


class DrawingTooNested(DomainError):
    message = N_("This drawing repeats parts within parts. Save it as plain SVG, then try again.")


class DrawingWithoutSize(DomainError):
    message = N_("This drawing does not say how large it is: it needs a viewBox.")


class DrawingEmpty(DomainError):
    message = N_("Nothing is drawn in this file. Save the logo as plain SVG, then try again.")


VISIBLE = frozenset(
    {"path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text", "image"}
)
"""The elements that put something on the page."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A clean drawing, its proportions, and the names of the parts that were taken out."""

    text: str
    width: Fraction
    height: Fraction
    dropped: tuple[str, ...]


def clean(body: bytes) -> Drawing:
    """A drawing with what is on the lists here, in as few bytes as its author's numbers allow.

    Raises DrawingUnreadable, DrawingWithEntities, DrawingTooNested, DrawingWithoutSize,
    DrawingEmpty.
    """
    cleaner = _Cleaner()
    parser = ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = cleaner.start
    parser.EndElementHandler = cleaner.end
    parser.CharacterDataHandler = cleaner.words
    parser.EntityDeclHandler = cleaner.entity
    try:
        parser.Parse(body, True)
    except (ExpatError, ValueError) as error:
        raise DrawingUnreadable from error
    return cleaner.drawing()


@dataclass(slots=True)
class _Part:
    """An element that stays: its selectors, the ids that it refers to, and what is in it."""

    names: frozenset[str]
    targets: set[str]
    inside: "list[_Part]" = field(default_factory=list)
    cost: tuple[int, int] | None = None


@dataclass(slots=True)
class _Cleaner:
    """Writes the clean drawing while the parser reads; ``path`` is what stands open."""

    out: list[str] = field(default_factory=list)
    path: list[tuple[str, _Part]] = field(default_factory=list)
    parts: list[_Part] = field(default_factory=list)
    skipping: int = 0
    styles: list[str] = field(default_factory=list)
    rules: list[str] = field(default_factory=list)
    dropped: set[str] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)
    size: tuple[Fraction, Fraction] | None = None

    def entity(self, *_declared: object) -> None:
        raise DrawingWithEntities

    def start(self, name: str, given: Mapping[str, str]) -> None:
        if self.skipping:
            self.skipping += 1
            return
        if len(self.path) >= DEEPEST:
            raise DrawingTooNested
        space, _, local = name.rpartition(" ")
        if not self.path:
            self._begin(space, local, given)
        elif space == SVG and local in UNWRAPPED:
            self.dropped.add(local)
            self.path.append(("", self.path[-1][1]))
        elif space == SVG and local in ELEMENTS - {"svg"}:
            self._open(local, given)
        else:
            if space == SVG and local != "metadata":
                self.dropped.add(local)
            self.skipping = 1

    def _begin(self, space: str, local: str, given: Mapping[str, str]) -> None:
        if (space, local) != (SVG, "svg"):
            raise DrawingUnreadable
        self.size = _size(given)
        box = given.get("viewBox") or f"0 0 {given.get('width')} {given.get('height')}"
        self._open("svg", {**given, "viewBox": box.replace("px", "")}, xmlns=SVG)

    def _open(self, local: str, given: Mapping[str, str], **more: str) -> None:
        kept = more | {name: value for name, value in given.items() if _is_plain(name, value)}
        target = given.get("href") or given.get(XLINK_HREF) or ""
        if local in POINTING and _INSIDE.fullmatch(target):
            kept["href"] = target
        acting = {name for name in given if name.startswith("on") or name == "href"}
        self.dropped |= acting - kept.keys()
        if kept.get("id") in self.ids:
            self.dropped.add("id")
            del kept["id"]
        self.ids |= {kept.get("id", "")} - {""}
        part = _part(local, kept)
        if self.path:
            self.path[-1][1].inside.append(part)
        self.parts.append(part)
        self.path.append((local, part))
        if local != "style":
            written = "".join(f' {name}="{escape(value)}"' for name, value in kept.items())
            self.out.append(f"<{local}{written}>")

    def end(self, _name: str) -> None:
        if self.skipping:
            self.skipping -= 1
            return
        local, _ = self.path.pop()
        if local == "style":
            self._keep_style()
        elif local:
            last = self.out[-1]
            if last.startswith((f"<{local} ", f"<{local}>")) and not last.endswith("/>"):
                self.out[-1] = f"{last[:-1]}/>"
            else:
                self.out.append(f"</{local}>")

    def _keep_style(self) -> None:
        style = " ".join("".join(self.styles).split())
        self.styles.clear()
        if _RULES.fullmatch(style) and not _ELSEWHERE.search(style):
            self.out.append(f"<style>{style}</style>")
            self.rules.append(style)
        else:
            self.dropped.add("style")

    def words(self, said: str) -> None:
        if self.skipping or not self.path:
            return
        local = self.path[-1][0]
        if local == "style":
            self.styles.append(said)
        elif local in WORDY:
            self.out.append(escape(said, quote=False))

    def drawing(self) -> Drawing:
        if self.size is None:
            raise DrawingWithoutSize
        _restrain(self.parts, self.rules)
        if not VISIBLE & {name for part in self.parts for name in part.names}:
            raise DrawingEmpty
        return Drawing("".join(self.out), *self.size, tuple(sorted(self.dropped)))


def _part(local: str, kept: Mapping[str, str]) -> _Part:
    """An element under the selectors that mean it: its tag, its classes and its id."""
    names = {local, *(f".{one}" for one in kept.get("class", "").split())}
    if id := kept.get("id"):
        names.add(f"#{id}")
    targets = {found for value in kept.values() for found in _TARGET.findall(value)}
    if "href" in kept:
        targets.add(kept["href"])
    return _Part(frozenset(names), targets)


def _restrain(parts: Iterable[_Part], rules: Iterable[str]) -> None:
    """Refuse a drawing whose parts refer to each other so often that a browser would be kept busy.

    Raises DrawingTooNested.
    """
    pointing = [
        ({name.strip() for name in names.split(",")}, targets)
        for names, declared in _RULE.findall(" ".join(rules))
        if (targets := set(_TARGET.findall(declared)))
    ]
    known: dict[str, _Part] = {}
    for part in parts:
        for names, targets in pointing:
            if part.names & names:
                part.targets |= targets
        known |= {name: part for name in part.names if name.startswith("#")}
    root = next(iter(parts))
    work, _ = _cost(root, known, 0)
    if work > MOST_WORK:
        raise DrawingTooNested


def _cost(part: _Part, known: Mapping[str, _Part], chain: int) -> tuple[int, int]:
    """How many parts are drawn for this one, and over how many references at most.

    Raises DrawingTooNested for a long chain or a ring.
    """
    if part.cost is None and chain <= LONGEST_CHAIN:
        inside = [_cost(one, known, chain) for one in part.inside]
        pointed = [_cost(known[one], known, chain + 1) for one in part.targets if one in known]
        part.cost = (
            1 + sum(work for work, _ in inside + pointed),
            max([depth for _, depth in inside] + [depth + 1 for _, depth in pointed], default=0),
        )
    if part.cost is None or part.cost[1] > LONGEST_CHAIN:
        raise DrawingTooNested
    return part.cost


def _is_plain(name: str, value: str) -> bool:
    if name not in ATTRIBUTES or _ELSEWHERE.search(value):
        return False
    return name != "style" or _STYLE.fullmatch(value) is not None


def _size(given: Mapping[str, str]) -> tuple[Fraction, Fraction] | None:
    parts = re.split(r"[\s,]+", given.get("viewBox", "").strip())
    sides = parts[2:] if len(parts) == 4 else [given.get("width", ""), given.get("height", "")]
    found = [_LENGTH.fullmatch(side) for side in sides]
    width, height = (Fraction(one[1]) if one else Fraction(0) for one in found)
    return (width, height) if width > 0 and height > 0 else None
