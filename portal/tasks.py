"""The jobs: each opens a session, calls one service and commits.

Tasks take ids, are idempotent, and work on batches. What they need from outside a job is the
``Runtime`` that the worker (or a test) gives them once.
"""

from portal.runtime import Runtime

_runtime: Runtime | None = None


def use(runtime: Runtime | None) -> None:
    """Give the tasks of this process what they work with."""
    global _runtime  # noqa: PLW0603
    _runtime = runtime


def current() -> Runtime:
    """What the tasks of this process work with; it must have been given before one runs."""
    if _runtime is None:
        raise RuntimeError("No runtime is set: call tasks.use() before a task runs.")
    return _runtime
