"""Requests without a network: pages of the portal and of the sandbox, called in process."""

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from werkzeug.test import Client, TestResponse

from portal.demo.browsing import Typed

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

REDIRECTS = (301, 302, 303, 307, 308)
MOST_REDIRECTS = 10


class PageRefused(Exception):
    """A page answered with an error; ``status`` is its code, ``text`` what it says."""

    def __init__(self, status: int, url: str, text: str) -> None:
        super().__init__(f"{status} {url}")
        self.status, self.url, self.text = status, url, text


class LocalLine:
    """One browser's cookies and redirects, over WSGI applications by their origin."""

    def __init__(self, apps: Mapping[str, "WSGIApplication"], language: str) -> None:
        self._clients = {origin: Client(app) for origin, app in apps.items()}
        self._headers = {"Accept-Language": language, "User-Agent": "Simulated phone"}

    def fetch(self, url: str, typed: Mapping[str, Typed] | None = None) -> tuple[str, str]:
        """GET a page, or POST what was typed. Raises PageRefused."""
        response = self._ask(url, typed)
        for _ in range(MOST_REDIRECTS):
            if response.status_code not in REDIRECTS:
                break
            url = urljoin(url, response.headers["Location"])
            response = self._ask(url, None)
        page = response.get_data(as_text=True)
        if response.status_code >= 400:
            raise PageRefused(response.status_code, url, page)
        return url, page

    def _ask(self, url: str, typed: Mapping[str, Typed] | None) -> TestResponse:
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        how = {"base_url": origin, "headers": self._headers}
        client = self._clients[origin]
        if typed is None:
            return client.get(path, **how)
        return client.post(path, data=dict(typed), **how)
