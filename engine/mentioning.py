"""Keeping what events mention, for search: behind the events, in small portions, so that neither door nor worker waits.

    head ──▶ every event up to here was read once
    tail ──▶ up to here it was also looked for events that were committed late (their ids are older than the head)

Nothing but search depends on it, and it can be made again: empty both tables.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from counterfoil import clock, keys
from counterfoil.database import Connection
from engine import mentioned

#: Events read by one pass; few while so many others are due that every hand is needed.
PORTION, PORTION_BUSY, BUSY_DUE = 400, 50, 300
#: A payload beyond this is not read for search; its subject is.
BODY_MAX = 262_144
#: An event commits within seconds of getting its id; looked for again this much later, so often, so many at once.
LATE, LATE_EVERY, LATE_MAX = timedelta(seconds=60), timedelta(seconds=30), 5_000
_HEAD, _TAIL = 1, 2
_BEGINNING = UUID(int=0)

_READ = f"""
SELECT e.id, e.source, e.subject, e.key, CASE WHEN length(p.body) <= {BODY_MAX} THEN p.body END AS body
FROM events e LEFT JOIN payloads p ON p.event_id = e.id AND p.version = e.payload_version
WHERE {{which}} ORDER BY e.id LIMIT {{most}}
"""
_KEEP = """
INSERT INTO mentions (kind, value, amount_minor, event_id)
SELECT * FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::uuid[]) ON CONFLICT DO NOTHING
"""
_MARK = """
INSERT INTO mention_marks (id, through) VALUES (%s, %s) ON CONFLICT (id) DO UPDATE SET through = excluded.through
"""


def run_once(conn: Connection) -> dict[str, int]:
    """Read the next events, and from time to time those that came late; how many."""
    marks = {row["id"]: row["through"] for row in conn.execute("SELECT id, through FROM mention_marks")}
    head, tail = marks.get(_HEAD, _BEGINNING), marks.get(_TAIL, _BEGINNING)
    busy = conn.execute(f"SELECT 1 FROM events WHERE due_at <= now() OFFSET {BUSY_DUE} LIMIT 1").fetchone()
    most = PORTION if busy is None else PORTION_BUSY
    rows = conn.execute(_READ.format(which="e.id > %(head)s", most=most), {"head": head}).fetchall()
    if rows:
        _keep(conn, rows)
        head = rows[-1]["id"]
        conn.execute(_MARK, (_HEAD, head))
    return {"read": len(rows), "late": _late(conn, head, tail)}


def _late(conn: Connection, head: UUID, tail: UUID) -> int:
    """Events behind the head that were not there when it passed."""
    upto = min(head, keys.id_at(clock.now() - LATE))
    if upto <= tail or (upto.int >> 80) - (tail.int >> 80) < LATE_EVERY / timedelta(milliseconds=1):
        return 0
    span = {"tail": tail, "upto": upto}
    nth = conn.execute(
        f"SELECT id FROM events WHERE id > %(tail)s AND id <= %(upto)s ORDER BY id OFFSET {LATE_MAX} LIMIT 1", span
    ).fetchone()
    span["upto"] = nth["id"] if nth is not None else upto
    which = "e.id > %(tail)s AND e.id <= %(upto)s AND NOT EXISTS (SELECT FROM mentions m WHERE m.event_id = e.id)"
    rows = conn.execute(_READ.format(which=which, most=LATE_MAX + 1), span).fetchall()
    _keep(conn, rows)
    conn.execute(_MARK, (_TAIL, span["upto"]))
    return len(rows)


def _keep(conn: Connection, rows: Sequence[dict[str, Any]]) -> None:
    found = [
        (one, row["id"])
        for row in rows
        for one in mentioned.read(row["source"], row["subject"], row["key"], row["body"])
    ]
    if found:
        values = ([one.kind for one, _ in found], [one.value for one, _ in found])
        conn.execute(_KEEP, (*values, [one.amount_minor for one, _ in found], [event_id for _, event_id in found]))
