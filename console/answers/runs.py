"""Runs and their steps."""

from typing import Any
from uuid import UUID

from pydantic import Field

from console.fields import Moment, Money, Shown


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
