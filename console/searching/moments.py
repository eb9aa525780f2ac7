"""Times as people type them, as spans of UTC: a day is a whole day, a time of day a minute, `3h` that long ago."""

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

EXAMPLES = "yesterday, today, 2026-11-20, 2026-11-20T15:00, yesterday@3pm, 15:30, 90m, 3h, 7d"

_AGO = re.compile(r"(\d{1,5})(m|min|h|d|w)")
_UNITS = {"m": "minutes", "min": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_HOUR = re.compile(r"(\d{1,2})(?::(\d{2})(?::(\d{2}))?)?\s*(am|pm)?")
#: `T`, `@`, a blank or a dash between day and time.
_PARTS = re.compile(r"(?P<day>yesterday|today|\d{4}-\d{2}-\d{2})(?:[T@ -]\s*(?P<hour>\S.*))?", re.IGNORECASE)
_DAY_LENGTH, _MINUTE = timedelta(days=1), timedelta(minutes=1)


class Span(NamedTuple):
    """From a moment up to another, which does not belong to it."""

    begins: datetime
    ends: datetime

    @property
    def is_day(self) -> bool:
        """Whether no time of day was said."""
        return self.ends - self.begins >= _DAY_LENGTH


def span(text: str, now: datetime) -> Span:
    """What a text means at this moment. Raises: ValueError in words."""
    text = text.strip()
    try:
        found = _found(text, now)
        # Whoever looks around a time needs a day on either side of it.
        _ = found.begins - _DAY_LENGTH, found.ends + _DAY_LENGTH
        return found
    except (ValueError, OverflowError):
        raise ValueError(f"“{text}” is not a time; write one like {EXAMPLES} (UTC)") from None


def _found(text: str, now: datetime) -> Span:
    ago = _AGO.fullmatch(text.lower())
    if ago is not None:
        moment = now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        return Span(moment, moment + _MINUTE)
    if text.lower() == "now":
        return Span(now, now + _MINUTE)
    parts = _PARTS.fullmatch(text.removesuffix("Z").removesuffix("z"))
    if parts is not None:
        return _on(_day(parts["day"].lower(), now), parts["hour"])
    return _on(_day("today", now), text)


def _day(text: str, now: datetime) -> datetime:
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if text in ("today", "yesterday"):
        return today - _DAY_LENGTH * (text == "yesterday")
    found = _DAY.fullmatch(text)
    assert found is not None, "Bug: the pattern of parts has let it through"
    return datetime(int(found[1]), int(found[2]), int(found[3]), tzinfo=UTC)


def _on(day: datetime, hour: str | None) -> Span:
    if hour is None:
        return Span(day, day + _DAY_LENGTH)
    found = _HOUR.fullmatch(hour.lower())
    if found is None or (found[2] is None and found[4] is None):
        raise ValueError
    number = int(found[1])
    if found[4] is not None:
        if not 1 <= number <= 12:
            raise ValueError
        number = number % 12 + 12 * (found[4] == "pm")
    moment = day.replace(hour=number, minute=int(found[2] or 0), second=int(found[3] or 0))
    return Span(moment, moment + _MINUTE)
