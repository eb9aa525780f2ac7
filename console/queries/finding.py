"""What one thing that was asked comes to in a list: rows that an index found, or a condition that each row is asked.

No plan depends on what the database believes about the rows: what few rows fit is named by their ids; of many the
newest are named, down to a floor from which the next page goes on, where an index has them in this order; everything
else is asked of one row after the other, and a page asks a bounded number of them.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Exists, Select, any_, func, literal, or_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Session, Uuid

from console.asks import ListAsk
from console.queries import page
from counterfoil import keys

Condition = ColumnElement[bool]
#: A question whose answer are ids.
Ids = Select[UUID]

#: So few rows are named one by one.
FEW: Final = 1000


class Part(NamedTuple):
    """One thing that was asked, as a condition."""

    condition: Condition
    #: An index found the rows; else each row is asked.
    is_found: bool = False
    #: The rows that were found reach down to this id; older ones are found by a page that begins there.
    floor: UUID | None = None
    #: Each row that is asked takes a look into other tables.
    is_dear: bool = False
    #: An index found none.
    is_empty: bool = False


class Bounds(NamedTuple):
    """Between which ids a page lies."""

    since: UUID | None = None
    until: UUID | None = None

    def of(self, column: Any) -> list[Condition]:
        """As conditions."""
        return [
            *([column >= self.since] if self.since is not None else []),
            *([column < self.until] if self.until is not None else []),
        ]


def bounds(ask: ListAsk) -> Bounds:
    """Of the page that is asked for: below its cursor, within its window."""
    until = [keys.id_at(_later(ask.until))] if ask.until is not None else []
    until += [page.place_of(ask.cursor)] if ask.cursor is not None else []
    since = None if ask.since is None else keys.id_at(_earlier(ask.since))
    return Bounds(since, min(until, default=None))


def _earlier(moment: datetime) -> datetime:
    try:
        return moment - page.CLOCKS_APART
    except OverflowError:
        return moment


def _later(moment: datetime) -> datetime:
    try:
        return moment + page.CLOCKS_APART
    except OverflowError:
        return moment


class Narrowed(NamedTuple):
    """Everything that was asked of one list."""

    parts: Sequence[Part] = ()
    #: The spans of time among it.
    times: Sequence[Condition] = ()

    @property
    def conditions(self) -> list[Condition]:
        """All of it holds together."""
        return [*(part.condition for part in self.parts), *self.times]

    @property
    def is_loose(self) -> bool:
        """Whether no index found anything of it."""
        return not any(part.is_found for part in self.parts)

    @property
    def is_dear(self) -> bool:
        """Whether each row takes a look into other tables."""
        return any(part.is_dear for part in self.parts)

    @property
    def looked(self) -> Sequence[int]:
        """How many rows a page may look through, where no index found anything."""
        return page.PROBED_ROWS if self.is_dear else page.LOOKED_ROWS

    @property
    def floor(self) -> UUID | None:
        """Down to where the rows that were found are all there are."""
        return max((part.floor for part in self.parts if part.floor is not None), default=None)


def either(parts: Sequence[Part]) -> Part:
    """Rows that one of these fits; an index found all of them, or each row is asked."""
    return Part(
        or_(*(part.condition for part in parts)),
        all(part.is_found for part in parts),
        max((part.floor for part in parts if part.floor is not None), default=None),
        any(part.is_dear for part in parts),
        all(part.is_empty for part in parts),
    )


def among(column: Any, ids: Sequence[UUID]) -> Condition:
    """As `IN`, with one value however many ids there are."""
    condition: Condition = column == any_(literal(list(ids), ARRAY(Uuid())))
    return condition


def few(session: Session, ids: Ids) -> list[UUID] | None:
    """The answer to a question, if it is short."""
    found = list(session.connection().execute(ids.limit(FEW + 1)).scalars())
    return found if len(found) <= FEW else None


def only(column: Any, value: Any) -> Condition:
    """As equality, for a list that is ordered by this column first.

    The column counts in the order then, and no index but the one that begins with it has this order. After `=` any
    index with the rest of the order would do, such as that of all ids, along which what is old is found last.
    """
    condition: Condition = column.between(value, value)
    return condition


def newest(session: Session, ids: Ids, *order: Any) -> tuple[list[UUID], UUID | None]:
    """The first of what an index has in order, and down to where; None: that is all."""
    wanted = ids.order_by(*(column.desc() for column in order)).limit(FEW + 1)
    found = list(session.connection().execute(wanted).scalars())
    return (found, None) if len(found) <= FEW else (found[:FEW], found[FEW - 1])


def asked(looked_up: Select[Any]) -> Exists:
    """A look into another table for each row; never turned into anything else by a plan."""
    return looked_up.with_only_columns(literal(1), maintain_column_froms=True).offset(0).exists()


def collected(ids: Ids) -> Any:
    """The answer to a question as one value, found before any row is looked at. For `== any_(…)`."""
    return any_(func.array(ids.scalar_subquery()))
