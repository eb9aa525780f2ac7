"""Writes, and the proof of one."""

from typing import Any
from uuid import UUID

from pydantic import Field

from console.answers.audit import Audit
from console.fields import Moment, Money, Shown
from counterfoil.lifecycle import WriteState


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
    reverses: UUID | None = Field(description="the write that this one takes back")
    created_at: Moment
    confirmed_at: Moment | None


class Stub(Shown):
    """The self-contained proof of one write."""

    write: Write
    event: dict[str, Any]
    contract: dict[str, Any]
    decision: dict[str, Any]
    approval: dict[str, Any] | None
    request: dict[str, Any]
    before: dict[str, Any] | None = Field(description="what stood at the destination before it was sent")
    answer: dict[str, Any] | None
    probe: dict[str, Any] | None = Field(description="how a doubt was settled; null: there was none")
    read_back: dict[str, Any] | None = Field(description="what stood there afterwards: the entry, or the differences")
    reversal: dict[str, Any] | None = Field(description="what took it back, or tried to, or what it takes back")
    audit: list[Audit]
    digest: str = Field(description="SHA-256 over the canonical JSON of all other members")
