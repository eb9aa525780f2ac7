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
    answer: dict[str, Any] | None
    read_back: dict[str, Any] | None
    reversal: dict[str, Any] | None
    audit: list[Audit]
    digest: str = Field(description="SHA-256 over the canonical JSON of all other members")
