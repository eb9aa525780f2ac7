"""What a handler may return: a closed set. Anything else is a bug of the handler and becomes a case.

Outcome
├── Plan          these effects, in this order, with the evidence
├── Skip          nothing to do, and why
├── Snooze        not yet; look again after so many seconds
└── NeedsPerson   code cannot decide this one; failure class, reason, money at stake
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contracts.money import Money
from destinations.base import Effect

#: Longer than any provider keeps an event for fetching; whoever must wait longer needs a person.
SNOOZE_SECONDS_MAX = 30 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Plan:
    """The ordered effects that a handler wants. Nothing is written yet.

    `also`: by destination, what makes effects for one that an installation may do without. Where it is not configured
    nothing is made and the run says so; where it is, they come after the others.
    """

    effects: tuple[Effect, ...]
    evidence: dict[str, Any] = field(default_factory=dict)
    also: Mapping[str, Callable[[], Sequence[Effect]]] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        if not self.effects:
            raise ValueError("a plan without effects says nothing; return Skip with the reason")
        if len({effect.key for effect in self.effects}) < len(self.effects):
            raise ValueError("two effects of one plan share a key; the second could never be written")

    def whole(self, has: Callable[[str], bool]) -> tuple[Effect, ...]:
        """All effects, of those that installations may do without the ones whose destination this one has."""
        return self.effects + tuple(effect for name, make in self.also.items() if has(name) for effect in make())


@dataclass(frozen=True, slots=True)
class Skip:
    """Nothing to do for this event."""

    reason: str

    def __post_init__(self) -> None:
        _say_why(self.reason)


@dataclass(frozen=True, slots=True)
class Snooze:
    """Look again later."""

    seconds: int
    reason: str

    def __post_init__(self) -> None:
        _say_why(self.reason)
        if not 1 <= self.seconds <= SNOOZE_SECONDS_MAX:
            raise ValueError(f"snooze for 1 to {SNOOZE_SECONDS_MAX} seconds, not {self.seconds}")


@dataclass(frozen=True, slots=True)
class NeedsPerson:
    """A person decides; the failure class names the owner."""

    failure_class: str
    reason: str
    amount: Money | None = None

    def __post_init__(self) -> None:
        _say_why(self.reason)


Outcome = Plan | Skip | Snooze | NeedsPerson


def _say_why(reason: str) -> None:
    if not reason.strip():
        raise ValueError("say why: an outcome without a reason helps nobody")
