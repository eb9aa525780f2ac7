"""Reads what a request asks for, so that everything behind it can trust the shapes. Each refusal is a 400."""

from typing import Any

import msgspec

from sandbox.hubspot.kinds import Kind, find_kind
from sandbox.hubspot.refusals import Refusal, invalid, not_found
from sandbox.standin.base import Ask

#: HubSpot's limit for the rows of a batch.
ROWS_MAX = 100


def kind_of(name: str) -> Kind:
    """The kind that a path names. Raises: Refusal."""
    found = find_kind(name)
    if found is None:
        raise not_found(f"Unable to infer object type from: {name}")
    return found


def body_of(ask: Ask) -> dict[str, Any]:
    """The JSON object that was sent. Raises: Refusal."""
    if not ask.headers.get("content-type", "application/json").startswith("application/json"):
        raise Refusal(415, "VALIDATION_ERROR", "Unsupported media type: send application/json.")
    try:
        found = msgspec.json.decode(ask.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise invalid("Invalid input JSON") from None
    if not isinstance(found, dict):
        raise invalid("Invalid input JSON: not an object")
    return found


def rows_of(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The inputs of a batch. Raises: Refusal."""
    found = body.get("inputs")
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise invalid("inputs is a list of objects.")
    if len(found) > ROWS_MAX:
        raise invalid(f"The maximum number of inputs supported in a batch request is {ROWS_MAX}; got {len(found)}.")
    return found


def properties_of(row: dict[str, Any]) -> dict[str, Any]:
    """The values that a record shall have. Raises: Refusal."""
    found = row.get("properties", {})
    if not isinstance(found, dict):
        raise invalid("properties is an object.")
    return found


def wishes_of(row: dict[str, Any]) -> list[dict[str, Any]]:
    """The associations that a record shall have. Raises: Refusal."""
    found = row.get("associations") or []
    if not isinstance(found, list) or not all(isinstance(wish, dict) for wish in found):
        raise invalid("associations is a list of objects.")
    return found


def id_of(row: Any) -> str:
    """The id in `{"id": …}`. Raises: Refusal."""
    found = row.get("id") if isinstance(row, dict) else None
    if not isinstance(found, str | int) or isinstance(found, bool) or found == "":
        raise invalid("Some required fields were not set: [id]")
    return str(found)


def text_of(row: dict[str, Any], name: str) -> str | None:
    """A text that may be absent. Raises: Refusal."""
    found = row.get(name)
    if found is not None and not isinstance(found, str):
        raise invalid(f"{name} is text.")
    return found or None


def names_of(row: dict[str, Any], name: str) -> list[str]:
    """A list of names that may be absent. Raises: Refusal."""
    found = row.get(name) or []
    if not isinstance(found, list):
        raise invalid(f"{name} is a list.")
    return [str(each) for each in found]


def asked(ask: Ask, name: str) -> str | None:
    """A parameter of the query."""
    return next((value for key, value in ask.query if key == name), None)


def all_asked(ask: Ask, name: str) -> list[str]:
    """A parameter that may be repeated or separated by commas."""
    return [part for key, value in ask.query if key == name for part in value.split(",") if part]


def asked_number(ask: Ask, name: str, default: int, most: int) -> int:
    """A whole number of the query. Raises: Refusal."""
    text = asked(ask, name) or str(default)
    if not (text.isascii() and text.isdigit() and int(text) <= most):
        raise invalid(f"{name} is a whole number of at most {most}.")
    return int(text)
