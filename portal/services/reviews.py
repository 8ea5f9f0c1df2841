"""What stood on a page when somebody agreed to it."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID


@dataclass(frozen=True, slots=True)
class ShownDocument:
    """One text exactly as it stood on the page. ``label`` is the control beside it, if one is."""

    doc_id: str
    version: str
    locale: str
    media: str
    body: bytes
    label: str | None = None

    @property
    def sha256(self) -> str:
        """The hash of its bytes, as hex."""
        return sha256(self.body).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """What was on the page when the button was pressed.

    ``shown`` are the hashes that the page was signed with, ``documents`` the same texts made again
    now; ``copy`` is the agreement as the debtor keeps it. ``ticked`` and ``typed`` are what the
    debtor added, ``control_label`` the words of the button, ``build`` the portal that made it all.
    """

    arrangement_id: UUID
    reference: str
    terms_sha256: str
    shown: tuple[str, ...]
    shown_at: datetime
    locale: str
    documents: tuple[ShownDocument, ...]
    copy: ShownDocument
    control_label: str
    build: str
    ticked: tuple[str, ...] = ()
    typed: str | None = None
