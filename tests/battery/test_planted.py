"""The battery is worth what it catches: mistakes are put in on purpose, and it must see each."""

import pytest

from tests.battery.bench import Bench, opened
from tests.battery.planted import FAULTS, Fault, planted
from tests.battery.simulation import Simulation
from tests.battery.test_seeds import STEPS

NEAR = 30
"""How many seeds are tried where a change of the portal has moved what the named one meets."""


@pytest.fixture(scope="module")
def bench():
    with opened() as found:
        yield found


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_mistake_is_seen(bench: Bench, name: str):
    fault = FAULTS[name]
    with planted(fault):
        found = any(_sees(bench, seed, fault) for seed in (fault.seed, *range(NEAR)))
    assert found, f"{fault.story}: name a seed that --plant {name} --steps {STEPS} finds"


def _sees(bench: Bench, seed: int, fault: Fault) -> bool:
    """Whether a run breaks the very invariant that the mistake is against, where it names one."""
    seen = {one.invariant for one in Simulation(bench, seed).run(STEPS).violations}
    return seen == {fault.only} or bool(seen and not fault.only)
