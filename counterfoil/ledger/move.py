"""The compare-and-set behind every change of state: nothing else writes a status."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal
from uuid import UUID

from psycopg import sql

from counterfoil.database import Connection
from counterfoil.lifecycle import CASE_MOVES, EVENT_MOVES, FIX_MOVES, REPLAY_MOVES, WRITE_MOVES, origins

Machine = Literal["event", "write", "case", "replay", "reversal", "fix"]

#: As a value in `sets`: the database's clock, at this transaction.
NOW: Final = object()

_TABLES: Mapping[Machine, tuple[str, Mapping[Any, Any]]] = {
    "event": ("events", EVENT_MOVES),
    "write": ("writes", WRITE_MOVES),
    "case": ("cases", CASE_MOVES),
    "replay": ("replays", REPLAY_MOVES),
    "reversal": ("reversals", REPLAY_MOVES),
    "fix": ("fixes", FIX_MOVES),
}


class MoveRefused(Exception):
    """The lifecycle has no such move: a programming fault, not an event's."""


def move(
    conn: Connection, machine: Machine, ids: Iterable[UUID], to: str, *, sets: Mapping[str, Any] | None = None
) -> set[UUID]:
    """Move rows to `to` where their present state allows it, and return the ids that moved.

    `sets` are further columns with one value for all rows (`NOW` for the database's clock). Rows that stand in a state
    from which `to` cannot be reached stay as they are: the caller sees it from the answer.

    Raises: MoveRefused when no state at all leads to `to`.
    """
    table, moves = _TABLES[machine]
    from_states = origins(moves, moves_member(moves, to))
    if not from_states:
        raise MoveRefused(f"Bug: no {machine} state leads to {to!r}")
    assignments = [sql.SQL("status = {}").format(sql.Literal(str(to)))]
    for column, value in (sets or {}).items():
        shown = sql.SQL("now()") if value is NOW else sql.Placeholder(column)
        assignments.append(sql.SQL("{} = {}").format(sql.Identifier(column), shown))
    statement = sql.SQL("UPDATE {} SET {} WHERE id = ANY(%(ids)s) AND status = ANY(%(from)s) RETURNING id").format(
        sql.Identifier(table), sql.SQL(", ").join(assignments)
    )
    values = {column: value for column, value in (sets or {}).items() if value is not NOW}
    rows = conn.execute(statement, {**values, "ids": sorted(ids), "from": from_states}).fetchall()
    return {row["id"] for row in rows}


def moves_member(moves: Mapping[Any, Any], to: str) -> Any:
    """The lifecycle's own member for a state given as text.

    Raises: MoveRefused when there is no such state.
    """
    for state in moves:
        if state == to:
            return state
    raise MoveRefused(f"Bug: {to!r} is not a state of this lifecycle")
