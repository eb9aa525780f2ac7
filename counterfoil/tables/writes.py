"""Writes: one row per effect at a destination, unique by its business key for ever."""

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from counterfoil.lifecycle import WriteState
from counterfoil.tables.columns import Moment, document, moment, number, one_of


class Write(SQLModel, table=True):
    """One effect: what was planned, what was sent, what the destination answered."""

    __tablename__ = "writes"
    __table_args__ = (
        UniqueConstraint("key", name="writes_key"),
        one_of("status", WriteState, "writes_status"),
        Index("writes_event", "event_id"),
        Index("writes_subject", "subject", "id"),
        Index("writes_unsettled", "id", postgresql_where=text("confirmed_at IS NULL")),
    )

    id: UUID = Field(primary_key=True)
    key: str
    destination: str
    operation: str
    status: str = Field(default="planned", sa_column_kwargs={"server_default": "planned"})
    subject: str | None = None
    amount_minor: int | None = Field(default=None, sa_type=BigInteger)
    currency: str | None = None
    action: dict[str, Any] = document(default="'{}'")
    digest: str
    event_id: UUID
    run_id: UUID | None = None
    handler: str | None = None
    attempts: int = number(0)
    receipt: dict[str, Any] | None = document()
    detail: str | None = Field(default=None, sa_type=Text)
    created_at: Moment = moment(default_now=True)
    confirmed_at: Moment = moment()
