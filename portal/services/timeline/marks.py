"""Marks in words that staff read: what happened, and the facts of it."""

from collections.abc import Callable
from datetime import date
from functools import reduce

from portal.domain import N_
from portal.domain.marks import MARKS, Mark, Reads
from portal.models import Account
from portal.services.evidence import Payload
from portal.services.timeline.wording import Words


def _marked(payload: Payload, account: Account) -> Words:
    asked = MARKS[Mark(payload["what"])].facts
    said: list[object] = [
        date.fromisoformat(value) if asked[name].reads is Reads.DAY else value
        for name, value in payload["facts"].items()
    ]
    facts = reduce(lambda one, two: Words("%(one)s · %(two)s", {"one": one, "two": two}), said)
    return Words(N_("%(what)s: %(facts)s"), {"what": _title(payload), "facts": facts})


def _taken_back(payload: Payload, account: Account) -> Words:
    said = {"what": _title(payload), "reason": payload["reason"]}
    return Words(N_("%(what)s. Reason: %(reason)s"), said)


def _title(payload: Payload) -> Words:
    return Words(MARKS[Mark(payload["what"])].title, {})


WORDS: dict[str, tuple[str, Callable[[Payload, Account], Words]]] = {
    "account.marked": (N_("Something happened"), _marked),
    "account.mark_taken_back": (N_("What happened was taken back"), _taken_back),
}
