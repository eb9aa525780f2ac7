"""Mentions: which business things an event names, so that people find it by what they have in their hands."""

from uuid import UUID

from sqlalchemy import BigInteger, Index, Text
from sqlmodel import Field, SQLModel

from counterfoil.tables.columns import one_of

#: `id`: of any object at a provider; `email` and `name`: in small letters; `amount`: `value` is its currency.
MENTION_KINDS = ("id", "email", "name", "amount")


class Mention(SQLModel, table=True):
    """One business thing that one event names. Made from payloads after the fact, and can be made again at any time.

    Nothing but search reads it. What deletes a payload for privacy deletes its mentions too.
    """

    __tablename__ = "mentions"
    __table_args__ = (
        one_of("kind", MENTION_KINDS, "mentions_kind"),
        Index("mentions_event", "event_id"),
    )

    kind: str = Field(primary_key=True)
    #: Compared byte by byte, so that the key also finds beginnings of names.
    value: str = Field(primary_key=True, sa_type=Text(collation="C"))
    amount_minor: int = Field(default=0, primary_key=True, sa_type=BigInteger)
    event_id: UUID = Field(primary_key=True)


class MentionMark(SQLModel, table=True):
    """How far events have been read for what they mention; one row."""

    __tablename__ = "mention_marks"

    id: int = Field(primary_key=True)
    #: Every event up to this id was read.
    through: UUID
