"""What a debtor asks by post, as whoever opened the letter takes it down."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from portal.domain.channels import Channel
from portal.services import evidence


@dataclass(frozen=True, slots=True)
class Posted:
    """A letter in which a debtor asked, which ``staff_id`` took down; ``scan`` names its copy."""

    received_on: date
    scan: str
    staff_id: UUID
    locale: str

    @property
    def told(self) -> dict[str, str]:
        """What is kept of it beside the answers."""
        by = {"by": str(Channel.LETTER), "received_on": self.received_on.isoformat()}
        return by | ({"scan": self.scan} if self.scan else {})

    @property
    def actor(self) -> evidence.Actor:
        """Who took it down, and so acts."""
        return evidence.staff(self.staff_id)

    @property
    def how(self) -> evidence.Payload:
        """The same on the record, with who took it down."""
        return {**self.told, "actor": self.actor}
