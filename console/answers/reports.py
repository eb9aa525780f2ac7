"""What a review is made of: a week in numbers, and what is not covered."""

from typing import Literal

from pydantic import Field

from console.fields import Moment, Money, Shown


class Gap(Shown):
    """One thing that nothing or nobody covers, or not wholly."""

    kind: Literal["event_type", "handler", "question", "source", "deputy", "owner", "absence", "case"]
    name: str
    words: str = Field(description="what that means, as a sentence")
    count: int | None = Field(description="events or cases that it concerns, where they were counted")


class Coverage(Shown):
    """What arrives and nobody handles, what is not let out, and who has no deputy."""

    since: Moment
    until: Moment
    statement: str = Field(description="the whole in one sentence")
    gaps: list[Gap]


class HandlerWeek(Shown):
    """One handler in a week."""

    handler: str
    events: int
    done: int
    exceptions: int
    milliseconds_p50: float | None
    milliseconds_p95: float | None
    written: list[Money]


class ClassWeek(Shown):
    """One class of failure in a week."""

    failure_class: str = Field(alias="class")
    opened: int
    closed: int
    hours_to_close_p50: float | None


class RolloutStep(Shown):
    """A handler that was let out further, or less far."""

    handler: str
    mode: str
    share: float | None
    changed_by: str
    changed_at: Moment
    reason: str


class Weekly(Shown):
    """The review pack of seven days."""

    since: Moment
    until: Moment
    received: int
    done: int
    set_aside: int = Field(description="ignored or superseded, each with its reason")
    on_their_way: int
    exceptions: int
    duplicates: int
    milliseconds_p50: float | None = Field(description="from the delivery to the end")
    milliseconds_p95: float | None
    runs: int
    cost_micro_usd: int = Field(description="what hosted answers cost, in millionths of a US dollar")
    written: list[Money]
    blocked: list[Money] = Field(description="what open cases hold up now")
    cases_open: int
    oldest_case_at: Moment | None
    in_doubt: int
    reversed: int = Field(description="writes that were taken back")
    handlers: list[HandlerWeek]
    classes: list[ClassWeek]
    rollouts: list[RolloutStep] = Field(description="newest first, at most 50")
    coverage: Coverage
