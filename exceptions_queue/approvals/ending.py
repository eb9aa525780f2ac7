"""The end of a request: its write found under the right locks, the event freed by a yes, or ended by a no."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from counterfoil import audit
from counterfoil.database import Connection
from counterfoil.ledger import NOW, move
from counterfoil.lifecycle import EventState, WriteState
from exceptions_queue.cases.clearing import clear_reversals, resolve_emptied
from exceptions_queue.failures import ApprovalNeeded

_COLUMNS = (
    "id, key, status, destination, operation, subject, target, amount_minor, currency, action, digest, event_id,"
    " handler, pre_image, reverses, approval_rule, approvals_needed"
)


def lock(conn: Connection, write_id: UUID) -> dict[str, Any] | None:
    """The write, locked after its event: the order in which everybody takes both."""
    conn.execute("SELECT 1 FROM events WHERE id = (SELECT event_id FROM writes WHERE id = %s) FOR UPDATE", (write_id,))
    return conn.execute(f"SELECT {_COLUMNS} FROM writes WHERE id = %s FOR UPDATE", (write_id,)).fetchone()


def entry(who: str, action: str, write_id: UUID, reason: str, **more: Any) -> audit.Entry:
    """One change of one write."""
    return audit.Entry(who, action, f"write:{write_id}", {"reason": reason, **more})


# Only the cases in which it waited for approval: what else is wrong with it stays wrong, and what stands beside it is
# another write's.
_LEAVE = """
UPDATE case_events m SET cleared_at = now() FROM cases c
WHERE c.id = m.case_id AND m.event_id = %(event)s AND m.cleared_at IS NULL AND c.failure_class = %(class)s
  AND NOT m.detail ? 'beside' AND NOT EXISTS (
    SELECT 1 FROM writes w WHERE w.event_id = m.event_id AND w.reverses IS NULL AND w.status = 'awaiting_approval')
RETURNING m.case_id
"""


def unblock(conn: Connection, write: Mapping[str, Any]) -> list[audit.Entry]:
    """The event no longer waits for a person because of this write, unless it does because of another."""
    event_id = write["event_id"]
    if write["reverses"] is not None:
        return clear_reversals(conn, [event_id], actor="desk")
    values = {"event": event_id, "class": ApprovalNeeded.code}
    left = [row["case_id"] for row in conn.execute(_LEAVE, values).fetchall()]
    conn.execute(
        "UPDATE events SET case_id = NULL WHERE id = %s AND status = 'waiting' AND case_id = ANY(%s)", (event_id, left)
    )
    return resolve_emptied(conn, left, actor="desk")


# Whoever looks at the target of one of them right now loses it: the fence has moved on.
_DROP = """
UPDATE writes SET status = 'superseded', due_at = NULL, lease_until = NULL, fence = fence + 1, detail = %(why)s
WHERE event_id = %(event)s AND id <> %(write)s AND reverses IS NULL
  AND status IN ('planned', 'awaiting_approval', 'approved') RETURNING id
"""


def drop_rest(conn: Connection, write: Mapping[str, Any], why: str, who: str) -> list[audit.Entry]:
    """What was not sent yet of a plan of which one part is not made. Returns the audit entries."""
    if write["reverses"] is not None:
        # The inverse is not made: what it would have taken back stands.
        kept = move(conn, "write", [write["reverses"]], WriteState.CONFIRMED, sets={"detail": why})
        return [entry(who, "write.kept", one, why) for one in kept]
    values = {"event": write["event_id"], "write": write["id"], "why": why}
    return [entry(who, "write.superseded", row["id"], why) for row in conn.execute(_DROP, values).fetchall()]


# What is on the wire ends the event when it is settled; a run that is under way sees the no by itself.
_RESTS = """
SELECT 1 AS one FROM events e WHERE e.id = %s AND e.status IN ('waiting', 'exception') AND NOT EXISTS (
    SELECT 1 FROM writes w WHERE w.event_id = e.id AND w.reverses IS NULL AND w.status IN ('sending', 'in_doubt'))
"""


def end_event(conn: Connection, write: Mapping[str, Any], outcome: str, who: str) -> list[audit.Entry]:
    """A no ends the event: what was not sent yet of its plan is not made either. Returns the audit entries."""
    event_id = write["event_id"]
    entries = drop_rest(conn, write, outcome, who)
    if write["reverses"] is None and conn.execute(_RESTS, (event_id,)).fetchone():
        sets = {"outcome": outcome, "case_id": None, "due_at": None, "finished_at": NOW}
        ended = move(conn, "event", [event_id], EventState.IGNORED, sets=sets)
        entries += [audit.Entry(who, "event.ignored", f"event:{one}", {"outcome": outcome}) for one in ended]
    return entries + unblock(conn, write)
