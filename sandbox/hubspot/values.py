"""What value a property takes, and the form in which HubSpot keeps it.

Every value is kept and answered as text. What comes in as a number, a boolean or milliseconds goes out in HubSpot's own
form, so a client that compares what it sent with what it reads back has to know that form.
"""

import re
from collections.abc import Container
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from sandbox.hubspot.properties import Property

#: HubSpot's limit for one value.
VALUE_CHARS_MAX = 65_536
#: The years that Python can write; HubSpot's own bounds are not published.
_MS_MAX = 250_000_000_000_000

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")


class ValueRefused(Exception):
    """A property does not take this value."""

    def __init__(self, code: str, message: str) -> None:
        """Take HubSpot's code for it."""
        super().__init__(message)
        self.code = code


def as_text(definition: Property, raw: Any, owners: Container[str]) -> str:
    """Bring a value into the form in which HubSpot keeps it; empty text for none. Raises: ValueRefused."""
    if raw is None or raw == "":
        return ""
    if isinstance(raw, bool):
        raw = "true" if raw else "false"
    if not isinstance(raw, str | int | float):
        raise ValueRefused("INVALID_VALUE", "A value is text, a number or a boolean.")
    text = str(raw)
    if len(text) > VALUE_CHARS_MAX:
        raise ValueRefused("VALUE_TOO_LONG", f"A value has at most {VALUE_CHARS_MAX} characters.")
    if definition.name == "email":
        return _email(text)
    match definition.type:
        case "number" if number(text) is None:
            raise ValueRefused("INVALID_NUMBER", f"{text} was not a valid number.")
        case "bool" | "enumeration":
            _check_options(definition, text)
        case "owner" if text not in owners:
            raise ValueRefused("INVALID_OWNER_ID", f"Owner {text} does not exist.")
        case "datetime" | "date":
            return _time(text, whole_days=definition.type == "date")
    return text


def moment_ms(text: str) -> int | None:
    """Read milliseconds, a date, or an ISO time; None if it is none of them."""
    try:
        if text.isascii() and text.lstrip("-").isdigit():
            ms = int(text)
        else:
            moment = datetime.fromisoformat(text)
            ms = round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None
    return ms if 0 <= ms <= _MS_MAX else None


@lru_cache(4096)
def iso(ms: int) -> str:
    """A moment as HubSpot writes it: no fraction in a whole second, three digits in all others."""
    seconds, rest = divmod(ms, 1000)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{rest:03}Z" if rest else f"{text}Z"


def number(text: str) -> Decimal | None:
    """Read a number; None if it is none. Space around it counts as part of it."""
    try:
        found = Decimal(text) if text == text.strip() and "_" not in text else None
    except InvalidOperation:
        return None
    return found if found is not None and found.is_finite() else None


def _email(text: str) -> str:
    text = text.strip().lower()
    if not _EMAIL.fullmatch(text):
        raise ValueRefused("INVALID_EMAIL", f"Email address {text} is invalid")
    return text


def _check_options(definition: Property, text: str) -> None:
    allowed = ("true", "false") if definition.type == "bool" else definition.options
    for each in text.split(";") if definition.field_type == "checkbox" else (text,):
        if each not in allowed:
            raise ValueRefused("INVALID_OPTION", f"{each} was not one of the allowed options: [{', '.join(allowed)}]")


def _time(text: str, *, whole_days: bool) -> str:
    ms = moment_ms(text)
    if ms is None:
        raise ValueRefused("INVALID_DATE", f"{text} was not a valid time: neither milliseconds nor ISO 8601.")
    if not whole_days:
        return iso(ms)
    if ms % 86_400_000:
        raise ValueRefused("INVALID_DATE", f"{text} was not a valid date: it must be midnight in UTC.")
    return iso(ms)[:10]
