"""Which accounts an offer policy covers, segment by segment, as a grid of balances and ages."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from portal.domain.policy import Band, Policy

Span = tuple[int, int | None]
"""From the first to before the second; None is without end."""

SMALLEST_CENTS: Final = 1
MOST_CELLS: Final = 1_500
"""A larger grid is too large for anybody to look at, and is left empty."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Accounts of one span of balances (cents) and ages (days), and the bands that hold them."""

    balances: Span
    ages: Span
    bands: tuple[Band, ...]

    @property
    def is_gap(self) -> bool:
        """Whether no band holds them."""
        return not self.bands

    @property
    def is_double(self) -> bool:
        """Whether several bands hold them."""
        return len(self.bands) > 1


@dataclass(frozen=True, slots=True)
class Grid:
    """The cover of one segment; an empty name is everybody else.

    ``rows`` are ages; there are none where there would be more than MOST_CELLS.
    """

    segment: str
    balances: tuple[Span, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def faults(self) -> tuple[Cell, ...]:
        """Accounts in no band, or in two; ages that follow each other are one."""
        return tuple(
            Cell(column[0].balances, (run[0].ages[0], run[-1].ages[1]), run[0].bands)
            for column in zip(*self.rows, strict=True)
            for count, run in _runs(column)
            if count != 1
        )


def _runs(column: Iterable[Cell]) -> Iterator[tuple[int, list[Cell]]]:
    """Cells that follow each other with as many bands: none, one, or (2) more."""
    for count, cells in groupby(column, lambda cell: min(len(cell.bands), 2)):
        yield count, list(cells)


def cover(policy: Policy) -> tuple[Grid, ...]:
    """The grid of each segment that a band is for, and of everybody else; none without bands."""
    if not policy.bands:
        return ()
    names = (*(segment.name for segment in policy.segments_used), "")
    return tuple(_grid(name, [b for b in policy.bands if b.segment == name]) for name in names)


def _grid(name: str, bands: Sequence[Band]) -> Grid:
    balances = _spans(
        SMALLEST_CENTS, (end for b in bands for end in (b.from_balance_cents, b.to_balance_cents))
    )
    ages = _spans(0, (end for b in bands for end in (b.from_days, b.to_days)))
    if len(balances) * len(ages) > MOST_CELLS:
        return Grid(name, balances, ())
    rows = tuple(
        tuple(
            Cell(span, age, tuple(band for band in bands if band.holds(span[0], age[0])))
            for span in balances
        )
        for age in ages
    )
    return Grid(name, balances, rows)


def _spans(least: int, ends: Iterable[int | None]) -> tuple[Span, ...]:
    starts = sorted({least, *(end for end in ends if end is not None and end > least)})
    return tuple(zip(starts, [*starts[1:], None], strict=True))
