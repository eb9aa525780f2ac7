"""What holds the automations: pauses, how far a handler is let out and why, what shadow holds, how destinations are."""

from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from console.fields import Moment, Money, Shown
from counterfoil.lifecycle import WriteState


class Pause(Shown):
    """Nothing of this name is written until somebody lifts it."""

    scope: Literal["source", "handler", "destination", "action"]
    name: str
    reason: str
    paused_by: str
    paused_at: Moment
    events_parked: int = Field(description="events that wait for its end")


class Lifted(Shown):
    """A pause that is over."""

    scope: str
    name: str
    events_due: int = Field(description="events that go on, in the order in which they occurred")


class RolloutChange(Shown):
    """One line of a handler's history."""

    mode: Literal["shadow", "partial", "full", "paused"]
    share: float | None
    segment: dict[str, Any] | None
    evidence: dict[str, Any] = Field(description="what people had decided, and what became of its writes, by then")
    reason: str
    changed_by: str
    changed_at: Moment


class NextStep(Shown):
    """The next wider setting, and what speaks for it or against it."""

    mode: Literal["partial", "full"]
    share: float | None
    allowed: bool = Field(description="whether it may be taken without force")
    because: str


class Rollout(Shown):
    """How far a handler is let out."""

    handler: str
    mode: Literal["shadow", "partial", "full", "paused"]
    share: float | None
    segment: dict[str, Any] | None
    reason: str | None
    changed_by: str | None
    changed_at: Moment | None
    paused: Pause | None = Field(description="while it is paused; its own mode comes back with the end of it")
    decisions: dict[str, Any] | None = Field(description="what people decided about its plans since this step")
    next_step: NextStep | None
    history: list[RolloutChange] = Field(description="newest first")


class ShadowTotal(Shown):
    """Of one operation: how much would have been written."""

    destination: str
    operation: str
    writes: int
    records: int = Field(description="different records or subjects")
    sums: list[Money]


class ShadowWrite(Shown):
    """One write that was planned and not sent."""

    write_id: UUID
    event_id: UUID
    key: str
    destination: str
    operation: str
    title: str
    lines: list[str] = Field(description="what it would have done, as a person is shown it")
    amount: Money | None
    digest: str = Field(description="a review repeats it")
    agreed: int = Field(description="people who found it right")
    disagreed: int
    created_at: Moment


class Shadow(Shown):
    """What a handler would have written."""

    handler: str
    writes: int
    events: int
    totals: list[ShadowTotal]
    examples: list[ShadowWrite] = Field(description="the newest; those that nobody has reviewed first")


class Destination(Shown):
    """How a destination is, and what waits for it."""

    name: str
    safety: str
    breaker: Literal["closed", "open", "half_open"]
    since: Moment | None = Field(description="when it stopped answering")
    look_at: Moment | None = Field(description="when somebody looks, with a read, whether it is back")
    failures: int = Field(description="in a row")
    detail: str | None = Field(description="what it said last, or why nobody could ask")
    rate_per_second: float | None = Field(description="requests that all workers together may send")
    tokens: float | None = Field(description="requests that may go out now; below zero: none for a while")
    waiting: int = Field(description="writes on their way to it")
    of_replays: int = Field(description="of those, how many replays caused")
    oldest_seconds: float | None = Field(description="age of the oldest of them")
    paused_by: str | None


class Reviewed(Shown):
    """What people think of one write."""

    write_id: UUID
    key: str
    handler: str
    status: WriteState
    digest: str
    agreed: int
    disagreed: int
