"""A logo's file becomes five kilobytes of pixels or shapes, or is refused with a reason."""

import io
import random
import struct
import zlib
from typing import Any

import pytest
from PIL import Image, ImageDraw, PngImagePlugin
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from portal.db import PortalSession
from portal.domain import svg
from portal.services.logos import (
    LARGEST,
    LogoHasTooManyPixels,
    LogoStaysTooLarge,
    LogoTooLarge,
    LogoUnreadable,
    NoLogo,
    clean_logo,
    keep_logo,
    served_logo,
)
from tests.factories import NOW, make_client

DRAWING = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 60 20"><path d="M0 0h9v9z"/></svg>'


def picture(form: str = "PNG", size: tuple[int, int] = (900, 300), **saved: Any) -> bytes:
    """A plain wordmark: a disk and two bars."""
    image = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(image)
    pen.ellipse((20, 20, size[1] - 20, size[1] - 20), fill="#0b6e4f")
    pen.rectangle((size[1], size[1] // 3, size[0] - 20, size[1] // 2), fill="#1f4e79")
    out = io.BytesIO()
    image.save(out, form, **saved)
    return out.getvalue()


def noise(size: tuple[int, int] = (480, 160)) -> bytes:
    grains = random.Random(7).randbytes(size[0] * size[1] * 3)
    out = io.BytesIO()
    Image.frombytes("RGB", size, grains).save(out, "PNG")
    return out.getvalue()


def bomb() -> bytes:
    """A PNG of a few bytes that says it has 100,000 by 100,000 pixels."""
    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 64)), (b"IEND", b"")]
    written = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(written)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP"])
def test_a_picture_of_each_kind_is_scaled_down_and_written_anew(form: str):
    logo = clean_logo(picture(form))
    assert len(logo.body) <= LARGEST
    assert logo.ending in ("png", "webp")
    with Image.open(io.BytesIO(logo.body)) as kept:
        assert kept.size == (logo.width, logo.height)
        assert max(kept.width / 480, kept.height / 160) <= 1


def test_a_small_picture_keeps_its_size():
    logo = clean_logo(picture(size=(120, 40)))
    assert (logo.width, logo.height) == (120, 40)


def test_what_a_file_tells_of_its_maker_is_gone():
    told = PngImagePlugin.PngInfo()
    told.add_text("Author", "dana@home.example")
    exif = Image.Exif()
    exif[0x013B] = "dana@home.example"
    for body in (picture("PNG", pnginfo=told), picture("JPEG", exif=exif)):
        assert b"dana@home" in body
        assert b"dana@home" not in clean_logo(body).body


def test_a_picture_with_a_clear_ground_keeps_it():
    out = io.BytesIO()
    Image.new("RGBA", (90, 30), (0, 0, 0, 0)).save(out, "PNG")
    with Image.open(io.BytesIO(clean_logo(out.getvalue()).body)) as kept:
        assert kept.convert("RGBA").getpixel((0, 0))[3] == 0  # type: ignore[index]


def test_a_bomb_is_refused_before_it_is_decoded():
    with pytest.raises((LogoHasTooManyPixels, LogoUnreadable)):
        clean_logo(bomb())
    with pytest.raises(LogoHasTooManyPixels, match="5000 by 4000"):
        clean_logo(picture(size=(5000, 4000)))


def test_what_stays_too_large_is_refused_with_its_size():
    with pytest.raises(LogoStaysTooLarge, match="5120 are the most"):
        clean_logo(noise())
    shapes = b"<path d='M%s'/>" % (b"12.345 " * 900)
    with pytest.raises(LogoStaysTooLarge, match="simpler"):
        clean_logo(DRAWING.replace(b"<path", shapes + b"<path"))


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        (b"", NoLogo),
        (b"GIF89a", LogoUnreadable),
        (b"%PDF-1.7", LogoUnreadable),
        (picture()[:200], LogoUnreadable),
        (picture("BMP"), LogoUnreadable),
        (b"\x89PNG\r\n\x1a\n" + b"x" * 3_000_000, LogoTooLarge),
        (b"<svg>" + b" " * 70_000, LogoTooLarge),
        (b"<html></html>", svg.DrawingUnreadable),
    ],
    ids=["nothing", "cut off", "PDF", "half", "BMP", "3 MB", "70 KB of SVG", "HTML"],
)
def test_other_files_are_refused(body: bytes, refusal: type[Exception]):
    with pytest.raises(refusal):
        clean_logo(body)


def test_a_drawing_is_cleaned_twice_and_may_be_larger_before():
    told = b"<metadata>" + b"x" * 20_000 + b"</metadata><script>alert(1)</script>"
    logo = clean_logo(DRAWING.replace(b"<path", told + b"<path"))
    assert (logo.ending, logo.width, logo.height) == ("svg", 480, 160)
    assert logo.dropped == ("script",)
    assert b"<script" not in logo.body
    assert len(logo.body) < 200
    assert clean_logo(logo.body).body == logo.body


def test_a_logo_is_found_by_its_own_client_and_hash_while_it_is_shown(session: PortalSession):
    client = make_client(session)
    other = make_client(session)
    kept = keep_logo(session, client.id, clean_logo(DRAWING), now=NOW)
    assert served_logo(session, client.id, kept["sha256"]) is None, "not shown yet"
    client.logo = kept
    session.flush()
    found = served_logo(session, client.id, kept["sha256"])
    assert found is not None
    assert found.media == "image/svg+xml"
    assert served_logo(session, other.id, kept["sha256"]) is None
    assert served_logo(session, client.id, "0" * 64) is None


@pytest.mark.parametrize("body", [b"x" * 5121, b"other bytes than the hash says"])
def test_the_database_refuses_bytes_that_are_too_many_or_not_the_hashs(
    session: PortalSession, body: bytes
):
    client = make_client(session)
    row = "(client_id, sha256, media, body, width, height, saved_at)"
    values = {"client": client.id, "body": body, "now": NOW}
    hashed = "sha256(CAST(:body AS bytea))" if len(body) > LARGEST else "CAST('\\x00' AS bytea)"
    statement = f"INSERT INTO client_logo {row} VALUES"
    with pytest.raises(IntegrityError, match="client_logo"):
        session.execute(
            text(f"{statement} (:client, {hashed}, 'image/png', :body, 1, 1, :now)"), values
        )


def test_no_page_changes_the_bytes_of_a_logo(session: PortalSession):
    make_client(session)
    with pytest.raises(ProgrammingError, match="permission denied"):
        session.execute(text("UPDATE client_logo SET media = 'text/html'"))
