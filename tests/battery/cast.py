"""Who takes part: one client, its policy, and Dana's accounts with what she owes."""

from dataclasses import dataclass, field
from random import Random
from uuid import UUID

from sqlalchemy.orm import Session, sessionmaker

from portal.db import PortalSession
from portal.domain.policy import Band, Concessions, Keeping, PlanLimits, Tier
from portal.domain.schedules import Frequency
from portal.models import Client, Role, Staff
from portal.services.amending import Wish
from portal.services.amendment_record import Reviewed as ReviewedChange
from portal.services.choices import Picked
from portal.services.payer_links import Due, PayerState
from portal.services.reviews import Reviewed
from portal.services.visits import Visit
from tests.factories import (
    NOW,
    make_account,
    make_client,
    make_contact,
    make_debtor,
    make_policy,
    make_visit,
)

ZONES = ("America/New_York", "Pacific/Honolulu", "America/St_Johns")
BALANCES = (60_00, 99_99, 333_33, 1240_00, 1000_01, 4999_99)
TIERS = (
    (Tier(7_000), Tier(8_000, max_parts=3)),
    (Tier(6_500, valid_for_days=3), Tier(9_000, max_parts=6)),
    (),
)


@dataclass(frozen=True)
class Tab:
    """A browser tab with a review page, and the choice that its button sends."""

    picked: Picked
    reviewed: Reviewed


@dataclass(frozen=True)
class ChangePage:
    """A browser tab with the page of a change of a plan, and the wish that its button sends."""

    wish: Wish
    reviewed: ReviewedChange


@dataclass
class Purse:
    """One account as Dana sees it: her open tabs, and the payment pages that were opened for it.

    ``tokens`` are of the links with which she asked somebody else to pay, ``shown`` is what the
    pages behind them said.
    """

    account_id: UUID
    visit: Visit
    tabs: list[Tab] = field(default_factory=list)
    changes: list[ChangePage] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    shown: dict[str, tuple[PayerState, Due]] = field(default_factory=dict)


@dataclass(frozen=True)
class Cast:
    """Everybody in one simulation."""

    client_id: UUID
    staff_id: UUID
    purses: list[Purse]


def assemble(sessions: sessionmaker[PortalSession], rng: Random, number: int) -> Cast:
    """Write one client with a policy and one to three accounts of one debtor, and commit."""
    with sessions() as session:
        own_account = f"acct_{number:06}" if rng.random() < 0.5 else None
        client = make_client(session, slug=f"northgate-{number}", stripe_account=own_account)
        debtor = make_debtor(session, client, time_zone=rng.choice(ZONES))
        make_contact(session, debtor, address="dana@example.com")
        _publish(session, client, rng)
        staff_id = _hire(session)
        purses = []
        for n in range(rng.choice((1, 1, 2, 3))):
            owed = rng.choice(BALANCES)
            account = make_account(session, debtor, balance_cents=owed, reference=f"NG-{n}")
            purses.append(Purse(account.id, make_visit(session, account)))
        session.commit()
        return Cast(client.id, staff_id, purses)


def _hire(session: Session) -> UUID:
    sam = Staff(
        email="sam@harbor.example", name="Sam", role=Role.AGENT, password_hash="-", created_at=NOW
    )
    session.add(sam)
    session.flush()
    return sam.id


def _publish(session: Session, client: Client, rng: Random) -> None:
    plan = PlanLimits(
        minimum_installment_cents=rng.choice((25_00, 40_00)),
        maximum_months=rng.choice((6, 24)),
        frequencies=tuple(Frequency),
        down_payment_bps=rng.choice((0, 0, 1_000)),
        first_payment_within_days=rng.choice((0, 30, 45)),
    )
    bands = (Band(tiers=rng.choice(TIERS)),)
    make_policy(
        session,
        client,
        bands=bands,
        plan=plan,
        closest_when_late=True,
        concessions=rng.choice((Concessions(), Concessions(2, 2, 1), Concessions(5, 5, 5))),
        keeping=rng.choice((Keeping(), Keeping(failures=2, grace_days=7))),
    )
