"""Notes of staff on an account: what one may say, and the words that many of them begin with."""

from portal.domain import N_, DomainError
from portal.domain.help import kept_words

LONGEST = 2_000
LONGEST_TITLE = 60
MOST_TEMPLATES = 30
BLANK = "____"
"""What a template leaves open, for whoever writes the note to fill."""

BUILT_IN: dict[str, tuple[str, str]] = {
    "promise": (
        N_("Promises to pay"),
        N_("The debtor says that they will pay ____ by ____. Way of paying: ____."),
    ),
    "money": (
        N_("Money is short"),
        N_("The debtor says: income ____, rent ____, other debts ____. Can pay ____ a month."),
    ),
    "call-back": (
        N_("Call back"),
        N_("The debtor asks for a call on ____ at ____, about ____."),
    ),
    "paper": (
        N_("Papers on their way"),
        N_("The debtor sends us ____ by ____. Until then: ____."),
    ),
}
"""A title and a text each, which every client has."""


class NoteMissing(DomainError):
    """A note without words."""

    message = N_("Write the note.")


class BlankLeft(DomainError):
    """A template was kept as a note before it was filled in."""

    message = N_("Fill in what is left open (____), or take it out.")


class TitleMissing(DomainError):
    """A template nobody could find again."""

    message = N_("Give it a title of 60 characters at most.")


class TooManyTemplates(DomainError):
    """A list that nobody would read through."""

    message = N_("There are 30 already. Take one away first.")


def note_words(typed: str) -> str:
    """A note fit to keep. Raises NoteMissing, BlankLeft, TextTooLong, CardNumberTyped (PC-01)."""
    words = kept_words(typed, most=LONGEST)
    if not words:
        raise NoteMissing
    if BLANK in words:
        raise BlankLeft
    return words


def template_words(title: str, body: str) -> tuple[str, str]:
    """A template fit to keep, with its blanks.

    Raises TitleMissing, NoteMissing, TextTooLong, CardNumberTyped (PC-01).
    """
    name, words = kept_words(title, most=LONGEST), kept_words(body, most=LONGEST)
    if not 0 < len(name) <= LONGEST_TITLE:
        raise TitleMissing
    if not words:
        raise NoteMissing
    return name, words
