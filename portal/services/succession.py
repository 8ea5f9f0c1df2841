"""Signing anew where the database cannot continue what was signed, because leaves were lost.

A log that lost leaves stays a log that lost leaves: what was signed before is kept beside what is
signed from now on, and a leaf says how far the old one had come, and why it ended.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from portal.db import commit
from portal.domain import N_, DomainError
from portal.domain.checkpoints import Checkpoint
from portal.domain.help import kept_words
from portal.gateways.signer import Signer
from portal.models import Client
from portal.services import evidence, tree
from portal.services.evidence import Actor, log_name


class WhyMissing(DomainError):
    """A log is not begun anew without a reason."""

    message = N_("Write why the log is begun anew.")


def begin_anew(
    session: Session, client_id: UUID, signer: Signer, *, reason: str, actor: Actor, now: datetime
) -> Checkpoint | None:
    """Let the signer go on from the tree that there is; the head that it had seen. Commits.

    Raises WhyMissing, TextTooLong, CardNumberTyped (PC-01).
    """
    why = kept_words(reason)
    if not why:
        raise WhyMissing
    seen = signer.set_aside(log_name(client_id), f"{now:%Y%m%dT%H%M%SZ}")
    client = session.get_one(Client, client_id)
    told: evidence.Payload = {"actor": actor, "reason": why}
    if seen is not None:
        told["seen"] = {"size": seen.head.size, "root": seen.head.root.hex()}
    chain = {"client_id": client.id, "chain_id": client.chain_id}
    evidence.record(session, **chain, type="log.begun_anew", payload=told, now=now)
    commit(session, "evidence.begun_anew")
    tree.place_all(session, client_id)
    tree.sign(session, client_id, signer, now, anew=True)
    commit(session, "evidence.signed")
    return seen
