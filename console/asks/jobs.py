"""Running again and taking back: one, or many by filter."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from console.asks.base import Change, FromStep, TryOrChange
from console.fields import Asked, MomentIn, Word
from counterfoil.lifecycle import EventState, WriteState


class ReplayAsk(TryOrChange):
    """Run an event again, or show what would happen."""

    from_step: FromStep = Field("start", alias="from", description="where to begin; `failed_step` keeps checkpoints")


class ReplayFilter(Asked):
    """Which events to replay; every member narrows, and at least one is needed."""

    failure_class: Word | None = Field(None, alias="class", description="failure class of the open case")
    source: Word | None = Field(None, description="source")
    type: Word | None = Field(None, description="type")
    handler: Word | None = Field(None, description="handler")
    status: EventState | None = Field(None, description="state of the event")
    case: UUID | None = Field(None, description="id of a case")
    subject: Word | None = Field(None, description="subject")
    since: MomentIn | None = Field(None, description="received not before")
    until: MomentIn | None = Field(None, description="received before")
    ids: Annotated[list[UUID], Field(min_length=1, max_length=1000)] | None = Field(None, description="these events")


class ReplaysPlanAsk(Change):
    """Replay many events: `dry_run` keeps it at the plan, which can be started later."""

    filter: ReplayFilter = Field(json_schema_extra={"minProperties": 1}, description="which events")
    from_step: FromStep = Field("start", alias="from", description="where each run begins")
    dry_run: bool = Field(False, description="plan and show, do not start")


class ReverseAsk(TryOrChange):
    """Take a write back, or show the inverse and what somebody changed since."""


class ReversalFilter(Asked):
    """Which confirmed writes to take back; every member narrows, and one beside `status` is needed."""

    destination: Word | None = Field(None, description="destination, e.g. `hubspot`")
    operation: Word | None = Field(None, description="operation, e.g. `upsert_company`")
    handler: Word | None = Field(None, description="name of the handler that planned it")
    event: UUID | None = Field(None, description="id of the event that caused it")
    subject: Word | None = Field(None, description="what the write is about")
    status: WriteState | None = Field(None, description="`confirmed` when left out; others cannot be taken back")
    since: MomentIn | None = Field(None, description="confirmed not before")
    until: MomentIn | None = Field(None, description="confirmed before")
    ids: Annotated[list[UUID], Field(min_length=1, max_length=1000)] | None = Field(None, description="these writes")


class ReversalsPlanAsk(Change):
    """Take many writes back: `dry_run` keeps it at the plan, which can be started later."""

    filter: ReversalFilter = Field(json_schema_extra={"minProperties": 1}, description="which writes")
    dry_run: bool = Field(False, description="plan and show, do not start")
