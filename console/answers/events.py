"""Events, and what may be asked about one: everything, the five answers, what a replay would change."""

from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from console.answers.audit import Audit
from console.answers.cases import Case, CaseMember, Notification
from console.answers.judgement import Classification
from console.answers.runs import Run
from console.answers.writes import Write
from console.fields import Moment, Shown
from counterfoil.lifecycle import EventState


class Event(Shown):
    """One business event."""

    id: UUID
    source: str
    key: str
    type: str
    subject: str | None
    status: EventState
    occurred_at: Moment | None
    received_at: Moment
    finished_at: Moment | None
    deliveries: int = Field(description="how often it arrived")
    handler: str | None
    owner: str | None = Field(description="who owns its open case, now; null without one")
    case_id: UUID | None
    outcome: str | None = Field(description="what became of it, in words")
    due_at: Moment | None = Field(description="when it moves by itself; null: it does not")
    generation: int = Field(description="how often it was started from the beginning")
    api_version: str | None
    account: str | None
    livemode: bool | None


class Correction(Shown):
    """One corrected copy of a payload."""

    version: int
    author: str | None
    reason: str | None
    recorded_at: Moment
    payload: Any


class SameFact(Shown):
    """Another event that tells a business fact which this one tells."""

    fact: str
    event_id: UUID
    source: str
    type: str
    key: str
    status: EventState
    outcome: str | None


class CausedBy(Shown):
    """The write of ours without which the event would not have come."""

    write_id: UUID
    write: str = Field(description="its key")
    destination: str
    event_id: UUID = Field(description="the event that the write was made for")
    part: str = Field(description="what of the write came back")


class Caused(Shown):
    """An event that came because of what was written for this one."""

    write_id: UUID
    write: str = Field(description="its key")
    event_id: UUID
    type: str
    key: str
    status: EventState
    part: str = Field(description="what of the write came back")


class EventDetail(Event):
    """An event with everything that is known about it."""

    payload: Any = Field(description="the current version; text when it is not JSON")
    payload_version: int
    original_payload: Any = Field(description="as received, when a person corrected it; else null")
    corrections: list[Correction]
    fault: dict[str, Any] | None = Field(description="what the door found wrong with it")
    runs: list[Run]
    classifications: list[Classification] = Field(description="what was decided about its items, at most 200")
    writes: list[Write]
    cases: list[Case]
    incidents: list[CaseMember] = Field(description="what exactly was wrong with it, per case")
    notifications: list[Notification]
    same_fact: list[SameFact] = Field(description="other events that tell what it tells, at most 200")
    caused_by: CausedBy | None = Field(description="the write of ours that came back as this event")
    caused: list[Caused] = Field(description="events that came back from its writes, at most 200")
    audit: list[Audit]


class Answered(Shown):
    """One of the five answers: a sentence, and the facts it rests on."""

    summary: str
    facts: list[dict[str, Any]]


class Explanation(Shown):
    """What ran, what succeeded, what failed, which records, who was told; and which events belong to it."""

    event_id: UUID
    summary: str
    ran: Answered
    succeeded: Answered
    failed: Answered
    records: Answered
    notified: Answered
    same_fact: Answered
    caused_by: Answered
    caused: Answered


class Queued(Shown):
    """An event that goes back to the start; follow it at `GET /events/{id}`."""

    event_id: UUID
    status: Literal["queued"]
    generation: int
    from_step: str = Field(alias="from")


class Difference(Shown):
    """What a replay would change. Nothing was sent or written."""

    event_id: UUID
    dry_run: Literal[True]
    was: dict[str, Any] = Field(description="state and outcome now")
    would: dict[str, Any] = Field(description="state, outcome and writes of a run today")
    difference: list[dict[str, Any]] = Field(
        description="per write key: `same`, `would_write`, `other_content` or `no_longer_planned`"
    )
    outbound_calls: int = Field(description="requests to others that this took: none")
