"""A new e-mail address or number that a debtor tells on the telephone (EC-01 a, EC-02, EC-03)."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.domain.channels import Channel
from portal.models import Account, Contact, Debtor, Staff
from portal.rules.disclosures import LegalText
from portal.services import call_sessions
from portal.services.ledger import lock_account
from portal.services.preferences import Consent, add_address


class NobodyOnTheLine(DomainError):
    """Who was not asked who they are may name anybody's address."""

    message = N_("Ask first who is on the line: only the person themselves adds an address.")


class NotAgreed(DomainError):
    """An address without a yes to its use permits nothing."""

    message = N_("Read the words aloud, and add the address only if the person agrees to them.")


@dataclass(frozen=True, slots=True)
class Heard:
    """An address as it was told, and the words that were read beside it."""

    channel: Channel
    typed: str
    words: LegalText
    agreed: bool


def add_heard(
    session: Session, account: Account, heard: Heard, *, staff: Staff, now: datetime
) -> Contact:
    """Put an address on file that may be written to at once; the caller commits.

    Raises NobodyOnTheLine, NotAgreed, and what `add_address` raises.
    """
    account = lock_account(session, account.id)
    if not call_sessions.verified(session, staff, account, now):
        raise NobodyOnTheLine
    if not heard.agreed:
        raise NotAgreed
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    consent = Consent(heard.words, staff.id)
    return add_address(session, debtor, heard.channel, heard.typed, consent=consent, now=now)
