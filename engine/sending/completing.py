"""Events whose writes went their own way: done when all are confirmed, an exception when one cannot be.

An event that was replayed meanwhile is queued or running; its next run judges its writes itself, so it is left alone.
"""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from counterfoil import audit
from counterfoil.database import Connection
from counterfoil.ledger import NOW, move
from counterfoil.lifecycle import WRITE_LIVE, EventState, WriteState
from exceptions_queue import cases, failures

#: Classes after which nothing of the event moves by itself; the others wait for a decision or a time.
_ENDS_IN_EXCEPTION = frozenset({"write_refused", "write_not_applied", "destination_unavailable", "out_of_bounds"})
_WRITTEN = (WriteState.CONFIRMED, WriteState.REVERSING, WriteState.REVERSED)

_STATES = """
SELECT e.id, e.case_id, array_agg(w.status) AS states FROM events e JOIN writes w ON w.event_id = e.id
WHERE e.id = ANY(%s) AND e.status = 'waiting' AND e.due_at IS NULL AND w.reverses IS NULL GROUP BY e.id ORDER BY e.id
"""


def complete(
    conn: Connection,
    event_ids: Collection[UUID],
    failed: Mapping[UUID, failures.Failure],
    stands_in: Mapping[UUID, UUID],
) -> list[audit.Entry]:
    """Bring events to rest whose writes have. The caller holds their locks; returns the audit entries.

    `failed` and `stands_in`: the failure and the case of those that need somebody.
    """
    rows = conn.execute(_STATES, (sorted(event_ids),)).fetchall() if event_ids else []
    entries, free = [], []
    alike: dict[tuple[EventState, str], list[UUID]] = {}
    for row in rows:
        failure = failed.get(row["id"])
        if failure is not None:
            entries += _block(conn, row, failure, stands_in[row["id"]])
            continue
        ended = _ended(row["states"])
        if ended is None:
            continue
        state, outcome = ended
        alike.setdefault((state, outcome), []).append(row["id"])
        entries.append(audit.Entry("engine", f"event.{state.value}", f"event:{row['id']}", {"outcome": outcome}))
        free += [row["id"]] if row["case_id"] else []
    for (state, outcome), ids in alike.items():
        _rest(conn, ids, state, outcome, None)
    return entries + (cases.clear(conn, free, actor="engine") if free else [])


def _block(conn: Connection, row: Mapping[str, Any], failure: failures.Failure, case_id: UUID) -> list[audit.Entry]:
    if failure.code not in _ENDS_IN_EXCEPTION:
        conn.execute("UPDATE events SET case_id = %s, outcome = %s WHERE id = %s", (case_id, str(failure), row["id"]))
        return []
    _rest(conn, [row["id"]], EventState.EXCEPTION, str(failure), case_id)
    detail = {"class": failure.code, "outcome": str(failure)}
    return [audit.Entry("engine", "event.exception", f"event:{row['id']}", detail)]


def _ended(states: Collection[str]) -> tuple[EventState, str] | None:
    """How an event ends whose writes stand in these states; None while one of them is alive or in somebody's hands."""
    if any(state in WRITE_LIVE or state == WriteState.REFUSED for state in states):
        return None
    written = sum(state in _WRITTEN for state in states)
    if written == len(states):
        return EventState.DONE, f"{written} confirmed"
    if WriteState.SHADOW in states and not written:
        return EventState.IGNORED, "in shadow: planned and recorded, not written"
    if WriteState.REJECTED in states or WriteState.EXPIRED in states:
        return EventState.IGNORED, f"not approved; {written} of {len(states)} written"
    if WriteState.SUPERSEDED in states and not written:
        return EventState.SUPERSEDED, "something newer was written instead"
    return EventState.DONE, f"{written} of {len(states)} confirmed, the others superseded or in shadow"


def _rest(conn: Connection, event_ids: Collection[UUID], state: EventState, outcome: str, case_id: UUID | None) -> None:
    sets: dict[str, Any] = {"outcome": outcome, "case_id": case_id, "due_at": None}
    if state is not EventState.EXCEPTION:
        sets["finished_at"] = NOW
    move(conn, "event", event_ids, state, sets=sets)
