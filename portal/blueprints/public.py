"""Pages that anyone may read: how to reach us, privacy, accessibility; nothing about a debt."""

from uuid import UUID

from flask import Blueprint, Response, abort
from sqlalchemy import text

from portal.security import audience, recognize
from portal.services.published import published_checkpoint, published_keys
from portal.web import render, session

bp = Blueprint("public", __name__)


@bp.get("/help")
@audience("anyone")
def help() -> str:
    """How to reach a person, and how to tell that a message is from us."""
    recognize()
    return render("public/help.html")


@bp.get("/privacy")
@audience("anyone")
def privacy() -> str:
    """What the pages keep and who sees it."""
    return render("public/privacy.html")


@bp.get("/accessibility")
@audience("anyone")
def accessibility() -> str:
    """What the pages can do for everybody, and whom to tell when they fail."""
    return render("public/accessibility.html")


@bp.get("/closed")
@audience("anyone")
def closed() -> str:
    """The neutral page that stays on the screen when a private one was closed."""
    return render("public/closed.html")


@bp.get("/robots.txt")
@audience("anyone")
def robots() -> Response:
    """No page of ours belongs into a search engine."""
    return Response("User-agent: *\nDisallow: /\n", mimetype="text/plain")


@bp.get("/.well-known/evidence.vkey")
@audience("anyone")
def verifier_keys() -> Response:
    """The public keys that checkpoints of the evidence logs are verified with, a line each."""
    lines = "".join(f"{line}\n" for line in published_keys(session))
    return Response(lines, mimetype="text/plain")


@bp.get("/.well-known/evidence/<uuid:client_id>/checkpoint")
@audience("anyone")
def checkpoint(client_id: UUID) -> Response:
    """The newest signed head of one log, as whoever has a bundle of it may compare it."""
    note = published_checkpoint(session, client_id)
    if note is None:
        abort(404)
    return Response(note, mimetype="text/plain")


@bp.get("/healthz")
@audience("anyone")
def healthz() -> Response:
    """That this process answers and reaches its database; else an error page says so."""
    session.execute(text("SELECT 1"))
    return Response("ok\n", mimetype="text/plain")
