"""The account that a page of staff is about: who opens one is kept, whatever page it is (A-6)."""

from uuid import UUID

from sqlalchemy import select

from portal.models import AccessLink, Account
from portal.security import note_opened
from portal.services.dossier import find_account
from portal.web import session


def open_account(account_id: UUID) -> Account:
    """An account of a client that its reader sees; that they opened it is kept. Commits.

    Raises NoResultFound.
    """
    found = find_account(session, account_id)
    note_opened(found)
    return found


def open_account_of(link: AccessLink) -> Account:
    """The first account of the debtor to whom a link leads, in the same way."""
    theirs = (Account.client_id == link.client_id, Account.debtor_id == link.debtor_id)
    query = select(Account.id).where(*theirs).order_by(Account.id).limit(1)
    return open_account(session.scalars(query).one())
