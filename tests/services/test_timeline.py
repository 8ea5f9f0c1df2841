"""Every leaf reads as words: no type of the code is without them."""

import ast
from pathlib import Path

from portal.services.timeline import WORDS

SERVICES = Path(__file__).parents[2] / "portal" / "services"
RECORDERS = {"record", "_record", "record_money", "_tell", "tell", "tell_accounts", "set_hold"}
DYNAMIC = {
    *(f"authorization.{status}" for status in ("granted", "revoked")),
    *(f"placement.{status}" for status in ("completed", "interrupted")),
    *(f"proposal.{s}" for s in ("accepted", "countered", "declined", "expired", "submitted")),
    *("proposal.closed", "proposal.escalated", "proposal.withdrawn"),
    "payment.charged_back",
    "payment.chargeback_reversed",
}


def told() -> set[str]:
    """Every type that a recorder is called with as a literal, and those put together."""
    found = set(DYNAMIC)
    for path in SERVICES.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            name = getattr(node, "func", None)
            called = getattr(name, "attr", getattr(name, "id", ""))
            if isinstance(node, ast.Call) and called in RECORDERS:
                values = [*node.args, *(k.value for k in node.keywords if k.arg == "type")]
                found |= {
                    one.value
                    for one in values
                    if isinstance(one, ast.Constant)
                    and isinstance(one.value, str)
                    and one.value.count(".") == 1
                }
    return found


def test_every_type_of_leaf_has_words():
    assert {"hold.set", "link.issued", "payment.succeeded"} <= told()
    assert told() - WORDS.keys() == set()
