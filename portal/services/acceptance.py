"""The act of agreeing: arrangement, installments, permission and evidence in one transaction."""

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.domain import N_, DomainError
from portal.domain import terms as wording
from portal.domain.capabilities import Capabilities
from portal.domain.holds import Capability
from portal.domain.money import Cents
from portal.domain.statuses import (
    LIVE,
    ArrangementStatus,
    AuthorizationStatus,
    InstallmentStatus,
    ProposalStatus,
    move,
)
from portal.models import (
    Account,
    Arrangement,
    Authorization,
    Debtor,
    Installment,
    Proposal,
    fresh_id,
)
from portal.services import acceptance_record as record
from portal.services import evidence, french, messages
from portal.services.choices import Draft, Picked, draft
from portal.services.ledger import lock_account, lock_row, paid_cents
from portal.services.open_proposals import Closed, close_open
from portal.services.reviews import Reviewed
from portal.services.standing import standing
from portal.services.visits import Visit, keep_language

PERMISSION = "authorization"


class ArrangementExists(DomainError):
    """The account has an arrangement that is not over."""

    message = N_("You already have an agreement, %(reference)s. You can see it on your page.")


class TermsChanged(DomainError):
    """What would be agreed now is not what was on the page."""

    message = N_("Something has changed since you read this page. Please read it again.")


class PermissionMissing(DomainError):
    """Automatic payments were chosen, but not allowed."""

    message = N_(
        "Check the box to allow automatic payments, or go back and choose to pay yourself."
    )


def accept(
    session: Session,
    account: Account,
    *,
    picked: Picked,
    reviewed: Reviewed,
    visit: Visit,
    now: datetime,
) -> Arrangement:
    """Agree to the terms that were shown; the caller commits, then asks for the money.

    The terms are computed again from the choice and must be those of the page (PY-01, PY-03). The
    same page sent twice gives the same arrangement. Raises ArrangementExists, TermsChanged,
    PermissionMissing, NotAllowedNow, FrenchComesFirst and the errors of ``choices.draft``.
    """
    account = lock_account(session, account.id)
    before = session.get(Arrangement, (account.client_id, reviewed.arrangement_id))
    if before is not None and before.account_id == account.id:
        return before
    allowed = standing(session, account, now)
    allowed.require(Capability.ACCEPT)
    refuse_second(session, account)
    drafted = draft(session, account, picked, now=now)
    _check_page(drafted, reviewed)
    _check_money(drafted, allowed)
    french.require(session, account, reviewed.locale, reviewed.terms_sha256)
    agreed = _write(session, account, drafted, reviewed, now=now)
    permission = _permit(session, agreed, drafted, reviewed, now=now)
    _close_proposal(session, drafted)
    session.flush()
    keep_language(session, visit, now)
    facts = record.Facts(session, account, drafted, reviewed, visit, allowed, now)
    record.tell(facts, agreed, permission)
    actor = evidence.debtor(account.debtor_id)
    close_open(session, account, Closed.AGREED_OTHERWISE, actor=actor, now=now)
    _send_copy(session, account, agreed, reviewed, now=now)
    return agreed


def live_arrangement(session: Session, account: Account) -> Arrangement | None:
    """The account's arrangement that is not over, if there is one."""
    return session.scalar(
        select(Arrangement).where(
            Arrangement.client_id == account.client_id,
            Arrangement.account_id == account.id,
            Arrangement.status.in_(LIVE),
        )
    )


def refuse_second(session: Session, account: Account) -> None:
    """Go on only where nothing is agreed on this account. Raises ArrangementExists."""
    live = live_arrangement(session, account)
    if live is not None:
        raise ArrangementExists(reference=live.reference)


def _check_page(drafted: Draft, reviewed: Reviewed) -> None:
    made = tuple(document.sha256 for document in reviewed.documents)
    if wording.sha256(drafted.terms) != reviewed.terms_sha256 or made != reviewed.shown:
        raise TermsChanged
    if drafted.automatic and not reviewed.ticked:
        raise PermissionMissing


