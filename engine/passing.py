"""What walks through the steps: one event's pass, and the verdict that ends it.

Verdict   done | ignored | superseded          nothing more to do
          waiting (until a time, or a person)   ─┐ carries the failure that
          exception (a case)                    ─┘ names class, rule and owner
          queued (again, later)
"""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from contracts.base import Contract
from contracts.fixes import Applied
from contracts.money import Money
from counterfoil import clock, keys
from counterfoil.ledger.claim import Claimed
from counterfoil.lifecycle import EventState
from destinations.base import Effect
from engine.registry import HandlerSpec
from exceptions_queue.failures import Failure


@dataclass(slots=True)
class Verdict:
    """How an event comes to rest after a pass."""

    status: EventState
    outcome: str  #: one sentence for people
    failure: Failure | None = None  #: set: a case is opened (or, when `due_seconds` is set too, not yet)
    due_seconds: float | None = None  #: when it moves again by itself
    cause: BaseException | None = None  #: the exception behind a failure, for error reports


class Timed:
    """Records one step, however it ends. A class, because a generator costs three times as much, and every event
    passes four."""

    __slots__ = ("_began", "_record", "_steps")

    def __init__(self, steps: list[dict[str, Any]], name: str, input_hash: str | None) -> None:
        self._steps = steps
        self._record: dict[str, Any] = {"step": name, "input_hash": input_hash}

    def __enter__(self) -> dict[str, Any]:
        self._began = clock.ticks_seconds()
        return self._record

    def __exit__(self, *_: object) -> None:
        self._record["ms"] = round((clock.ticks_seconds() - self._began) * 1000, 3)
        self._steps.append(self._record)


@dataclass(slots=True)
class Pass:
    """One event on its way through one handler."""

    event: Claimed
    dry: bool = False  #: nothing may be asked or recorded: only what is known already counts
    apart: bool = False  #: it walks alone and may wait for others
    run_id: UUID = field(default_factory=keys.new_id)
    spec: HandlerSpec | None = None
    contract: Contract | None = None
    contract_version: str | None = None
    money: Money | None = None
    context: dict[str, Any] = field(default_factory=dict)
    effects: tuple[Effect, ...] = ()
    #: Destinations for which nothing was planned, because this installation does without them.
    left_out: tuple[str, ...] = ()
    evidence: dict[str, Any] = field(default_factory=dict)
    verdict: Verdict | None = None
    #: What the event tells, by the names under which other events tell it too.
    facts: tuple[str, ...] = ()
    #: The key of the write of ours that caused the event.
    caused_by: str | None = None
    #: The pause that holds its writes, e.g. `destination:books`.
    parked: str | None = None
    steps: list[dict[str, Any]] = field(default_factory=list)
    #: Of the payload: what check and plan are functions of.
    payload_hash: str = ""
    #: The payload with what active fixes filled in, and by which; None: as it was received or corrected.
    mended: str | None = None
    applied: tuple[Applied, ...] = ()
    began: float = field(default_factory=clock.ticks_seconds)
    took_seconds: float = 0.0

    @property
    def body(self) -> str:
        """The payload that contract, reads and plan go by."""
        return self.event.body if self.mended is None else self.mended

    def end(self) -> None:
        """The pass is over but for its commit: the parsed payload goes now, not when its whole group is committed."""
        self.took_seconds = clock.ticks_seconds() - self.began
        self.contract = self.mended = None

    def timed(self, name: str, input_hash: str | None = None) -> "Timed":
        """Record a step with its duration and what it looked at; the step adds what came of it as `output`."""
        return Timed(self.steps, name, input_hash or self.payload_hash)
