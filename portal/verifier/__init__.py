"""What goes into every bundle for whoever checks it without us: the verifier, and how to use it."""

from importlib.resources import files

HOW, SCRIPT = "VERIFY.md", "verify.py"
TOLD_IN = ("es", "fr")
"""Languages other than English in which VERIFY.md begins."""


def for_people(language: str = "en") -> dict[str, bytes]:
    """The files of this folder as every bundle carries them, by name.

    The one VERIFY.md that the format has begins in the debtor's language; all of it in English is
    below.
    """
    how = _read(HOW)
    if language in TOLD_IN:
        how = _read(f"VERIFY.{language}.md") + b"\n---\n\n" + how
    return {HOW: how, SCRIPT: _read(SCRIPT)}


def _read(name: str) -> bytes:
    return files(__name__).joinpath(name).read_bytes()
