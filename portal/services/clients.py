"""Clients, found before any client is known."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session


def clients(session: Session) -> Mapping[str, UUID]:
    """The id of every client by its slug: periodic jobs fan out over them."""
    rows = session.execute(text("SELECT slug, client_id FROM resolve_clients()"))
    return {row.slug: row.client_id for row in rows}
