"""Refusals in the shape that Stripe gives them."""

from typing import Any


class ApiError(Exception):
    """A refusal with its HTTP status and Stripe's error object."""

    def __init__(self, status: int, kind: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        given = {name: value for name, value in more.items() if value is not None}
        self.error: dict[str, Any] = {"type": kind, "message": message} | given

    @property
    def body(self) -> dict[str, Any]:
        """The reply's JSON."""
        return {"error": self.error}


def invalid(
    message: str, *, code: str | None = None, param: str | None = None, status: int = 400
) -> ApiError:
    """A request that Stripe does not carry out."""
    return ApiError(status, "invalid_request_error", message, code=code, param=param)


def missing(kind: str, thing_id: str, *, param: str = "id") -> ApiError:
    """An id that names nothing in this account; 404 when it is the one in the path."""
    spoken = "checkout.session" if kind == "checkout.session" else kind
    return invalid(
        f"No such {spoken}: '{thing_id}'",
        code="resource_missing",
        param=param,
        status=404 if param == "id" else 400,
    )


def too_soon(status: str, doing: str, intent_id: str) -> ApiError:
    """A PaymentIntent whose status does not allow what was asked."""
    return invalid(
        f"You cannot {doing} this PaymentIntent because it has a status of {status}.",
        code="payment_intent_unexpected_state",
        param=intent_id and "intent",
    )
