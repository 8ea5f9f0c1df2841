"""One agreement as its page shows it: parts, payments, permission; read with the account."""

import base64
import json
from dataclasses import dataclass
from datetime import date, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from portal.domain.amendments import Change
from portal.domain.curing import OPEN, Cure, DuePart, Times
from portal.domain.deadlines import Held, Promise, first_payment_until, last_day, undo_until
from portal.domain.holds import HoldKind
from portal.domain.money import Cents
from portal.domain.paydays import OpenDays
from portal.domain.policy import DueDays, Keeping, Policy, from_bytes
from portal.domain.statuses import (
    LIVE,
    ArrangementStatus,
    AuthorizationStatus,
    InstallmentStatus,
    PaymentStatus,
)
from portal.domain.terms import Method, Terms, from_dict
from portal.services.arrangements import needs_of
from portal.services.balance import Balance, read_with
from portal.services.declined import DECLINED, Declined, declined_of
from portal.services.keeping import Patience, largest_of
from portal.services.running import Changed
from portal.services.sealing import Opener
from portal.services.visits import Visit

_FOUND = """
SELECT json_build_object(
  'id', r.id, 'reference', r.reference, 'status', r.status, 'method', r.method,
  'terms', r.terms, 'accepted_at', r.accepted_at, 'ended_at', r.ended_at,
  'ended_reason', r.ended_reason, 'locale', r.locale, 'copy', encode(r.copy_sha256, 'hex'),
  'parts', (SELECT json_agg(json_build_array(i.n, i.due_on, i.amount_cents, i.paid_cents, i.status)
       ORDER BY i.due_on, i.n)
     FROM installment i WHERE i.client_id = r.client_id AND i.arrangement_id = r.id),
  'attempts', (SELECT json_agg(json_build_array(i.attempts, i.next_attempt_on, i.late_since,
       i.told_on) ORDER BY i.due_on, i.n)
     FROM installment i WHERE i.client_id = r.client_id AND i.arrangement_id = r.id),
  'holds', (SELECT json_agg(json_build_array(h.kind, h.starts_at, least(h.lifted_at, h.ends_at)))
     FROM hold h WHERE h.client_id = r.client_id AND h.account_id = r.account_id),
  'limits', (SELECT p.document FROM offer_policy p
     WHERE p.client_id = r.client_id AND p.version = r.policy_version),
  'changes', (SELECT json_agg(json_build_array(x.kind, x.counts, x.rhythm) ORDER BY x.n)
     FROM amendment x WHERE x.client_id = r.client_id AND x.arrangement_id = r.id),
  'declined', (%s),
  'permission', (SELECT json_build_array(u.status, u.method_brand, u.method_last4,
       encode(u.document_sha256, 'hex'), u.granted_at, u.revoked_at)
     FROM payment_authorization u WHERE u.client_id = r.client_id AND u.arrangement_id = r.id
     ORDER BY u.created_at DESC, u.id DESC LIMIT 1),
  'payments', (SELECT json_agg(json_build_array(t.id, t.reference, t.amount_cents, t.status,
       coalesce(t.settled_at, t.created_at), t.payer_link_id IS NOT NULL) ORDER BY t.created_at)
     FROM payment t WHERE t.client_id = r.client_id AND t.account_id = r.account_id
       AND t.status IN ('succeeded', 'processing', 'attempting') AND t.amount_cents > 0)
) FROM arrangement r WHERE r.client_id = account.client_id AND r.account_id = account.id
ORDER BY r.status IN ('awaiting_first_payment', 'active') DESC, r.accepted_at DESC LIMIT 1
"""
_AGREEMENT = _FOUND % DECLINED

_KEPT = """
SELECT json_build_object('chain_id', d.chain_id, 'key_id', d.key_id, 'master', k.master,
  'sealed', encode(d.sealed, 'base64'), 'wrapped', encode(k.sealed, 'base64'))
FROM document d JOIN chain_key k ON k.client_id = d.client_id AND k.id = d.key_id
WHERE d.client_id = account.client_id AND d.chain_id = account.chain_id
  AND d.sha256 = decode(found.said #>> '%s', 'hex')
"""
_COPY = _KEPT % "{copy}"
_PERMISSION = _KEPT % "{permission,3}"

OPEN_PARTS = OPEN


@dataclass(frozen=True, slots=True)
class Part:
    """One dated part of an agreement."""

    n: int
    due_on: date
    amount_cents: Cents
    paid_cents: Cents
    status: InstallmentStatus

    @property
    def open_cents(self) -> Cents:
        """What is left of it, in cents."""
        return Cents(self.amount_cents - self.paid_cents)


