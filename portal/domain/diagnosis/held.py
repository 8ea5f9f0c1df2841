"""One cause for each kind of hold that keeps anything from a debtor (DH-08)."""

from collections.abc import Iterator

from portal.domain import N_
from portal.domain.diagnosis.facts import Cause, Facts, Remedy, Seen, Shows, Source
from portal.domain.holds import (
    HOLD_SENTENCES,
    Capability,
    HoldKind,
    Permission,
    permissions_under,
)
from portal.domain.labels import HOLDS


def _held(kind: HoldKind) -> Shows:
    def shows(facts: Facts) -> Iterator[Seen]:
        for hold in facts.holds:
            if hold.kind == kind:
                yield Seen(at=hold.since, about=hold.id)

    return shows


def _cause(kind: HoldKind) -> Cause:
    left = permissions_under(kind)
    pays = left[Capability.PAY] is Permission.ALLOWED
    return Cause(
        code=f"hold_{kind}",
        sure=not pays,
        title=HOLDS[kind],
        seen=N_("They may pay, but the hold keeps other things back.")
        if pays
        else N_("The hold keeps them from paying online."),
        source=Source.PERSON,
        tell=HOLD_SENTENCES[kind],
        remedy=Remedy.LIFT,
        shows=_held(kind),
    )


CAUSES = tuple(
    _cause(kind)
    for kind in HoldKind
    if any(left is not Permission.ALLOWED for left in permissions_under(kind).values())
)
