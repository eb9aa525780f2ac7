"""Lengths of time as people write them: `30m`, `4h`, `2d`."""

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator

_SHAPE = re.compile(r"([0-9]{1,5})(m|h|d)")
_UNIT_MINUTES = {"m": 1, "h": 60, "d": 1440}

#: Nobody answers faster than this, and every rung of a ladder would fire in one night.
SHORTEST = timedelta(minutes=1)
#: What may wait longer than a month is not an exception but a plan.
LONGEST = timedelta(days=30)


def parse(text: Any) -> timedelta:
    """`4h` as a timedelta. Raises: ValueError in words."""
    match = _SHAPE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError('is not a length of time: write it like "30m", "4h" or "2d"')
    length = timedelta(minutes=int(match[1]) * _UNIT_MINUTES[match[2]])
    if not SHORTEST <= length <= LONGEST:
        raise ValueError(f"is {text}; between {shown(SHORTEST)} and {shown(LONGEST)} makes sense")
    return length


def shown(length: timedelta) -> str:
    """The length as it would be written, in the largest unit that divides it."""
    minutes = int(length.total_seconds()) // 60
    for unit, size in (("d", 1440), ("h", 60)):
        if minutes and minutes % size == 0:
            return f"{minutes // size}{unit}"
    return f"{minutes}m"


Duration = Annotated[timedelta, BeforeValidator(parse)]
