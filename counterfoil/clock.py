"""The only reader of time in Python code.

Leases, due times and schedules use the database's clock instead (`now()` in SQL), because workers' clocks
disagree; what is read here decides signature ages, durations and identifiers only.
"""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """The current moment, aware, in UTC."""
    return datetime.now(UTC)


def unix_seconds() -> float:
    """Seconds since the epoch; what signature ages are measured with."""
    return time.time()


def ticks_seconds() -> float:
    """A clock that never goes back, for durations and deadlines."""
    return time.perf_counter()


def rfc3339(moment: datetime | None) -> str | None:
    """A moment as the API writes it: RFC 3339 in UTC with a `Z`."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
