"""How somebody can check a certificate without asking anybody."""

from dataclasses import dataclass
from datetime import datetime

from portal.domain import N_
from portal.services.certificates.parts import (
    Exact,
    Notes,
    Row,
    Rows,
    Section,
    Steps,
    say,
)

VERIFY = "/verify"
VERIFIER_KEY = "/.well-known/evidence.vkey"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafFacts:
    """Where an acceptance stands: ``n`` in its chain, ``hash`` as hex, the name of its log."""

    n: int
    at: datetime
    hash: str
    log: str
    chain: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointFacts:
    """The checkpoint that the bundle's proofs lead to.

    ``root`` is base64 and ``key_id`` hex, as the signed note and the verifier key have them.
    """

    size: int
    root: str
    key_id: str


def check(reference: str, leaf: LeafFacts, checkpoint: CheckpointFacts, base_url: str) -> Section:
    """What to do, and the numbers that must come out."""
    bundle, page = f"evidence-{reference}.zip", f"{base_url}{VERIFY}"
    steps = (
        say(N_("Keep the whole file %(file)s. This page is one part of it."), file=bundle),
        say(N_("Put that file in at %(page)s. You are told if it is whole."), page=page),
        say(N_("Or check it yourself, without a network. VERIFY.md in the file says how.")),
    )
    alt = say(N_("QR code: the address %(page)s with the leaf hash"), page=page)
    numbers = (
        Row(say(N_("Leaf number")), (leaf.n,)),
        Row(say(N_("Leaf hash")), (Exact(leaf.hash),)),
        Row(say(N_("Log")), (Exact(leaf.log),)),
        Row(say(N_("Chain")), (Exact(leaf.chain),)),
        Row(say(N_("Leaves in the checkpoint")), (checkpoint.size,)),
        Row(say(N_("Root of the checkpoint")), (Exact(checkpoint.root),)),
        Row(say(N_("Id of its key")), (Exact(checkpoint.key_id),)),
        Row(say(N_("Where the key is published")), (Exact(f"{base_url}{VERIFIER_KEY}"),)),
    )
    last = Notes(
        (say(N_("This page was made from the record. If they differ, the record counts.")),)
    )
    return Section(
        say(N_("How to check it")),
        (
            Steps(steps, f"{page}#{leaf.hash}", alt),
            Rows(numbers, say(N_("The numbers to compare"))),
            last,
        ),
    )
