"""Cases, who was told, and replays: the exceptions queue's rows."""

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Float, Index, Integer, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from counterfoil.lifecycle import CaseState, ReplayState
from counterfoil.tables.columns import Moment, document, moment, number, one_of


class Case(SQLModel, table=True):
    """One failure or decision that waits for a person; alike failures share it by fingerprint.

    `owner` is set only when somebody was assigned by hand; otherwise the roster says who it is, live.
    """

    __tablename__ = "cases"
    __table_args__ = (
        one_of("status", CaseState, "cases_status"),
        Index(
            "cases_live",
            "fingerprint",
            unique=True,
            postgresql_where=text("status IN ('open', 'acknowledged', 'snoozed')"),
        ),
        Index("cases_status_due", "status", "due_at"),
        # Whose they are and how urgent, without a look at the rows: a desk is ordered anew each time it is looked at.
        Index(
            "cases_desk",
            "failure_class",
            "source",
            "handler",
            "owner",
            postgresql_include=["id", "status", "opened_at", "due_at", "dollars"],
            postgresql_where=text("status IN ('open', 'acknowledged', 'snoozed')"),
        ),
        # What a week closed and which kinds there ever were, again without a look at the rows.
        Index(
            "cases_closed",
            "closed_at",
            postgresql_include=["failure_class", "source", "handler", "owner", "opened_at"],
            postgresql_where=text("closed_at IS NOT NULL"),
        ),
    )

    id: UUID = Field(primary_key=True)
    failure_class: str
    fingerprint: str
    title: str = Field(sa_type=Text)
    detail: dict[str, Any] = document(default="'{}'")
    status: str = Field(default="open", sa_column_kwargs={"server_default": "open"})
    source: str | None = None
    handler: str | None = None
    destination: str | None = None
    owner: str | None = None
    events: int = number(0)
    #: Roughly what ever came into it (`exceptions_queue.weighing`): for the order of desks, shown nowhere.
    dollars: float = Field(default=0, sa_type=Float, sa_column_kwargs={"server_default": text("0")})
    opened_at: Moment = moment(default_now=True)
    last_seen_at: Moment = moment(default_now=True)
    due_at: Moment = moment()
    acknowledged_at: Moment = moment()
    acknowledged_by: str | None = None
    snoozed_until: Moment = moment()
    escalation_level: int = number(0)
    escalated_to: str | None = None
    escalated_at: Moment = moment()
    #: From when the ladder counts: the opening, or the last time it opened again.
    ladder_from: Moment = moment(default_now=True)
    #: Rungs of the ladder that were told since then, by their place in the owners file.
    rungs_told: list[int] = Field(sa_type=ARRAY(Integer), sa_column_kwargs={"server_default": text("'{}'")})
    closed_at: Moment = moment()
    closed_by: str | None = None
    close_reason: str | None = Field(default=None, sa_type=Text)


class CaseEvent(SQLModel, table=True):
    """One event inside a case, with the money it blocks and what exactly was wrong with it."""

    __tablename__ = "case_events"
    __table_args__ = (
        Index("case_events_event", "event_id"),
        # What is at stake now and which events that is, by case, without a look at the rows.
        Index(
            "case_events_open",
            "case_id",
            "event_id",
            postgresql_include=["currency", "amount_minor"],
            postgresql_where=text("cleared_at IS NULL"),
        ),
        # What is blocked now, in the order of the events: for lists of what a class or a person holds up.
        Index(
            "case_events_blocked",
            "event_id",
            postgresql_include=["case_id"],
            postgresql_where=text("cleared_at IS NULL"),
        ),
        # What came to be blocked in a span of time, and what was let go, without a look at the rows.
        Index("case_events_came", "added_at", postgresql_include=["currency", "amount_minor"]),
        Index(
            "case_events_went",
            "cleared_at",
            postgresql_include=["currency", "amount_minor"],
            postgresql_where=text("cleared_at IS NOT NULL"),
        ),
    )

    case_id: UUID = Field(primary_key=True, foreign_key="cases.id")
    event_id: UUID = Field(primary_key=True)
    run_id: UUID | None = None
    amount_minor: int | None = Field(default=None, sa_type=BigInteger)
    currency: str | None = None
    detail: dict[str, Any] = document(default="'{}'")
    seen: int = number(1)
    added_at: Moment = moment(default_now=True)
    cleared_at: Moment = moment()


class Notification(SQLModel, table=True):
    """One attempt to tell one person: the receipt. Rows begin `pending` in the transaction of what they tell."""

    __tablename__ = "notifications"
    __table_args__ = (
        one_of("status", ("pending", "sending", "sent", "failed", "fallback"), "notifications_status"),
        Index("notifications_pending", "due_at", postgresql_where=text("status IN ('pending', 'sending')")),
        Index("notifications_case", "case_id", "id"),
        # What became of the last attempt on each way to reach somebody.
        Index(
            "notifications_receipts",
            "recipient",
            "channel",
            "id",
            postgresql_where=text("status IN ('sent', 'failed', 'fallback')"),
        ),
        CheckConstraint("num_nonnulls(case_id, digest_id) = 1", name="notifications_about"),
    )

    id: UUID = Field(primary_key=True)
    case_id: UUID | None = Field(default=None, foreign_key="cases.id")
    digest_id: UUID | None = Field(default=None, foreign_key="digests.id")
    kind: str
    recipient: str
    channel: str | None = None
    status: str = Field(default="pending", sa_column_kwargs={"server_default": "pending"})
    attempts: int = number(0)
    detail: str | None = Field(default=None, sa_type=Text)
    fallback_of: UUID | None = None
    created_at: Moment = moment(default_now=True)
    due_at: Moment = moment(default_now=True)
    sent_at: Moment = moment()


class Replay(SQLModel, table=True):
    """A replay of many events by filter: planned first, then run in portions by the sweeper."""

    __tablename__ = "replays"
    __table_args__ = (one_of("status", ReplayState, "replays_status"),)

    id: UUID = Field(primary_key=True)
    status: str = Field(default="planned", sa_column_kwargs={"server_default": "planned"})
    filter: dict[str, Any] = document(default="'{}'")
    from_step: str = Field(default="start", sa_column_kwargs={"server_default": "start"})
    plan: dict[str, Any] = document(default="'{}'")
    reason: str = Field(sa_type=Text)
    author: str
    created_at: Moment = moment(default_now=True)
    started_at: Moment = moment()
    finished_at: Moment = moment()


class ReplayItem(SQLModel, table=True):
    """One event of a replay and what became of it."""

    __tablename__ = "replay_items"
    __table_args__ = (
        one_of("status", ("planned", "queued", "done", "failed", "skipped"), "replay_items_status"),
        Index("replay_items_status_idx", "replay_id", "status"),
    )

    replay_id: UUID = Field(primary_key=True, foreign_key="replays.id", ondelete="CASCADE")
    event_id: UUID = Field(primary_key=True)
    position: int
    status: str = Field(default="planned", sa_column_kwargs={"server_default": "planned"})
    detail: str | None = Field(default=None, sa_type=Text)
