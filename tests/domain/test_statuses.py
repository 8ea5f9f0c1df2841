from enum import StrEnum

import pytest

from portal.domain.statuses import (
    MOVES,
    AccountStatus,
    ArrangementStatus,
    AuthorizationStatus,
    CampaignStatus,
    ConsentStatus,
    InstallmentStatus,
    MessageStatus,
    MoveNotAllowed,
    PaymentStatus,
    ProposalStatus,
    move,
)

FIRST = {
    AccountStatus: AccountStatus.OPEN,
    ArrangementStatus: ArrangementStatus.AWAITING_FIRST_PAYMENT,
    InstallmentStatus: InstallmentStatus.SCHEDULED,
    PaymentStatus: PaymentStatus.CREATED,
    ProposalStatus: ProposalStatus.SUBMITTED,
    AuthorizationStatus: AuthorizationStatus.AWAITING_METHOD,
    MessageStatus: MessageStatus.QUEUED,
    ConsentStatus: ConsentStatus.ASKED,
    CampaignStatus: CampaignStatus.DRAFT,
}
PAIRS = [(kind, before, after) for kind in MOVES for before in kind for after in kind]


@pytest.mark.parametrize("kind", MOVES)
def test_every_status_has_its_moves_and_can_be_reached(kind: type[StrEnum]) -> None:
    moves = MOVES[kind]
    assert set(moves) == set(kind)
    reached, fresh = set(), {FIRST[kind]}
    while fresh:
        reached |= fresh
        fresh = {after for before in fresh for after in moves[before]} - reached
    assert reached == set(kind)
    assert all(type(after) is kind for found in moves.values() for after in found)


@pytest.mark.parametrize(("kind", "before", "after"), PAIRS)
def test_only_listed_moves_are_made(kind: type[StrEnum], before: StrEnum, after: StrEnum) -> None:
    if before == after or after in MOVES[kind][before]:
        assert move(before, after) is after
        return
    with pytest.raises(MoveNotAllowed) as raised:
        move(before, after)
    assert str(raised.value)


def test_money_that_arrived_is_never_taken_back_by_news() -> None:
    assert MOVES[PaymentStatus][PaymentStatus.SUCCEEDED] == frozenset()
    late = set(PaymentStatus) - {PaymentStatus.SUCCEEDED}
    assert all(PaymentStatus.SUCCEEDED in MOVES[PaymentStatus][before] for before in late)


def test_a_revoked_authorization_stays_revoked() -> None:
    assert MOVES[AuthorizationStatus][AuthorizationStatus.REVOKED] == frozenset()
    with pytest.raises(MoveNotAllowed):
        move(AuthorizationStatus.REVOKED, AuthorizationStatus.GRANTED)