def _check_money(drafted: Draft, allowed: Capabilities) -> None:
    if drafted.due_today_cents:
        allowed.require(Capability.PAY)
    if drafted.automatic:
        allowed.require(Capability.CHARGE)


def _write(
    session: Session, account: Account, drafted: Draft, reviewed: Reviewed, *, now: datetime
) -> Arrangement:
    terms = drafted.terms
    body = wording.canonical_bytes(terms)
    agreed = Arrangement(
        client_id=account.client_id,
        id=reviewed.arrangement_id,
        account_id=account.id,
        reference=reviewed.reference,
        kind=str(terms.kind),
        status=ArrangementStatus.AWAITING_FIRST_PAYMENT,
        method=str(terms.method),
        frequency=str(terms.frequency) if terms.frequency else None,
        offer_key=terms.key,
        policy_version=terms.policy_version,
        total_cents=terms.total_cents,
        balance_cents=terms.balance_cents,
        saved_cents=terms.saved_cents,
        **_counted(session, account, drafted),
        currency=terms.currency,
        terms=body.decode(),
        terms_sha256=sha256(body).digest(),
        copy_sha256=bytes.fromhex(reviewed.copy.sha256),
        proposal_id=drafted.proposal.id if drafted.proposal else None,
        valid_until=terms.valid_until,
        locale=reviewed.locale,
        accepted_at=now,
    )
    session.add(agreed)
    session.flush()
    session.add_all(_installments(agreed, drafted))
    return agreed


def _counted(session: Session, account: Account, drafted: Draft) -> dict[str, Cents]:
    """What was paid before and is off the total: the settlement stands while that is here, too."""
    counted = drafted.counted_cents
    if not counted:
        return {}
    before = Cents(paid_cents(session, account.id) - counted)
    return {"counted_cents": counted, "paid_before_cents": before}


def _installments(agreed: Arrangement, drafted: Draft) -> Iterator[Installment]:
    for n, (due_on, cents) in enumerate(drafted.terms.schedule, start=1):
        yield Installment(
            client_id=agreed.client_id,
            arrangement_id=agreed.id,
            n=n,
            due_on=due_on,
            amount_cents=cents,
            status=InstallmentStatus.SCHEDULED,
        )


def _permit(
    session: Session, agreed: Arrangement, drafted: Draft, reviewed: Reviewed, *, now: datetime
) -> Authorization | None:
    """The permission to charge later, still without the method that Checkout will save."""
    if not drafted.automatic:
        return None
    text = next((shown for shown in reviewed.documents if shown.doc_id == PERMISSION), None)
    if text is None:
        raise TermsChanged
    permission = Authorization(
        client_id=agreed.client_id,
        id=fresh_id(),
        arrangement_id=agreed.id,
        status=AuthorizationStatus.AWAITING_METHOD,
        document_sha256=bytes.fromhex(text.sha256),
        cap_cents=agreed.total_cents,
        created_at=now,
    )
    session.add(permission)
    return permission


def _close_proposal(session: Session, drafted: Draft) -> None:
    if drafted.proposal is None:
        return
    proposal = lock_row(session, Proposal, (drafted.proposal.client_id, drafted.proposal.id))
    proposal.status = move(proposal.status, ProposalStatus.AGREED)


def _send_copy(
    session: Session, account: Account, agreed: Arrangement, reviewed: Reviewed, *, now: datetime
) -> None:
    debtor = session.get_one(Debtor, (account.client_id, account.debtor_id))
    copy = reviewed.copy.sha256
    messages.queue(
        session,
        debtor,
        template="agreement_copy",
        context={"account": str(account.id), "arrangement": str(agreed.id), "document": copy},
        account=account,
        dedupe_key=f"agreement_copy:{agreed.id}",
        asked_for=True,
        now=now,
    )
