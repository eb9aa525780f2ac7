"""Approvals: what a person is shown before a write is made, who said what, and what became of many at once."""

from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from console.fields import Moment, Money, Shown
from counterfoil.lifecycle import WriteState

RequestState = Literal["open", "approved", "rejected", "expired", "void", "used"]


class Request(Shown):
    """One write that people are asked about."""

    write_id: UUID
    event_id: UUID
    key: str
    destination: str
    operation: str
    title: str = Field(description="what it does, in words")
    handler: str | None
    amount: Money | None
    status: RequestState
    write_status: WriteState
    digest: str = Field(description="of exactly what is shown; an approval repeats it")
    rule: str = Field(description="of the policy, which asks")
    needed: int = Field(description="how many different people must agree")
    given: int = Field(description="how many have")
    edited_by: str | None = Field(description="who changed the action or its payload, and may not approve it")
    opened_at: Moment
    expires_at: Moment = Field(description="silence until then is a no")
    age_seconds: float


class Vote(Shown):
    """One person's answer."""

    person: str
    decision: Literal["approve", "reject"]
    reason: str
    voted_at: Moment


class Sibling(Shown):
    """Another write of the same plan: it goes out after the yes, and is not made after a no."""

    write_id: UUID
    key: str
    destination: str
    operation: str
    status: WriteState
    amount: Money | None


class Approval(Request):
    """The newest request about a write, with exactly what is shown."""

    shown: dict[str, Any] = Field(description="the action in words and as data, what stood before, why, alternatives")
    votes: list[Vote]
    with_it: list[Sibling] = Field(description="the other writes of its plan")
    edits: list[dict[str, Any]] = Field(description="who changed the action, why, and what")


class BatchItem(Shown):
    """What came of one yes of many."""

    write_id: UUID
    key: str | None
    amount: Money | None
    outcome: Literal["approved", "counted", "refused"] = Field(
        description="`counted`: another person has to approve it too"
    )
    detail: str
    difference: list[dict[str, Any]]


class Batch(Shown):
    """Many requests answered at once, each under its own digest."""

    dry_run: bool
    count: int = Field(description="how many are, or would be, approved or counted")
    sums: list[Money] = Field(description="their amounts, per currency")
    items: list[BatchItem]
