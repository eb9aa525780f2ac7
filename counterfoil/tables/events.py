"""Events, their payloads, the runs over them, checkpoints, and the newest thing known per subject."""

from typing import Any
from uuid import UUID

from sqlalchemy import Index, LargeBinary, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from counterfoil.lifecycle import EventState
from counterfoil.tables.columns import Moment, document, moment, number, one_of

#: Every event is rewritten at least twice, and all of a page by one claim: with half of it free the claim stays on the
#: page and touches no index (measured: 10 % less CPU, 8 % less WAL, and the table ends no larger, because the space is
#: used again). Vacuum after 2 % of the rows, not 20: the claim walks over what finished events leave in its index.
STORAGE = {"fillfactor": "50", "autovacuum_vacuum_scale_factor": "0.02", "autovacuum_analyze_scale_factor": "0.02"}


class Event(SQLModel, table=True):
    """One business event: unique by (source, key) for ever. It is also its own outbox entry.

    `due_at` is when it will move by itself (null: it will not); `lease_until` and `fence` belong to the worker that
    holds it. The payload stands apart, so that claiming and finishing rewrite a short row, and so
    that payloads can be deleted while the identity stays.
    """

    __tablename__ = "events"
    __table_args__ = (
        UniqueConstraint("source", "key", name="events_identity"),
        one_of("status", EventState, "events_status"),
        Index("events_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index(
            "events_subject_due",
            "subject",
            text("coalesce(occurred_at, received_at)"),
            "id",
            postgresql_where=text("due_at IS NOT NULL"),
        ),
        Index("events_subject", "subject", "id"),
        Index("events_case", "case_id", postgresql_where=text("case_id IS NOT NULL")),
        Index("events_parked", "parked", postgresql_where=text("parked IS NOT NULL")),
        {"postgresql_with": STORAGE},
    )

    id: UUID = Field(primary_key=True)
    source: str
    provider: str
    key: str
    type: str
    subject: str | None = None
    occurred_at: Moment = moment()
    received_at: Moment = moment(default_now=True)
    delivered_at: Moment = moment(default_now=True)
    finished_at: Moment = moment()
    status: str = Field(default="queued", sa_column_kwargs={"server_default": "queued"})
    deliveries: int = number(1)
    api_version: str | None = None
    account: str | None = None
    livemode: bool | None = None
    form: str = Field(default="full", sa_column_kwargs={"server_default": "full"})
    content_hash: bytes | None = Field(default=None, sa_type=LargeBinary)
    fault: dict[str, Any] | None = document()
    payload_version: int = number(0)
    generation: int = number(0)
    handler: str | None = None
    outcome: str | None = Field(default=None, sa_type=Text)
    case_id: UUID | None = None
    replay_id: UUID | None = None
    #: The pause that holds it, e.g. `handler:invoice_paid`; lifting the pause makes it due.
    parked: str | None = None
    due_at: Moment = moment(default_now=False)
    lease_until: Moment = moment()
    fence: int = number(0)
    attempts: int = number(0)
    crashes: int = number(0)


class Payload(SQLModel, table=True):
    """The text of an event: version 0 as received, later versions are a person's corrected copies.

    No foreign key: the check would cost the door more than it protects (payloads are only ever
    inserted in the statement that inserts their event).
    """

    __tablename__ = "payloads"

    event_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    body: str = Field(sa_type=Text)
    author: str | None = None
    reason: str | None = None
    recorded_at: Moment = moment(default_now=True)


class Run(SQLModel, table=True):
    """One pass of one event through one handler; written once, when it ends (or is found dead)."""

    __tablename__ = "runs"
    __table_args__ = (Index("runs_event", "event_id"),)

    id: UUID = Field(primary_key=True)
    event_id: UUID
    generation: int = number(0)
    attempt: int = number(1)
    handler: str | None = None
    handler_version: str | None = None
    contract: str | None = None
    status: str
    failure_class: str | None = None
    detail: str | None = Field(default=None, sa_type=Text)
    steps: list[dict[str, Any]] = document(default="'[]'")
    worker: str | None = None
    replay_id: UUID | None = None
    started_at: Moment = moment(default_now=True)
    finished_at: Moment = moment(default_now=True)


class Checkpoint(SQLModel, table=True):
    """The result of one expensive step, so that a run after a crash neither pays nor asks twice."""

    __tablename__ = "checkpoints"

    event_id: UUID = Field(primary_key=True)
    generation: int = Field(primary_key=True)
    step: str = Field(primary_key=True)
    input_hash: str
    output: dict[str, Any] = document(default="'{}'")
    recorded_at: Moment = moment(default_now=True)


class SubjectState(SQLModel, table=True):
    """The newest event applied per (handler, subject); what the staleness guard compares with."""

    __tablename__ = "subject_states"

    handler: str = Field(primary_key=True)
    subject: str = Field(primary_key=True)
    occurred_at: Moment = moment(default_now=True)
    event_key: str
    event_id: UUID
