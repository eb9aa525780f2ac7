"""Filters of the lists, and the window of the numbers."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from console.asks.base import LIMIT_MAX, FilteredAsk, ListAsk
from console.fields import Asked, MomentIn, Word
from counterfoil.lifecycle import CaseState, EventState, ReplayState, WriteState


class EventsAsk(FilteredAsk):
    """Filters of the list of events."""

    source: Word | None = Field(None, description="source, e.g. `stripe`")
    type: Word | None = Field(None, description="type, e.g. `invoice.paid`")
    subject: Word | None = Field(None, description="what the event is about, e.g. `stripe:in_123`")
    status: EventState | None = Field(None, description="state of the event")
    key: Word | None = Field(None, description="the provider's identity of the event")


class RunsAsk(ListAsk):
    """Filters of the list of runs."""

    event: UUID | None = Field(None, description="id of the event")
    handler: Word | None = Field(None, description="name of the handler")
    status: Word | None = Field(None, description="how the run ended")
    failure_class: Word | None = Field(None, alias="class", description="failure class")


class WritesAsk(FilteredAsk):
    """Filters of the list of writes."""

    status: WriteState | None = Field(None, description="state of the write")
    destination: Word | None = Field(None, description="destination, e.g. `books`")
    subject: Word | None = Field(None, description="what the write is about")
    event: UUID | None = Field(None, description="id of the event that caused it")
    key: Word | None = Field(None, description="the write key")


class ApprovalsAsk(ListAsk):
    """Filters of the list of open requests."""

    destination: Word | None = Field(None, description="destination, e.g. `stripe`")
    operation: Word | None = Field(None, description="operation, e.g. `create_draft_invoice`")
    handler: Word | None = Field(None, description="name of the handler that planned it")
    rule: Word | None = Field(None, description="rule of the policy that asks")
    event: UUID | None = Field(None, description="id of the event that caused it")


class CasesAsk(FilteredAsk):
    """Filters of the list of cases."""

    status: CaseState | None = Field(None, description="state of the case")
    failure_class: Word | None = Field(None, alias="class", description="failure class")
    owner: Word | None = Field(None, description="id of the person who owns it now")


class ReplaysAsk(ListAsk):
    """Filters of the list of replays."""

    status: ReplayState | None = Field(None, description="state of the replay")


class ReversalsAsk(ListAsk):
    """Filters of the list of reversals."""

    status: ReplayState | None = Field(None, description="state of the reversal")


class ClassificationsAsk(ListAsk):
    """Filters of the list of classifications."""

    question: Word | None = Field(None, description="name of the question")
    status: Literal["committed", "asked", "settled"] | None = Field(None, description="`asked`: a person has to say")
    event: UUID | None = Field(None, description="id of the event")
    sampled: bool | None = Field(None, description="drawn by chance to be looked at")


#: A place in the audit: the next number of each lane.
TRAIL_CURSOR = r"^[a-z_]{1,40}\.[0-9]{1,18}(-[a-z_]{1,40}\.[0-9]{1,18}){0,20}$"


class AuditAsk(Asked):
    """Filters of the audit."""

    limit: int = Field(50, ge=1, le=LIMIT_MAX, description="rows per page")
    cursor: Annotated[str, Field(pattern=TRAIL_CURSOR)] | None = Field(None, description="`next_cursor` of before")
    thing: Word | None = Field(None, description="what it is about, e.g. `case:0190…`, or the id alone")
    actor: Word | None = Field(None, description="who did it")
    action: Word | None = Field(None, description="what was done, e.g. `case.assigned`, or `case`")
    since: MomentIn | None = Field(None, description="not older than this moment")
    until: MomentIn | None = Field(None, description="older than this moment")


class StatsAsk(Asked):
    """The window of the numbers."""

    since: MomentIn | None = Field(None, description="beginning of the window (24 hours ago)")
    until: MomentIn | None = Field(None, description="end of the window (now)")
