"""The notice that a province wants before anything else is written (CA-01, CA-02, CA-03)."""

from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.models import Account, Debtor, FirstNotice, fresh_id
from portal.services import evidence
from portal.services.evidence import Actor, Payload
from portal.services.links import tell_accounts
from portal.services.standing import today_of

LEAD = timedelta(days=90)
"""How long before an account came here its collector may have sent the notice."""


class NoticeInFuture(DomainError):
    """A notice counts from the day on which it was sent, not before."""

    message = N_("The notice can only have been sent today or earlier.")


class NoticeTooEarly(DomainError):
    """A notice is about an account as it was placed with us, not as it was years before."""

    message = N_("The notice cannot have been sent so long before the account was placed.")


class NoNotice(DomainError):
    """There is no notice that could have been missed."""

    message = N_("No notice is on file for this account.")


def notices_of(session: Session, account: Account) -> list[FirstNotice]:
    """The first notices of an account, the newest first."""
    session.flush()
    found = session.scalars(
        select(FirstNotice)
        .where(FirstNotice.client_id == account.client_id, FirstNotice.account_id == account.id)
        .order_by(FirstNotice.sent_on.desc(), FirstNotice.id)
    )
    return list(found)


def record_notice(
    session: Session, account: Account, sent_on: date, *, on_paper: bool, by: UUID, now: datetime
) -> None:
    """Take down that a notice went; the days that the province waits count from then.

    Taken down twice, it is one. The caller commits. Raises NoticeInFuture, NoticeTooEarly.
    """
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    if sent_on > today_of(debtor, now):
        raise NoticeInFuture
    if sent_on < first_day(account, debtor):
        raise NoticeTooEarly
    row = _values(account, sent_on, on_paper=on_paper, by=by, now=now)
    written = session.scalar(
        insert(FirstNotice).values(row).on_conflict_do_nothing().returning(FirstNotice.id)
    )
    if written is not None:
        told = {"sent_on": sent_on.isoformat(), "on_paper": on_paper}
        _tell(session, account, "notice.given", told, actor=evidence.staff(by), now=now)


def first_day(account: Account, debtor: Debtor) -> date:
    """The first day of a notice or a letter: 90 days before the placement, or the file's own."""
    day = today_of(debtor, account.placed_at) - LEAD
    return min(day, account.validation_notice_sent_on or day)


def notice_missed(session: Session, account: Account, *, by: UUID, now: datetime) -> None:
    """The debtor says that no notice came: nothing is written before another one went (CA-01).

    The caller commits. Raises NoNotice.
    """
    found = notices_of(session, account)
    days = [one.sent_on for one in found]
    if placed := account.validation_notice_sent_on:
        days.append(placed)
    if not days:
        raise NoNotice
    latest = max(days)
    missed = [one for one in found if one.sent_on == latest]
    if not missed:
        row = FirstNotice(**_values(account, latest, on_paper=False, by=by, now=now))
        session.add(row)
        missed = [row]
    for one in missed:
        one.missed_at = now
    session.flush()
    told = {"sent_on": latest.isoformat()}
    _tell(session, account, "notice.missed", told, actor=evidence.staff(by), now=now)


def _values(
    account: Account, sent_on: date, *, on_paper: bool, by: UUID, now: datetime
) -> dict[str, object]:
    return {
        "client_id": account.client_id,
        "id": fresh_id(),
        "account_id": account.id,
        "sent_on": sent_on,
        "on_paper": on_paper,
        "source": "staff",
        "recorded_at": now,
        "recorded_by": by,
    }


def _tell(
    session: Session, account: Account, kind: str, told: Payload, *, actor: Actor, now: datetime
) -> None:
    tell_accounts(session, [account], kind, {"actor": actor, **told}, now)
