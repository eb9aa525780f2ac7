"""A planned reversal in portions: each write is taken back by its own inverse and watched until that has rested.

The sweeper calls `advance` once a second; all that it knows stands in the tables, so any process may go on where
another ended. What was built on something goes first: of one event, and of one record, one write after the other.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import psycopg

from counterfoil import audit, telemetry
from counterfoil.database import Connection
from counterfoil.ledger import NOW, move
from counterfoil.lifecycle import ReplayState
from destinations.base import Destination
from engine.sending import inverses, reversing
from exceptions_queue.jobs import Job

#: Inverses of one reversal under way at once: enough to use what a destination lets through, few enough to stop.
PORTION = 50

REVERSAL = Job("reversal")
start, pause, resume, cancel = REVERSAL.start, REVERSAL.pause, REVERSAL.resume, REVERSAL.cancel


def advance(conn: Connection, destinations: Mapping[str, Destination]) -> dict[str, int]:
    """One pass over every running reversal (and the last items of held ones); the caller commits, then rings."""
    running = conn.execute(
        "SELECT r.* FROM reversals r WHERE r.status = 'running' OR (r.status IN ('paused', 'cancelled') AND EXISTS"
        " (SELECT 1 FROM reversal_items i WHERE i.reversal_id = r.id AND i.status = 'begun'))"
        " ORDER BY r.id FOR UPDATE SKIP LOCKED"
    ).fetchall()
    counts: Counter[str] = Counter()
    entries: list[audit.Entry] = []
    for reversal in running:
        counts["settled"] += conn.execute(_SETTLE, (reversal["id"],)).rowcount
        if reversal["status"] != ReplayState.RUNNING:
            continue
        begun, more = _begin_portion(conn, reversal, destinations)
        counts["begun"] += begun
        entries += more
        if _is_over(conn, reversal["id"]):
            move(conn, "reversal", [reversal["id"]], ReplayState.FINISHED, sets={"finished_at": NOW})
            counts["finished"] += 1
            detail = _outcome(conn, reversal["id"])
            entries.append(audit.Entry(reversal["author"], "reversal.finished", f"reversal:{reversal['id']}", detail))
    audit.append(conn, "desk", entries)
    return dict(counts)


# The inverse says what became of it; while it waits, in doubt or for people, so does its item.
_SETTLE = """
UPDATE reversal_items i SET
    status = CASE w.status WHEN 'confirmed' THEN 'reversed' WHEN 'superseded' THEN 'kept' ELSE 'failed' END,
    detail = w.detail
FROM writes w
WHERE i.reversal_id = %s AND i.status = 'begun' AND w.id = i.inverse_id
  AND w.status IN ('confirmed', 'superseded', 'refused', 'rejected', 'expired')
"""
# What waits for people or is in doubt is in nobody's way.
_UNDER_WAY = """
SELECT count(*) AS writes FROM reversal_items i JOIN writes w ON w.id = i.inverse_id
WHERE i.reversal_id = %s AND i.status = 'begun' AND w.status IN ('planned', 'approved', 'sending')
"""
_NEXT = """
SELECT i.write_id FROM reversal_items i JOIN writes w ON w.id = i.write_id
WHERE i.reversal_id = %(reversal)s AND i.status = 'planned'
  AND NOT EXISTS (SELECT 1 FROM writes v JOIN reversal_items j ON j.write_id = v.id AND j.reversal_id = i.reversal_id
                  WHERE v.event_id = w.event_id AND j.position < i.position AND j.status IN ('planned', 'begun'))
  AND NOT EXISTS (SELECT 1 FROM writes v JOIN reversal_items j ON j.write_id = v.id AND j.reversal_id = i.reversal_id
                  WHERE v.target = w.target AND v.confirmed_at IS NOT NULL AND j.position < i.position
                    AND j.status IN ('planned', 'begun'))
ORDER BY i.position LIMIT %(room)s
"""


def _begin_portion(
    conn: Connection, reversal: Mapping[str, Any], destinations: Mapping[str, Destination]
) -> tuple[int, list[audit.Entry]]:
    """Plan the next inverses; what cannot be taken back any more says why in its item."""
    under_way = conn.execute(_UNDER_WAY, (reversal["id"],)).fetchone()
    room = PORTION - (under_way["writes"] if under_way is not None else 0)
    if room <= 0:
        return 0, []
    chosen = conn.execute(_NEXT, {"reversal": reversal["id"], "room": room}).fetchall()
    found = inverses.read(conn, [row["write_id"] for row in chosen], lock=True) if chosen else {}
    planned = [
        one for each in chosen if (one := _begin(conn, reversal, found[each["write_id"]], destinations)) is not None
    ]
    entries = [entry for one in planned for entry in one.entries]
    return len(planned), entries + reversing.open_cases(conn, planned)


def _begin(
    conn: Connection, reversal: Mapping[str, Any], row: Mapping[str, Any], destinations: Mapping[str, Destination]
) -> reversing.Planned | None:
    who, reason = reversal["author"], reversal["reason"]
    try:
        with conn.transaction():
            planned = reversing.plan(conn, row, destinations, who=who, reason=reason, is_one_of_many=True)
    except inverses.NotReversible as why:
        _mark(conn, reversal["id"], row["id"], "failed", None, str(why))
        return None
    except psycopg.OperationalError:
        raise
    except Exception as bug:
        # One write that we cannot handle does not hold up the others.
        telemetry.report_failure(bug, failure_class="handler_bug", owner="platform", handler=None, event_id=None)
        _mark(conn, reversal["id"], row["id"], "failed", None, f"a fault of ours: {type(bug).__name__}")
        return None
    _mark(conn, reversal["id"], row["id"], "begun", planned.id, None)
    return planned


def _mark(
    conn: Connection, reversal_id: UUID, write_id: UUID, status: str, inverse_id: UUID | None, detail: str | None
) -> None:
    conn.execute(
        "UPDATE reversal_items SET status = %s, inverse_id = %s, detail = %s WHERE reversal_id = %s AND write_id = %s",
        (status, inverse_id, detail, reversal_id, write_id),
    )


def _is_over(conn: Connection, reversal_id: UUID) -> bool:
    row = conn.execute(
        "SELECT 1 AS one FROM reversal_items WHERE reversal_id = %s AND status IN ('planned', 'begun') LIMIT 1",
        (reversal_id,),
    ).fetchone()
    return row is None


def _outcome(conn: Connection, reversal_id: UUID) -> dict[str, int]:
    rows = conn.execute(
        "SELECT status, count(*) AS writes FROM reversal_items WHERE reversal_id = %s GROUP BY status", (reversal_id,)
    )
    return {row["status"]: row["writes"] for row in rows}
