"""The rules of the debt: plain Python, no framework, no clock, no settings."""

from dataclasses import dataclass
from datetime import datetime


def N_(text: str) -> str:  # noqa: N802
    """Mark a sentence for translation where it is declared; it is translated where it is shown."""
    return text


@dataclass(frozen=True, slots=True)
class Phrases:
    """Short marked phrases inside a sentence; each is translated, and they are told in a row."""

    parts: tuple[tuple[str, dict[str, object]], ...]

    def __str__(self) -> str:
        return ", ".join(text % params for text, params in self.parts)


@dataclass(frozen=True, slots=True)
class TimeOfDay:
    """An instant inside a sentence, told as the time of day in a zone by its IANA name."""

    at: datetime
    zone: str

    def __str__(self) -> str:
        return self.at.isoformat(timespec="minutes")


class DomainError(Exception):
    """A fact that forbids what was asked; ``message`` is the sentence the person reads.

    ``params`` fill the sentence's named placeholders.
    """

    message: str = N_("That is not possible.")

    def __init__(self, **params: object) -> None:
        super().__init__(type(self).__name__)
        self.params = params

    def __str__(self) -> str:
        return self.message % self.params
