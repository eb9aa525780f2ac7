"""When something at Stripe can have happened: bounds for times in whole seconds."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from contracts.base import Violation

#: Stripe opened to the public in 2011; anything older is a broken clock or a wrong unit.
EARLIEST = int(datetime(2010, 1, 1, tzinfo=UTC).timestamp())
#: No webhook of this shape can be younger than this; milliseconds taken for seconds land far beyond.
LATEST = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp())
#: Clocks disagree by minutes; two days also cover an event that was created just before the payment settled.
AHEAD_SECONDS_MAX = 2 * 24 * 3600


def out_of_bounds(moments: Mapping[str, int | None], own: int | None, where: str) -> Iterator[Violation]:
    """The times that are none of an event of this time."""
    latest = LATEST if own is None else min(own + AHEAD_SECONDS_MAX, LATEST)
    for field, moment in moments.items():
        if moment is not None and not EARLIEST <= moment <= latest:
            yield Violation(
                field,
                "date_in_bounds",
                str(moment),
                f"{EARLIEST} to {latest} (seconds)",
                f"Compare with {where}; times are whole seconds, at most two days after the event.",
            )
