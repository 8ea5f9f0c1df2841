"""The size at which a picture stands in a box."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fractions import Fraction


def fit(width: "Fraction | int", height: "Fraction | int", box: tuple[int, int]) -> tuple[int, int]:
    """The largest size of these proportions within a box, in whole pixels and at least one."""
    if width * box[1] <= height * box[0]:
        return max(1, int(width * box[1] // height)), box[1]
    return box[0], max(1, int(height * box[0] // width))
