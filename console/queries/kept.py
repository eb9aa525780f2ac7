"""Counts over very many rows, kept for seconds: whoever looks twice in a moment does not wait twice.

Few rows are counted each time; whoever changed something sees it at once.
"""

from collections.abc import Callable, Hashable
from typing import Any, Final, TypeVar

from counterfoil import clock, database

Found = TypeVar("Found")

#: From so many rows on.
MANY: Final = 5_000
SECONDS: Final = 20.0
#: Of different counts; the oldest go first.
KEPT_MAX: Final = 50
_kept: dict[tuple[Hashable, ...], tuple[float, Any]] = {}


def find(name: tuple[Hashable, ...], count: Callable[[], Found], *, is_costly: Callable[[Found], bool]) -> Found:
    """The count of this name, as it is or was a moment ago."""
    key, now = (database.url(), *name), clock.ticks_seconds()
    known = _kept.get(key)
    if known is not None and now - known[0] < SECONDS:
        found: Found = known[1]
        return found
    found = count()
    _kept.pop(key, None)
    if is_costly(found):
        _kept[key] = (now, found)
        for oldest in list(_kept)[:-KEPT_MAX]:
            _kept.pop(oldest, None)
    return found
