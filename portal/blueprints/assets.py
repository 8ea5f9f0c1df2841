"""Static files and logos: named by their hash, kept by browsers for good."""

import re
from uuid import UUID

from flask import Blueprint, Response, abort, request

from portal import assets
from portal.domain import theme
from portal.security import audience
from portal.services.logos import MEDIA, served_logo
from portal.web import scope, session

bp = Blueprint("assets", __name__)

FOR_GOOD = "public, max-age=31536000, immutable"
NOTHING_ACTS = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
"""What a logo may do that somebody opens by its address alone: show its own shapes and colors."""

HASH = re.compile(r"[0-9a-f]{64}")


@bp.get("/theme/<string(length=6):brand>-<string(length=10):digest>.css")
@bp.get("/theme/<string(length=6):brand>-<string(length=6):action>-<string(length=10):digest>.css")
@audience("anyone")
def themed(brand: str, digest: str, action: str | None = None) -> Response:
    """The stylesheet with the palette of a client's colors."""
    try:
        chosen = theme.color(f"#{action}") if action else None
        return _serve(assets.themed(theme.color(f"#{brand}"), chosen), digest)
    except theme.NotAColor:
        abort(404)


@bp.get("/static/<string(length=10):digest>/<name>")
@audience("anyone")
def file(digest: str, name: str) -> Response:
    """A script, stylesheet or icon."""
    if name not in assets.FILES:
        abort(404)
    return _serve(assets.asset(name), digest)


@bp.get("/brand/<uuid:client_id>/<name>")
@audience("anyone")
def logo(client_id: UUID, name: str) -> Response:
    """A client's logo, found by nobody who was not shown its address (EC-08)."""
    digest, _, ending = name.partition(".")
    if not HASH.fullmatch(digest) or ending not in MEDIA:
        abort(404)
    scope(client_id)
    found = served_logo(session, client_id, digest)
    if found is None or found.media != MEDIA[ending]:
        abort(404)
    response = Response(found.body, content_type=found.media)
    response.headers["Cache-Control"] = FOR_GOOD
    response.headers["Content-Security-Policy"] = NOTHING_ACTS
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


def _serve(asset: assets.Asset, digest: str) -> Response:
    if digest != asset.digest:
        abort(404)
    encoding, body = asset.best(request.headers.get("Accept-Encoding", ""))
    response = Response(body, content_type=asset.mimetype)
    response.headers["Cache-Control"] = FOR_GOOD
    response.headers["Vary"] = "Accept-Encoding"
    if encoding != "identity":
        response.headers["Content-Encoding"] = encoding
    return response
