"""Pages on paper: typst sets a template of ours as a tagged PDF, in a process of its own.

A worker of the web could not keep typst's memory, and what typst reads was typed by strangers. So
it runs beside (``typesetter.py``), where no file and no connection can be opened; the text comes in
as JSON and goes into the template as strings, which are never read as markup.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

TYPESETTER = Path(__file__).with_name("typesetter.py")
TIMEOUT_S = 30
LENGTH_BYTES = 8
LARGEST_BYTES = 4_000_000


class NotTypeset(RuntimeError):
    """A page could not be set: its template is wrong, it is too large, or it took too long."""


def typeset(
    template: Path, page: dict[str, Any], *, made_at: datetime, timeout_s: int = TIMEOUT_S
) -> bytes:
    """A PDF/UA-1 of one page, as `typeset_all` makes it. Raises NotTypeset."""
    (pdf,) = typeset_all(template, [page], made_at=made_at, timeout_s=timeout_s)
    return pdf


def typeset_all(
    template: Path,
    pages: Sequence[dict[str, Any]],
    *,
    made_at: datetime,
    timeout_s: int = TIMEOUT_S,
) -> list[bytes]:
    """A PDF/UA-1 of each page; the same template, page and ``made_at`` give the same bytes.

    The template finds the page's JSON in ``sys.inputs.page``. A character that no font of typst has
    stands in it as its number, and its ``uncommon`` says so. Raises NotTypeset.
    """
    at = made_at.astimezone(UTC).isoformat(timespec="seconds")
    told = {"source": template.read_text(), "pages": list(pages), "made_at": at}
    given = json.dumps(told).encode()
    if len(given) > LARGEST_BYTES:
        raise NotTypeset(f"{template.name}: {len(given)} bytes are too many")
    try:
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-I", TYPESETTER],
            input=given,
            capture_output=True,
            timeout=timeout_s,
            env={},
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NotTypeset(f"{template.name}: not set within {timeout_s} seconds") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise NotTypeset(f"{template.name}: {said[:500]}")
    return list(_parts(done.stdout))


def _parts(together: bytes) -> Iterator[bytes]:
    """The PDFs, each of which has its length before it."""
    at = 0
    while at < len(together):
        begin = at + LENGTH_BYTES
        at = begin + int.from_bytes(together[at:begin])
        yield together[begin:at]
