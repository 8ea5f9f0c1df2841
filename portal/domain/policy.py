"""A client's limits on what may be offered and agreed: one immutable document per version."""

import hashlib
import json
import types
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from functools import cache, lru_cache
from typing import Any, Final, Union, cast, get_args, get_origin, get_type_hints

import rfc8785

from portal.domain import N_, DomainError
from portal.domain.money import WHOLE_BPS
from portal.domain.schedules import Frequency

FORMAT: Final = 1


class PolicyUnreadable(DomainError):
    """A stored or sent document is not an offer policy."""

    message = N_("This is not an offer policy: %(where)s is not what it should be.")


@dataclass(frozen=True, slots=True)
class Tier:
    """One way to close an account for less: the share to pay, and in how many parts at most.

    An offer made today stands for at least half of ``valid_for_days`` and at most all of them, so
    that the date a debtor reads does not move every day.
    """

    pay_bps: int
    max_parts: int = 1
    valid_for_days: int = 30


@dataclass(frozen=True, slots=True)
class Band:
    """Accounts of one size and age, and the settlement tiers that they are offered.

    Cents and days since default; ``to_`` is exclusive, None means without end. No tiers: no
    settlement is offered. ``agree_settlement_bps`` takes the place of the policy's own here.
    """

    from_balance_cents: int = 0
    to_balance_cents: int | None = None
    from_days: int = 0
    to_days: int | None = None
    tiers: tuple[Tier, ...] = ()
    agree_settlement_bps: int | None = None

    def holds(self, balance_cents: int, days: int) -> bool:
        """Whether an account of this balance (cents) and age (days) belongs here."""
        return (
            self.from_balance_cents <= balance_cents
            and (self.to_balance_cents is None or balance_cents < self.to_balance_cents)
            and self.from_days <= days
            and (self.to_days is None or days < self.to_days)
        )


@dataclass(frozen=True, slots=True)
class PlanLimits:
    """What a payment plan may look like; each payment but the last is at least the minimum."""

    minimum_installment_cents: int = 25_00
    maximum_months: int = 12
    frequencies: tuple[Frequency, ...] = (Frequency.MONTHLY,)
    down_payment_bps: int = 0
    first_payment_within_days: int = 30


@dataclass(frozen=True, slots=True)
class ProposalLimits:
    """How far a debtor's own proposal may go.

    ``settlement_bps`` is the lowest share of the balance that closes the account (10,000: none).
    """

    settlement_bps: int = WHOLE_BPS
    minimum_installment_cents: int = 25_00
    maximum_months: int = 12


@dataclass(frozen=True, slots=True)
class Policy:
    """The offer policy of a client: what is offered, agreed at once, and granted by staff.

    ``agree`` is what may be agreed or countered without a person, and is assumed to be public;
    ``review`` is what staff may grant, and is shown to no debtor.
    """

    version: int
    currency: str
    pay_in_full: bool = True
    bands: tuple[Band, ...] = ()
    plan: PlanLimits | None = None
    agree: ProposalLimits = ProposalLimits()
    review: ProposalLimits = ProposalLimits()
    answer_working_days: int = 3

    def band(self, balance_cents: int, days: int) -> Band | None:
        """The band of an account of this balance (cents) and age (days since default)."""
        return next((band for band in self.bands if band.holds(balance_cents, days)), None)

    def agreed_settlement_bps(self, band: Band | None) -> int:
        """The lowest share (bps) that closes an account of this band without a person."""
        if band is None or band.agree_settlement_bps is None:
            return self.agree.settlement_bps
        return band.agree_settlement_bps


def to_dict(policy: Policy) -> dict[str, Any]:
    """The policy as plain JSON values; what is None is left out."""
    return {"format": FORMAT, **_plain(policy)}


def from_dict(document: object) -> Policy:
    """The policy of a plain JSON document, read strictly. Raises PolicyUnreadable."""
    if not isinstance(document, Mapping) or document.get("format") != FORMAT:
        raise PolicyUnreadable(where="format")
    body = {name: value for name, value in document.items() if name != "format"}
    return cast(Policy, _read(Policy, body, "policy"))


def canonical_bytes(policy: Policy) -> bytes:
    """The one way to write a policy down (RFC 8785)."""
    return rfc8785.dumps(to_dict(policy))


@lru_cache(maxsize=512)
def from_bytes(text: bytes | str) -> Policy:
    """The policy of a stored document; versions never change, so each is read once a process.

    Raises PolicyUnreadable.
    """
    try:
        return from_dict(json.loads(text))
    except ValueError as error:
        raise PolicyUnreadable(where="JSON") from error


def sha256(policy: Policy) -> str:
    """The hash of the canonical document, as hex."""
    return hashlib.sha256(canonical_bytes(policy)).hexdigest()


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        named = ((field.name, getattr(value, field.name)) for field in fields(value))
        return {name: _plain(part) for name, part in named if part is not None}
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return str(value) if isinstance(value, StrEnum) else value


def _read(kind: Any, value: Any, where: str) -> Any:
    if get_origin(kind) in (Union, types.UnionType):
        kind = get_args(kind)[0]
    if get_origin(kind) is tuple:
        if not isinstance(value, list):
            raise PolicyUnreadable(where=where)
        part = get_args(kind)[0]
        return tuple(_read(part, one, f"{where}[{n}]") for n, one in enumerate(value))
    if is_dataclass(kind):
        return _read_fields(kind, value, where)
    return _read_word(kind, value, where)


def _read_fields(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, Mapping):
        raise PolicyUnreadable(where=where)
    kinds = _kinds(kind)
    for name in value:
        if name not in kinds:
            raise PolicyUnreadable(where=f"{where}.{name}")
    given = {name: _read(kinds[name], part, f"{where}.{name}") for name, part in value.items()}
    try:
        return kind(**given)
    except TypeError as error:
        raise PolicyUnreadable(where=where) from error


@cache
def _kinds(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _read_word(kind: Any, value: Any, where: str) -> Any:
    if kind is int and (not isinstance(value, int) or isinstance(value, bool)):
        raise PolicyUnreadable(where=where)
    if kind is bool and not isinstance(value, bool):
        raise PolicyUnreadable(where=where)
    if issubclass(kind, str) and not isinstance(value, str):
        raise PolicyUnreadable(where=where)
    try:
        return kind(value)
    except ValueError as error:
        raise PolicyUnreadable(where=where) from error
