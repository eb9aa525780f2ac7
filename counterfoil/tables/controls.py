"""What people and the gate hold the automations with: rollout, pauses, and the state of each destination."""

from typing import Any
from uuid import UUID

from sqlalchemy import Float, Index, Text
from sqlmodel import Field, SQLModel

from counterfoil.tables.columns import Moment, document, moment, number, one_of

ROLLOUT_MODES = ("shadow", "partial", "full", "paused")
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
    """The history of a handler's rollout, with the evidence of each step."""

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
    #: What may be sent now; filled again by the passing of time (`counterfoil.ledger.tokens`).
    tokens: float = Field(default=0.0, sa_type=Float)
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
