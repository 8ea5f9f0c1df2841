"""A page of ours read part by part, so that it can be set on paper: no word of it is lost.

It knows the tags that our own templates have; of any other the words are taken. ``script``,
``style`` and ``head`` are nothing that anybody reads.
"""

from collections.abc import Sequence
from html.parser import HTMLParser
from typing import Any

HEADINGS = {"h1": 1, "h2": 2, "h3": 3}
BLOCKS = {"p", "li", "pre", "caption", "th", "td", "dt", "dd", "summary", *HEADINGS}
CONTAINERS = {"table", "dl", "ul", "ol"}
CELLS = {"th", "td", "dt", "dd"}
UNREAD = {"head", "script", "style"}
STRONG = {"b", "strong"}
BREAK = "\n"

Part = dict[str, Any]


def parts_of(page: str) -> list[Part]:
    """The headings, paragraphs, lists and tables of a page in their order.

    Each is plain data: ``kind`` (heading, par, list, table), ``lang`` where it is another language
    than the page's, ``class`` as the page names it, and ``runs`` of text, ``strong`` or not.
    """
    reader = _Reader()
    reader.feed(page)
    reader.close()
    reader.end()
    return reader.parts


def text_of(runs: Sequence[Part]) -> str:
    """The words of some runs alone."""
    return "".join(str(run["text"]) for run in runs)


class _Reader(HTMLParser):
    """Collects parts; what stands open is closed by what follows."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[Part] = []
        self._runs: list[Part] = []
        self._open: Part = {"tag": "p", "class": "", "lang": None}
        self._langs: list[tuple[str, str | None]] = []
        self._unread = self._strong = 0
        self._keep_lines = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in UNREAD:
            self._unread += 1
        elif tag in STRONG:
            self._strong += 1
        elif tag == "br":
            self._add(BREAK)
        elif tag in BLOCKS:
            self._begin(tag, given)
        elif tag in CONTAINERS:
            self.end()
            self.parts.append(_fresh(tag, self._lang()))
        elif tag == "tr":
            self.end()
            self._table()["rows"].append([])
        elif tag in ("div", "section") and given.get("lang"):
            self._langs.append((tag, given["lang"]))

    def handle_endtag(self, tag: str) -> None:
        if tag in UNREAD:
            self._unread = max(0, self._unread - 1)
        elif tag in STRONG:
            self._strong = max(0, self._strong - 1)
        elif tag in BLOCKS or tag in CONTAINERS:
            self.end()
        elif self._langs and self._langs[-1][0] == tag:
            self.end()
            self._langs.pop()

    def handle_data(self, data: str) -> None:
        if not self._unread:
            self._add(data if self._keep_lines else " ".join(_squeezed(data)))

    def end(self) -> None:
        """Put away what stands open, if it has words."""
        runs, part = _trimmed(self._runs), self._open
        self._runs, self._open = [], {"tag": "p", "class": "", "lang": self._lang()}
        self._keep_lines = False
        if runs:
            self._put(part, runs)

    def _begin(self, tag: str, given: dict[str, str | None]) -> None:
        self.end()
        lang = given.get("lang") or self._lang()
        self._open = {"tag": tag, "class": given.get("class") or "", "lang": lang}
        self._keep_lines = tag == "pre" or "to" in self._open["class"].split()

    def _lang(self) -> str | None:
        return self._langs[-1][1] if self._langs else None

    def _table(self) -> Part:
        if not self.parts or self.parts[-1]["kind"] != "table":
            self.parts.append(_fresh("table", self._lang()))
        return self.parts[-1]

    def _put(self, part: Part, runs: list[Part]) -> None:
        tag = part["tag"]
        if tag in CELLS:
            rows = self._table()["rows"]
            if not rows or tag == "dt":
                rows.append([])
            rows[-1].append(
                {"head": tag in ("th", "dt"), "num": "num" in part["class"], "runs": runs}
            )
        elif tag == "caption":
            self._table()["caption"] = runs
        elif tag == "li" and self.parts and self.parts[-1]["kind"] == "list":
            self.parts[-1]["items"].append(runs)
        else:
            level = HEADINGS.get(tag, 0)
            kind = {"kind": "heading", "level": level} if level else {"kind": "par"}
            self.parts.append({**kind, "class": part["class"], "lang": part["lang"], "runs": runs})

    def _add(self, text: str) -> None:
        if text:
            self._runs.append({"text": text, "strong": self._strong > 0})


def _fresh(tag: str, lang: str | None) -> Part:
    if tag in ("table", "dl"):
        return {"kind": "table", "lang": lang, "caption": [], "rows": []}
    return {"kind": "list", "lang": lang, "items": []}


def _squeezed(data: str) -> list[str]:
    """The words, with an empty one at an end where a space was, so that it stays one."""
    words = data.split()
    if not words:
        return ["", ""] if data else []
    before = [""] if data[0].isspace() else []
    after = [""] if data[-1].isspace() else []
    return [*before, *words, *after]


def _trimmed(runs: list[Part]) -> list[Part]:
    """The same without space at the ends; nothing where there are no words."""
    if not text_of(runs).strip():
        return []
    first, last = dict(runs[0]), dict(runs[-1])
    if len(runs) == 1:
        return [{**first, "text": first["text"].strip()}]
    first["text"], last["text"] = first["text"].lstrip(), last["text"].rstrip()
    return [one for one in (first, *runs[1:-1], last) if one["text"]]
