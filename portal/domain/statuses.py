"""Statuses and the moves between them."""

from enum import StrEnum
from typing import TypeVar

from portal.domain import N_, DomainError


class AccountStatus(StrEnum):
    """Where a debt stands."""

    OPEN = "open"
    PAID = "paid"
    SETTLED = "settled"
    RECALLED = "recalled"


class ArrangementStatus(StrEnum):
    """Where an agreement stands."""

    AWAITING_FIRST_PAYMENT = "awaiting_first_payment"
    ACTIVE = "active"
    COMPLETED = "completed"
    WITHDRAWN = "withdrawn"
    CANCELED = "canceled"
    BROKEN = "broken"


LIVE = (ArrangementStatus.AWAITING_FIRST_PAYMENT, ArrangementStatus.ACTIVE)
"""The arrangements that are not over."""


class InstallmentStatus(StrEnum):
    """Where one dated part stands."""

    SCHEDULED = "scheduled"
    PROCESSING = "processing"
    PAID = "paid"
    FAILED = "failed"
    CANCELED = "canceled"


class PaymentStatus(StrEnum):
    """Where one attempt to collect stands."""

    CREATED = "created"
    OPEN = "open"
    ATTEMPTING = "attempting"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELED = "canceled"
    NEEDS_DEBTOR = "needs_debtor"


class ProposalStatus(StrEnum):
    """Where a debtor's suggestion stands."""

    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    COUNTERED = "countered"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    AGREED = "agreed"


class AuthorizationStatus(StrEnum):
    """Where a permission to charge later stands."""

    AWAITING_METHOD = "awaiting_method"
    GRANTED = "granted"
    REVOKED = "revoked"


class MessageStatus(StrEnum):
    """Where something we send stands."""

    QUEUED = "queued"
    DEFERRED = "deferred"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    SUPPRESSED = "suppressed"
    FAILED = "failed"


class ConsentStatus(StrEnum):
    """Where a consent to get required copies online only stands (ES-01)."""

    ASKED = "asked"
    CONSENTED = "consented"
    WITHDRAWN = "withdrawn"
    REPLACED = "replaced"


