"""Why somebody cannot pay: the facts of an account as its rows and leaves have them now."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.domain.diagnosis import Finding, diagnose
from portal.domain.diagnosis.facts import (
    Door,
    Facts,
    Held,
    Link,
    Offered,
    Paid,
    Sent,
    Stopped,
    Suggested,
)
from portal.domain.keys import Keys
from portal.domain.openings import Opener
from portal.domain.outgoing import INVITATIONS
from portal.domain.statuses import LIVE, ArrangementStatus
from portal.domain.terms import Kind
from portal.models import (
    AccessLink,
    Account,
    Arrangement,
    Channel,
    Client,
    Contact,
    ContactStop,
    Debtor,
    LinkOpening,
    Message,
    MoneyException,
    Payment,
    Proposal,
    ShownOffer,
)
from portal.services import attempts, evidence
from portal.services.deliveries import deliveries_of
from portal.services.identity import mark_of_callers, marks_at_door, questions_for
from portal.services.letters import letter_stops
from portal.services.links import LinkState, OpenedLink, state_of
from portal.services.offers import offers_for
from portal.services.standing import holds_in_force

MOST_LINKS, MOST_OPENINGS, MOST_TRIES = 10, 100, 50
RECENT = timedelta(days=30)
"""What happened before this long ago says nothing of why somebody cannot pay today."""
Row = TypeVar("Row")
FAILED, NOT_MATCHED = "identity.failed", "call_session.not_matched"
AT_DOOR = (FAILED, "identity.passed", "identity.unlocked", "call_session.matched")


def why(session: Session, account: Account, *, keys: Keys, now: datetime) -> Sequence[Finding]:
    """The causes that keep an account's debtor from paying, the likeliest first; reads only."""
    return diagnose(facts_of(session, account, keys=keys, now=now))


def facts_of(session: Session, account: Account, *, keys: Keys, now: datetime) -> Facts:
    """All that is asked about an account, in a bounded number of statements."""
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    client = session.get_one(Client, account.client_id)
    contacts, links = _contacts(session, debtor), _links(session, debtor)
    agreed = _newest(session, account, Arrangement, Arrangement.accepted_at)
    sheet = offers_for(session, account, now)
    running = agreed is not None and agreed.status in LIVE
    ended = agreed.ended_at if agreed and agreed.status == ArrangementStatus.BROKEN else None
    choice = any(offer.kind is not Kind.FULL for offer in sheet.offers)
    settles = any(offer.kind is Kind.SETTLEMENT for offer in sheet.offers)
    lost = None if running or settles else _ended_on(session, account, sheet.today)
    return Facts(
        now=now,
        status=account.status,
        balance=(account.balance_cents, account.currency),
        recalled_at=account.recalled_at,
        allowed=sheet.capabilities,
        holds=_holds(session, account, now),
        frozen_at=client.frozen_at,
        links=_with_openings(session, links, now),
        sent=_sent(session, debtor, links, now),
        reachable=bool(contacts) or debtor.has_address,
        stops=_stops(session, debtor, contacts),
        door=_door(session, account, (client, debtor, links), keys, now),
        paid=_paid(session, account, now),
        proposal=None if running else _proposal(session, account, now),
        offered=Offered(
            limits=running or sheet.published is not None, choice=running or choice, ended_on=lost
        ),
        plan_ended_at=ended,
        question=_question(session, account),
    )


def _contacts(session: Session, debtor: Debtor) -> Sequence[Contact]:
    return session.scalars(
        select(Contact).where(
            Contact.client_id == debtor.client_id,
            Contact.debtor_id == debtor.id,
            Contact.retired_at.is_(None),
        )
    ).all()


def _links(session: Session, debtor: Debtor) -> Sequence[AccessLink]:
    return session.scalars(
        select(AccessLink)
        .where(AccessLink.client_id == debtor.client_id, AccessLink.debtor_id == debtor.id)
        .order_by(AccessLink.issued_at.desc(), AccessLink.id.desc())
        .limit(MOST_LINKS)
    ).all()


def _with_openings(
    session: Session, links: Sequence[AccessLink], now: datetime
) -> tuple[Link, ...]:
    opened: dict[UUID, list[tuple[datetime, Opener]]] = {}
    if links:
        rows = session.scalars(
            select(LinkOpening)
            .where(
                LinkOpening.client_id == links[0].client_id,
                LinkOpening.link_id.in_([link.id for link in links]),
            )
            .order_by(LinkOpening.at.desc(), LinkOpening.id.desc())
            .limit(MOST_OPENINGS)
        )
        for row in rows:
            opened.setdefault(row.link_id, []).append((row.at, row.opener))
    return tuple(
        Link(
            id=link.id,
            state=state_of(link, now),
            channel=link.channel,
            issued_at=link.issued_at,
            closes_at=link.revoked_at or link.expires_at,
            reason=link.revoked_reason,
            verified=link.verified_at is not None,
            opened=tuple(opened.get(link.id, ())),
        )
        for link in links
    )


def _sent(
    session: Session, debtor: Debtor, links: Sequence[AccessLink], now: datetime
) -> Sent | None:
    """The newest message with a link, unless a link was made since, as one that is read aloud."""
    message = session.scalars(
        select(Message)
        .where(
            Message.client_id == debtor.client_id,
            Message.debtor_id == debtor.id,
            Message.template.in_(INVITATIONS),
        )
        .order_by(Message.created_at.desc(), Message.id.desc())
        .limit(1)
    ).first()
    if message is None:
        return None
    newer = any(one.issued_at > message.created_at for one in links)
    if newer and message.channel != Channel.LETTER:
        return None
    words = deliveries_of(session, [message]).get(message.id, [])
    return Sent(
        id=message.id,
        channel=message.channel,
        status=message.status,
        rule=message.rule,
        at=message.sent_at or message.created_at,
        send_at=message.send_at,
        fate=words[-1].kind if words else None,
        code=words[-1].code if words else "",
    )


