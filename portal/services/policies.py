"""A client's offer policy: immutable numbered versions, the highest is the live one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError, compiler, policy
from portal.domain.policy import Policy
from portal.models import Client, OfferPolicy
from portal.services import evidence
from portal.services.evidence import SYSTEM


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


def live_policy(session: Session, client_id: UUID) -> PublishedPolicy:
    """The version that new offers come from. Raises NoPolicy."""
    newest = (
        select(OfferPolicy)
        .where(OfferPolicy.client_id == client_id)
        .order_by(OfferPolicy.version.desc())
        .limit(1)
    )
    return _published(session.scalar(newest))


def currency_of_limits(session: Session, client_id: UUID) -> str | None:
    """The currency in which a client's debtors are offered anything; None without limits."""
    try:
        return live_policy(session, client_id).policy.currency
    except NoPolicy:
        return None


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
    session: Session, client_id: UUID, document: Policy, *, by: UUID | None, now: datetime
) -> PublishedPolicy:
    """Make these limits the client's next version; ``by`` is the member of staff who did.

    The version in ``document`` is replaced by the next number. Two at once: the later one waits
    and gets the number after. Raises NotPublishable.
    """
    if problems := compiler.check(replace(document, version=1)):
        raise NotPublishable(problem=str(problems[0]))
    client = session.get_one(Client, client_id, with_for_update=True)
    newest = session.scalar(
        select(func.max(OfferPolicy.version)).where(OfferPolicy.client_id == client_id)
    )
    numbered = replace(document, version=(newest or 0) + 1)
    body = policy.canonical_bytes(numbered)
    row = OfferPolicy(
        client_id=client_id,
        version=numbered.version,
        document=body.decode(),
        sha256=sha256(body).digest(),
        published_at=now,
        published_by=by,
    )
    session.add(row)
    told = {"actor": evidence.staff(by) if by else SYSTEM, "version": row.version}
    evidence.record(
        session,
        client_id=client_id,
        chain_id=client.chain_id,
        type="policy.published",
        payload={**told, "sha256": row.sha256.hex()},
        now=now,
    )
    return _published(row)


def _published(row: OfferPolicy | None) -> PublishedPolicy:
    if row is None:
        raise NoPolicy
    return PublishedPolicy(row.version, policy.from_bytes(row.document), row.sha256.hex())
