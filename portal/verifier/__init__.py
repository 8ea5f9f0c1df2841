"""What goes into every bundle for whoever checks it without us: the verifier, and how to use it."""

from importlib.resources import files

NAMES = ("VERIFY.md", "verify.py")


def for_people() -> dict[str, bytes]:
    """The files of this folder as every bundle carries them, by name."""
    return {name: files(__name__).joinpath(name).read_bytes() for name in NAMES}
