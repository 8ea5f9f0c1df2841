"""An account as its debtor would see it under limits that may not be in force yet."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain import policy
from portal.domain.codes import spellings
from portal.domain.policy import Policy
from portal.domain.statuses import AccountStatus
from portal.domain.wording import clean_text
from portal.models import Account, Client
from portal.services.balance import Balance, read_balance
from portal.services.looking import reader
from portal.services.offers import sheet
from portal.services.policies import PublishedPolicy


def sample(session: Session, client_id: UUID, reference: str) -> Account | None:
    """The client's account with this reference, else its first open one in its own currency."""
    mine = select(Account).where(Account.client_id == client_id)
    if written := clean_text(reference):
        return session.scalar(mine.where(Account.reference.in_(spellings(written))).limit(1))
    usual = select(Client.currency).where(Client.id == client_id).scalar_subquery()
    open_ones = mine.where(Account.status == AccountStatus.OPEN, Account.currency == usual)
    return session.scalar(open_ones.order_by(Account.reference).limit(1))


def preview(
    session: Session, account: Account, document: Policy, *, locale: str, now: datetime
) -> Balance:
    """The account under these limits, as if nothing had been agreed; reads only."""
    visit = reader(account, locale=locale, now=now)
    view = read_balance(session, visit, account.id, now=now)
    if view is None:
        raise LookupError("the account's own debtor does not see it")
    published = PublishedPolicy(document.version, document, policy.sha256(document))
    offers = sheet(view.offers.facts, published, view.offers.capabilities, view.today)
    return replace(
        view, offers=offers, agreement=None, proposal=None, attempt=None, requests=(), others=0
    )
