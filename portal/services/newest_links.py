"""Debtors by what became of the newest link that each of them has."""

from collections.abc import Collection, Sequence
from datetime import datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from portal.domain.audience import Audience, LastLink
from portal.domain.openings import Opener
from portal.domain.statuses import MessageStatus
from portal.models import AccessLink, Client, Debtor, LinkOpening, Message


def matching(
    session: Session,
    client: Client,
    audience: Audience,
    debtors: Sequence[Debtor],
    *,
    now: datetime,
) -> Collection[UUID]:
    """Those of these debtors whose newest link is as the audience wants it."""
    found = session.scalars(
        select(AccessLink)
        .where(
            AccessLink.client_id == client.id,
            AccessLink.debtor_id.in_([one.id for one in debtors]),
        )
        .ext(distinct_on(AccessLink.debtor_id))
        .order_by(AccessLink.debtor_id, AccessLink.issued_at.desc(), AccessLink.id.desc())
    ).all()
    if audience.last_channel:
        found = [one for one in found if one.channel == audience.last_channel]
    if day := audience.last_before:
        before = datetime.combine(day, time(), ZoneInfo(client.time_zone))
        found = [one for one in found if one.issued_at < before]
    became = _which(session, client.id, audience.last_link, found, now)
    return {one.debtor_id for one in found if one.id in became}


def _which(
    session: Session,
    client_id: UUID,
    wanted: LastLink | None,
    links: Sequence[AccessLink],
    now: datetime,
) -> Collection[UUID]:
    ids = {one.id for one in links}
    if wanted is LastLink.EXPIRED:
        return {one.id for one in links if one.revoked_at is None and one.expires_at <= now}
    if wanted is LastLink.BOUNCED:
        return _lost(session, client_id, ids)
    if wanted is LastLink.UNOPENED:
        live = {one.id for one in links if one.revoked_at is None and one.expires_at > now}
        used = {one.id for one in links if one.verified_at is not None}
        return live - used - _opened(session, client_id, ids) - _lost(session, client_id, ids)
    return ids


def _opened(session: Session, client_id: UUID, ids: Collection[UUID]) -> set[UUID]:
    query = select(LinkOpening.link_id).where(
        LinkOpening.client_id == client_id,
        LinkOpening.link_id.in_(ids),
        LinkOpening.opener == Opener.PERSON,
    )
    return set(session.scalars(query))


def _lost(session: Session, client_id: UUID, ids: Collection[UUID]) -> set[UUID]:
    """The links whose message did not arrive."""
    query = select(Message.link_id).where(
        Message.client_id == client_id,
        Message.link_id.in_(ids),
        Message.status == MessageStatus.FAILED,
    )
    return {one for one in session.scalars(query) if one is not None}
