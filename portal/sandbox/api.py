"""One API request: who asks, which fault strikes, what is executed, what is remembered."""

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request, Response

from portal.sandbox import forms, idempotency, timers
from portal.sandbox.errors import ApiError, invalid
from portal.sandbox.expansion import expand
from portal.sandbox.faults import Fault
from portal.sandbox.routes import OPERATIONS, URLS, Operation
from portal.sandbox.store import Thing, shown
from portal.sandbox.world import API_VERSION, Scope, World

LARGEST_BODY = 1_000_000
KEY = re.compile(r"(sk|rk)_test_\w+")
ACCOUNT = re.compile(r"acct_\w+")
BROKEN = ApiError(500, "api_error", "An unknown error occurred. Let us know at support@stripe.com.")
BEFORE_ALL = {
    Fault.UNAVAILABLE: ApiError(503, "api_error", "Stripe is not available."),
    Fault.RATE_LIMITED: ApiError(
        429, "invalid_request_error", "Request rate limit exceeded.", code="rate_limit"
    ),
}


class CutOff(ConnectionResetError):
    """The connection ends here, as a network's would: no answer is sent."""


@dataclass
class Call:
    """A request as the sandbox takes it apart, and what becomes of it."""

    request: Request
    scope: Scope
    fault: Fault | None
    key: str | None = None
    params: dict[str, Any] = field(default_factory=dict)
    replayed: str | None = None


def answer(world: World, request: Request, wait: Callable[[], None]) -> Response:
    """Answer an API request; raises CutOff where a fault says so.

    ``wait`` is called by a request that is made slow, while it holds its idempotency key.
    """
    timers.run(world)
    request_id = world.new_id("req")
    key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
    scope = Scope(world, "", {"id": request_id, "idempotency_key": key})
    call = Call(request, scope, world.faults.take(request.method, request.path), key)
    if call.fault is Fault.DROP_BEFORE:
        _note(call, 0)
        raise CutOff("cut off before the request was executed")
    status, body = _reply(call, wait)
    _note(call, status)
    if call.fault is Fault.DROP_AFTER:
        raise CutOff("cut off after the request was executed")
    return _response(call, status, body)


def _reply(call: Call, wait: Callable[[], None]) -> tuple[int, Thing]:
    try:
        if call.fault in BEFORE_ALL:
            raise BEFORE_ALL[call.fault]
        operation, ids = _prepare(call)
        if call.key:
            earlier = idempotency.begin(call.scope, call.key, call.request.path, call.params)
            if earlier:
                call.replayed = earlier.request_id
                return earlier.status, earlier.body
    except ApiError as error:
        return error.status, error.body
    if call.fault is Fault.SLOW:
        wait()
    return _execute(call, operation, ids)


def _prepare(call: Call) -> tuple[Operation, dict[str, str]]:
    """Everything that Stripe checks before it executes and remembers anything."""
    request = call.request
    _check_key(request)
    call.scope = Scope(call.scope.world, _account(request), call.scope.request)
    version = request.headers.get("Stripe-Version", API_VERSION)
    if version != API_VERSION:
        raise invalid(f"Invalid Stripe API version: {version[:40]}")
    try:
        found, ids = URLS.bind("sandbox").match(request.path, request.method)
    except HTTPException as error:
        raise invalid(
            f"Unrecognized request URL ({request.method}: {request.path[:200]}).", status=404
        ) from error
    operation = OPERATIONS[int(found)]
    call.params = forms.read(forms.nested(_text(request)), operation.shape, *operation.required)
    return operation, dict(ids)


def _text(request: Request) -> str:
    if request.method != "POST":
        return request.query_string.decode("latin-1")
    if (request.content_length or 0) > LARGEST_BODY:
        raise invalid("The request is too large.", status=413)
    return request.get_data().decode("latin-1")


def _check_key(request: Request) -> None:
    kind, _, given = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "basic":
        given = _user(given)
    if not given:
        raise invalid(
            "You did not provide an API key. You need to provide your API key in the"
            " Authorization header, using Bearer auth.",
            status=401,
        )
    if not KEY.fullmatch(given):
        raise invalid(f"Invalid API Key provided: {given[:8]}****", status=401)


def _user(basic: str) -> str:
    try:
        return base64.b64decode(basic).decode(errors="replace").partition(":")[0]
    except ValueError:
        return "garbled"


def _account(request: Request) -> str:
    account = request.headers.get("Stripe-Account", "")
    if account and not ACCOUNT.fullmatch(account):
        raise invalid(
            f"The provided key does not have access to account '{account[:40]}' (or that account"
            " does not exist).",
            code="account_invalid",
            status=403,
        )
    return account


def _execute(call: Call, operation: Operation, ids: dict[str, str]) -> tuple[int, Thing]:
    try:
        with call.scope.store.transaction():
            status, body = _perform(call, operation, ids)
            if call.fault is Fault.ERROR_AFTER:
                status, body = BROKEN.status, BROKEN.body
            if call.key:
                idempotency.finish(call.scope, call.key, status, body)
    except BaseException:
        if call.key:
            idempotency.release(call.scope, call.key)
        raise
    return status, body


def _perform(call: Call, operation: Operation, ids: dict[str, str]) -> tuple[int, Thing]:
    if call.fault is Fault.ERROR_BEFORE:
        return BROKEN.status, BROKEN.body
    try:
        given = {name: value for name, value in call.params.items() if name != "expand"}
        thing = operation.perform(call.scope, given, **ids)
        whole = expand(call.scope, thing, call.params.get("expand", []))
        return 200, shown(whole)
    except ApiError as error:
        return error.status, error.body


def _response(call: Call, status: int, body: Thing) -> Response:
    headers = Headers({"Request-Id": (call.scope.request or {}).get("id") or ""})
    headers["Stripe-Version"] = API_VERSION
    headers["Cache-Control"] = "no-cache, no-store"
    if call.key:
        headers["Idempotency-Key"] = call.key
    if call.replayed:
        headers["Idempotent-Replayed"] = "true"
        headers["Original-Request"] = call.replayed
    if status >= 500 and call.key and status != 503:
        headers["Stripe-Should-Retry"] = "false"
    text = json.dumps(body)
    if call.fault is Fault.MALFORMED:
        text = text[: len(text) // 2]
    return Response(text, status, headers, mimetype="application/json")


def _note(call: Call, status: int) -> None:
    call.scope.store.note(
        call.scope.now,
        "request",
        method=call.request.method,
        path=call.request.path,
        account=call.scope.account,
        key=call.key,
        params=call.params,
        status=status,
        fault=call.fault,
        replayed=bool(call.replayed),
    )
