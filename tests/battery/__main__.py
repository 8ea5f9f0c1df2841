"""Run many seeds by hand: ``python -m tests.battery --seeds 2000 --start 0``."""

import argparse
import sys
import time
from contextlib import nullcontext

from tests.battery.bench import opened
from tests.battery.planted import FAULTS, planted
from tests.battery.simulation import STEPS, Simulation


def main() -> None:
    """Run the seeds, print each failure with its operations, and exit 1 where there was one."""
    parser = argparse.ArgumentParser(prog="python -m tests.battery")
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--all", action="store_true", help="print every line of the history")
    parser.add_argument("--plant", choices=sorted(FAULTS), help="put this mistake in first")
    given = parser.parse_args()
    failed, begun = 0, time.monotonic()
    with opened() as bench, _mistake(given.plant):
        for seed in range(given.start, given.start + given.seeds):
            history = Simulation(bench, seed).run(given.steps)
            if history.violations:
                failed += 1
                _tell(seed, history, everything=given.all)
    took = time.monotonic() - begun
    print(f"{given.seeds} seeds, {failed} failed, {took:.1f} s")
    sys.exit(bool(failed))


def _mistake(name: str | None):
    return planted(FAULTS[name]) if name else nullcontext()


def _tell(seed: int, history, *, everything: bool) -> None:
    print(f"seed {seed}")
    for line in history.lines if everything else history.operations():
        print(f"    {line}")
    for violation in history.violations:
        print(f"  broken: {violation}")


if __name__ == "__main__":
    main()
