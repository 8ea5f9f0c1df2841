"""Every table, for Alembic and for whoever wants them by one name."""

from portal.domain.debts import CollectorRole
from portal.models.accounts import (
    Account,
    Channel,
    Contact,
    ContactStop,
    Debtor,
    DebtorWord,
    Hold,
    StopKind,
)
from portal.models.arrangements import Arrangement, Authorization, Installment, Proposal
from portal.models.base import Base, fresh_id
from portal.models.clients import (
    Client,
    ClientLogo,
    OfferPolicy,
    Placement,
    PlacementKind,
    PlacementRow,
    PlacementStatus,
    PolicyDraft,
)
from portal.models.esign import EsignConsent, Letter, LetterBatch
from portal.models.evidence import Chain, Document, Leaf, LeafPayload
from portal.models.ledger import EntryKind, LedgerEntry, MoneyException
from portal.models.links import (
    AccessLink,
    AttemptCounter,
    DebtorSession,
    OneTimeCode,
    PayerLink,
    ShownOffer,
)
from portal.models.messages import HelpRequest, HelpStatus, Message, ThreadEntry
from portal.models.payments import (
    Chargeback,
    Payment,
    PaymentAllocation,
    PaymentPurpose,
    ReconcileFailure,
    Refund,
    StripeEvent,
    Watermark,
)
from portal.models.rehearsals import Rehearsal, RehearsalChange, RehearsalStatus
from portal.models.staff import Role, Staff, StaffClient, StaffSession

__all__ = [
    "AccessLink",
    "Account",
    "Arrangement",
    "AttemptCounter",
    "Authorization",
    "Base",
    "Chain",
    "Channel",
    "Chargeback",
    "Client",
    "ClientLogo",
    "CollectorRole",
    "Contact",
    "ContactStop",
    "Debtor",
    "DebtorSession",
    "DebtorWord",
    "Document",
    "EntryKind",
    "EsignConsent",
    "HelpRequest",
    "HelpStatus",
    "Hold",
    "Installment",
    "Leaf",
    "LeafPayload",
    "LedgerEntry",
    "Letter",
    "LetterBatch",
    "Message",
    "MoneyException",
    "OfferPolicy",
    "OneTimeCode",
    "PayerLink",
    "Payment",
    "PaymentAllocation",
    "PaymentPurpose",
    "Placement",
    "PlacementKind",
    "PlacementRow",
    "PlacementStatus",
    "PolicyDraft",
    "Proposal",
    "ReconcileFailure",
    "Refund",
    "Rehearsal",
    "RehearsalChange",
    "RehearsalStatus",
    "Role",
    "ShownOffer",
    "Staff",
    "StaffClient",
    "StaffSession",
    "StopKind",
    "StripeEvent",
    "ThreadEntry",
    "Watermark",
    "fresh_id",
]