class CampaignStatus(StrEnum):
    """Where a campaign stands."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    DONE = "done"


S = TypeVar("S", bound=StrEnum)

P, R, I = PaymentStatus, ProposalStatus, InstallmentStatus  # noqa: E741
A, U, M, T = ArrangementStatus, AuthorizationStatus, MessageStatus, AccountStatus
C, G = ConsentStatus, CampaignStatus

# Money that arrived is recorded whatever we thought before; what succeeded never goes back.
# A broken plan can be cured, a delivered message can still bounce.
MOVES: dict[type[StrEnum], dict[StrEnum, frozenset[StrEnum]]] = {
    AccountStatus: {
        T.OPEN: frozenset({T.PAID, T.SETTLED, T.RECALLED}),
        T.PAID: frozenset({T.OPEN}),
        T.SETTLED: frozenset({T.OPEN}),
        T.RECALLED: frozenset({T.OPEN}),
    },
    ArrangementStatus: {
        A.AWAITING_FIRST_PAYMENT: frozenset({A.ACTIVE, A.COMPLETED, A.WITHDRAWN, A.CANCELED}),
        A.ACTIVE: frozenset({A.COMPLETED, A.CANCELED, A.BROKEN}),
        A.COMPLETED: frozenset({A.ACTIVE, A.BROKEN}),
        A.WITHDRAWN: frozenset({A.ACTIVE, A.COMPLETED}),
        A.CANCELED: frozenset(),
        A.BROKEN: frozenset({A.ACTIVE, A.COMPLETED, A.CANCELED}),
    },
    InstallmentStatus: {
        I.SCHEDULED: frozenset({I.PROCESSING, I.PAID, I.FAILED, I.CANCELED}),
        I.PROCESSING: frozenset({I.PAID, I.FAILED, I.SCHEDULED, I.CANCELED}),
        I.FAILED: frozenset({I.PROCESSING, I.PAID, I.SCHEDULED, I.CANCELED}),
        I.PAID: frozenset({I.SCHEDULED, I.CANCELED}),
        I.CANCELED: frozenset({I.SCHEDULED}),
    },
    PaymentStatus: {
        P.CREATED: frozenset(
            {P.OPEN, P.ATTEMPTING, P.PROCESSING, P.SUCCEEDED, P.FAILED, P.EXPIRED, P.CANCELED}
            | {P.NEEDS_DEBTOR}
        ),
        P.OPEN: frozenset({P.PROCESSING, P.SUCCEEDED, P.FAILED, P.EXPIRED, P.CANCELED}),
        P.ATTEMPTING: frozenset(
            {P.PROCESSING, P.SUCCEEDED, P.FAILED, P.CANCELED, P.EXPIRED, P.NEEDS_DEBTOR}
        ),
        P.PROCESSING: frozenset({P.SUCCEEDED, P.FAILED, P.CANCELED}),
        P.NEEDS_DEBTOR: frozenset({P.PROCESSING, P.SUCCEEDED, P.FAILED, P.EXPIRED, P.CANCELED}),
        P.FAILED: frozenset({P.SUCCEEDED, P.PROCESSING}),
        P.EXPIRED: frozenset({P.SUCCEEDED, P.PROCESSING}),
        P.CANCELED: frozenset({P.SUCCEEDED, P.PROCESSING}),
        P.SUCCEEDED: frozenset(),
    },
    ProposalStatus: {
        R.SUBMITTED: frozenset({R.ACCEPTED, R.COUNTERED, R.DECLINED, R.EXPIRED, R.WITHDRAWN}),
        R.ACCEPTED: frozenset({R.AGREED, R.EXPIRED, R.WITHDRAWN}),
        R.COUNTERED: frozenset({R.AGREED, R.EXPIRED, R.WITHDRAWN, R.DECLINED}),
        R.DECLINED: frozenset(),
        R.EXPIRED: frozenset(),
        R.WITHDRAWN: frozenset(),
        R.AGREED: frozenset(),
    },
    AuthorizationStatus: {
        U.AWAITING_METHOD: frozenset({U.GRANTED, U.REVOKED}),
        U.GRANTED: frozenset({U.REVOKED}),
        U.REVOKED: frozenset(),
    },
    MessageStatus: {
        M.QUEUED: frozenset({M.DEFERRED, M.SENDING, M.SUPPRESSED, M.FAILED}),
        M.DEFERRED: frozenset({M.QUEUED, M.SENDING, M.SUPPRESSED, M.FAILED}),
        M.SENDING: frozenset({M.SENT, M.QUEUED, M.FAILED}),
        M.SENT: frozenset({M.DELIVERED, M.FAILED}),
        M.DELIVERED: frozenset({M.FAILED}),
        M.SUPPRESSED: frozenset(),
        M.FAILED: frozenset({M.QUEUED}),
    },
    ConsentStatus: {
        C.ASKED: frozenset({C.CONSENTED, C.REPLACED}),
        C.CONSENTED: frozenset({C.WITHDRAWN, C.REPLACED}),
        C.WITHDRAWN: frozenset(),
        C.REPLACED: frozenset(),
    },
    CampaignStatus: {
        G.DRAFT: frozenset({G.SCHEDULED, G.STOPPED}),
        G.SCHEDULED: frozenset({G.RUNNING, G.PAUSED, G.STOPPED}),
        G.RUNNING: frozenset({G.PAUSED, G.STOPPED, G.DONE}),
        G.PAUSED: frozenset({G.SCHEDULED, G.RUNNING, G.STOPPED}),
        G.STOPPED: frozenset(),
        G.DONE: frozenset(),
    },
}


class MoveNotAllowed(DomainError):
    """A status does not lead to the one asked for."""

    message = N_("That is no longer possible, because something changed in the meantime.")


def move(current: S, new: S) -> S:
    """The new status; staying is no move. Raises MoveNotAllowed."""
    if new != current and new not in MOVES[type(current)][current]:
        raise MoveNotAllowed(current=str(current), new=str(new))
    return new
