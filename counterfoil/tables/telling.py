"""What people are told besides single messages: the digest of a day, and links that acknowledge from a message."""

from datetime import date
from uuid import UUID

from sqlalchemy import Index, LargeBinary, Text
from sqlmodel import Field, SQLModel

from counterfoil.tables.columns import Moment, moment, number


class Digest(SQLModel, table=True):
    """What one person was told in one message about one day; without a case when nothing was open, and not sent.

    The row is what makes it one a day: whoever inserts it writes the message, in the same transaction.
    """

    __tablename__ = "digests"
    __table_args__ = (Index("digests_day", "day", "person", unique=True),)

    id: UUID = Field(primary_key=True)
    person: str
    #: The day where the person lives.
    day: date
    made_at: Moment = moment(default_now=True)
    cases: int = number(0)
    title: str = Field(default="", sa_type=Text, sa_column_kwargs={"server_default": ""})
    body: str = Field(default="", sa_type=Text, sa_column_kwargs={"server_default": ""})


class ToldLink(SQLModel, table=True):
    """A way to acknowledge the case of one message, as the person it was sent to; it works once."""

    __tablename__ = "told_links"
    __table_args__ = (Index("told_links_expires", "expires_at"),)

    #: sha256 of what the message holds.
    token_hash: bytes = Field(primary_key=True, sa_type=LargeBinary)
    notification_id: UUID = Field(foreign_key="notifications.id")
    person: str
    created_at: Moment = moment(default_now=True)
    expires_at: Moment = moment(nullable=False)
    used_at: Moment = moment()
