"""Paging by key: the cursor, the window of time, and the one way in which a list is read."""

import base64
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_
from sqlalchemy import select as rows_of
from sqlmodel import Session, col
from sqlmodel.sql.expression import SelectOfScalar

from console.asks import ListAsk
from counterfoil import database, keys

Row = TypeVar("Row")
Found = TypeVar("Found")

#: How far the clock of the door that made an id may be from the database's clock that wrote the time beside it.
CLOCKS_APART = timedelta(days=1)
#: Rows that are looked through for text inside of their keys: well below a tenth of a second.
LATELY_ROWS = 10_000
#: Rows that one page looks through for what no index finds; few first, because most pages are full by then.
LOOKED_ROWS = (2_000, 20_000)
#: The same where each of them takes a look into other tables.
PROBED_ROWS = (500, 3_000)
#: "At three": people remember within half an hour.
NEAR = timedelta(minutes=30)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def once(session: Session, name: tuple[Hashable, ...], ask: Callable[[], Found]) -> Found:
    """What several parts of one answer want to know; a session is as old as the answer."""
    known: dict[tuple[Hashable, ...], Any] = session.info.setdefault("once", {})
    if name not in known:
        known[name] = ask()
    found: Found = known[name]
    return found


@contextmanager
def looking(session: Session | None) -> Iterator[Session]:
    """A session for one look, or the one that looks already."""
    if session is not None:
        yield session
        return
    with Session(database.engine()) as own:
        yield own


def cursor_of(row_id: UUID) -> str:
    """A row's place in its list, as text."""
    return base64.urlsafe_b64encode(row_id.bytes).decode().rstrip("=")


def place_of(cursor: str) -> UUID:
    """The row that a cursor stands for; its form was checked with the question."""
    return UUID(bytes=base64.urlsafe_b64decode(cursor + "=="))


def window(column: Any, row_id: Any, since: datetime | None, until: datetime | None) -> list[ColumnElement[bool]]:
    """Conditions for a span of time: exact on the column, and on the id so that an index finds the neighbourhood."""
    conditions: list[ColumnElement[bool]] = []
    if since is not None:
        conditions.append(column >= since)
        if since > _EPOCH + CLOCKS_APART:
            conditions.append(row_id >= keys.id_at(since - CLOCKS_APART))
    if until is not None:
        conditions.append(column < until)
        if until < datetime.max.replace(tzinfo=UTC) - CLOCKS_APART:
            conditions.append(row_id < keys.id_at(until + CLOCKS_APART))
    return conditions


def narrowed(wanted: SelectOfScalar[Row], *equal: tuple[Any, Any]) -> SelectOfScalar[Row]:
    """Only rows whose columns have these values; None was not asked for."""
    return wanted.where(*(col(column) == value for column, value in equal if value is not None))


def holding(q: str, *columns: Any) -> ColumnElement[bool]:
    """The text stands somewhere in one of the columns; wildcards are the characters they are."""
    return or_(*(col(column).contains(q, autoescape=True) for column in columns))


def holding_lately(session: Session, q: str, *columns: Any, at: Any, row_id: Any, ask: ListAsk) -> ColumnElement[bool]:
    """As `holding`, among the newest rows of the window: nothing found costs the same however many there are."""
    # The id itself, not a question inside of the question: it says how few rows that are to whoever makes the plan.
    floor = once(
        session,
        ("lately", str(row_id), ask.since, ask.until),
        lambda: _nth(session, row_id, window(at, row_id, ask.since, ask.until), LATELY_ROWS),
    )
    return and_(*([row_id >= floor] if floor is not None else []), holding(q, *columns))


def _nth(session: Session, row_id: Any, within: Sequence[ColumnElement[bool]], number: int) -> UUID | None:
    """The id after so many newer ones; None: there are fewer."""
    nth = rows_of(row_id).where(*within).order_by(row_id.desc()).offset(number).limit(1)
    found: UUID | None = session.connection().execute(nth).scalar()
    return found


def around(begins: datetime, ends: datetime, *, whole: bool) -> tuple[datetime, datetime]:
    """A day as it is; of a time, what is near enough for what people remember."""
    return (begins, ends) if whole else (begins - NEAR, begins + NEAR)


def read(
    session: Session,
    select: SelectOfScalar[Row],
    *,
    at: Any,
    row_id: Any,
    ask: ListAsk,
    through: Sequence[ColumnElement[bool]] | None = None,
    looked: Sequence[int] = (),
    floor: UUID | None = None,
) -> tuple[Sequence[Row], str | None]:
    """One page of a list and the cursor of the next.

    `through`: no index finds what is asked for; a bounded number (`looked`) of the rows with these conditions is looked
    through. `floor`: what is asked for was found down to this id. A page that is not full has a cursor then, if there
    are older ones.
    """
    within = window(at, row_id, ask.since, ask.until)
    if ask.cursor is not None:
        within.append(row_id < place_of(ask.cursor))
    wanted = select.where(*within).order_by(row_id.desc()).limit(ask.limit + 1)
    if through is None:
        rows = session.exec(wanted).all()
        # Below it only some of what fits was found; the next page begins there.
        rows = rows if floor is None else [row for row in rows if row.id >= floor]  # type: ignore[attr-defined]
    else:
        rows, floor = _looked(session, wanted, row_id, [*within, *through], looked or LOOKED_ROWS)
    if len(rows) > ask.limit:
        rows = rows[: ask.limit]
        return rows, cursor_of(rows[-1].id)  # type: ignore[attr-defined]
    return rows, cursor_of(floor) if floor is not None else None


def _looked(
    session: Session,
    wanted: SelectOfScalar[Row],
    row_id: Any,
    within: Sequence[ColumnElement[bool]],
    looked: Sequence[int],
) -> tuple[Sequence[Row], UUID | None]:
    """The first rows that fit, and down to which id was looked; None: to the end."""
    limit = wanted._limit
    assert limit is not None, "Bug: a page has an end"
    for most in looked:
        floor = _nth(session, row_id, within, most)
        rows = session.exec(wanted if floor is None else wanted.where(row_id >= floor)).all()
        if floor is None or len(rows) >= limit:
            break
    return rows, floor
