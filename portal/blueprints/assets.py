"""Static files: named by their hash, compressed beforehand, kept by browsers for good."""

from flask import Blueprint, Response, abort, request

from portal import assets
from portal.domain import theme
from portal.security import audience

bp = Blueprint("assets", __name__)

FOR_GOOD = "public, max-age=31536000, immutable"


@bp.get("/theme/<string(length=6):brand>-<string(length=10):digest>.css")
@audience("anyone")
def themed(brand: str, digest: str) -> Response:
    """The stylesheet with the palette of a brand color."""
    try:
        return _serve(assets.themed(theme.color(f"#{brand}")), digest)
    except theme.NotAColor:
        abort(404)


@bp.get("/static/<string(length=10):digest>/<name>")
@audience("anyone")
def file(digest: str, name: str) -> Response:
    """A script, stylesheet or icon."""
    if name not in assets.FILES:
        abort(404)
    return _serve(assets.asset(name), digest)


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
