"""Pausing: a person holds everything of a source, a handler, a destination or an action class, and lets it go again.

    pause    ─▶ events whose writes it holds are parked; planned writes stay where they are; nothing fails
    resume   ─▶ what was parked is due at once, in the order in which it occurred

Claims ask the database each time, commits know it at most a second late (`engine.controls`). What is on the wire when
a pause begins is finished: half of a write is worse than one more. Taking back what an automation wrote is a person's
own act, so a paused source or handler does not hold it; a paused destination or action class does.
"""

from collections.abc import Collection
from typing import Literal

from counterfoil import audit
from counterfoil.database import Connection
from engine import controls
from exceptions_queue.refusals import NameUnknown, NotNow, NotThere, signed

Scope = Literal["source", "handler", "destination", "action"]

#: Freed by one look of the sweeper; what is more comes a second later.
LIMIT = 5000


class PausedAlready(NotNow):
    """Somebody has paused it; the message says who."""


class NotPaused(NotThere):
    """There is no such pause."""


def pause(conn: Connection, scope: Scope, name: str, *, known: Collection[str], who: str, reason: str) -> None:
    """Hold everything of this name. `known`: the names that there are in this scope.

    Raises: NameUnknown, PausedAlready, ReasonMissing.
    """
    who, reason = signed(who, reason)
    if name not in known:
        raise NameUnknown(f"there is no {scope} {name}; known: {', '.join(sorted(known)) or 'none'}")
    made = conn.execute(
        "INSERT INTO pauses (scope, name, reason, paused_by) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING"
        " RETURNING name",
        (scope, name, reason, who),
    ).fetchone()
    if made is None:
        raise PausedAlready(f"{scope} {name} is paused already{_by_whom(conn, scope, name)}")
    if scope == "handler":
        controls.record_change(conn, name, "paused", who=who, reason=reason)
    controls.forget()
    audit.append(conn, "desk", [audit.Entry(who, "pause.begun", f"pause:{scope}/{name}", {"reason": reason})])


def resume(conn: Connection, scope: Scope, name: str, *, who: str, reason: str) -> int:
    """Let it go; returns how many events are due again. Ring the bell after the commit.

    Raises: NotPaused, ReasonMissing.
    """
    who, reason = signed(who, reason)
    lifted = _lift(conn, scope, name, who=who, reason=reason)
    if lifted is None:
        raise NotPaused(f"{scope} {name} is not paused")
    freed, entry = lifted
    if scope == "handler":
        rollout = controls.load(conn).rollouts.get(name, controls.FULL)
        controls.record_change(conn, name, rollout.mode, rollout.share, rollout.segment, who=who, reason=reason)
    audit.append(conn, "desk", [entry])
    return freed


def lift_if_paused(conn: Connection, scope: Scope, name: str, *, who: str, reason: str) -> list[audit.Entry]:
    """Let it go as part of another change, which keeps its own history. Returns the audit entries."""
    lifted = _lift(conn, scope, name, who=who, reason=reason)
    return [] if lifted is None else [lifted[1]]


def _lift(conn: Connection, scope: str, name: str, *, who: str, reason: str) -> tuple[int, audit.Entry] | None:
    row = conn.execute(
        "DELETE FROM pauses WHERE scope = %s AND name = %s RETURNING reason, paused_by", (scope, name)
    ).fetchone()
    if row is None:
        return None
    freed = conn.execute(_FREE_PARKED, {"parked": f"{scope}:{name}"}).rowcount
    controls.forget()
    detail = {"reason": reason, "events": freed, "paused_by": row["paused_by"], "paused_for": row["reason"]}
    return freed, audit.Entry(who, "pause.lifted", f"pause:{scope}/{name}", detail)


# Claims go by `due_at`: a microsecond apart, they come in the order in which things happened. All of it is in the past.
_FREE = """
WITH held AS MATERIALIZED (
    SELECT e.id, coalesce(e.occurred_at, e.received_at) AS at FROM events e
    WHERE e.parked IS NOT NULL AND e.status = 'waiting' AND e.due_at IS NULL AND {condition}
), ordered AS (
    SELECT id, row_number() OVER (ORDER BY at DESC, id DESC) AS behind FROM held
)
UPDATE events e SET parked = NULL, due_at = now() - make_interval(secs => o.behind / 1e6)
FROM ordered o WHERE e.id = o.id
"""
_FREE_PARKED = _FREE.format(condition="e.parked = %(parked)s ORDER BY e.id FOR UPDATE")
# A commit that knew of a pause a moment longer than it stood parks its events after everybody was let go.
_FREE_FORGOTTEN = _FREE.format(
    condition="NOT EXISTS (SELECT 1 FROM pauses p WHERE p.scope || ':' || p.name = e.parked)"
    " ORDER BY e.id LIMIT %(limit)s FOR UPDATE SKIP LOCKED"
)


def free_forgotten(conn: Connection) -> dict[str, int]:
    """Events that are parked by a pause that is gone become due. For the sweeper."""
    return {"freed": conn.execute(_FREE_FORGOTTEN, {"limit": LIMIT}).rowcount}


def _by_whom(conn: Connection, scope: str, name: str) -> str:
    row = conn.execute("SELECT paused_by FROM pauses WHERE scope = %s AND name = %s", (scope, name)).fetchone()
    return f" by {row['paused_by']}" if row else ""
