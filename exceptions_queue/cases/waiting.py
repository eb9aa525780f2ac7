"""Cases whose time has come: sleepers that wake, acknowledgements that lapse, silence that goes up the ladder.

The database's clock decides. Each statement takes rows that nobody else holds, so several sweepers share the work.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from counterfoil.database import Connection
from counterfoil.ledger import NOW, move
from counterfoil.lifecycle import CaseState

_COLUMNS = "id, failure_class, source, handler, owner, title, status, rungs_told, now() - ladder_from AS climbing_for"


def take_woken(conn: Connection, limit: int) -> list[dict[str, Any]]:
    """Snoozed cases whose moment has come, locked."""
    return _take(conn, "status = 'snoozed' AND snoozed_until <= now()", limit)


def take_lapsed(conn: Connection, limit: int) -> list[dict[str, Any]]:
    """Acknowledged cases that were not finished in time, locked."""
    return _take(conn, "status = 'acknowledged' AND due_at <= now()", limit)


def take_overdue(conn: Connection, limit: int) -> list[dict[str, Any]]:
    """Open cases that nobody acknowledged in time, locked."""
    return _take(conn, "status = 'open' AND due_at <= now()", limit)


def _take(conn: Connection, condition: str, limit: int) -> list[dict[str, Any]]:
    statement = f"SELECT {_COLUMNS} FROM cases WHERE {condition} ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED"
    return conn.execute(statement, (limit,)).fetchall()


def reopen(conn: Connection, due_after: Mapping[UUID, timedelta]) -> None:
    """Back to `open` at the foot of the ladder, with a new time to answer."""
    sets = {
        "snoozed_until": None,
        "acknowledged_at": None,
        "acknowledged_by": None,
        "escalation_level": 0,
        "rungs_told": [],
        "ladder_from": NOW,
        "escalated_to": None,
        "escalated_at": None,
    }
    move(conn, "case", due_after, CaseState.OPEN, sets=sets)
    rows = [{"id": one, "due_seconds": after.total_seconds()} for one, after in due_after.items()]
    conn.execute(
        "UPDATE cases c SET due_at = now() + make_interval(secs => r.due_seconds)"
        " FROM jsonb_to_recordset(%s::jsonb) AS r(id uuid, due_seconds float8) WHERE c.id = r.id",
        (msgspec.json.encode(rows).decode(),),
    )


_CLIMB = """
UPDATE cases c SET due_at = now() + make_interval(secs => r.due_seconds), rungs_told = r.rungs,
    escalation_level = cardinality(r.rungs), escalated_to = coalesce(r.person, c.escalated_to),
    escalated_at = CASE WHEN r.person IS NULL THEN c.escalated_at ELSE now() END
FROM jsonb_to_recordset(%s::jsonb) AS r(id uuid, rungs int[], person text, due_seconds float8) WHERE c.id = r.id
"""


def climb(conn: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Some rungs up, or none: rows of id, rungs told, the person of the last one (or None), seconds until the next."""
    if rows:
        conn.execute(_CLIMB, (msgspec.json.encode(rows).decode(),))
