"""The rosters that were in force: what an edit of the owners file moved can be told by the one before."""

from typing import Any
from uuid import UUID

from sqlmodel import Field, SQLModel

from counterfoil.tables.columns import Moment, document, moment


class RosterKept(SQLModel, table=True):
    """One roster, from `since` on: people, roles and rules; addresses and channels stay in the file."""

    __tablename__ = "rosters"

    id: UUID = Field(primary_key=True)
    digest: str
    content: dict[str, Any] = document(default="'{}'")
    since: Moment = moment(default_now=True)
