"""What staff correct of who a debtor is: how it is read, and what is told of it afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from portal.domain import N_, DomainError, identity
from portal.domain.help import kept_words

LONGEST = 200
YOUNGEST, OLDEST = 10, 120
"""Years: what is outside of it is a slip. A debt of a minor has a hold of its own (DH-06)."""


class Source(StrEnum):
    """Who or what says that another value is right."""

    DEBTOR = "debtor"
    DOCUMENT = "document"
    CLIENT = "client"


SOURCES: dict[str, str] = {
    Source.DEBTOR: N_("The debtor says so on the telephone, and their answers matched"),
    Source.DOCUMENT: N_("A document that they sent"),
    Source.CLIENT: N_("The client’s own papers"),
}

FIELDS: dict[str, str] = {
    "first_name": N_("First name"),
    "last_name": N_("Last name"),
    "date_of_birth": N_("Date of birth"),
    "address_line": N_("Street and number"),
    "city": N_("City"),
    "region": N_("State or province"),
    "postal_code": N_("ZIP or postal code"),
    "language": N_("Language"),
}
POSTAL = ("address_line", "city", "region", "postal_code")
"""The fields of the postal address."""
PROVES = ("date_of_birth", "postal_code")
"""The fields by which somebody proves who they are."""
SECRET = ("date_of_birth",)
"""Fields of which only a hash is kept: that they changed is told, and nothing else."""


class AgeImpossible(DomainError):
    """A date of birth that nobody has who can owe a debt."""

    message = N_("By this date the person would be under 10 or over 120 years old. Check it.")


class NothingCorrected(DomainError):
    """A correction that leaves everything as it was."""

    message = N_("Nothing differs from what is on file.")


class NameMissing(DomainError):
    """A debtor without a name."""

    message = N_("A first name and a last name are needed.")


class SupervisorNeeded(DomainError):
    """What proves identity, changed by one agent alone."""

    message = N_(
        "A date of birth or a ZIP or postal code proves who this person is. An agent changes it"
        " only when the person says so on a call and their answers matched. Else ask a supervisor."
    )


class ChangedMeanwhile(DomainError):
    """A field has another value than whoever changes it had before their eyes."""

    message = N_(
        "Something that you changed has been changed since you opened this page. Both are shown"
        " below. Press the button again to keep what you typed."
    )


class RegionUnknown(DomainError):
    """A state or province that is not of the debtor's country."""

    message = N_("Write the state or province as in NY or ON.")


@dataclass(frozen=True, slots=True)
class Change:
    """One field before and after; what is secret is empty in both."""

    field: str
    before: str
    after: str


def read(field: str, typed: str, today: date) -> str:
    """One field as it is kept: a date in ISO form, a postal code in its one spelling.

    Raises TextTooLong, CardNumberTyped (PC-01), DateOfBirthImpossible, AgeImpossible,
    YearIncomplete, PostalCodeUnreadable, DigitsNotPlain.
    """
    words = kept_words(typed, most=LONGEST)
    if not words:
        return ""
    if field == "date_of_birth":
        born_on = identity.date_of_birth_text(words, today=today)
        if not YOUNGEST <= _age(born_on, today) <= OLDEST:
            raise AgeImpossible
        return born_on.isoformat()
    return identity.postal_code(words) if field == "postal_code" else words


def _age(born_on: date, today: date) -> int:
    return today.year - born_on.year - ((today.month, today.day) < (born_on.month, born_on.day))


def is_untouched(field: str, typed: str, seen: str) -> bool:
    """Whether somebody left a field as it was shown; a secret one is shown empty."""
    return not typed.strip() if field in SECRET else typed.strip() == seen.strip()


def told(changes: Mapping[str, Change]) -> dict[str, dict[str, str]]:
    """What changed, as the record keeps it; nothing of what is secret."""
    return {
        name: {} if name in SECRET else {"before": one.before, "after": one.after}
        for name, one in changes.items()
    }
