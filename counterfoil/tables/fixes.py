"""Fixes: rules that people made for payloads, each with who proposed it and who else said yes."""

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from counterfoil.lifecycle import FixState
from counterfoil.tables.columns import Moment, document, moment, one_of


class Fix(SQLModel, table=True):
    """One rule. What it says never changes; another one takes its place."""

    __tablename__ = "fixes"
    __table_args__ = (
        one_of("status", FixState, "fixes_status"),
        CheckConstraint("(approver IS NULL) = (approved_at IS NULL)", name="fixes_approved_by_somebody"),
        CheckConstraint("status <> 'active' OR approver IS NOT NULL", name="fixes_active_was_approved"),
        CheckConstraint("(status = 'withdrawn') = (withdrawn_by IS NOT NULL)", name="fixes_withdrawn_by_somebody"),
        # Another time the same is no other rule.
        Index("fixes_digest", "digest", unique=True, postgresql_where=text("status IN ('proposed', 'active')")),
        Index("fixes_active", "source", postgresql_where=text("status = 'active'")),
    )

    id: UUID = Field(primary_key=True)
    status: str = Field(default="proposed", sa_column_kwargs={"server_default": "proposed"})
    source: str
    provider: str
    types: list[str] = Field(sa_type=ARRAY(Text))
    #: Conditions and settings by path (`contracts.fixes`).
    conditions: dict[str, Any] = document(default="'{}'")
    settings: dict[str, Any] = document(default="'{}'")
    #: Of source, types, conditions and settings: what an approval is of.
    digest: str
    #: What it would have done when it was proposed, in numbers.
    preview: dict[str, Any] = document(default="'{}'")
    author: str
    reason: str = Field(sa_type=Text)
    proposed_at: Moment = moment(default_now=True)
    approver: str | None = None
    approved_at: Moment = moment()
    approval_reason: str | None = Field(default=None, sa_type=Text)
    #: The replay of what it clears, if somebody wanted it.
    replay_id: UUID | None = None
    withdrawn_by: str | None = None
    withdrawn_at: Moment = moment()
    withdrawal_reason: str | None = Field(default=None, sa_type=Text)
