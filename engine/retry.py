"""When a failure heals by itself, how long until the next look, and when patience ends.

The seconds inside one call belong to tenacity, where the call is made. This is the second level: hours, kept as
`due_at` in the ledger, so that a restart forgets nothing.
"""

import hashlib
from collections.abc import Mapping

#: Waits in seconds before attempt 2, 3, …; after the last one the failure becomes a case. The sums are what an owner
#: would wait for anyway: a missing record usually appears within the hour, an outage within the working day.
SCHEDULES: Mapping[str, tuple[float, ...]] = {
    "context_missing": (15, 60, 300, 900, 1800),
    "model_unavailable": (10, 60, 300, 900),
    "destination_unavailable": (10, 30, 120, 600, 1800, 3600, 7200, 14400),
    "write_in_doubt": (5, 30, 120, 600, 1800),
}

#: Share by which a wait is stretched, so that a thousand events that failed together do not return together.
SPREAD = 0.25


def next_wait_seconds(failure_class: str, attempt: int, event_key: str) -> float | None:
    """Seconds until the next attempt after `attempt` (from 1), or None when it is time for a person.

    The spread comes from the event's key, not from chance, so that a run can be repeated exactly.
    """
    waits = SCHEDULES.get(failure_class, ())
    if attempt > len(waits):
        return None
    share = hashlib.sha256(f"{event_key}/{attempt}".encode()).digest()[0] / 255
    return waits[attempt - 1] * (1 + SPREAD * share)
