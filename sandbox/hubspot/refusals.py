"""How HubSpot says no: one exception that any rule may raise, and the bodies of what no rule decides.

Every field of an error may be missing in reality; `bare_error` (a fault) leaves out all of them.
https://developers.hubspot.com/docs/api-reference/error-handling
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from sandbox.standin.base import Answer

JSON_TYPE = {"Content-Type": "application/json;charset=utf-8"}

#: How long an account that is being moved to another data centre asks one to wait.
MIGRATION_SECONDS = 3

# Above 520 it is the network before HubSpot that answers, and it speaks HTML.
_FROM_THE_EDGE = range(520, 530)

_MESSAGES = {
    400: ("VALIDATION_ERROR", "Invalid input (details will vary based on the error)"),
    401: ("INVALID_AUTHENTICATION", "Authentication credentials not found."),
    403: ("BANNED", "Access to this account is forbidden."),
    404: ("OBJECT_NOT_FOUND", "resource not found"),
    409: ("CONFLICT", "The request conflicts with another one."),
    423: ("LOCKED", "The resource is locked; too many writes in a short time."),
    477: ("MIGRATION_IN_PROGRESS", "This account is being moved between data centres."),
}


class Refusal(Exception):
    """HubSpot does not do it."""

    def __init__(
        self,
        status: int,
        category: str,
        message: str,
        *,
        errors: list[dict[str, Any]] | None = None,
        context: dict[str, list[str]] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        """Take what the body is made of; `extra` are members that only some errors have."""
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {"status": "error", "message": message, "category": category}
        if errors:
            self.body["errors"] = errors
        if context:
            self.body["context"] = context
        self.body |= extra or {}

    def row(self, trace_id: str | None = None) -> dict[str, Any]:
        """The same as one element of a 207."""
        context = dict(self.body.get("context", {}))
        if trace_id is not None:
            context["objectWriteTraceId"] = [trace_id]
        return {**self.body, "context": context, "errors": self.body.get("errors", []), "links": {}}


def not_found(message: str = "resource not found") -> Refusal:
    """There is no such thing."""
    return Refusal(404, "OBJECT_NOT_FOUND", message)


def invalid(message: str, **more: Any) -> Refusal:
    """The request is not as it should be."""
    return Refusal(400, "VALIDATION_ERROR", message, **more)


def invalid_properties(problems: list[dict[str, Any]]) -> Refusal:
    """Values that a record cannot take: told twice, as text inside the message and as a list."""
    text = msgspec.json.encode(problems).decode()
    errors = [
        {"message": each["message"], "code": each["error"], "context": {"propertyName": [each["name"]]}}
        for each in problems
    ]
    return invalid(f"Property values were not valid: {text}", errors=errors)


def missing_scopes(scopes: list[str]) -> Refusal:
    """The token may not do this."""
    detail = {"message": "One or more of the following scopes are required.",
              "context": {"requiredGranularScopes": scopes}}  # fmt: skip
    message = "This app hasn't been granted all required scopes to make this call."
    return Refusal(403, "MISSING_SCOPES", message, errors=[detail], extra={"links": {}})


def rate_limited(policy: str) -> Refusal:
    """A 429. HubSpot sends no Retry-After with it: how long to wait follows from the policy's name."""
    message = f"You have reached your {policy.lower()} limit."
    return Refusal(429, "RATE_LIMITS", message, extra={"errorType": "RATE_LIMIT", "policyName": policy})


def of_status(status: int, correlation_id: str) -> Answer:
    """The answer that HubSpot, or the network before it, gives with this status."""
    if status == 429:
        return as_answer(rate_limited("TEN_SECONDLY_ROLLING"), correlation_id)
    if status in _FROM_THE_EDGE or status in (502, 504):
        page = f"<html><head><title>{status}</title></head><body>The origin did not answer.</body></html>"
        return Answer(status, page.encode(), {"Content-Type": "text/html; charset=UTF-8"})
    category, message = _MESSAGES.get(status, ("INTERNAL_ERROR", "internal error"))
    answer = as_answer(Refusal(status, category, message), correlation_id)
    if status == 477:
        return answer._replace(headers={**answer.headers, "Retry-After": str(MIGRATION_SECONDS)})
    return answer


def as_answer(refusal: Refusal, correlation_id: str) -> Answer:
    """A refusal on the wire."""
    body = {**refusal.body, "correlationId": correlation_id}
    headers = {**JSON_TYPE, "X-HubSpot-Correlation-Id": correlation_id}
    return Answer(refusal.status, msgspec.json.encode(body), headers)
