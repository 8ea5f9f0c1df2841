"""What a request for help stops and what goes on, in sentences, before it is sent (DH-08)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from portal.domain import N_
from portal.domain.capabilities import Capabilities
from portal.domain.holds import Capability, HoldKind, Permission, permissions_under
from portal.domain.money import Cents

C = Capability

Sentence = tuple[str, dict[str, object]]
"""A marked message and its params, as ``i18n.translate`` takes them."""


@dataclass(frozen=True, slots=True)
class NextPayment:
    """The next automatic payment of a plan."""

    due_on: date
    amount_cents: Cents
    currency: str

    @property
    def params(self) -> dict[str, object]:
        """It as the params of a sentence."""
        return {"amount": (self.amount_cents, self.currency), "day": self.due_on}


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What is allowed on an account now, whether money is owed and a plan agreed.

    ``next_payment`` is that of a plan whose payments are automatic. ``rest_until``: the day on
    which a rest ends; ``moves``: the plan has dates before it, which then come later.
    """

    allowed: Capabilities
    owing: bool = True
    planned: bool = False
    next_payment: NextPayment | None = None
    rest_until: date | None = None
    moves: bool = False


CLOSES = N_("We close the page of this account until a person has looked at it.")
NO_CHARGE = N_("We take no automatic payment before we have answered.")
NO_CHARGE_BEFORE = N_("We take no automatic payment before %(day)s.")
NOT_THE_NEXT = N_("That includes the %(amount)s of %(day)s.")
CHARGES_ON = N_("Your automatic payments go on.")
THE_NEXT = N_("The next one is %(amount)s on %(day)s.")
NO_NEED = N_("You do not need to pay while we check.")
STILL_PAY = N_("You can still pay if you want to.")
OFFERS_BY_PHONE = N_("For a new offer, please call us.")
PLAN_STAYS = N_("Your plan stays as it is.")
DATES_MOVE = N_("The dates of your plan move later. The amounts stay the same.")
NO_REMINDERS = N_("We send you no reminders before we have answered.")
NO_REMINDERS_BEFORE = N_("We send you no reminders before %(day)s.")
NOTHING_CHANGES = N_("Nothing on your account changes.")
WRITING: dict[HoldKind, tuple[str, ...]] = {
    HoldKind.ATTORNEY: (N_("We write to your lawyer, and not to you."),),
    HoldKind.DEBT_COUNSELLOR: (N_("We write to your adviser, and not to you."),),
    HoldKind.CEASE_ALL: (
        N_("We stop writing to you about this account."),
        N_("We still answer you, and send the copies that the law requires."),
    ),
}


def effects(kinds: Iterable[HoldKind], now: Situation) -> tuple[Sentence, ...]:
    """What these holds stop, then what stays, each a sentence with its params."""
    holds = tuple(kinds)
    if not holds:
        denied_now = not now.allowed.charge.allowed
        return ((NOTHING_CHANGES, {}), *_charges(denied_now, now, now.rest_until))
    denied = {one: _denied(one, holds, now) for one in C}
    until = _until(holds, now)
    plan = DATES_MOVE if until and now.moves else PLAN_STAYS
    return (
        *(((CLOSES, {}),) if denied[C.SHOW] else ()),
        *_charges(denied[C.CHARGE], now, until),
        *_writing(denied[C.SEND], holds, until),
        *(_paying(denied, now) if now.owing else ()),
        *(((plan, {}),) if now.planned and not denied[C.SHOW] else ()),
    )


def _denied(one: Capability, holds: tuple[HoldKind, ...], now: Situation) -> bool:
    under = max(permissions_under(kind)[one] for kind in holds)
    return max(under, now.allowed.of(one).permission) is not Permission.ALLOWED


def _until(holds: tuple[HoldKind, ...], now: Situation) -> date | None:
    """The day on which a rest ends, where nothing longer comes with it."""
    longer = any(
        permissions_under(kind)[C.CHARGE] is not Permission.ALLOWED
        for kind in holds
        if kind is not HoldKind.HARDSHIP
    )
    return None if longer else now.rest_until


def _charges(denied: bool, now: Situation, until: date | None) -> Iterator[Sentence]:
    if now.next_payment is None:
        return
    if not denied:
        yield CHARGES_ON, {}
    elif until is None:
        yield NO_CHARGE, {}
    else:
        yield NO_CHARGE_BEFORE, {"day": until}
        denied = now.next_payment.due_on < until
    yield (NOT_THE_NEXT if denied else THE_NEXT), now.next_payment.params


def _writing(denied: bool, holds: tuple[HoldKind, ...], until: date | None) -> Iterator[Sentence]:
    own = [sentence for kind in holds for sentence in WRITING.get(kind, ())]
    if own:
        yield from ((sentence, {}) for sentence in own)
    elif denied and until is not None:
        yield NO_REMINDERS_BEFORE, {"day": until}
    elif denied:
        yield NO_REMINDERS, {}


def _paying(denied: dict[Capability, bool], now: Situation) -> Iterator[Sentence]:
    if denied[C.PAY]:
        yield NO_NEED, {}
        return
    yield STILL_PAY, {}
    if denied[C.OFFER] and now.allowed.offer.allowed:
        yield OFFERS_BY_PHONE, {}
