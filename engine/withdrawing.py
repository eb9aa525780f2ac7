"""What a handler in shadow planned before, and what was not sent yet, is withdrawn: recorded, never sent.

A claim leaves such writes alone from the moment of the change; here they get the state that says so, and their events
come to rest. What is on the wire is settled first, and what takes another write back goes on.
"""

from counterfoil import audit
from counterfoil.database import Connection
from counterfoil.ledger import move
from counterfoil.lifecycle import WriteState
from engine.sending import completing

#: Withdrawn by one look of the sweeper; the change itself withdraws all.
LIMIT = 500
_WHY = "withdrawn: its handler is in shadow"

# Those that are due, and those that people are asked about: each by the index that holds only such.
_UNSENT = """
SELECT w.id, w.event_id FROM writes w JOIN rollouts r ON r.handler = w.handler AND r.mode = 'shadow'
WHERE {which} AND w.reverses IS NULL AND w.status IN ('planned', 'awaiting_approval', 'approved')
  AND (w.lease_until IS NULL OR w.lease_until < now()) AND (%(handler)s::text IS NULL OR w.handler = %(handler)s)
LIMIT %(limit)s
"""
_DUE = _UNSENT.format(which="w.due_at IS NOT NULL")
_ASKED = _UNSENT.format(which="w.id IN (SELECT a.write_id FROM approvals a WHERE a.status IN ('open', 'approved'))")


def run_once(conn: Connection) -> dict[str, int]:
    """What was planned a moment after its handler went into shadow. For the sweeper."""
    if conn.execute("SELECT 1 AS one FROM rollouts WHERE mode = 'shadow' LIMIT 1").fetchone() is None:
        return {}
    entries = withdraw(conn, limit=LIMIT)
    audit.append(conn, "engine", entries)
    return {"withdrawn": sum(entry.action == "write.shadow" for entry in entries)}


def withdraw(conn: Connection, *, handler: str | None = None, limit: int | None = None) -> list[audit.Entry]:
    """Take back what was not sent of handlers in shadow (or of this one); returns the audit entries."""
    values = {"handler": handler, "limit": limit}
    found = {row["id"]: row["event_id"] for query in (_DUE, _ASKED) for row in conn.execute(query, values)}
    if not found:
        return []
    wait = "" if limit is None else " SKIP LOCKED"
    ours = conn.execute(
        f"SELECT id FROM events WHERE id = ANY(%s) ORDER BY id FOR UPDATE{wait}", (list(set(found.values())),)
    )
    events = {row["id"] for row in ours}
    rows = conn.execute(
        "SELECT id, event_id, status FROM writes WHERE id = ANY(%s) AND status IN ('planned', 'awaiting_approval',"
        " 'approved') AND (lease_until IS NULL OR lease_until < now()) ORDER BY id FOR UPDATE",
        ([id for id, event_id in found.items() if event_id in events],),
    ).fetchall()
    ids = [row["id"] for row in rows]
    # By way of `planned`, which ends whatever people were asked about it.
    move(conn, "write", [row["id"] for row in rows if row["status"] != WriteState.PLANNED], WriteState.PLANNED)
    done = move(conn, "write", ids, WriteState.SHADOW, sets={"due_at": None, "lease_until": None, "detail": _WHY})
    entries = [audit.Entry("engine", "write.shadow", f"write:{id}", {"detail": _WHY}) for id in sorted(done)]
    return entries + completing.complete(conn, {row["event_id"] for row in rows}, {}, {})
