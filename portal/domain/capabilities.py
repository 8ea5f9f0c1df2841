"""What may be done with an account now: the one place that says so (SC-04, DH-08).

Every rule and every hold has its say and the strictest wins, so a new rule only ever takes away.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache

from portal.domain import N_, DomainError
from portal.domain.debts import CollectorRole, DebtPurpose
from portal.domain.holds import (
    HOLD_MATRIX,
    HOLD_SENTENCES,
    Capability,
    HoldKind,
    Permission,
    permissions_under,
)
from portal.domain.money import Cents, is_too_little
from portal.domain.statuses import AccountStatus
from portal.domain.validation import needs_validation_notice


@dataclass(frozen=True, slots=True)
class AccountStanding:
    """The facts of an account that the rules ask for; ``frozen``: the record is in doubt."""

    role: CollectorRole
    purpose: DebtPurpose
    status: AccountStatus
    balance_cents: Cents
    currency: str
    validation_notice_sent_on: date | None
    sol_expires_on: date | None
    frozen: bool = False


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is not simply allowed: the rule, the hold if one, a sentence for the person."""

    rule: str
    message: str
    hold: HoldKind | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """How far one capability is allowed, and every reason that lowers it, strictest first."""

    permission: Permission
    reasons: tuple[Reason, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether the debtor, or a job, may do it."""
        return self.permission is Permission.ALLOWED

    @property
    def staff_allowed(self) -> bool:
        """Whether staff may do it, with a reason on the record."""
        return self.permission is not Permission.DENIED

    @property
    def rules(self) -> tuple[str, ...]:
        """The ids of the rules that lower it, for the record of what was not done (RT-02)."""
        return tuple(dict.fromkeys(reason.rule for reason in self.reasons))


class NotAllowedNow(DomainError):
    """A rule or a hold forbids this on the account; ``reasons`` say which."""

    message = N_("We cannot do this now.")

    def __init__(self, capability: Capability, verdict: Verdict) -> None:
        super().__init__(capability=str(capability), rules=", ".join(verdict.rules))
        self.capability = capability
        self.reasons = verdict.reasons
        if verdict.reasons:
            self.message = verdict.reasons[0].message


@dataclass(frozen=True, slots=True)
class Capabilities:
    """A verdict for each capability (their meaning: ``holds.Capability``)."""

    link: Verdict
    show: Verdict
    offer: Verdict
    accept: Verdict
    pay: Verdict
    charge: Verdict
    send: Verdict
    answer: Verdict

    def of(self, capability: Capability) -> Verdict:
        """The verdict on one capability."""
        verdict: Verdict = getattr(self, capability.value)
        return verdict

    def require(self, capability: Capability, *, staff: bool = False) -> None:
        """Go on only if it is allowed, to staff where ``staff``. Raises NotAllowedNow."""
        verdict = self.of(capability)
        if not (verdict.staff_allowed if staff else verdict.allowed):
            raise NotAllowedNow(capability, verdict)


@dataclass(frozen=True, slots=True)
class _Say:
    """What one rule or hold makes of each capability; one that it does not name stays allowed."""

    reason: Reason
    permissions: dict[Capability, Permission]


C, P = Capability, Permission
_NOTHING = dict.fromkeys(C, P.DENIED)
_NO_MONEY = dict.fromkeys((C.OFFER, C.ACCEPT, C.PAY, C.CHARGE, C.SEND), P.DENIED)

_EVERYTHING = Capabilities(**dict.fromkeys(map(str, C), Verdict(P.ALLOWED)))

NOTICE_FIRST = Reason("VN-04", N_("We must send you a letter about this debt first."))
TIME_BARRED = Reason(
    "TB-02", N_("This debt is old, and there is something we must tell you first. Please call us.")
)
RECALLED = Reason("DH-09", N_("This account is no longer with us."))
NOTHING_OWED = Reason("DH-09", N_("You owe nothing on this account."))
FROZEN = Reason(
    "EV-08",
    N_("You cannot make an agreement here right now. Please call us, and we will help you."),
)
TOO_LITTLE = Reason(
    "too_little",
    N_("What is left is too little to pay by card or from a bank. You do not need to do anything."),
)


def capabilities(standing: AccountStanding, holds: Iterable[HoldKind], today: date) -> Capabilities:
    """What may be done with an account on a day of the debtor's calendar.

    ``holds`` are the kinds in force that day. Deny wins over staff-only, staff-only over allowed.
    """
    says = [*_facts_say(standing, today), *map(_hold_says, dict.fromkeys(holds))]
    if not says:
        return _EVERYTHING
    return Capabilities(**{capability.value: _verdict(capability, says) for capability in C})


def is_time_barred(sol_expires_on: date | None, today: date) -> bool:
    """Whether the limitation period has run out: on its last day already (TB-01)."""
    return sol_expires_on is not None and sol_expires_on <= today


def _verdict(capability: Capability, says: list[_Say]) -> Verdict:
    against = [
        (say.permissions[capability], say.reason)
        for say in says
        if say.permissions.get(capability, P.ALLOWED) is not P.ALLOWED
    ]
    against.sort(key=lambda pair: pair[0], reverse=True)
    strictest = against[0][0] if against else P.ALLOWED
    return Verdict(strictest, tuple(reason for _, reason in against))


def _facts_say(standing: AccountStanding, today: date) -> Iterator[_Say]:
    if standing.status is AccountStatus.RECALLED:
        yield _Say(RECALLED, _NOTHING | {C.ANSWER: P.ALLOWED})
    if _nothing_owed(standing):
        yield _Say(NOTHING_OWED, _NO_MONEY)
    if standing.frozen:
        yield _Say(FROZEN, dict.fromkeys((C.OFFER, C.ACCEPT), P.DENIED))
    if is_too_little(standing.balance_cents, standing.currency):
        yield _Say(TOO_LITTLE, _NO_MONEY)
    if _lacks_notice(standing, today):
        yield _Say(NOTICE_FIRST, _NOTHING | {C.PAY: P.STAFF_ONLY, C.ANSWER: P.ALLOWED})
    if is_time_barred(standing.sol_expires_on, today):
        yield _Say(TIME_BARRED, _NO_MONEY | {C.PAY: P.STAFF_ONLY, C.LINK: P.DENIED})


def _nothing_owed(standing: AccountStanding) -> bool:
    closed = standing.status in (AccountStatus.PAID, AccountStatus.SETTLED)
    return closed or standing.balance_cents <= 0


def _lacks_notice(standing: AccountStanding, today: date) -> bool:
    sent_on = standing.validation_notice_sent_on
    return needs_validation_notice(standing.role, standing.purpose) and (
        sent_on is None or sent_on > today
    )


@cache
def _hold_says(kind: HoldKind) -> _Say:
    rule = HOLD_MATRIX[kind][0]
    return _Say(Reason(rule, HOLD_SENTENCES[kind], kind), permissions_under(kind))
