"""The battery is worth what it catches: mistakes are put in on purpose, and it must see each."""

import pytest

from tests.battery.bench import Bench, opened
from tests.battery.planted import FAULTS, planted
from tests.battery.simulation import Simulation

STEPS = 30


@pytest.fixture(scope="module")
def bench():
    with opened() as found:
        yield found


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_mistake_is_seen(bench: Bench, name: str):
    fault = FAULTS[name]
    with planted(fault):
        seen = [
            found for seed in fault.seeds for found in Simulation(bench, seed).run(STEPS).violations
        ]
    assert seen, f"{fault.story}: nothing was broken by seeds {fault.seeds}"
