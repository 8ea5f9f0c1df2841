"""A client's offer policy: immutable numbered versions, of which one is in force."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from hashlib import sha256
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError, compiler, policy
from portal.domain.evidence import format_time
from portal.domain.policy import Policy
from portal.models import Client, OfferPolicy
from portal.services import evidence
from portal.services.evidence import SYSTEM, Payload


class NoPolicy(DomainError):
    """The client has published no limits, so nothing can be offered."""

    message = N_("There is nothing to choose from yet. Please call us.")


class NotPublishable(DomainError):
    """The limits break a rule; ``compiler.check`` names each."""

    message = N_("These limits cannot be published: %(problem)s")


@dataclass(frozen=True, slots=True)
class PublishedPolicy:
    """One version as it was published, with the hash of its document as hex."""

    version: int
    policy: Policy
    sha256: str


@dataclass(frozen=True, slots=True)
class Release:
    """How a version comes into force: from when (None: its own first day), and who agreed to it.

    ``authors`` are all who wrote any of it (None: nobody kept count).
    ``restores`` is the older version whose limits it brings back.
    """

    live_from: datetime | None = None
    approved_by: UUID | None = None
    authors: tuple[UUID, ...] | None = None
    rehearsal_id: UUID | None = None
    restores: int | None = None


STARTS = "coalesce(p.live_from, p.published_at)"
"""When a version ``p`` begins, in SQL."""

HAS_BEGUN = "(p.live_from IS NULL OR p.live_from <= :now)"
"""Whether a version ``p`` has begun, in SQL; the highest one that has is in force."""

AT_ONCE = Release()


def live_policy(session: Session, client_id: UUID, now: datetime) -> PublishedPolicy:
    """The version that new offers come from. Raises NoPolicy."""
    begun = OfferPolicy.live_from.is_(None) | (OfferPolicy.live_from <= now)
    newest = (
        select(OfferPolicy)
        .where(OfferPolicy.client_id == client_id, begun)
        .order_by(OfferPolicy.version.desc())
        .limit(1)
    )
    return _published(session.scalar(newest))


def live_version(session: Session, client_id: UUID, now: datetime) -> PublishedPolicy | None:
    """The limits in force, if the client has published any."""
    try:
        return live_policy(session, client_id, now)
    except NoPolicy:
        return None


def currency_of_limits(session: Session, client_id: UUID, now: datetime) -> str | None:
    """The currency in which a client's debtors are offered anything; None without limits."""
    live = live_version(session, client_id, now)
    return live.policy.currency if live else None


def policy_version(session: Session, client_id: UUID, version: int) -> PublishedPolicy:
    """One version, live or not. Raises NoPolicy."""
    wanted = select(OfferPolicy).where(
        OfferPolicy.client_id == client_id, OfferPolicy.version == version
    )
    return _published(session.scalar(wanted))


def versions_of(session: Session, client_id: UUID) -> Sequence[OfferPolicy]:
    """Every version of a client's limits, the newest first."""
    return session.scalars(
        select(OfferPolicy)
        .where(OfferPolicy.client_id == client_id)
        .order_by(OfferPolicy.version.desc())
    ).all()


def publish_policy(
    session: Session,
    client_id: UUID,
    document: Policy,
    *,
    by: UUID | None,
    now: datetime,
    release: Release = AT_ONCE,
) -> PublishedPolicy:
    """Make these limits the client's next version; ``by`` is the member of staff who wrote them.

    The version in ``document`` is replaced by the next number. Two at once: the later one waits
    and gets the number after. Raises NotPublishable.
    """
    if problems := compiler.check(replace(document, version=1)):
        raise NotPublishable(problem=str(problems[0]))
    client = session.get_one(Client, client_id, with_for_update=True)
    newest = session.scalar(
        select(func.max(OfferPolicy.version)).where(OfferPolicy.client_id == client_id)
    )
    row = _row(client_id, replace(document, version=(newest or 0) + 1), release)
    row.published_at, row.published_by = now, by
    row.live_from = release.live_from or starts_at(client, document.from_on, now)
    session.add(row)
    evidence.record(
        session,
        client_id=client_id,
        chain_id=client.chain_id,
        type="policy.published",
        payload=_told(row),
        now=now,
    )
    return _published(row)


def starts_at(client: Client, day: date | None, now: datetime) -> datetime | None:
    """When a day begins for the client; None where that has come already."""
    if day is None:
        return None
    begins = datetime.combine(day, time(), ZoneInfo(client.time_zone))
    return begins if begins > now else None


def _row(client_id: UUID, numbered: Policy, release: Release) -> OfferPolicy:
    body = policy.canonical_bytes(numbered)
    return OfferPolicy(
        client_id=client_id,
        version=numbered.version,
        document=body.decode(),
        sha256=sha256(body).digest(),
        approved_by=release.approved_by,
        authors=list(release.authors) if release.authors is not None else None,
        rehearsal_id=release.rehearsal_id,
        restores=release.restores,
    )


def _told(row: OfferPolicy) -> Payload:
    told = {
        "actor": evidence.staff(row.published_by) if row.published_by else SYSTEM,
        "version": row.version,
        "sha256": row.sha256.hex(),
        "live_from": format_time(row.live_from) if row.live_from else None,
        "approved_by": str(row.approved_by) if row.approved_by else None,
        "authors": [str(one) for one in row.authors] if row.authors else None,
        "rehearsal": str(row.rehearsal_id) if row.rehearsal_id else None,
        "restores": row.restores,
    }
    return {name: value for name, value in told.items() if value is not None}


def _published(row: OfferPolicy | None) -> PublishedPolicy:
    if row is None:
        raise NoPolicy
    return PublishedPolicy(row.version, policy.from_bytes(row.document), row.sha256.hex())
