"""Reversals of many writes: what was chosen, and what became of each write."""

from typing import Any
from uuid import UUID

from sqlalchemy import Index, Text
from sqlmodel import Field, SQLModel

from counterfoil.lifecycle import ReplayState
from counterfoil.tables.columns import Moment, document, moment, one_of

#: `kept`: somebody changed it since; `failed`: it could not be taken back, with the reason.
ITEM_STATES = ("planned", "begun", "reversed", "kept", "failed", "skipped")


class Reversal(SQLModel, table=True):
    """A reversal of many writes by filter: planned first, then taken back in portions, newest first."""

    __tablename__ = "reversals"
    __table_args__ = (one_of("status", ReplayState, "reversals_status"),)

    id: UUID = Field(primary_key=True)
    status: str = Field(default="planned", sa_column_kwargs={"server_default": "planned"})
    filter: dict[str, Any] = document(default="'{}'")
    plan: dict[str, Any] = document(default="'{}'")
    reason: str = Field(sa_type=Text)
    author: str
    created_at: Moment = moment(default_now=True)
    started_at: Moment = moment()
    finished_at: Moment = moment()


class ReversalItem(SQLModel, table=True):
    """One write of a reversal, the write that takes it back, and what became of it."""

    __tablename__ = "reversal_items"
    __table_args__ = (
        one_of("status", ITEM_STATES, "reversal_items_status"),
        Index("reversal_items_status_idx", "reversal_id", "status", "position"),
    )

    reversal_id: UUID = Field(primary_key=True, foreign_key="reversals.id", ondelete="CASCADE")
    write_id: UUID = Field(primary_key=True)
    position: int
    inverse_id: UUID | None = None
    status: str = Field(default="planned", sa_column_kwargs={"server_default": "planned"})
    detail: str | None = Field(default=None, sa_type=Text)
