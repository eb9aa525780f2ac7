"""What a handler may return: a closed set. Anything else is a bug of the handler and becomes a case.

Outcome
├── Plan          these effects, in this order, with the evidence
├── Skip          nothing to do, and why
├── Snooze        not yet; look again after so many seconds
└── NeedsPerson   code cannot decide this one; failure class, reason, money at stake
"""

from dataclasses import dataclass, field
from typing import Any

from contracts.money import Money
from destinations.base import Effect

#: Longer than any provider keeps an event for fetching; whoever must wait longer needs a person.
SNOOZE_SECONDS_MAX = 30 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Plan:
    """The ordered effects that a handler wants. Nothing is written yet.

    `also`: effects for destinations that an installation may do without. Where one is not configured, its effects are
    left out and the run says so; where it is, they come after the others.
    """

    effects: tuple[Effect, ...]
    evidence: dict[str, Any] = field(default_factory=dict)
    also: tuple[Effect, ...] = ()

    def __post_init__(self) -> None:
        if not self.effects:
            raise ValueError("a plan without effects says nothing; return Skip with the reason")
        every = self.effects + self.also
        if len({effect.key for effect in every}) < len(every):
            raise ValueError("two effects of one plan share a key; the second could never be written")


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
