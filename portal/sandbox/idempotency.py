"""Idempotency keys as Stripe keeps them: 24 hours, first answer replayed, 500s included."""

import json
from dataclasses import dataclass
from typing import Any

from portal.sandbox.errors import ApiError
from portal.sandbox.store import Thing
from portal.sandbox.world import Scope

KEPT_S = 24 * 3600
LONGEST_KEY = 255


@dataclass(frozen=True)
class Replay:
    """An answer that was given before."""

    status: int
    body: Thing
    request_id: str


def begin(scope: Scope, key: str, endpoint: str, params: dict[str, Any]) -> Replay | None:
    """Take the key for this request, or give the answer that it already has.

    Raises ApiError when the key is in use, or belongs to another endpoint or parameters.
    """
    if len(key) > LONGEST_KEY:
        raise ApiError(400, "idempotency_error", "Idempotency keys are at most 255 characters.")
    asked = json.dumps(params, sort_keys=True)
    with scope.store.transaction():
        _forget(scope)
        found = scope.store.rows(
            "SELECT * FROM reply WHERE account = ? AND key = ?", scope.account, key
        )
        if found:
            return _known(found[0], key, endpoint, asked)
        request_id = str((scope.request or {}).get("id"))
        scope.store.rows(
            "INSERT INTO reply (account, key, endpoint, params, at, request)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            *(scope.account, key, endpoint, asked, scope.now, request_id),
        )
    return None


def _forget(scope: Scope) -> None:
    scope.store.rows("DELETE FROM reply WHERE at <= ?", scope.now - KEPT_S)


def _known(row: Any, key: str, endpoint: str, asked: str) -> Replay:
    other = f"Try using a key other than '{key}' if you meant to execute a different request."
    if row["endpoint"] != endpoint:
        raise ApiError(
            400,
            "idempotency_error",
            "Keys for idempotent requests can only be used for the same endpoint they were first"
            f" used for ('{endpoint}' vs '{row['endpoint']}'). {other}",
        )
    if row["params"] != asked:
        raise ApiError(
            400,
            "idempotency_error",
            "Keys for idempotent requests can only be used with the same parameters they were"
            f" first used with. {other}",
        )
    if row["status"] is None:
        raise ApiError(
            409,
            "idempotency_error",
            "There is currently another in-progress request using this Stripe Idempotent Key.",
            code="idempotency_key_in_use",
        )
    return Replay(row["status"], json.loads(row["body"]), row["request"])


def finish(scope: Scope, key: str, status: int, body: Thing) -> None:
    """Keep the answer of the request that took the key."""
    scope.store.rows(
        "UPDATE reply SET status = ?, body = ? WHERE account = ? AND key = ?",
        *(status, json.dumps(body), scope.account, key),
    )


def release(scope: Scope, key: str) -> None:
    """Give the key back: nothing was executed."""
    scope.store.rows(
        "DELETE FROM reply WHERE account = ? AND key = ? AND status IS NULL", scope.account, key
    )
