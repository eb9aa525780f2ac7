"""Taking back: one write, many writes, and what the destination says of one."""

from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from console.fields import Moment, Shown
from counterfoil.lifecycle import ReplayState


class Undoing(Shown):
    """What taking a write back would do."""

    write_id: UUID
    shown: dict[str, Any] = Field(description="the inverse, in words and as data, as people would be asked about it")
    changed: list[str] = Field(description="what somebody changed since; while this is so, the write is kept")
    unknown: str | None = Field(description="why the destination could not be asked")


class Probed(Shown):
    """What is known after asking about a write."""

    write_id: UUID
    outcome: Literal["asked", "stands", "differs", "unknown"] = Field(
        description="`asked`: it was in doubt and is being asked about; the others say how a confirmed one stands now"
    )
    detail: str
    differences: list[str]


class ReversalItem(Shown):
    """One write that was not taken back."""

    write_id: UUID
    key: str
    inverse_id: UUID | None = Field(description="the write that was to take it back")
    detail: str | None = Field(description="why it was kept, or could not be taken back")


class Report(Shown):
    """What became of every write so far."""

    reversed: int = Field(description="taken back, and read again")
    kept: int = Field(description="somebody changed them since")
    could_not: int
    left: int = Field(description="not begun, on their way, waiting for people, or stopped")


class Reversal(Shown):
    """Many writes taken back: the plan, how far it is, and the report."""

    id: UUID
    status: ReplayState
    filter: dict[str, Any]
    reason: str
    author: str
    plan: dict[str, Any] = Field(description="count, money, what has no inverse and why, approvals needed")
    report: Report
    kept: list[ReversalItem] = Field(description="at most 100")
    could_not: list[ReversalItem] = Field(description="at most 100")
    created_at: Moment
    started_at: Moment | None
    finished_at: Moment | None
