"""What a review page was signed with, so that the very same can be made again when it is sent."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from portal.domain import DomainError
from portal.domain.evidence import format_time, parse_time
from portal.models import fresh_id
from portal.security import current_visit, load_choice, sign_choice
from portal.services.reviews import ShownDocument
from portal.web import locale, now

LONGEST_READING = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Shown:
    """A page as it was shown: the id of what it would make, and the hashes of what it said.

    ``sha256`` is that of the terms or the change, ``hashes`` are those of the documents beside it.
    """

    id: UUID
    sha256: str
    hashes: tuple[str, ...]
    at: datetime
    locale: str


def sign_shown(sha256: str, documents: Iterable[ShownDocument], *, purpose: str) -> str:
    """The page that is shown now, as its form carries it: readable, changeable by nobody."""
    said: dict[str, Any] = {
        "i": str(fresh_id()),
        "t": sha256,
        "d": [document.sha256 for document in documents],
        "at": format_time(now()),
        "l": locale(),
        "s": str(current_visit().session_id),
    }
    return sign_choice(said, purpose=purpose)


def read_shown(signed: str, *, purpose: str, stale: type[DomainError]) -> Shown:
    """What the page was signed with, for this visit only.

    Raises ChoiceUnreadable, and ``stale`` where it is another visit's or was read too long.
    """
    said = load_choice(signed, purpose=purpose)
    at = parse_time(said["at"])
    if said["s"] != str(current_visit().session_id) or now() - at > LONGEST_READING:
        raise stale
    return Shown(UUID(said["i"]), said["t"], tuple(said["d"]), at, said["l"])
