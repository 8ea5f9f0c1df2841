"""What anybody may read of the logs: verifier keys, and the newest signed head (EV-05)."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

_KEYS = text("SELECT line FROM published_log_keys()")
_NEWEST = text("SELECT note FROM published_checkpoint(:client_id)")


def published_keys(session: Session) -> Sequence[str]:
    """The keys of all logs that signed checkpoints, with older ones, a line each."""
    return session.scalars(_KEYS).all()


def published_checkpoint(session: Session, client_id: UUID) -> str | None:
    """The newest signed head of a client's log; None where nothing was signed."""
    note: str | None = session.scalar(_NEWEST, {"client_id": client_id})
    return note
