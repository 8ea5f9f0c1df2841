"""Stored bytes shown as they are: kept from doing anything but being read."""

import base64
import hashlib
import re

from flask import Response
from markupsafe import escape

from portal.services.evidence import Kept

_STYLES = re.compile(r"<style>(.*?)</style>", re.DOTALL)
_WHOLE = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>{title}</title>
</head>
<body><main>
<h1>{title}</h1>
{body}
</main></body>
</html>
"""
SHOWN_AS = {"text/html": "text/html", "application/json": "application/json"}
"""How browsers are told to show a type; everything else is plain text to them."""


def as_kept(kept: Kept) -> Response:
    """The very bytes that were kept, in a page without scripts, forms, links or a place of its own.

    The styles that stand in a document are let through by their hashes.
    """
    shown = SHOWN_AS.get(kept.media.partition(";")[0], "text/plain")
    styles = styles_of(kept.body.decode(errors="replace")) if shown == "text/html" else ""
    policy = f"default-src 'none'; {styles}frame-ancestors 'none'; sandbox"
    headers = {"Content-Security-Policy": policy}
    return Response(kept.body, content_type=f"{shown}; charset=utf-8", headers=headers)


def dressed(kept: Kept, *, css: str, language: str, title: str) -> Response:
    """The same words in today's look, for reading: stored bytes have none of their own.

    What was only a part of a page gets the rest of one around it.
    """
    body = kept.body.decode(errors="replace")
    if "</head>" in body:
        body = body.replace("<body>", "<body><main>", 1).replace("</body>", "</main></body>", 1)
    else:
        body = _WHOLE.format(language=escape(language), title=escape(title), body=body)
    link = f'<link rel="stylesheet" href="{escape(css)}">'
    policy = "default-src 'none'; style-src 'self'; frame-ancestors 'none'; sandbox"
    headers = {"Content-Security-Policy": policy}
    page = body.replace("</head>", f"{link}</head>", 1)
    return Response(page, content_type="text/html; charset=utf-8", headers=headers)


def styles_of(body: str) -> str:
    """The part of a policy that lets a page's own styles through, and no others."""
    hashes = " ".join(f"'{_hash(style)}'" for style in _STYLES.findall(body))
    return f"style-src {hashes}; " if hashes else ""


def _hash(style: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
