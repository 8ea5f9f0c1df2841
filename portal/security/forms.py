"""What proves that a form came from our own page: an HMAC bound to who reads it.

No cookie and no row is needed: the token of a debtor's page is bound to their visit, that of a
link's page to the link, that of staff to their log-in.
"""

import base64
import binascii

from flask import current_app, g, request

from portal.domain.keys import Keys
from portal.web import CsrfRejected

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
FIELD, HEADER = "csrf_token", "X-CSRF-Token"


def bind(kind: str, value: str) -> None:
    """Bind the forms of this request's page to who reads it."""
    g.csrf_binding = (kind.encode(), value.encode("utf-8", "surrogatepass"))
    g.csrf_token = csrf_token


def csrf_token() -> str:
    """The token for this page's forms."""
    return base64.urlsafe_b64encode(_keys().mark("form", *g.csrf_binding)).rstrip(b"=").decode()


def refuse_forgeries() -> None:
    """Refuse what would change something and does not come from a page of ours.

    Raises CsrfRejected.
    """
    if request.method in SAFE:
        return
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise CsrfRejected
    given = request.form.get(FIELD) or request.headers.get(HEADER, "")
    if not _keys().is_mark(_decoded(given), "form", *g.csrf_binding):
        raise CsrfRejected


def _decoded(given: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(given[:64].encode() + b"=")
    except (binascii.Error, ValueError):
        return b""


def _keys() -> Keys:
    keys: Keys = current_app.extensions["portal"].settings.keys
    return keys
