"""What can be made to go wrong: planned faults of requests, switches of webhooks and lists."""

from dataclasses import dataclass, field
from enum import StrEnum


class Fault(StrEnum):
    """How one request goes wrong."""

    DROP_BEFORE = "drop_before"  # cut off, nothing executed
    DROP_AFTER = "drop_after"  # executed, then cut off
    ERROR_BEFORE = "error_before"  # 500, nothing executed, and the 500 is what a retry gets
    ERROR_AFTER = "error_after"  # executed, and a 500 is what everybody gets
    UNAVAILABLE = "unavailable"  # 503 in front of everything, a retry may succeed
    RATE_LIMITED = "rate_limited"  # 429
    MALFORMED = "malformed"  # executed, and half of the body is lost
    SLOW = "slow"  # executed late: a second request with the same key meets the first


@dataclass
class Plan:
    """A fault that waits for its request."""

    fault: Fault
    times: int = 1
    method: str = ""
    path: str = ""

    def fits(self, method: str, path: str) -> bool:
        """Whether this request is one that it waits for."""
        return self.method in ("", method) and path.startswith(self.path)


@dataclass
class Faults:
    """The faults that are planned, first come first served."""

    plans: list[Plan] = field(default_factory=list)

    def plan(self, fault: Fault, *, times: int = 1, method: str = "", path: str = "") -> None:
        """Let the next ``times`` requests fail (of a method, under a path)."""
        self.plans.append(Plan(fault, times, method, path))

    def take(self, method: str, path: str) -> Fault | None:
        """The fault of this request, if one is planned."""
        for plan in self.plans:
            if plan.fits(method, path):
                plan.times -= 1
                self.plans = [one for one in self.plans if one.times > 0]
                return plan.fault
        return None


@dataclass
class Switches:
    """How webhooks and lists misbehave; rates are from 0 to 1, drawn for each event."""

    drop: float = 0.0
    double: float = 0.0
    late: float = 0.0
    late_s: int = 3600
    reorder: bool = False
    list_lag_s: int = 0