@dataclass(frozen=True, slots=True)
class Permission:
    """The newest permission to charge later, in force or not."""

    status: AuthorizationStatus
    brand: str | None
    last4: str | None
    document_sha256: str
    granted_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Paid:
    """One payment on the account; ``by_payer``: by somebody whom the debtor asked."""

    id: UUID
    reference: str
    amount_cents: Cents
    status: PaymentStatus
    at: datetime
    by_payer: bool


@dataclass(frozen=True, slots=True)
class AgreementPage:
    """The live agreement of an account, else its newest one.

    ``first_until`` is the last day on which a first payment keeps it, where it waits for one.
    ``policy`` is the version under which it was agreed, ``changes`` what its debtor changed since.
    ``cure``: how it can be kept where something is late. ``declined``: what failed charges mean for
    the part that is late, or is the next one.
    ``due_parts``: its parts as curing sees them.
    """

    id: UUID
    reference: str
    status: ArrangementStatus
    method: Method
    terms: Terms
    locale: str
    accepted_at: datetime
    ended_reason: str | None
    parts: tuple[Part, ...]
    permission: Permission | None
    payments: tuple[Paid, ...]
    first_until: date | None
    policy: Policy | None = None
    changes: tuple[Changed, ...] = ()
    cure: Cure | None = None
    declined: Declined = Declined()
    due_parts: tuple[DuePart, ...] = ()

    @property
    def live(self) -> bool:
        """Whether it is not over."""
        return self.status in LIVE

    @property
    def waiting(self) -> bool:
        """Whether nothing was paid yet."""
        return self.status is ArrangementStatus.AWAITING_FIRST_PAYMENT

    @property
    def next_part(self) -> Part | None:
        """The oldest part that is not paid."""
        return next((part for part in self.parts if part.status in OPEN_PARTS), None)

    @property
    def waits_until(self) -> date | None:
        """When its next part is taken, which we did not take on its date (PY-07)."""
        first = next((part for part in self.due_parts if part.status in OPEN_PARTS), None)
        return first.taken_on if self.granted and first is not None and first.waits else None

    @property
    def again_on(self) -> date | None:
        """When its next part, which failed, is tried again by itself."""
        first = next((part for part in self.due_parts if part.status in OPEN_PARTS), None)
        failed = first is not None and first.status is InstallmentStatus.FAILED
        return first.again_on if first is not None and failed and self.granted else None

    @property
    def undo_until(self) -> datetime | None:
        """Until when its debtor may take it back whole, as the client promised; None: never.

        Only before any money moved.
        """
        keeping = self.policy.keeping if self.policy else Keeping()
        return undo_until(self.accepted_at, keeping.undo_hours) if self.waiting else None

    @property
    def granted(self) -> bool:
        """Whether a saved method may be charged."""
        found = self.permission
        return found is not None and found.status is AuthorizationStatus.GRANTED

    @property
    def wants_method(self) -> bool:
        """Whether automatic payments were agreed to and no method is saved yet."""
        found = self.permission
        return (
            self.live and found is not None and found.status is AuthorizationStatus.AWAITING_METHOD
        )


def read_agreement(
    session: Session, visit: Visit, account_id: UUID, *, now: datetime
) -> tuple[Balance, AgreementPage | None] | None:
    """An account of the visit's own debtor with its agreement, in one SELECT."""
    found = read_with(session, visit, account_id, _AGREEMENT, now=now)
    if found is None:
        return None
    balance, said = found
    return balance, _page(said, balance) if said else None


def read_copy(
    session: Session, visit: Visit, account_id: UUID, *, now: datetime
) -> tuple[Balance, AgreementPage, str] | None:
    """The same with the agreement's text as the debtor got it; None where there is none."""
    return _read_text(session, visit, account_id, _COPY, now=now)


def read_permission(
    session: Session, visit: Visit, account_id: UUID, *, now: datetime
) -> tuple[Balance, AgreementPage, str] | None:
    """The same with the text of the permission to charge later; None where there is none."""
    return _read_text(session, visit, account_id, _PERMISSION, now=now)


def _read_text(
    session: Session, visit: Visit, account_id: UUID, wanted: str, *, now: datetime
) -> tuple[Balance, AgreementPage, str] | None:
    extra = (
        f"SELECT json_build_array(found.said, ({wanted}))"  # noqa: S608
        f" FROM (SELECT ({_AGREEMENT}) AS said) AS found"
    )
    found = read_with(session, visit, account_id, extra, now=now)
    if found is None or found[1] is None or None in found[1]:
        return None
    balance, (said, kept) = found
    body = Opener().open(_sealed(**kept))
    return (balance, _page(said, balance), body.decode()) if body is not None else None


def _sealed(
    chain_id: str, key_id: str, master: str, sealed: str, wrapped: str | None
) -> SimpleNamespace:
    return SimpleNamespace(
        chain_id=UUID(chain_id),
        key_id=UUID(key_id),
        master=master,
        sealed=base64.b64decode(sealed),
        wrapped=base64.b64decode(wrapped) if wrapped else None,
    )


