"""Gate: may this plan be written? Checks every effect against its destination before anything is recorded.

What needs the ledger's own state (staleness, keys that stand already) is decided inside the commit's transaction,
where it cannot change between look and act.
"""

from collections.abc import Mapping

from destinations.base import Destination, Effect, EffectInvalid
from engine.passing import Pass
from exceptions_queue import failures
from exceptions_queue.policy import PERIOD_LOCKED, policy


def gate(passing: Pass, destinations: Mapping[str, Destination]) -> None:
    """Refuse a plan that names an unknown destination, breaks its rules or the calendar, or uses one key twice.

    Raises: HandlerBug, OutOfBounds.
    """
    seen: set[str] = set()
    for effect in passing.effects:
        destination = destinations.get(effect.destination)
        if destination is None:
            raise failures.HandlerBug(f"no destination is called {effect.destination!r}", rule="unknown_destination")
        if effect.key in seen:
            raise failures.HandlerBug(f"two effects share the key {effect.key}", rule="key_twice")
        seen.add(effect.key)
        try:
            destination.check(effect)
        except EffectInvalid as invalid:
            raise failures.HandlerBug(
                str(invalid), rule=f"effect_invalid:{effect.operation}", destination=effect.destination
            ) from invalid
        held_by_calendar(effect)


def held_by_calendar(effect: Effect) -> None:
    """Nothing is booked into a period that is closed. Raises: OutOfBounds."""
    closed = policy().locked_period(effect.destination, effect.body)
    if closed is not None:
        raise failures.OutOfBounds(
            f"{effect.key}: {closed}",
            rule=PERIOD_LOCKED,
            destination=effect.destination,
            data={"key": effect.key},
            amount_minor=effect.amount.amount_minor if effect.amount else None,
            currency=effect.amount.currency if effect.amount else None,
        )
