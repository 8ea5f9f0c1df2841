"""The postal address of a debtor: whether letters may still go there."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain.postal import place_key
from portal.models import Channel, ContactStop, Debtor


def postal_key(debtor: Debtor) -> str:
    """How a stop names this debtor at this postal address; empty where no address is on file.

    Another person may live at the same address, so the debtor is part of it. Another spelling is
    the same address: a later file must not open it by a full stop.
    """
    place = place_key(
        line=debtor.address_line,
        city=debtor.city,
        region=debtor.region,
        postal_code=debtor.postal_code,
        country=debtor.country,
    )
    return place and f"{debtor.id}|{place}"


def is_of_letters(stop: ContactStop, debtor_id: UUID) -> bool:
    """Whether a stop closes letters to this debtor, at whichever postal address."""
    return stop.channel == Channel.LETTER and stop.address.startswith(f"{debtor_id}|")


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
