"""A very small browser: it reads pages, fills in forms and follows links, as a debtor would."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

import requests

FIELDS = ("input", "select", "textarea", "button")
TICKED = ("radio", "checkbox")


class NotOnThePage(LookupError):
    """A page does not hold the link or form that was looked for."""


@dataclass(slots=True)
class Form:
    """One form of a page, with what it would send untouched."""

    action: str
    method: str
    values: dict[str, str] = field(default_factory=dict)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "form":
            form = Form(given.get("action", ""), given.get("method", "get").lower())
            self.forms.append(form)
        elif tag in FIELDS and self.forms and given.get("name"):
            self._field(tag, given)

    def _field(self, tag: str, given: dict[str, str]) -> None:
        left_out = given.get("type") in TICKED and "checked" not in given
        if not left_out and not (tag == "button" or given.get("type") == "submit"):
            self.forms[-1].values[given["name"]] = given.get("value", "")


class Browser:
    """Somebody's phone: keeps cookies, follows redirects, knows one page at a time."""

    def __init__(self, *, language: str) -> None:
        self._session = requests.Session()
        self._session.headers.update({"Accept-Language": language, "User-Agent": "Demo phone"})
        self.url = ""
        self.text = ""

    @property
    def cookies(self) -> str:
        """The cookies as a header's value."""
        return "; ".join(f"{name}={value}" for name, value in self._session.cookies.items())

    def open(self, url: str) -> None:
        """Read a page. Raises requests.HTTPError for an error page."""
        self._read(self._session.get(urljoin(self.url, url), timeout=60))

    def follow(self, part: str, *, last: bool = False) -> None:
        """Follow the first link (or the last) whose address holds ``part``."""
        links = self._page().links
        for link in reversed(links) if last else links:
            if part in link:
                return self.open(link)
        raise NotOnThePage(f"no link with {part!r} on {self.url}")

    def submit(self, part: str = "", **typed: str) -> None:
        """Send the first form whose address holds ``part``, with these fields filled in."""
        for form in self._page().forms:
            target = urljoin(self.url, form.action) if form.action else self.url
            if form.method == "post" and part in target:
                values = form.values | typed
                return self._read(self._session.post(target, data=values, timeout=60))
        raise NotOnThePage(f"no form to {part!r} on {self.url}")

    def _page(self) -> _Reader:
        reader = _Reader()
        reader.feed(self.text)
        return reader

    def _read(self, response: requests.Response) -> None:
        response.raise_for_status()
        self.url, self.text = response.url, response.text
