"""The picture of which accounts are offered which settlements, with its gaps, in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from portal.blueprints.client.limit_words import age_words, balance_words, tier_words
from portal.domain.compiler import MOST_BANDS
from portal.domain.cover import Cell, Grid, cover
from portal.domain.policy import Policy
from portal.web import gettext as _

MOST_FAULTS: Final = 10


@dataclass(frozen=True, slots=True)
class Spot:
    """One cell of the picture; ``fault`` says what is wrong with it, if anything."""

    lines: tuple[str, ...]
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """One segment: balances across, ages down; ``faults`` are its gaps and doubles in sentences."""

    title: str
    balances: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Spot, ...]], ...]
    faults: tuple[str, ...]


def pictures(policy: Policy | None) -> list[Picture]:
    """A picture of each segment, everybody else at the end; none of more bands than there may be.

    A picture has no rows where they would be too many to look at.
    """
    if policy is None or len(policy.bands) > MOST_BANDS:
        return []
    grids = cover(policy)
    others = _("Everybody else") if len(grids) > 1 else _("All accounts")
    return [_picture(grid, grid.segment or others, policy.currency) for grid in grids]


def _picture(grid: Grid, title: str, currency: str) -> Picture:
    return Picture(
        title=title,
        balances=tuple(balance_words(span, currency) for span in grid.balances),
        rows=tuple(
            (age_words(row[0].ages), tuple(_spot(cell, currency) for cell in row))
            for row in grid.rows
        ),
        faults=tuple(_fault(cell, currency) for cell in grid.faults[:MOST_FAULTS]),
    )


def _spot(cell: Cell, currency: str) -> Spot:
    if cell.is_gap:
        return Spot((), _("nothing"))
    lines = tuple(_lines(cell, currency))
    return Spot(lines, _("in two bands at once") if cell.is_double else "")


def _lines(cell: Cell, currency: str) -> Iterator[str]:
    for band in cell.bands:
        for tier in band.tiers:
            yield tier_words(tier, currency)
        if not band.tiers:
            yield _("no settlement")


def _fault(cell: Cell, currency: str) -> str:
    return _(
        "%(balances)s, %(ages)s: %(fault)s",
        balances=balance_words(cell.balances, currency),
        ages=age_words(cell.ages),
        fault=_("nothing") if cell.is_gap else _("in two bands at once"),
    )
