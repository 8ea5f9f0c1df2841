"""Stylesheets and scripts: minified once, named by their hash, served as immutable."""

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from pathlib import Path
from urllib.parse import quote

import brotli

from portal.domain import theme

STATIC = Path(__file__).parent / "static"

FILES = {
    "app.js": "text/javascript; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "console.css": "text/css; charset=utf-8",
}


@dataclass(frozen=True)
class Asset:
    """A file as it goes over the wire: plain, and compressed as well as it can be.

    It is compressed when it is first sent: a page only needs its name.
    """

    name: str
    mimetype: str
    digest: str
    plain: bytes

    @cached_property
    def encodings(self) -> dict[str, bytes]:
        """Its forms by the names that HTTP has for them."""
        return {
            "br": brotli.compress(self.plain, quality=11),
            "gzip": gzip.compress(self.plain, 9, mtime=0),
            "identity": self.plain,
        }

    def best(self, accepted: str) -> tuple[str, bytes]:
        """The smallest form that an Accept-Encoding header allows, with its name."""
        names = {part.partition(";")[0].strip() for part in accepted.split(",")}
        name = next((name for name in ("br", "gzip") if name in names), "identity")
        return name, self.encodings[name]


@cache
def asset(name: str) -> Asset:
    """One of FILES, minified. Raises KeyError for any other name."""
    mimetype = FILES[name]
    return _asset(name, mimetype, _minify(name))


@lru_cache(256)
def themed(brand: str, action: str | None = None) -> Asset:
    """app.css followed by the palette of a client's colors, written #rrggbb. Raises NotAColor."""
    css = _minify("app.css") + theme.stylesheet(brand, action)
    return _asset("app.css", FILES["console.css"], css)


def _asset(name: str, mimetype: str, text: str) -> Asset:
    raw = text.encode()
    digest = hashlib.sha256(raw).hexdigest()[:10]
    return Asset(name, mimetype, digest, raw)


@cache
def _minify(name: str) -> str:
    text = (STATIC / name).read_text(encoding="utf-8")
    if name.endswith(".css"):
        return minify_css(text)
    return minify_js(text)


@cache
def icon() -> str:
    """The icon as an address that holds it, so that no page asks for one more file."""
    return f"data:image/svg+xml,{quote((STATIC / 'icon.svg').read_text(encoding='utf-8').strip())}"


def minify_css(text: str) -> str:
    """The same rules without comments and spare space; strings keep theirs."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    parts = re.split(r"(\"[^\"]*\")", text)
    return "".join(part if at % 2 else _squeeze(part) for at, part in enumerate(parts)).strip()


def _squeeze(css: str) -> str:
    css = re.sub(r"\s+", " ", css)
    css = re.sub(r" ?([{};,>]) ?", r"\1", css)
    css = re.sub(r"([{;][-\w]+): ", r"\1:", css)
    return css.replace(";}", "}")


def minify_js(text: str) -> str:
    """The same script without its comment lines and indentation."""
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))
