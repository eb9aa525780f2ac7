"""Cases, what is in them, and who was told."""

from typing import Any
from uuid import UUID

from pydantic import Field

from console.answers.approvals import Request
from console.answers.audit import Audit
from console.answers.judgement import ClassificationDetail
from console.fields import Moment, Money, Shown
from counterfoil.lifecycle import CaseState, EventState


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


class CaseDetail(Case):
    """A case with its events, who was told, and its history."""

    detail: dict[str, Any]
    members: list[CaseMember] = Field(description="the newest 200 events, blocked ones and cleared ones")
    approvals: list[Request] = Field(description="what its blocked events wait to have approved, at most 200")
    open_items: list[ClassificationDetail] = Field(
        description="what people are asked to say about its blocked events, at most 200; answered by "
        "`POST /classifications/{id}/correct`"
    )
    notifications: list[Notification]
    audit: list[Audit]
