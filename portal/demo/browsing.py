"""A very small browser: it reads pages, fills in forms and follows links, as a debtor would."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Protocol
from urllib.parse import urljoin

import requests

FIELDS = ("input", "select", "textarea", "button")
TICKED = ("radio", "checkbox")
Typed = str | list[str]
"""What one field sends: a box that can be ticked several times sends each of its values."""


class NotOnThePage(LookupError):
    """A page does not hold the link or form that was looked for."""


@dataclass(slots=True)
class Form:
    """One form of a page, with what it would send untouched.

    ``offered`` are the values that each radio, box, list and named button can send, ``ticked``
    those that are chosen already.
    """

    action: str
    method: str
    values: dict[str, str] = field(default_factory=dict)
    offered: dict[str, list[str]] = field(default_factory=dict)
    ticked: dict[str, list[str]] = field(default_factory=dict)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.styles: list[str] = []
        self.forms: list[Form] = []
        self._list = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "link" and "href" in given:
            self.styles.append(given["href"])
        elif tag == "form":
            form = Form(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(form)
        elif tag in FIELDS and self.forms and given.get("name"):
            self._field(tag, given)
        elif tag == "option" and self._list:
            self._option(given)

    def _field(self, tag: str, given: dict[str, str]) -> None:
        form, name, value = self.forms[-1], given["name"], given.get("value", "")
        if tag == "select":
            self._list = name
        elif tag == "button" or given.get("type") == "submit":
            form.offered.setdefault(name, []).append(value)
        elif given.get("type") in TICKED:
            form.offered.setdefault(name, []).append(value)
            if "checked" in given:
                form.values[name] = value
                form.ticked.setdefault(name, []).append(value)
        else:
            form.values[name] = value

    def _option(self, given: dict[str, str]) -> None:
        form, value = self.forms[-1], given.get("value", "")
        form.offered.setdefault(self._list, []).append(value)
        if "selected" in given or self._list not in form.values:
            form.values[self._list] = value

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._list = ""


class Line(Protocol):
    """Whatever carries a browser's requests; it keeps cookies and follows redirects."""

    def fetch(self, url: str, typed: Mapping[str, Typed] | None = None) -> tuple[str, str]:
        """The address and the text of the page that answers; with ``typed``, of the POST of it."""
        ...


class NetworkLine:
    """A browser's requests over the network. ``fetch`` raises requests.HTTPError."""

    def __init__(self, language: str) -> None:
        self._session = requests.Session()
        self._session.headers.update({"Accept-Language": language, "User-Agent": "Demo phone"})

    @property
    def cookies(self) -> str:
        """The cookies as a header's value."""
        return "; ".join(f"{name}={value}" for name, value in self._session.cookies.items())

    def fetch(self, url: str, typed: Mapping[str, Typed] | None = None) -> tuple[str, str]:
        """GET a page, or POST what was typed."""
        if typed is None:
            response = self._session.get(url, timeout=60)
        else:
            response = self._session.post(url, data=typed, timeout=60)
        response.raise_for_status()
        return response.url, response.text


class Browser:
    """Somebody's phone: knows one page at a time. What its line raises, it raises."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self.url = ""
        self.text = ""
        self._read: tuple[str, _Reader] = "", _Reader()

    def open(self, url: str) -> None:
        """Read a page."""
        self.url, self.text = self._line.fetch(urljoin(self.url, url))

    def follow(self, part: str, *, last: bool = False) -> None:
        """Follow the first link (or the last) whose address holds ``part``."""
        links = self.links(part)
        if not links:
            raise NotOnThePage(f"no link with {part!r} on {self.url}")
        self.open(links[-1 if last else 0])

    def submit(self, part: str = "", **typed: Typed) -> None:
        """Send the first form whose address holds ``part``, with these fields filled in."""
        form = self.form(part)
        if form is None:
            raise NotOnThePage(f"no form to {part!r} on {self.url}")
        self.send(form, **typed)

    def send(self, form: Form, **typed: Typed) -> None:
        """Send a form of the page, with these fields filled in."""
        self.url, self.text = self._line.fetch(self._target(form), {**form.values, **typed})

    def links(self, part: str = "") -> list[str]:
        """The addresses on the page that hold ``part``, in order."""
        return [link for link in self._page().links if part in link]

    def forms(self, part: str = "") -> list[Form]:
        """The forms that send to an address that holds ``part``, in order."""
        forms = self._page().forms
        return [one for one in forms if one.method == "post" and part in self._target(one)]

    def styles(self, part: str = "") -> list[str]:
        """The addresses of the styles of the page that hold ``part``, in order."""
        return [style for style in self._page().styles if part in style]

    def form(self, part: str = "") -> Form | None:
        """The first form whose address holds ``part``, if the page has one."""
        return next(iter(self.forms(part)), None)

    def _target(self, form: Form) -> str:
        return urljoin(self.url, form.action) if form.action else self.url

    def _page(self) -> _Reader:
        if self._read[0] is not self.text:
            reader = _Reader()
            reader.feed(self.text)
            self._read = self.text, reader
        return self._read[1]
