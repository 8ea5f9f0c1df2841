"""The postal address of a debtor: whether letters may still go there."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.models import Channel, ContactStop, Debtor


def postal_key(debtor: Debtor) -> str:
    """How a stop names this debtor at this postal address; empty where no address is on file.

    Another person may live at the same address, so the debtor is part of it; another spelling of
    blanks and capitals is the same address, any other change is a new one.
    """
    lines = (debtor.address_line, debtor.city, debtor.region, debtor.postal_code, debtor.country)
    if not (debtor.address_line or debtor.postal_code):
        return ""
    written = "|".join(" ".join((line or "").split()).casefold() for line in lines)
    return f"{debtor.id}|{written}"


def letter_stops(session: Session, debtor: Debtor) -> list[ContactStop]:
    """The stops of the debtor's postal address as it is on file now."""
    return list(
        session.scalars(
            select(ContactStop).where(
                ContactStop.client_id == debtor.client_id,
                ContactStop.channel == Channel.LETTER,
                ContactStop.address == postal_key(debtor),
                ContactStop.lifted_at.is_(None),
            )
        )
    )
