"""Pages on paper: typst sets a template of ours as a tagged PDF, in a process of its own.

A worker of the web could not keep typst's memory, and what typst reads was typed by strangers. So
it runs beside (``typesetter.py``), where no file and no connection can be opened; the text comes in
as JSON and goes into the template as strings, which are never read as markup.
"""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

TEMPLATES = Path(__file__).parents[1] / "templates"
TYPESETTER = Path(__file__).with_name("typesetter.py")
TIMEOUT_S = 30
LARGEST_BYTES = 4_000_000


class NotTypeset(RuntimeError):
    """A page could not be set: its template is wrong, it is too large, or it took too long."""


def typeset(template: str, page: dict[str, Any], *, made_at: datetime) -> bytes:
    """A PDF/UA-1 of a template's page; the same page and ``made_at`` give the same bytes.

    ``template`` names a folder below ``templates`` with a file of its name. A character that no
    font of typst has stands as its number, and the page's ``uncommon`` says so. Raises NotTypeset.
    """
    source = (TEMPLATES / template / f"{template}.typ").read_text()
    at = made_at.astimezone(UTC).isoformat(timespec="seconds")
    told = {"source": source, "page": page, "made_at": at}
    given = json.dumps(told).encode()
    if len(given) > LARGEST_BYTES:
        raise NotTypeset(f"{template}: {len(given)} bytes are too many")
    try:
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-I", TYPESETTER],
            input=given,
            capture_output=True,
            timeout=TIMEOUT_S,
            env={},
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NotTypeset(f"{template}: not set within {TIMEOUT_S} seconds") from None
    if done.returncode or not done.stdout.startswith(b"%PDF-"):
        raise NotTypeset(f"{template}: {done.stderr.decode(errors='replace').strip()[-500:]}")
    return done.stdout
