"""Letting somebody try again at the identity check, before its lock opens by itself."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.domain.help import kept_words
from portal.domain.keys import Keys
from portal.models import Account, Debtor, Staff
from portal.services import attempts, evidence, lock_outs
from portal.services.answering import close_lock_out
from portal.services.dossier import ReasonMissing
from portal.services.identity import marks_at_doors
from portal.services.ledger import lock_accounts
from portal.services.links import tell_accounts


class NotLocked(DomainError):
    """The door of this person is open: it opened by itself, or somebody else was faster."""

    message = N_("The door is open already. They can try now.")


def unlock(
    session: Session, account: Account, *, reason: str, staff: Staff, keys: Keys, now: datetime
) -> None:
    """Forget a debtor's wrong answers, for a reason that goes on the record; the caller commits.

    Those over links and those on the telephone; nobody else needs to help them then.
    Raises NotLocked, ReasonMissing, TextTooLong, CardNumberTyped (PR-01, PC-01).
    """
    if not (words := kept_words(reason)):
        raise ReasonMissing
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    accounts = lock_accounts(session, account.client_id, account.debtor_id)
    marks = marks_at_doors(session, debtor, now=now)
    if attempts.locked(session, keys, marks, now=now) is None:
        raise NotLocked
    attempts.forgive(session, keys, marks)
    if waits := lock_outs.waiting(session, debtor):
        close_lock_out(session, waits, words, staff=staff, now=now)
    told = {"actor": evidence.staff(staff.id), "reason": words}
    tell_accounts(session, accounts, "identity.unlocked", told, now)
