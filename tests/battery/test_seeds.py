"""Two hundred lives of a few accounts, with crashes, lost replies, second tabs and late webhooks.

Each seed draws its own faults and acts, then everything is healed and run to its end; the end
state, Stripe's own books and the history of what was asked of Stripe must all be right. More seeds,
by hand: ``python -m tests.battery --seeds 2000``.
"""

import hashlib

import pytest

from tests.battery.acts import BY_HAND
from tests.battery.bench import Bench, opened
from tests.battery.simulation import Simulation

SEEDS, CHUNK, STEPS = 200, 10, 14
WITH_CHECKS = BY_HAND + 50


@pytest.fixture(scope="module")
def bench():
    with opened() as found:
        yield found


@pytest.mark.parametrize("first", [*range(0, SEEDS, CHUNK), *range(BY_HAND, WITH_CHECKS, CHUNK)])
def test_no_cent_is_lost_doubled_or_misstated(bench: Bench, first: int):
    for seed in range(first, first + CHUNK):
        history = Simulation(bench, seed).run(STEPS)
        assert not history.violations, _story(seed, history)


def test_a_seed_tells_the_same_story_each_time(bench: Bench):
    told = [
        hashlib.sha256("\n".join(Simulation(bench, 7).run(STEPS).lines).encode()).hexdigest()
        for _ in range(2)
    ]
    assert told[0] == told[1]


def _story(seed: int, history) -> str:
    lines = [f"seed {seed}:", *history.operations(), *map(str, history.violations)]
    return "\n".join(map(str, lines))
