"""The picture of a policy: every account is in one cell, and no gap is too small to be seen."""

from hypothesis import given
from hypothesis import strategies as st

from portal.domain.compiler import check
from portal.domain.cover import cover
from portal.domain.policy import Band, Policy, Segment, Tier
from tests.domain.policies import DAYS, accounts, policies

WAYS = (Tier(80_00),)


def test_a_gap_of_one_cent_and_of_one_day_is_in_the_picture():
    policy = Policy(
        1,
        "USD",
        bands=(
            Band(to_balance_cents=100, to_days=30, tiers=WAYS),
            Band(to_balance_cents=100, from_days=31, tiers=WAYS),
            Band(from_balance_cents=101, tiers=WAYS),
        ),
    )
    (grid,) = cover(policy)
    assert [(one.balances, one.ages) for one in grid.faults] == [
        ((1, 100), (30, 31)),
        ((100, 101), (0, None)),
    ]


def test_an_account_in_two_bands_is_in_the_picture():
    policy = Policy(1, "USD", bands=(Band(to_days=31, tiers=WAYS), Band(from_days=30, tiers=WAYS)))
    (grid,) = cover(policy)
    assert [(one.ages, one.is_double) for one in grid.faults] == [((30, 31), True)]


def test_a_segment_without_bands_for_everybody_else_leaves_them_a_gap():
    segment = Segment("Loans", products=("loan",))
    policy = Policy(1, "USD", bands=(Band(segment="Loans", tiers=WAYS),), segments=(segment,))
    loans, others = cover(policy)
    assert (loans.segment, loans.faults) == ("Loans", ())
    assert others.segment == ""
    assert others.faults[0].is_gap


def test_more_cells_than_anybody_could_look_at_are_left_out():
    policy = Policy(1, "USD", bands=tuple(Band(n, n + 1, n, n + 1) for n in range(1, 60)))
    (grid,) = cover(policy)
    assert grid.rows == grid.faults == ()


@given(policies(), st.data(), DAYS)
def test_whoever_the_compiler_lets_pass_has_no_fault_and_each_account_its_cell(policy, data, today):
    assert check(policy) == []
    grids = {grid.segment: grid for grid in cover(policy)}
    assert [grid.faults for grid in grids.values() if grid.faults] == []
    account = data.draw(accounts(today, policy))
    band = policy.band(account, today)
    if band is not None:
        balance, days = account.balance_cents, account.age_days(today)
        held = [
            cell.bands
            for row in grids[band.segment].rows
            for cell in row
            if cell.balances[0] <= balance
            and (cell.balances[1] is None or balance < cell.balances[1])
            and cell.ages[0] <= days
            and (cell.ages[1] is None or days < cell.ages[1])
        ]
        assert held == [(band,)]