def _page(said: dict[str, Any], balance: Balance) -> AgreementPage:
    terms = from_dict(json.loads(said["terms"]))
    policy = from_bytes(said["limits"]) if said["limits"] else None
    due_parts = tuple(map(_due_part, said["parts"] or (), said["attempts"] or ()))
    cure = _cure(said, due_parts, largest_of(terms), policy, balance)
    return AgreementPage(
        id=UUID(said["id"]),
        reference=said["reference"],
        status=ArrangementStatus(said["status"]),
        method=Method(said["method"]),
        terms=terms,
        locale=said["locale"],
        accepted_at=datetime.fromisoformat(said["accepted_at"]),
        ended_reason=said["ended_reason"],
        parts=tuple(_part(*part) for part in said["parts"] or ()),
        permission=_permission(*said["permission"]) if said["permission"] else None,
        payments=tuple(_paid(*paid) for paid in said["payments"] or ()),
        first_until=_first_until(said, terms, balance),
        policy=policy,
        changes=tuple(Changed(Change(kind), *rest) for kind, *rest in said["changes"] or ()),
        cure=cure,
        due_parts=due_parts,
        declined=_declined(said["declined"] or [], due_parts, cure, balance),
    )


def _declined(
    rows: list[list[Any]], parts: tuple[DuePart, ...], cure: Cure | None, balance: Balance
) -> Declined:
    left = [part for part in parts if part.status in OPEN_PARTS]
    if not left:
        return Declined()
    part = cure.late[0] if cure else left[0]
    return declined_of(rows, part.n, part.cents, zone=balance.zone, today=balance.today)


def _cure(
    said: dict[str, Any],
    parts: tuple[DuePart, ...],
    largest: Cents,
    policy: Policy | None,
    balance: Balance,
) -> Cure | None:
    """How it can be kept, as ``breaking.look_after`` finds it."""
    if said["status"] != ArrangementStatus.ACTIVE:
        return None
    return Patience(
        parts=parts,
        keeping=policy.keeping if policy else Keeping(),
        times=Times(
            zone=balance.zone,
            now=balance.as_of,
            holds=_holds(said),
            barred_on=balance.account.sol_expires_on,
        ),
        opened=OpenDays(DueDays.WORKING_DAYS, balance.offers.facts.holidays),
        largest=largest,
    ).cure


def _due_part(part: list[Any], attempts: list[Any]) -> DuePart:
    n, due_on, amount_cents, paid_cents, status = part
    again_on, late_since, told_on = map(_day, attempts[1:])
    return DuePart(
        n=n,
        due_on=date.fromisoformat(due_on),
        cents=Cents(amount_cents - paid_cents),
        status=InstallmentStatus(status),
        late_since=late_since,
        told_on=told_on,
        again_on=again_on,
    )


def _first_until(said: dict[str, Any], terms: Terms, balance: Balance) -> date | None:
    """The last day of the first payment, as ``arrangements.expire_due`` finds it."""
    if said["status"] != ArrangementStatus.AWAITING_FIRST_PAYMENT or not said["parts"]:
        return None
    due_on, days = said["parts"][0][1], said["attempts"]
    until = first_payment_until(
        date.fromisoformat(due_on),
        _day(max((again_on for _, again_on, *_ in days if again_on), default=None)),
        _day(max((told_on for *_, told_on in days if told_on), default=None)),
        terms.valid_until,
        tried=any(attempts for attempts, *_ in said["attempts"]),
    )
    since, needs = datetime.fromisoformat(said["accepted_at"]), needs_of(said["method"])
    promise = Promise(until, since, needs, balance.zone, balance.account.sol_expires_on)
    return last_day(promise, _holds(said), balance.as_of)


def _holds(said: dict[str, Any]) -> tuple[Held, ...]:
    return tuple(
        Held(HoldKind(kind), datetime.fromisoformat(began), _at(ended))
        for kind, began, ended in said["holds"] or ()
    )


def _part(n: int, due_on: str, amount_cents: int, paid_cents: int, status: str) -> Part:
    return Part(
        n,
        date.fromisoformat(due_on),
        Cents(amount_cents),
        Cents(paid_cents),
        InstallmentStatus(status),
    )


def _permission(status: str, *rest: Any) -> Permission:
    brand, last4, document, granted_at, revoked_at = rest
    return Permission(
        AuthorizationStatus(status), brand, last4, document, _at(granted_at), _at(revoked_at)
    )


def _paid(  # noqa: PLR0913
    id: str, reference: str, amount_cents: int, status: str, at: str, by_payer: bool
) -> Paid:
    return Paid(
        UUID(id),
        reference,
        Cents(amount_cents),
        PaymentStatus(status),
        datetime.fromisoformat(at),
        by_payer,
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _at(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
