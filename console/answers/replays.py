"""Replays of many events."""

from typing import Any
from uuid import UUID

from pydantic import Field

from console.fields import Moment, Shown
from counterfoil.lifecycle import ReplayState


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
