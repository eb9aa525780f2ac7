"""What is answered: one model per row, detail and result, for the API and for the commands with `--json`."""

from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import Field

from console.fields import Moment, Money, Shown
from counterfoil.lifecycle import CaseState, EventState, ReplayState, WriteState

Item = TypeVar("Item")


class Page(Shown, Generic[Item]):
    """One page of a list, newest first; `next_cursor` leads to the next page, null ends it."""

    items: list[Item]
    next_cursor: str | None


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


class Step(Shown):
    """One step of a run."""

    step: str
    input_hash: str | None = Field(None, description="16 hex characters of what the step looked at")
    output: Any = Field(None, description="what came of it: the contract, what was asked, the write keys, …")
    ms: float | None = Field(None, description="its duration; the commit's is its group's and not told per event")
    cost: Money | None = Field(None, description="what it cost at a model's vendor; null: nothing")
    attempt: int
    code_version: str | None = Field(description="of the handler's file")


class Run(Shown):
    """One pass of one event through one handler."""

    id: UUID
    event_id: UUID
    handler: str | None
    handler_version: str | None
    contract: str | None
    status: str
    failure_class: str | None
    detail: str | None
    generation: int
    attempt: int
    worker: str | None
    replay_id: UUID | None
    started_at: Moment
    finished_at: Moment
    steps: list[Step]


class Write(Shown):
    """One effect at a destination, unique by its key for ever."""

    id: UUID
    key: str
    destination: str
    operation: str
    status: WriteState
    subject: str | None
    amount: Money | None
    event_id: UUID
    run_id: UUID | None
    handler: str | None
    attempts: int
    digest: str
    receipt: dict[str, Any] | None
    detail: str | None
    created_at: Moment
    confirmed_at: Moment | None


class Case(Shown):
    """An item in the exceptions queue."""

    id: UUID
    failure_class: str = Field(alias="class")
    title: str
    status: CaseState
    owner: str = Field(description="who answers for it now")
    source: str | None
    handler: str | None
    destination: str | None
    events: list[UUID] = Field(description="the newest of its events, at most 20")
    count: int = Field(description="how many events it holds")
    at_stake: list[Money] = Field(description="money of events that are still blocked, per currency")
    opened_at: Moment
    due_at: Moment | None
    snoozed_until: Moment | None
    acknowledged_by: str | None
    escalated_to: str | None
    closed_at: Moment | None
    closed_by: str | None
    close_reason: str | None
    advice: str


class CaseMember(Shown):
    """One event inside a case and what exactly was wrong with it."""

    case_id: UUID
    event_id: UUID
    source: str | None
    key: str | None
    type: str | None
    status: EventState | None
    amount: Money | None
    detail: dict[str, Any]
    added_at: Moment
    cleared_at: Moment | None


class Notification(Shown):
    """The receipt of telling one person."""

    id: UUID
    case_id: UUID
    kind: str
    recipient: str
    channel: str | None
    status: str
    attempts: int
    detail: str | None
    created_at: Moment
    sent_at: Moment | None


class Audit(Shown):
    """One entry of the audit chain."""

    lane: str
    seq: int
    at: str
    actor: str
    action: str
    subject: str | None
    detail: Any
    hash: str


class Correction(Shown):
    """One corrected copy of a payload."""

    version: int
    author: str | None
    reason: str | None
    recorded_at: Moment
    payload: Any


class CaseDetail(Case):
    """A case with its events, who was told, and its history."""

    detail: dict[str, Any]
    members: list[CaseMember] = Field(description="the newest 200 events, blocked ones and cleared ones")
    notifications: list[Notification]
    audit: list[Audit]


class EventDetail(Event):
    """An event with everything that is known about it."""

    payload: Any = Field(description="the current version; text when it is not JSON")
    payload_version: int
    original_payload: Any = Field(description="as received, when a person corrected it; else null")
    corrections: list[Correction]
    fault: dict[str, Any] | None = Field(description="what the door found wrong with it")
    runs: list[Run]
    writes: list[Write]
    cases: list[Case]
    incidents: list[CaseMember] = Field(description="what exactly was wrong with it, per case")
    notifications: list[Notification]
    audit: list[Audit]


class Answered(Shown):
    """One of the five answers: a sentence, and the facts it rests on."""

    summary: str
    facts: list[dict[str, Any]]


class Explanation(Shown):
    """What ran, what succeeded, what failed, which records, who was told."""

    event_id: UUID
    summary: str
    ran: Answered
    succeeded: Answered
    failed: Answered
    records: Answered
    notified: Answered


class Stub(Shown):
    """The self-contained proof of one write."""

    write: Write
    event: dict[str, Any]
    contract: dict[str, Any]
    decision: dict[str, Any]
    approval: dict[str, Any] | None
    request: dict[str, Any]
    answer: dict[str, Any] | None
    read_back: dict[str, Any] | None
    reversal: dict[str, Any] | None
    audit: list[Audit]
    digest: str = Field(description="SHA-256 over the canonical JSON of all other members")


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


class Replay(Shown):
    """A replay of many events: its plan, how far it is, and what failed."""

    id: UUID
    status: ReplayState
    filter: dict[str, Any]
    from_step: str = Field(alias="from")
    reason: str
    author: str
    plan: dict[str, Any] = Field(description="count, money, destinations, approvals needed")
    progress: dict[str, int] = Field(description="items by state")
    failures: list[dict[str, Any]] = Field(description="events that did not come through, at most 100")
    created_at: Moment
    started_at: Moment | None
    finished_at: Moment | None


class Owner(Shown):
    """Who answers for one failure class, now."""

    failure_class: str = Field(alias="class")
    title: str
    role: str
    owner: str
    name: str
    deputies: list[str]
    escalation: list[dict[str, str]] = Field(description="who is told next: `after`, `to`")
    respond_within: str
    by_itself: str
    advice: str


class Handler(Shown):
    """One workflow: which events it takes and which code it is."""

    name: str
    version: str
    source: str
    types: list[str]
    ordering: str
    description: str


class Stats(Shown):
    """The numbers of one window, and what stands open now."""

    since: Moment
    until: Moment
    events_received: int
    events_by_status: dict[str, int]
    events_by_source: dict[str, int]
    duplicates: int
    runs_by_status: dict[str, int]
    writes_by_status: dict[str, int]
    written: list[Money] = Field(description="amounts of confirmed writes of the window")
    rejections: dict[str, int]
    events_due: int
    oldest_due_seconds: float | None
    cases_live: dict[str, int]
    at_stake: list[Money]
    notifications_by_status: dict[str, int]
