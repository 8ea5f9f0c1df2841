"""The French version of an agreement first, then the wish for another language (CA-04)."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.domain.evidence import format_time
from portal.domain.french import french_first
from portal.models import Account, Debtor
from portal.services import evidence
from portal.services.evidence import Payload
from portal.services.ledger import lock_account
from portal.services.reviews import ShownDocument
from portal.services.visits import Visit

DELIVERED, WISHED = "french.delivered", "language.wished"


class FrenchComesFirst(DomainError):
    """The French version was not given yet, or no wish for another language followed it."""

    message = N_("In Quebec you get your agreement in French first. Please read it again.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wished:
    """What stood on the French page where somebody asked for another language.

    ``terms_sha256`` names the terms or the change that it says, ``language`` is the one asked for
    and ``control_label`` are the words of the button that asked.
    """

    terms_sha256: str
    documents: tuple[ShownDocument, ...]
    shown_at: datetime
    language: str
    control_label: str
    build: str


def may_bind(session: Session, account: Account, locale: str, *hashes: str) -> bool:
    """Whether something with one of these hashes may be agreed to in a locale (CA-04).

    ``hashes`` are of the terms or the change itself, and of the agreement that it belongs to: a
    wish holds for the papers of its agreement too.
    """
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    if not french_first(debtor.country, debtor.region, locale):
        return True
    return any(
        wish.payload.get("terms_sha256") in hashes and locale.startswith(wish.payload["language"])
        for wish in evidence.newest_of(session, account, [WISHED])
        if wish.payload
    )


def require(session: Session, account: Account, locale: str, *hashes: str) -> None:
    """Go on only where ``may_bind`` says so. Raises FrenchComesFirst."""
    if not may_bind(session, account, locale, *hashes):
        raise FrenchComesFirst


def wish(
    session: Session, account: Account, wished: Wished, *, visit: Visit, now: datetime
) -> None:
    """Keep that the French version was given, and the wish that followed it; the caller commits.

    Sent twice, it is one wish.
    """
    account = lock_account(session, account.id)
    if may_bind(session, account, wished.language, wished.terms_sha256):
        return
    chain = (account.client_id, account.chain_id)
    for one in wished.documents:
        evidence.store_document(session, *chain, one.media, one.body, now)
    about: Payload = {
        "actor": evidence.debtor(account.debtor_id),
        "visit": str(visit.session_id),
        "terms_sha256": wished.terms_sha256,
    }
    given: Payload = {
        "locale": wished.documents[0].locale,
        "shown_at": format_time(wished.shown_at),
        "documents": [{"name": one.doc_id, "sha256": one.sha256} for one in wished.documents],
    }
    said: Payload = {
        "language": wished.language,
        "control_label": wished.control_label,
        "build": wished.build,
    }
    for kind, payload in ((DELIVERED, given), (WISHED, said)):
        evidence.record(
            session,
            client_id=account.client_id,
            chain_id=account.chain_id,
            type=kind,
            payload=about | payload,
            now=now,
        )
