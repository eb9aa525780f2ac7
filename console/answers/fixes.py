"""Rules that fill in what payloads lack, and what one would do."""

from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from console.fields import Moment, Shown
from counterfoil.lifecycle import FixState


class FixNumbers(Shown):
    """What a rule would do, in numbers."""

    blocked: int = Field(description="events of open cases that it fits")
    cases: int = Field(description="cases that these stand in")
    clears: int = Field(description="of the events: those that would go through")
    still: int = Field(description="those that would be blocked all the same")
    unsure: int = Field(description="those of which only asking others would tell")
    past: int = Field(description="events of the last 90 days that were done and that it fits")
    past_unsure: int = Field(description="of these: only asking others would tell")
    would_change: int = Field(description="past writes that would be others; they stay as they are")
    complete: bool = Field(description="false: there are more events than were looked at")


class Fix(Shown):
    """One rule."""

    id: UUID
    status: FixState
    source: str
    types: list[str]
    when: dict[str, Any] = Field(description="conditions by path; null is missing")
    set: dict[str, str] = Field(description="what stands there instead")
    words: str = Field(description="the same as a sentence")
    digest: str = Field(description="of what it says; an approval repeats it")
    preview: FixNumbers | None = Field(description="what it would have done when it was proposed")
    author: str
    reason: str
    proposed_at: Moment
    approver: str | None
    approved_at: Moment | None
    approval_reason: str | None
    replay_id: UUID | None = Field(description="the replay of what it cleared")
    withdrawn_by: str | None
    withdrawn_at: Moment | None
    withdrawal_reason: str | None


class FixBlocked(Shown):
    """One event of an open case that the rule fits."""

    event_id: UUID
    case_id: UUID
    fate: Literal["clears", "still", "unsure"]
    why: str | None
    failure_class: str | None


class FixChange(Shown):
    """One write of the past that would be another one."""

    event_id: UUID
    key: str
    change: str


class FixPreview(Shown):
    """What a rule would do; nothing is kept."""

    words: str
    summary: str = Field(description="the numbers as a sentence")
    digest: str
    numbers: FixNumbers
    blocked: list[FixBlocked]
    changed: list[FixChange]
