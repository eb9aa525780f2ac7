"""A planned replay in portions: a few hundred events at a time go back, and each is watched until it rests.

Portions keep new events flowing between old ones, and keep `cancel` meaningful. The sweeper calls `advance` once a
second; all that it knows stands in the tables, so any process may go on where another ended.
"""

from collections import Counter
from typing import Any
from uuid import UUID

from counterfoil import audit
from counterfoil.database import Connection
from counterfoil.ledger import NOW, move
from counterfoil.lifecycle import EventState, ReplayState
from exceptions_queue.jobs import Job

#: Events of one replay under way at once: a worker's two groups, so that it never idles between our passes.
PORTION = 200
#: Failures listed with the progress; the rest is counted, and every one stands in a case anyway.
FAILURES_SHOWN_MAX = 100

REPLAY = Job("replay")
start, pause, resume, cancel = REPLAY.start, REPLAY.pause, REPLAY.resume, REPLAY.cancel


def advance(conn: Connection) -> dict[str, int]:
    """One pass over every running replay (and the last items of held ones); the caller commits, then rings."""
    running = conn.execute(
        "SELECT r.* FROM replays r WHERE r.status = 'running' OR (r.status IN ('paused', 'cancelled') AND EXISTS"
        " (SELECT 1 FROM replay_items i WHERE i.replay_id = r.id AND i.status = 'queued'))"
        " ORDER BY r.id FOR UPDATE SKIP LOCKED"
    ).fetchall()
    counts: Counter[str] = Counter()
    entries: list[audit.Entry] = []
    for replay in running:
        counts["settled"] += _settle(conn, replay["id"])
        if replay["status"] == ReplayState.RUNNING:
            sent = _send_portion(conn, replay)
            counts["queued"] += len(sent)
            entries += [_sent(replay, event_id) for event_id in sent]
            if _is_over(conn, replay["id"]):
                move(conn, "replay", [replay["id"]], ReplayState.FINISHED, sets={"finished_at": NOW})
                counts["finished"] += 1
                entries.append(audit.Entry(replay["author"], "replay.finished", f"replay:{replay['id']}", {}))
    audit.append(conn, "desk", entries)
    return dict(counts)


# An event that waits for a time, for its writes or for a pause to end goes on by itself: for the replay that is an
# outcome, not a failure.
_SETTLE = """
UPDATE replay_items i SET
    status = CASE WHEN e.id IS NULL THEN 'skipped'
                  WHEN e.status = 'exception' THEN 'failed'
                  WHEN e.status = 'waiting' AND e.due_at IS NULL AND e.case_id IS NOT NULL THEN 'failed'
                  ELSE 'done' END,
    detail = CASE WHEN e.id IS NULL THEN 'the event is gone' ELSE e.status || coalesce(': ' || e.outcome, '') END
FROM replay_items j LEFT JOIN events e ON e.id = j.event_id
WHERE i.replay_id = %s AND i.status = 'queued' AND j.replay_id = i.replay_id AND j.event_id = i.event_id
  AND (e.status IS NULL OR e.status NOT IN ('queued', 'running'))
"""


def _settle(conn: Connection, replay_id: UUID) -> int:
    """Give items whose events came to rest their outcome."""
    return conn.execute(_SETTLE, (replay_id,)).rowcount


# What is queued for a later time is in nobody's way; it does not hold up the others.
_UNDER_WAY = """
SELECT count(*) AS events FROM replay_items i JOIN events e ON e.id = i.event_id
WHERE i.replay_id = %s AND i.status = 'queued' AND (e.status = 'running' OR e.due_at <= now())
"""
_NEXT = "SELECT event_id FROM replay_items WHERE replay_id = %s AND status = 'planned' ORDER BY position LIMIT %s"
_MARK = "UPDATE replay_items SET status = 'queued' WHERE replay_id = %s AND event_id = ANY(%s)"


def _send_portion(conn: Connection, replay: dict[str, Any]) -> set[UUID]:
    """Move the next events to the entrance; those that are on their way already are only watched."""
    under_way = conn.execute(_UNDER_WAY, (replay["id"],)).fetchone()
    room = PORTION - (under_way["events"] if under_way is not None else 0)
    if room <= 0:
        return set()
    chosen = [row["event_id"] for row in conn.execute(_NEXT, (replay["id"], room)).fetchall()]
    if not chosen:
        return set()
    # Locked in the order of ids, as everybody locks events. The lifecycle lets a worker give a running event back;
    # taking one out of its hands is not ours to do, so only those that rest are moved.
    resting = conn.execute(
        "SELECT id FROM events WHERE id = ANY(%s) AND status NOT IN ('queued', 'running') ORDER BY id FOR UPDATE",
        (chosen,),
    ).fetchall()
    sets = {
        "due_at": NOW,
        "attempts": 0,
        "crashes": 0,
        "lease_until": None,
        "finished_at": None,
        "replay_id": replay["id"],
    }
    moved = move(conn, "event", [row["id"] for row in resting], EventState.QUEUED, sets=sets)
    if replay["from_step"] == "start" and moved:
        conn.execute("UPDATE events SET generation = generation + 1 WHERE id = ANY(%s)", (list(moved),))
    conn.execute(_MARK, (replay["id"], chosen))
    return moved


def _is_over(conn: Connection, replay_id: UUID) -> bool:
    row = conn.execute(
        "SELECT 1 AS one FROM replay_items WHERE replay_id = %s AND status IN ('planned', 'queued') LIMIT 1",
        (replay_id,),
    ).fetchone()
    return row is None


def _sent(replay: dict[str, Any], event_id: UUID) -> audit.Entry:
    detail = {"from": replay["from_step"], "replay": str(replay["id"]), "reason": replay["reason"]}
    return audit.Entry(replay["author"], "event.replayed", f"event:{event_id}", detail)


def progress(conn: Connection, replay_id: UUID) -> dict[str, Any]:
    """The replay with its plan, its items counted by state, and its failures. Raises: JobNotFound."""
    replay = REPLAY.get(conn, replay_id)
    rows = conn.execute(
        "SELECT status, count(*) AS items FROM replay_items WHERE replay_id = %s GROUP BY status", (replay_id,)
    ).fetchall()
    counts = {"planned": 0, "queued": 0, "done": 0, "failed": 0, "skipped": 0}
    counts.update({row["status"]: row["items"] for row in rows})
    failed = conn.execute(
        "SELECT event_id, detail FROM replay_items WHERE replay_id = %s AND status = 'failed'"
        " ORDER BY position LIMIT %s",
        (replay_id, FAILURES_SHOWN_MAX),
    ).fetchall()
    return {**replay, "total": sum(counts.values()), "items": counts, "failures": failed}
