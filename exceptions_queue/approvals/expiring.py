"""Time that runs out: a request that nobody answered, and a yes that was not used."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from counterfoil import audit
from counterfoil.database import Connection
from counterfoil.ledger import move
from counterfoil.lifecycle import WriteState
from exceptions_queue import cases, failures
from exceptions_queue.approvals.asking import Request, request_many
from exceptions_queue.approvals.ending import end_event, entry, lock

#: Per sweep; what is more comes with the next one, a second later.
LIMIT = 200

_OVER = """
SELECT w.event_id FROM approvals a JOIN writes w ON w.id = a.write_id
WHERE a.status IN ('open', 'approved') AND a.expires_at <= now() ORDER BY a.expires_at LIMIT %s
"""
_THEIRS = """
SELECT a.id, a.write_id, a.status, a.shown, a.rule, a.needed, a.edited_by, e.source,
       ceil(extract(epoch FROM a.expires_at - a.opened_at) / 3600)::int AS hours
FROM approvals a JOIN writes w ON w.id = a.write_id JOIN events e ON e.id = w.event_id
WHERE w.event_id = ANY(%s) AND a.status IN ('open', 'approved') AND a.expires_at <= now() ORDER BY a.id
"""


def expire(conn: Connection, limit: int = LIMIT) -> dict[str, int]:
    """For the sweeper: what nobody answered is not made; what was approved and not sent in time is asked again."""
    events = [row["event_id"] for row in conn.execute(_OVER, (limit,)).fetchall()]
    if not events:
        return {"expired": 0, "asked_again": 0}
    # Who holds one of them right now is not waited for: it may be answered this moment.
    ours = conn.execute("SELECT id FROM events WHERE id = ANY(%s) ORDER BY id FOR UPDATE SKIP LOCKED", (events,))
    rows = conn.execute(_THEIRS, ([row["id"] for row in ours.fetchall()],)).fetchall()
    entries: list[audit.Entry] = []
    silent = [row for row in rows if row["status"] == "open"]
    for row in silent:
        entries += _expire(conn, row)
    again = [row for row in rows if row["status"] == "approved"]
    entries += _ask_again(conn, again)
    audit.append(conn, "engine", entries)
    return {"expired": len(silent), "asked_again": len(again)}


def _expire(conn: Connection, row: Mapping[str, Any]) -> list[audit.Entry]:
    write = lock(conn, row["write_id"])
    closed = conn.execute(
        "UPDATE approvals SET status = 'expired', closed_at = now() WHERE id = %s AND status = 'open' RETURNING id",
        (row["id"],),
    ).fetchone()
    if write is None or closed is None:
        return []  # dropped with another write of its plan, a moment ago
    sets = {"due_at": None, "detail": "nobody approved it in time"}
    move(conn, "write", [write["id"]], WriteState.EXPIRED, sets=sets)
    entries = [entry("sweeper", "write.expired", write["id"], "nobody approved it in time")]
    return entries + end_event(conn, write, "not approved in time", "sweeper")


def _ask_again(conn: Connection, rows: Sequence[Mapping[str, Any]]) -> list[audit.Entry]:
    """A yes holds as long as the request would have: paused for longer, it is asked for again."""
    entries: list[audit.Entry] = []
    asked, incidents = [], []
    for row in rows:
        write = lock(conn, row["write_id"])
        sets = {"due_at": None, "detail": "approved too long ago: asked again"}
        if write is None or not move(conn, "write", [write["id"]], WriteState.AWAITING_APPROVAL, sets=sets):
            continue
        asked.append(Request(write["id"], row["shown"], row["rule"], row["needed"], row["hours"], row["edited_by"]))
        incidents.append(_incident(write, row["source"], row["rule"]))
        entries.append(entry("sweeper", "write.awaiting_approval", write["id"], sets["detail"] or ""))
    entries += request_many(conn, asked)
    opened = cases.open_many(conn, incidents)
    for event_id, case_id in opened.items():
        _wait(conn, event_id, case_id)
    return entries + opened.entries


def _wait(conn: Connection, event_id: UUID, case_id: UUID) -> None:
    conn.execute("UPDATE events SET case_id = %s WHERE id = %s AND status = 'waiting'", (case_id, event_id))


def _incident(write: Mapping[str, Any], source: str, rule: str) -> cases.Incident:
    return cases.Incident(
        event_id=write["event_id"],
        failure_class=failures.ApprovalNeeded.code,
        source=source,
        handler=write["handler"],
        rule=rule,
        destination=write["destination"],
        detail={
            "sentence": f"{write['key']} was approved and not sent in time: it waits for approval again",
            "write_id": str(write["id"]),
            "key": write["key"],
        },
        amount_minor=write["amount_minor"],
        currency=write["currency"],
        beside=write["reverses"] is not None,
    )
