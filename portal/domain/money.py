"""Money as integer cents."""

from typing import NewType

Cents = NewType("Cents", int)
