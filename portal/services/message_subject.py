"""A message with the rows that it is about, read at the moment it is written out."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from portal.domain.keys import Keys
from portal.models import Account, Client, Contact, Debtor, Message
from portal.services.standing import zone_of

Values = dict[str, Any]
"""What the words of one template are filled with."""


class OutOfDate(Exception):
    """What the message would say is no longer of use."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A message with the rows that it is about."""

    session: Session
    message: Message
    client: Client
    debtor: Debtor
    contact: Contact | None
    keys: Keys
    now: datetime

    def row(self, model: type[Any], name: str) -> Any:
        """The row of the client that the message's context names."""
        wanted = UUID(self.message.context[name])
        return self.session.get_one(model, (self.client.id, wanted))

    @property
    def account(self) -> Account:
        """The account that the message is about."""
        return self.session.get_one(Account, (self.client.id, self.message.account_id))

    def day(self, at: datetime) -> date:
        """The day of an instant in the debtor's calendar."""
        return at.astimezone(ZoneInfo(zone_of(self.debtor))).date()
