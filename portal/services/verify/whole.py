"""Everything that must hold, of every client and of the database, in one snapshot."""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from portal.db import begin_snapshot
from portal.gateways.signer import Signer
from portal.services.clients import clients
from portal.services.verify import Broken, verify_client, verify_database
from portal.services.verify.tree import outside_of


def verify_whole(session: Session, signer: Signer) -> Iterator[tuple[str, Broken]]:
    """Every invariant that does not hold, with the client's slug or "database"; changes nothing.

    The record is also held against what ``signer`` keeps. Raises NoCheckpoint where it is damaged.
    """
    known = clients(session)
    session.rollback()
    outside = {slug: outside_of(signer, known[slug]) for slug in known}
    begin_snapshot(session)
    for broken in verify_database(session):
        yield "database", broken
    for slug, client_id in known.items():
        for broken in verify_client(session, client_id, outside=outside[slug]):
            yield slug, broken
