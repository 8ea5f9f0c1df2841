"""Telling a debtor what became of their account: one message for each fact."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from portal.models import Account, Debtor, Message, Payment
from portal.services import messages


def tell(
    session: Session,
    account: Account,
    template: str,
    *,
    fact: str,
    now: datetime,
    payment: Payment | None = None,
) -> Sequence[Message]:
    """Queue the message that tells this fact, in the caller's transaction; told again, it is one.

    What the message says is read from the rows when it is rendered: ``fact`` names one as
    ``kind:id``, and ``payment`` goes along by id.
    """
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    kind, subject_id = fact.split(":")[:2]
    context = {"account": str(account.id), kind: subject_id}
    if payment is not None:
        context["payment"] = str(payment.id)
    return messages.queue(
        session,
        debtor,
        template=template,
        context=context,
        account=account,
        dedupe_key=f"{template}:{fact}",
        now=now,
    )
