"""Tallies: what a span of time counted, kept so that nobody counts a million rows to look at a week."""

from datetime import datetime
from typing import Any

from sqlalchemy import DateTime
from sqlmodel import Field, SQLModel

from counterfoil.tables.columns import Moment, document, moment


class Tally(SQLModel, table=True):
    """What was received and written within `step_seconds` from `at` on, as it stood when it was counted last.

    The rows that were counted remain the truth; a tally that is lost is counted again (`counterfoil.ledger.tally`).
    """

    __tablename__ = "tallies"

    step_seconds: int = Field(primary_key=True)
    at: datetime = Field(primary_key=True, sa_type=DateTime(timezone=True))
    numbers: dict[str, Any] = document(default="'{}'")
    counted_at: Moment = moment(default_now=True)


class HandlerVersion(SQLModel, table=True):
    """A handler's code as it was seen at work: from when to when. Which code that was, a repository knows."""

    __tablename__ = "handler_versions"

    handler: str = Field(primary_key=True)
    version: str = Field(primary_key=True)
    first_at: Moment = moment(default_now=True)
    last_at: Moment = moment(default_now=True)
