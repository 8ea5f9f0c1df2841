"""The process beside ``typesetting``: JSON on stdin, PDFs on stdout; it can open nothing else.

Before each PDF stands how many bytes it has, in eight bytes. It runs as a file by itself and
imports nothing of the portal.
"""

import json
import resource
import sys
import unicodedata
from collections.abc import Collection
from datetime import datetime
from typing import Any

LONGEST_S = 60
"""Of computing, where nobody is left who waits for the page."""

UNSEEN = {"Cc", "Cf", "Cn", "Co", "Cs"}
"""Categories of characters that nobody sees, or that turn the text around them."""

LENGTH_BYTES = 8

LATIN = frozenset(map(chr, range(0x20, 0x180)))
PROBE = b'#set document(title: "-")\n#for char in json(bytes(sys.inputs.page)) [#char ]'


def main() -> int:
    """Set one page after another. 0, or 1 with the reason on stderr."""
    told = json.load(sys.stdin.buffer)
    import typst  # noqa: PLC0415 - its memory belongs to this process alone

    _close_doors()
    source, made_at = told["source"].encode(), datetime.fromisoformat(told["made_at"])
    for page in told["pages"]:
        try:
            pdf = _set(source, page, made_at)
        except typst.TypstError as error:
            sys.stderr.write(str(error))
            return 1
        sys.stdout.buffer.write(len(pdf).to_bytes(LENGTH_BYTES) + pdf)
    return 0


def _set(source: bytes, page: Any, made_at: datetime) -> bytes:
    """One PDF; where a font betrays us, with all but Latin letters as their numbers."""
    from typst import TypstError  # noqa: PLC0415

    used = _characters(page)
    seen = {char for char in used if unicodedata.category(char) not in UNSEEN}
    printed = _printable(sorted(seen - LATIN)) | LATIN & seen
    try:
        return _compile(source, _spelled(page, used, printed), made_at)
    except TypstError:
        return _compile(source, _spelled(page, used, LATIN & seen), made_at)


def _spelled(page: Any, used: Collection[str], printed: Collection[str]) -> Any:
    return {**_spell_out(page, set(used) - set(printed)), "uncommon": used != printed}


def _close_doors() -> None:
    """From here on no file, no socket and no process can be opened."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
    resource.setrlimit(resource.RLIMIT_CPU, (LONGEST_S, LONGEST_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _compile(source: bytes, page: Any, made_at: datetime | None = None) -> bytes:
    from typst import Compiler  # noqa: PLC0415

    inputs = {"page": json.dumps(page, ensure_ascii=False)}
    compiler = Compiler(source, ignore_system_fonts=True, sys_inputs=inputs)
    pdf = compiler.compile(format="pdf", pdf_standards="ua-1", timestamp=made_at)
    return pdf if isinstance(pdf, bytes) else b""


def _printable(chars: list[str]) -> set[str]:
    """Those of the characters that a font has; a half of them at a time, until all is known."""
    from typst import TypstError  # noqa: PLC0415

    try:
        _compile(PROBE, chars)
    except TypstError:
        half = len(chars) // 2
        return _printable(chars[:half]) | _printable(chars[half:]) if half else set()
    return set(chars)


def _characters(value: Any) -> set[str]:
    if isinstance(value, str):
        return set(value)
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return set().union(*map(_characters, inside))


def _spell_out(value: Any, chars: Collection[str]) -> Any:
    """The same page with some characters as their numbers: [U+674E]."""
    if isinstance(value, str):
        return "".join(f"[U+{ord(char):04X}]" if char in chars else char for char in value)
    if isinstance(value, dict):
        return {name: _spell_out(part, chars) for name, part in value.items()}
    return [_spell_out(part, chars) for part in value] if isinstance(value, list) else value


if __name__ == "__main__":
    sys.exit(main())
