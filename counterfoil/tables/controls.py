"""What people and the gate hold the automations with: rollout, pauses, and the state of each destination."""

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Float, Index, Text, text
from sqlmodel import Field, SQLModel

from counterfoil.tables.columns import Moment, document, moment, number, one_of

#: A pause is no mode of its own: it stands in `pauses`, and the mode before it comes back with its end.
ROLLOUT_MODES = ("shadow", "partial", "full")
PAUSE_SCOPES = ("source", "handler", "destination", "action")


class Rollout(SQLModel, table=True):
    """How far one handler is let out. No row means `full`."""

    __tablename__ = "rollouts"
    __table_args__ = (one_of("mode", ROLLOUT_MODES, "rollouts_mode"),)

    handler: str = Field(primary_key=True)
    mode: str
    #: `partial`: the share of subjects (0 to 1) that is written, always the same ones.
    share: float | None = Field(default=None, sa_type=Float)
    #: `partial`: instead of a share, members of the event that must have these values.
    segment: dict[str, Any] | None = document()
    reason: str = Field(sa_type=Text)
    changed_by: str
    changed_at: Moment = moment(default_now=True)


class RolloutChange(SQLModel, table=True):
    """The history of a handler's rollout, pauses included, with the evidence of each step."""

    __tablename__ = "rollout_changes"
    __table_args__ = (Index("rollout_changes_handler", "handler", "id"),)

    id: UUID = Field(primary_key=True)
    handler: str
    mode: str
    share: float | None = Field(default=None, sa_type=Float)
    segment: dict[str, Any] | None = document()
    evidence: dict[str, Any] = document(default="'{}'")
    reason: str = Field(sa_type=Text)
    changed_by: str
    changed_at: Moment = moment(default_now=True)


class Pause(SQLModel, table=True):
    """Nothing of this scope is written until it is lifted; a named person holds it."""

    __tablename__ = "pauses"
    __table_args__ = (one_of("scope", PAUSE_SCOPES, "pauses_scope"),)

    scope: str = Field(primary_key=True)
    #: A source, a handler, a destination, or an action class `destination.operation`.
    name: str = Field(primary_key=True)
    reason: str = Field(sa_type=Text)
    paused_by: str
    paused_at: Moment = moment(default_now=True)


class DestinationState(SQLModel, table=True):
    """One destination account as all workers of a deployment see it: its tokens, and whether it answers."""

    __tablename__ = "destination_states"
    __table_args__ = (one_of("breaker", ("closed", "open", "half_open"), "destination_states_breaker"),)

    destination: str = Field(primary_key=True)
    #: What may be sent now, in requests; filled again by the passing of time (`counterfoil.ledger.reach`).
    tokens: float = Field(default=0.0, sa_type=Float)
    #: What replays may take of them in any case, so that live writes never starve them.
    replay_tokens: float = Field(default=0.0, sa_type=Float, sa_column_kwargs={"server_default": text("0")})
    filled_at: Moment = moment(default_now=True)
    breaker: str = Field(default="closed", sa_column_kwargs={"server_default": "closed"})
    #: Failures in a row; how often it was looked at since it opened.
    failures: int = number(0)
    looks: int = number(0)
    opened_at: Moment = moment()
    #: When somebody may look (with a read) whether it is back.
    look_at: Moment = moment()
    detail: str | None = Field(default=None, sa_type=Text)
    changed_at: Moment = moment(default_now=True)


class CapUse(SQLModel, table=True):
    """One write that a cap let through; the cap is full when the uses of its window are as many as it allows."""

    __tablename__ = "cap_uses"
    __table_args__ = (Index("cap_uses_window", "cap", "at"),)

    cap: str = Field(primary_key=True)
    write_id: UUID = Field(primary_key=True)
    at: Moment = moment(default_now=True)
    amount_minor: int | None = Field(default=None, sa_type=BigInteger)
    currency: str | None = None
    #: The record that it changes, or what it is about.
    account: str | None = None


class Review(SQLModel, table=True):
    """Whether a person agrees with a write that was made, or would have been; the evidence that a rollout goes by."""

    __tablename__ = "reviews"
    __table_args__ = (Index("reviews_person", "write_id", "person", unique=True),)

    id: UUID = Field(primary_key=True)
    write_id: UUID = Field(foreign_key="writes.id")
    #: Of the write as it was judged.
    digest: str
    agrees: bool
    person: str
    reason: str = Field(sa_type=Text)
    reviewed_at: Moment = moment(default_now=True)
