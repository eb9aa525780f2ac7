"""What the console keeps about its own use: when somebody last looked at their desk."""

from sqlmodel import Field, SQLModel

from counterfoil.tables.columns import Moment, moment


class DeskLook(SQLModel, table=True):
    """When a person's desk was looked at last, and when the visit before that ended: what is newer is news."""

    __tablename__ = "desk_looks"

    person: str = Field(primary_key=True)
    looked_at: Moment = moment(default_now=True)
    #: The last look of the visit before this one.
    before_at: Moment = moment()
