"""Everybody who owes: who looks at their phone now, what they do, and what came of it."""

import re
from collections import Counter
from collections.abc import Iterable
from random import Random
from urllib.parse import urlsplit

from portal.demo.browsing import NotOnThePage
from portal.simulation.behaviors import ALL, DOOR, FIRST, LATE, LATER
from portal.simulation.lines import PageRefused
from portal.simulation.people import Person, Way, drawn
from portal.simulation.portfolio import Neighbor
from portal.simulation.stage import Stage

READS_RATE = 0.55
"""The share of messages that make somebody look."""
FIRST_LOOK_DAYS, LOOK_AGAIN_DAYS = 4.0, 33.0
BROKEN = 500
_ID = re.compile(r"/[0-9a-f]{8}-[0-9a-f-]{27}|/(?<=/[lp]/)[^/]+|/HR-[A-Z0-9]+")


class Crowd:
    """The people of a simulation, in an order that a seed decides."""

    def __init__(self, stage: Stage, neighbors: Iterable[Neighbor]) -> None:
        self.people = [
            Person(stage, one, Random(f"{stage.seed} {one.client} {one.reference}"))  # noqa: S311
            for one in neighbors
            if one.answers.get("date_of_birth")
        ]
        self.did: Counter[str] = Counter()
        self.not_offered: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.broken_pages: Counter[str] = Counter()

    def act(self) -> bool:
        """Let everybody act whose time has come; whether anybody did."""
        acted = False
        for person in self.people:
            if person.look_at_post() and person.rng.random() < READS_RATE:
                person.wake_in(person.rng.expovariate(1 / FIRST_LOOK_DAYS))
            if person.link and person.wakes_at is not None and person.wakes_at <= person.now:
                person.wakes_at = None
                self._visit(person)
                acted = True
        return acted

    def _visit(self, person: Person) -> None:
        self._do(person, Way("open the link", 1, self._enter))
        if person.wakes_at is None:
            person.wake_in(person.rng.expovariate(1 / LOOK_AGAIN_DAYS))

    def _enter(self, person: Person) -> None:
        if not person.open_link():
            self.did["ask for a new link"] += 1
            return
        self._do(person, drawn(person, DOOR))
        if "/account/" in person.browser.url:
            ways = FIRST if not person.runs else LATE if person.is_late else LATER
            self._do(person, drawn(person, ways))

    def never(self) -> list[str]:
        """The ways in which nobody behaved."""
        return sorted({one.name for one in ALL} - set(self.did))

    def _do(self, person: Person, way: Way) -> None:
        """One act, and what came of it; a page that breaks is a bug of the portal."""
        try:
            way.act(person)
        except (NotOnThePage, IndexError):  # a list that offers nothing
            self.not_offered[f"{way.name}, on {_path(person.browser.url)}"] += 1
        except PageRefused as refused:
            found = self.broken_pages if refused.status >= BROKEN else self.refused
            found[f"{refused.status} {_path(refused.url)} ({way.name})"] += 1
        else:
            self.did[way.name] += 1


def _path(url: str) -> str:
    """The path of an address without what names an account or a link."""
    return _ID.sub("/…", urlsplit(url).path)
