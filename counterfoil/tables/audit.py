"""The audit chain, refused requests, and answers remembered for an Idempotency-Key."""

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Index, LargeBinary, Text, text
from sqlmodel import Field, SQLModel

from counterfoil.tables.columns import Moment, document, moment, number


class AuditEntry(SQLModel, table=True):
    """One change of state. Appended by `audit_append` in SQL only; each hash covers the one before it.

    A lane is a chain of its own (`door`, `engine`, `desk`), so that the door never waits for a worker's commit.
    `at` is text, because the exact characters are hashed.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (Index("audit_entries_subject", "subject", "lane", "seq"),)

    lane: str = Field(primary_key=True)
    seq: int = Field(primary_key=True, sa_type=BigInteger)
    at: str
    actor: str
    action: str
    subject: str | None = None
    detail: str = Field(sa_type=Text)
    hash: bytes = Field(sa_type=LargeBinary)


class AuditHead(SQLModel, table=True):
    """The last entry of each lane; its row lock orders the lane."""

    __tablename__ = "audit_heads"

    lane: str = Field(primary_key=True)
    seq: int = Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": "0"})
    hash: bytes = Field(sa_type=LargeBinary, sa_column_kwargs={"server_default": text("'\\x'::bytea")})


class Rejection(SQLModel, table=True):
    """A sample of a refused request (the newest thousand): the reason, never the content."""

    __tablename__ = "rejections"

    id: UUID = Field(primary_key=True)
    source: str
    status: int
    reason: str
    detail: str | None = Field(default=None, sa_type=Text)
    body_bytes: int | None = None
    client: str | None = None
    at: Moment = moment(default_now=True)


class RejectionCount(SQLModel, table=True):
    """How many requests were refused per source, reason and minute."""

    __tablename__ = "rejection_counts"

    minute: Moment = Field(primary_key=True, sa_type=DateTime(timezone=True))
    source: str = Field(primary_key=True)
    reason: str = Field(primary_key=True)
    count: int = number(0)


class ApiRequest(SQLModel, table=True):
    """What an API change with an `Idempotency-Key` answered, so that a retry gets the same answer."""

    __tablename__ = "api_requests"

    key: str = Field(primary_key=True)
    fingerprint: str
    status: int | None = None
    answer: dict[str, Any] | None = document()
    created_at: Moment = moment(default_now=True)
