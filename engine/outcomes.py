"""What a handler may return: a closed set. Anything else is a bug of the handler and becomes a case.

Outcome
├── Plan          these effects, in this order, with the evidence
├── Skip          nothing to do, and why
├── Snooze        not yet; look again after so many seconds
└── NeedsPerson   code cannot decide this one; failure class, reason, money at stake
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from contracts.money import Money
from destinations.base import Effect

#: Longer than any provider keeps an event for fetching; whoever must wait longer needs a person.
SNOOZE_SECONDS_MAX = 30 * 24 * 3600


class UnknownOutcome(TypeError):
    """A handler returned something that is no outcome."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The ordered effects that a handler wants. Nothing is written yet."""

    effects: tuple[Effect, ...]
    evidence: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.effects:
            raise ValueError("a plan without effects says nothing; return Skip with the reason")
        if len({effect.key for effect in self.effects}) < len(self.effects):
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

_NAMES: dict[type[Outcome], str] = {Plan: "plan", Skip: "skip", Snooze: "snooze", NeedsPerson: "needs_person"}


def outcome_of(returned: object) -> Outcome:
    """What a handler returned, if it is one of the four. Raises: UnknownOutcome."""
    if isinstance(returned, Plan | Skip | Snooze | NeedsPerson):
        return returned
    raise UnknownOutcome(f"a handler returns Plan, Skip, Snooze or NeedsPerson, not {type(returned).__name__}")


def as_json(outcome: Outcome) -> dict[str, Any]:
    """The outcome as a document, for checkpoints and comparison."""
    document: dict[str, Any] = {"outcome": _NAMES[type(outcome)]}
    match outcome:
        case Plan(effects, evidence):
            return document | {"effects": [effect.as_json() for effect in effects], "evidence": evidence}
        case Skip(reason):
            return document | {"reason": reason}
        case Snooze(seconds, reason):
            return document | {"seconds": seconds, "reason": reason}
        case NeedsPerson(failure_class, reason, amount):
            return document | {
                "failure_class": failure_class,
                "reason": reason,
                "amount": amount.as_json() if amount else None,
            }


def from_json(document: Mapping[str, Any]) -> Outcome:
    """The outcome that `as_json` made the document of. Raises: UnknownOutcome."""
    fields = {name: value for name, value in document.items() if name != "outcome"}
    match document.get("outcome"):
        case "plan":
            return Plan(tuple(Effect.from_json(effect) for effect in fields["effects"]), fields["evidence"])
        case "skip":
            return Skip(**fields)
        case "snooze":
            return Snooze(**fields)
        case "needs_person":
            amount = fields["amount"]
            return NeedsPerson(
                fields["failure_class"],
                fields["reason"],
                Money(amount["amount_minor"], amount["currency"]) if amount else None,
            )
    raise UnknownOutcome(f"no outcome is called {document.get('outcome')!r}")


def _say_why(reason: str) -> None:
    if not reason.strip():
        raise ValueError("say why: an outcome without a reason helps nobody")
