"""What the console keeps about its own use: when somebody looked at their desk, and what they saw of one thing."""

from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from counterfoil.tables.columns import Moment, document, moment


class DeskLook(SQLModel, table=True):
    """When a person's desk was looked at last, and when the visit before that ended: what is newer is news."""

    __tablename__ = "desk_looks"

    person: str = Field(primary_key=True)
    looked_at: Moment = moment(default_now=True)
    #: The last look of the visit before this one.
    before_at: Moment = moment()


class Look(SQLModel, table=True):
    """What a person saw of one write that waits, or of one case, when they looked last: what differs now is news."""

    __tablename__ = "looks"
    __table_args__ = (Index("looks_old", "looked_at"),)

    person: str = Field(primary_key=True)
    #: The write or the case.
    about: UUID = Field(primary_key=True)
    #: In brief: digests, states and counts; what they stand for is kept where it belongs.
    seen: dict[str, Any] = document(default="'{}'")
    looked_at: Moment = moment(default_now=True)
    #: What they had seen before something changed, while the visit lasts in which they are told of it.
    before: dict[str, Any] | None = document()
    before_at: Moment = moment()