def _stops(session: Session, debtor: Debtor, contacts: Sequence[Contact]) -> tuple[Stopped, ...]:
    known = {(contact.channel, contact.address) for contact in contacts}
    found = session.scalars(
        select(ContactStop)
        .where(
            ContactStop.client_id == debtor.client_id,
            ContactStop.address.in_([address for _, address in known]),
            ContactStop.lifted_at.is_(None),
        )
        .order_by(ContactStop.stopped_at.desc())
    ).all()
    closed = [stop for stop in found if (stop.channel, stop.address) in known]
    return tuple(
        Stopped(id=stop.id, kind=stop.kind, channel=stop.channel, since=stop.stopped_at)
        for stop in (*closed, *letter_stops(session, debtor))
    )


def _holds(session: Session, account: Account, now: datetime) -> tuple[Held, ...]:
    found = holds_in_force(session, account, now)
    return tuple(Held(id=hold.id, kind=hold.kind, since=hold.starts_at) for hold in found)


def _door(
    session: Session,
    account: Account,
    who: tuple[Client, Debtor, Sequence[AccessLink]],
    keys: Keys,
    now: datetime,
) -> Door:
    client, debtor, links = who
    live = [link.id for link in links if state_of(link, now) is LinkState.LIVE]
    marks = marks_at_door(debtor.id, live)
    locked = attempts.locked(session, keys, marks, now=now)
    callers = attempts.locked(session, keys, [mark_of_callers(debtor.id)], now=now)
    heard = next(evidence.newest_of(session, account, [NOT_MATCHED]), None) if callers else None
    wrong = _wrong(session, account, now)
    asked = on_file = 0
    if links:
        opened = OpenedLink(links[0], debtor, client, LinkState.LIVE)
        factors = questions_for(opened).factors
        asked = len(factors)
        on_file = sum(getattr(debtor, f"{factor}_hash") is not None for factor in factors)
    return Door(
        wrong=tuple((at, left) for at, left, _ in wrong),
        wrong_links=len({link for _, _, link in wrong}),
        locked_until=locked.until if locked else None,
        callers_locked_until=callers.until if callers else None,
        caller_at=heard.at if heard else None,
        asked=asked,
        on_file=on_file,
    )


def _wrong(session: Session, account: Account, now: datetime) -> list[tuple[datetime, int, str]]:
    """The wrong answers since the last right one: when, how many tries were left, at which link."""
    found: list[tuple[datetime, int, str]] = []
    for leaf in evidence.newest_of(session, account, AT_DOOR):
        if leaf.type != FAILED or leaf.at < now - RECENT or len(found) == MOST_TRIES:
            break
        told = leaf.payload
        found.append((leaf.at, told.get("left", 0), told.get("link", "")))
    return found


def _newest(
    session: Session, account: Account, table: type[Row], at: Any, since: datetime | None = None
) -> Row | None:
    """The newest row about an account, by the column ``at``, from after an instant or of ever."""
    kind: Any = table
    of_account = (kind.client_id == account.client_id, kind.account_id == account.id)
    query = select(table).where(*of_account, *([at > since] if since else []))
    return session.scalars(query.order_by(at.desc(), kind.id.desc()).limit(1)).first()


def _paid(session: Session, account: Account, now: datetime) -> Paid | None:
    payment = _newest(session, account, Payment, Payment.created_at, now - RECENT)
    if payment is None:
        return None
    return Paid(
        id=payment.id,
        status=payment.status,
        at=payment.settled_at or payment.created_at,
        amount=(payment.amount_cents, payment.currency),
        funding=payment.method_funding,
        codes=(payment.failure_code, payment.decline_code, payment.advice_code),
        asked=bool(payment.checkout_id or payment.intent_id),
        on_page=payment.checkout_id is not None,
        page_until=payment.checkout_expires_at,
    )


def _proposal(session: Session, account: Account, now: datetime) -> Suggested | None:
    found = _newest(session, account, Proposal, Proposal.submitted_at, now - RECENT)
    if found is None:
        return None
    return Suggested(
        id=found.id,
        status=found.status,
        at=found.answered_at or found.submitted_at,
        due_on=found.answer_due_on,
        until=found.granted_until,
    )


def _ended_on(session: Session, account: Account, today: date) -> date | None:
    """The last day of the newest settlement that the debtor was shown and that has ended."""
    return session.scalar(
        select(func.max(ShownOffer.valid_until)).where(
            ShownOffer.client_id == account.client_id,
            ShownOffer.account_id == account.id,
            ShownOffer.valid_until < today,
            ShownOffer.valid_until > today - RECENT,
        )
    )


def _question(session: Session, account: Account) -> tuple[UUID, datetime] | None:
    row = session.execute(
        select(MoneyException.id, MoneyException.opened_at)
        .where(
            MoneyException.client_id == account.client_id,
            MoneyException.account_id == account.id,
            MoneyException.resolved_at.is_(None),
        )
        .order_by(MoneyException.opened_at)
        .limit(1)
    ).first()
    return (row.id, row.opened_at) if row else None
