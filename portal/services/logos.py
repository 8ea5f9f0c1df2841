"""Clients' logos: taken from a file, cleaned, kept under their hash, and found by address."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.domain.proportions import fit
from portal.models import Client, ClientLogo
from portal.models.base import Json

if TYPE_CHECKING:
    from PIL.Image import Image

LARGEST = 5 * 1024
"""The most bytes that a logo may add to a debtor's first page, after cleaning."""

LARGEST_FILE = 2 * 1024 * 1024
LARGEST_DRAWING = 64 * 1024
MOST_PIXELS = 12_000_000
SIZES = ((480, 160), (360, 120), (240, 80))
"""The boxes that a picture is made to fit, the largest first; the last is twice what pages show."""

RASTERS = ("PNG", "JPEG", "GIF", "WEBP")
MEDIA = {"svg": "image/svg+xml", "png": "image/png", "webp": "image/webp"}


class NoLogo(DomainError):
    message = N_("Choose a picture file.")


class LogoUnreadable(DomainError):
    message = N_("This is not a picture that we can read. Send SVG, PNG, JPEG, GIF or WebP.")


class LogoTooLarge(DomainError):
    message = N_("This file is larger than %(most)s KB. Save it smaller, then try again.")


class LogoHasTooManyPixels(DomainError):
    message = N_(
        "This picture is %(width)s by %(height)s pixels, which is too many. Save it smaller, then"
        " try again."
    )


class LogoStaysTooLarge(DomainError):
    message = N_(
        "Cleaned and scaled down, this logo still takes %(bytes)s bytes, and %(most)s are the most."
        " A simpler picture will fit: fewer colors, fewer shapes, no photo."
    )


@dataclass(frozen=True, slots=True)
class Logo:
    """A clean logo, fit to be served: its bytes, how its address ends, its size in pixels.

    ``dropped`` names the parts of a drawing that were taken out.
    """

    body: bytes
    ending: str
    width: int
    height: int
    dropped: tuple[str, ...] = ()

    def described(self) -> Json:
        """What a page needs to name it, as the client's row keeps it."""
        return {
            "sha256": sha256(self.body).hexdigest(),
            "ending": self.ending,
            "width": self.width,
            "height": self.height,
            "bytes": len(self.body),
        }


def clean_logo(body: bytes) -> Logo:
    """The logo in an uploaded file, without anything that acts, leads elsewhere or tells of people.

    Raises NoLogo, LogoUnreadable, LogoTooLarge, LogoHasTooManyPixels, LogoStaysTooLarge, and what
    `portal.domain.svg.clean` raises.
    """
    if not body:
        raise NoLogo
    is_text = body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<"
    most = LARGEST_DRAWING if is_text else LARGEST_FILE
    if len(body) > most:
        raise LogoTooLarge(most=most // 1024)
    return _drawing(body) if is_text else _picture(body)


def _drawing(body: bytes) -> Logo:
    """Cleaned by our list, then by svg-hush's, whose output is judged once more by ours."""
    # Only who uploads a logo pays for them.
    from py_svg_hush import filter_svg  # noqa: PLC0415

    from portal.domain import svg  # noqa: PLC0415

    drawing = svg.clean(body)
    try:
        hushed = filter_svg(drawing.text.encode())
    except ValueError as error:
        raise svg.DrawingUnreadable from error
    text = svg.clean(hushed).text.encode()
    if len(text) > LARGEST:
        raise LogoStaysTooLarge(bytes=len(text), most=LARGEST)
    return Logo(text, "svg", *fit(drawing.width, drawing.height, SIZES[0]), drawing.dropped)


def _picture(body: bytes) -> Logo:
    """Decoded and written anew, so that only pixels are left."""
    from PIL import Image, ImageOps  # noqa: PLC0415 - only who uploads a logo pays for it

    try:
        with Image.open(io.BytesIO(body), formats=RASTERS) as opened:
            width, height = opened.size
            if width * height > MOST_PIXELS:
                raise LogoHasTooManyPixels(width=width, height=height)
            upright = ImageOps.exif_transpose(opened)
            pixels = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise LogoUnreadable from error
    smallest = 0
    for ending, size, written in _versions(pixels):
        if len(written) <= LARGEST:
            return Logo(written, ending, *size)
        smallest = min(smallest or len(written), len(written))
    raise LogoStaysTooLarge(bytes=smallest, most=LARGEST)


def _versions(pixels: "Image") -> Iterator[tuple[str, tuple[int, int], bytes]]:
    """Ever smaller forms of a picture: exact first, then with fewer colors, then coarser."""
    for box in SIZES:
        pixels.thumbnail(box)
        yield "png", pixels.size, _written(pixels, "PNG", optimize=True)
        yield "webp", pixels.size, _written(pixels, "WEBP", lossless=True, method=6)
        for quality in (90, 75):
            yield "webp", pixels.size, _written(pixels, "WEBP", quality=quality, method=6)


def _written(picture: "Image", form: str, **options: int) -> bytes:
    out = io.BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


def keep_logo(session: Session, client_id: UUID, logo: Logo, *, now: datetime) -> Json:
    """Keep a logo's bytes under their hash and return its description; the caller commits."""
    described = logo.described()
    row = {
        "client_id": client_id,
        "sha256": bytes.fromhex(described["sha256"]),
        "media": MEDIA[logo.ending],
        "body": logo.body,
        "width": logo.width,
        "height": logo.height,
        "saved_at": now,
    }
    session.execute(insert(ClientLogo).values(row).on_conflict_do_nothing())
    return described


def served_logo(session: Session, client_id: UUID, digest: str) -> ClientLogo | None:
    """The client's logo of today if this is its hash, else None; the session sees the client."""
    return session.scalar(
        select(ClientLogo)
        .join(Client, Client.id == ClientLogo.client_id)
        .where(
            ClientLogo.client_id == client_id,
            ClientLogo.sha256 == bytes.fromhex(digest),
            Client.logo["sha256"].astext == digest,
        )
    )
