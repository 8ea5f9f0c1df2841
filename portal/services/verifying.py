"""Checking a bundle that somebody brings: what the offline verifier says, and whose key it was.

Nothing of a bundle is kept; what is told of it is told to whoever holds it.
"""

from base64 import b64encode
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from portal.domain.checkpoints import parse
from portal.domain.evidence import parse_time
from portal.domain.money import Cents
from portal.services.certificates import CheckpointFacts
from portal.verifier.verify import STEPS, Bundle

LONGEST_WHY = 400


class Verdict(StrEnum):
    """What a bundle turned out to be."""

    WHOLE = "whole"
    ANOTHERS = "anothers"
    BROKEN = "broken"
    NO_BUNDLE = "no_bundle"


class Outcome(StrEnum):
    """What became of one step of the check."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_REACHED = "not_reached"


@dataclass(frozen=True, slots=True)
class Step:
    """One step; ``why`` is what an expert reads where it failed: the file, what was expected."""

    name: str
    outcome: Outcome
    why: str = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """An agreement, its time and total, its leaf's number and hash, as a certificate has them."""

    reference: str
    at: datetime
    n: int
    hash: str
    total_cents: Cents
    currency: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A bundle after its check. The facts are empty unless it is whole and ours."""

    verdict: Verdict
    steps: tuple[Step, ...]
    reference: str = ""
    leaves: int = 0
    accepted: tuple[Accepted, ...] = ()
    log: str = ""
    chain: str = ""
    checkpoint: CheckpointFacts | None = None


def check_bundle(data: bytes, published: Collection[str]) -> Checked:
    """Check the bytes of a bundle offline, and its signer against the published verifier keys."""
    bundle = Bundle(data)
    steps = tuple(_steps(bundle, published))
    verdict = _verdict(bundle, steps)
    if verdict is not Verdict.WHOLE:
        return Checked(verdict, steps)
    accepted = tuple(_accepted(bundle))
    if not accepted:  # whatever it is, it proves no agreement
        return Checked(Verdict.NO_BUNDLE, steps)
    return Checked(
        verdict,
        steps,
        reference=accepted[0].reference,
        leaves=len(bundle.leaves),
        accepted=accepted,
        log=bundle.about["log"],
        chain=bundle.about["chain"],
        checkpoint=_checkpoint(bundle),
    )


def _checkpoint(bundle: Bundle) -> CheckpointFacts:
    """The numbers of the checkpoint that the proofs lead to, as a certificate has them."""
    sealed = parse(bundle.note.decode())
    root = b64encode(sealed.head.root).decode()
    return CheckpointFacts(size=sealed.head.size, root=root, key_id=sealed.key_id.hex())


def _accepted(bundle: Bundle) -> Iterator[Accepted]:
    for n in bundle.about["disclosed"]:
        leaf, told = bundle.leaves[n], bundle.payloads[f"chain/{n:06d}.payload.json"]
        if leaf["type"] == "acceptance":
            terms = told.get("terms", told)
            cents, currency = Cents(int(terms["total_cents"])), str(terms["currency"])
            name = str(told.get("reference", ""))
            yield Accepted(name, parse_time(leaf["at"]), n, leaf["hash"], cents, currency)


def _steps(bundle: Bundle, published: Collection[str]) -> Iterator[Step]:
    told = {name: (passed, text) for name, passed, text in bundle.steps()}
    for name in STEPS:
        passed, text = told.get(name, (False, ""))
        if name not in told:
            yield Step(name, Outcome.NOT_REACHED)
        elif passed and name == "checkpoint" and bundle.signer not in published:
            yield Step(name, Outcome.FAILED, bundle.signer[:LONGEST_WHY])
        else:
            yield (
                Step(name, Outcome.PASSED)
                if passed
                else Step(name, Outcome.FAILED, text[:LONGEST_WHY])
            )


def _verdict(bundle: Bundle, steps: tuple[Step, ...]) -> Verdict:
    failed = [step.name for step in steps if step.outcome is Outcome.FAILED]
    if not failed:
        return Verdict.WHOLE
    if "archive" in failed or "manifest.json" not in bundle.sums:
        return Verdict.NO_BUNDLE
    whole = steps[-1].outcome is Outcome.PASSED
    return Verdict.ANOTHERS if whole and failed == ["checkpoint"] else Verdict.BROKEN
