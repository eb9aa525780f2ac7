"""Stripe's refusals: the shape of an error, and which of them a key remembers.

    began = False   nothing was executed: the key stays free (401, 403, 409, 429, parameters that make no sense)
    began = True    execution met the fault: with a key, this answer is given again for as long as the key lives

Page: https://docs.stripe.com/api/errors
"""

from typing import Any


class Refused(Exception):
    """The request is answered with an error."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        began: bool = True,
        headers: dict[str, str] | None = None,
        more: dict[str, Any] | None = None,
    ) -> None:
        """Take what the answer says."""
        super().__init__(message)
        self.status = status
        self.began = began
        self.headers = headers or {}
        self.error: dict[str, Any] = {"message": message, "type": kind, **(more or {})}
        if code:
            self.error["code"] = code
        if param:
            self.error["param"] = param

    def body(self) -> dict[str, Any]:
        """As it is sent."""
        return {"error": self.error}


def not_authenticated(message: str) -> Refused:
    """No key, or none that exists."""
    return Refused(401, message, began=False)


def not_allowed(message: str) -> Refused:
    """The key may not do this."""
    return Refused(403, message, code="more_permissions_required", began=False)


def missing(param: str) -> Refused:
    """A parameter without which it does not begin."""
    return Refused(400, f"Required parameter is missing: {param}.", code="parameter_missing", param=param, began=False)


def unknown(param: str) -> Refused:
    """A parameter that this endpoint does not have."""
    return Refused(400, f"This endpoint has no parameter {param}.", code="parameter_unknown", param=param, began=False)


def invalid(param: str, message: str, code: str | None = None) -> Refused:
    """A parameter that cannot be read."""
    return Refused(400, message, code=code, param=param, began=False)


def wrong(message: str, *, param: str | None = None, code: str | None = None) -> Refused:
    """What is asked for cannot be done to this object as it is now."""
    return Refused(400, message, code=code, param=param)


def no_such(noun: str, found: str, *, param: str = "id") -> Refused:
    """The object in the path is not there (404), or one that a parameter names (400)."""
    return Refused(404 if param == "id" else 400, f"No {noun} has the id '{found}'.", code="resource_missing",
                   param=param)  # fmt: skip


def no_route(method: str, path: str) -> Refused:
    """Stripe, or this stand-in, has no such endpoint."""
    return Refused(404, f"There is no endpoint {method} {path} in this stand-in.", began=False)


def declined(charge_id: str, intent_id: str) -> Refused:
    """The card said no."""
    more = {"charge": charge_id, "decline_code": "generic_decline", "payment_intent": {"id": intent_id}}
    return Refused(402, "The card was declined.", kind="card_error", code="card_declined", more=more)


def key_in_use(key: str) -> Refused:
    """The first request with this key is still being executed."""
    return Refused(409, f"A request with the idempotency key '{key}' is still running.", kind="idempotency_error",
                   code="idempotency_key_in_use", began=False, headers={"Stripe-Should-Retry": "true"})  # fmt: skip


def key_reused(key: str) -> Refused:
    """The key belongs to a request with other parameters."""
    return Refused(400, f"The idempotency key '{key}' was first used with other parameters or another endpoint.",
                   kind="idempotency_error", began=False)  # fmt: skip


def rate_limited(reason: str) -> Refused:
    """Too many requests; says which limit, never how long to wait."""
    return Refused(429, "Too many requests; slow down.", code="rate_limit", began=False,
                   headers={"Stripe-Rate-Limited-Reason": reason})  # fmt: skip


def locked() -> Refused:
    """Another request works on the same object."""
    headers = {"Stripe-Rate-Limited-Reason": "resource-specific", "Stripe-Should-Retry": "true"}
    return Refused(429, "Another request holds this object.", code="lock_timeout", began=False, headers=headers)


def of_status(status: int) -> Refused:
    """What a fault asked for."""
    if status >= 500:
        return Refused(status, "Something went wrong on the provider's side.", kind="api_error")
    if status == 429:
        return rate_limited("global-rate")
    if status == 402:
        return Refused(402, "The card was declined.", kind="card_error", code="card_declined")
    return Refused(status, f"The request was answered with {status}.", began=status not in (401, 403, 409))
