"""The jobs: each opens a session, calls one service and commits.

Tasks take ids, are idempotent, and work on batches. What they need from outside a job comes from
the ``Runtime``, which the worker (or a test) sets once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import sessionmaker

from portal.config import Settings
from portal.db import PortalSession


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """What a worker process holds for its tasks."""

    settings: Settings
    sessions: sessionmaker[PortalSession]
    clock: Callable[[], datetime]


_runtime: Runtime | None = None


def set_runtime(runtime: Runtime | None) -> None:
    """Give the tasks of this process what they work with."""
    global _runtime  # noqa: PLW0603
    _runtime = runtime


def runtime() -> Runtime:
    """What this process works with; it is an error to run a task before it is set."""
    if _runtime is None:
        raise RuntimeError("No runtime is set: call set_runtime() before running tasks.")
    return _runtime
