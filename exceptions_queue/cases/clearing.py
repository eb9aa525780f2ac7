"""Events that a case no longer blocks; a case that blocks none any more resolves by itself.

Clearing waits for nobody: a case that somebody else has locked is left, and the sweeper closes it within a second
(`resolve_emptied`). So it may come last in any transaction without ever standing in a circle of waiters.
"""

from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from counterfoil import audit
from counterfoil.database import Connection
from counterfoil.ledger import NOW, move
from counterfoil.lifecycle import CASE_LIVE, CaseState

_LIVE = sorted(str(state) for state in CASE_LIVE)


def clear(conn: Connection, event_ids: Iterable[UUID], *, actor: str) -> list[audit.Entry]:
    """These events are blocked no longer, by any case; returns the audit entries of what resolved by itself.

    What stands beside an event, the reversal of one of its writes, ends by itself (`clear_reversals`).
    """
    rows = conn.execute(
        "UPDATE case_events SET cleared_at = now() WHERE event_id = ANY(%s) AND cleared_at IS NULL"
        " AND NOT detail ? 'beside' RETURNING case_id",
        (sorted(event_ids),),
    ).fetchall()
    return resolve_emptied(conn, {row["case_id"] for row in rows}, actor=actor)


_CLEAR_ELSEWHERE = """
UPDATE case_events c SET cleared_at = now() FROM unnest(%s::uuid[], %s::uuid[]) AS r(event_id, case_id)
WHERE c.event_id = r.event_id AND c.case_id <> r.case_id AND c.cleared_at IS NULL AND NOT c.detail ? 'beside'
RETURNING c.case_id
"""

# One of them may still wait for a person: then the case does too.
_CLEAR_REVERSALS = """
UPDATE case_events c SET cleared_at = now()
WHERE c.event_id = ANY(%s) AND c.cleared_at IS NULL AND c.detail ? 'beside' AND NOT EXISTS (
    SELECT 1 FROM writes w WHERE w.event_id = c.event_id AND w.reverses IS NOT NULL
      AND (w.status = 'awaiting_approval' OR w.status = 'in_doubt' AND w.due_at IS NULL))
RETURNING c.case_id
"""


def clear_reversals(conn: Connection, event_ids: Iterable[UUID], *, actor: str) -> list[audit.Entry]:
    """Reversals of writes of these events wait for nobody any more; returns the audit entries, as `clear` does."""
    rows = conn.execute(_CLEAR_REVERSALS, (sorted(event_ids),)).fetchall()
    return resolve_emptied(conn, {row["case_id"] for row in rows}, actor=actor)


def clear_elsewhere(conn: Connection, stands_in: Mapping[UUID, UUID], *, actor: str) -> list[audit.Entry]:
    """Events stand in one case at a time: let them go from every other."""
    if not stands_in:
        return []
    rows = conn.execute(_CLEAR_ELSEWHERE, (list(stands_in), list(stands_in.values()))).fetchall()
    return resolve_emptied(conn, {row["case_id"] for row in rows}, actor=actor)


# Two statements: what the lock waited out (or what was skipped) must be seen by the second one's snapshot.
_LOCK = "SELECT id FROM cases WHERE id = ANY(%s) AND status = ANY(%s) ORDER BY id FOR UPDATE SKIP LOCKED"
_EMPTY = """
SELECT c.id FROM unnest(%s::uuid[]) AS c(id)
WHERE NOT EXISTS (SELECT 1 FROM case_events e WHERE e.case_id = c.id AND e.cleared_at IS NULL)
"""


def resolve_emptied(conn: Connection, case_ids: Collection[UUID], *, actor: str) -> list[audit.Entry]:
    """Resolve those of these cases that block nothing any more and that nobody else holds right now.

    Only for cases that had events: one without (an outage, a burst) is a person's to resolve.
    """
    if not case_ids:
        return []
    locked = [row["id"] for row in conn.execute(_LOCK, (sorted(case_ids), _LIVE)).fetchall()]
    empty = [row["id"] for row in conn.execute(_EMPTY, (locked,)).fetchall()] if locked else []
    if not empty:
        return []
    reason = "none of its events is blocked any more"
    sets = {"closed_at": NOW, "closed_by": "replay", "close_reason": reason, "due_at": None, "snoozed_until": None}
    resolved = move(conn, "case", empty, CaseState.RESOLVED, sets=sets)
    return [audit.Entry(actor, "case.resolved", f"case:{one}", {"reason": reason}) for one in sorted(resolved)]


_EMPTIED = """
SELECT c.id FROM cases c WHERE c.status = ANY(%s)
  AND EXISTS (SELECT 1 FROM case_events e WHERE e.case_id = c.id)
  AND NOT EXISTS (SELECT 1 FROM case_events e WHERE e.case_id = c.id AND e.cleared_at IS NULL)
ORDER BY c.id LIMIT %s
"""


def find_emptied(conn: Connection, limit: int) -> list[UUID]:
    """Live cases that had events and block none: what `clear` had to leave."""
    return [row["id"] for row in conn.execute(_EMPTIED, (_LIVE, limit)).fetchall()]
