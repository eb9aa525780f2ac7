"""What differs between two JSON values, place by place: what was shown beside what would be written now."""

from collections.abc import Iterator, Mapping
from typing import Any

#: More places than this are another action, not a changed one; the rest is counted.
PLACES_MAX = 100


def difference(was: Any, now: Any) -> list[dict[str, Any]]:
    """Every place that differs: {"field": "body.items.0.amount_minor", "shown": ..., "now": ...}."""
    found = [{"field": place, "shown": one, "now": other} for place, one, other in _places("", was, now)]
    more = len(found) - PLACES_MAX
    return found[:PLACES_MAX] + ([{"field": f"({more} more)", "shown": None, "now": None}] if more > 0 else [])


def _places(at: str, was: Any, now: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        for name in sorted({*was, *now}):
            place = f"{at}.{name}" if at else str(name)
            if (name in was) != (name in now):
                yield place, was.get(name), now.get(name)  # also where what came or went is null
            else:
                yield from _places(place, was[name], now[name])
    elif isinstance(was, list) and isinstance(now, list):
        for number in range(max(len(was), len(now))):
            one, other = (value[number] if number < len(value) else None for value in (was, now))
            yield from _places(f"{at}.{number}", one, other)
    elif was != now or type(was) is not type(now):
        yield at or "(all)", was, now
