"""The plan of a replay: what it would touch, counted before anything moves. The list of events is fixed here."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from counterfoil import audit, keys
from counterfoil.database import Connection
from exceptions_queue.refusals import FilterRefused, signed
from exceptions_queue.replay.filters import ReplayFilter, as_sql, understood
from exceptions_queue.replay.one import FromStep

#: More events than this in one replay can be neither looked through nor stopped in time: narrow it down.
EVENTS_MAX = 100_000


def plan_replay(
    conn: Connection, wanted: ReplayFilter | Mapping[str, Any], *, from_step: FromStep, who: str, reason: str
) -> UUID:
    """Fix and count the events that a filter selects; nothing moves until `start`. Returns the replay's id.

    Events that are queued or running move by themselves and are left out.

    Raises: FilterRefused, ReasonMissing.
    """
    who, reason = signed(who, reason)
    chosen = understood(wanted)
    replay_id = keys.new_id()
    conn.execute(
        "INSERT INTO replays (id, filter, from_step, reason, author) VALUES (%s, %s::jsonb, %s, %s, %s)",
        (replay_id, _json(chosen.named()), from_step, reason, who),
    )
    _choose(conn, replay_id, chosen)
    plan = {**_counted(conn, replay_id), "left_out": _left_out(conn, chosen)}
    conn.execute("UPDATE replays SET plan = %s::jsonb WHERE id = %s", (_json(plan), replay_id))
    detail = {"filter": chosen.named(), "from": from_step, "events": plan["events"], "reason": reason}
    audit.append(conn, "desk", [audit.Entry(who, "replay.planned", f"replay:{replay_id}", detail)])
    return replay_id


def _choose(conn: Connection, replay_id: UUID, chosen: ReplayFilter) -> None:
    """Write the items, oldest first: what happened first to a subject runs first."""
    condition, values = as_sql(chosen)
    found = conn.execute(
        "INSERT INTO replay_items (replay_id, event_id, position)"
        " SELECT %(replay)s, e.id, row_number() OVER (ORDER BY coalesce(e.occurred_at, e.received_at), e.id)"
        " FROM events e WHERE e.status NOT IN ('queued', 'running')"
        f" AND {condition} LIMIT {EVENTS_MAX + 1}",
        {**values, "replay": replay_id},
    )
    if found.rowcount > EVENTS_MAX:
        raise FilterRefused(f"more than {EVENTS_MAX:,} events fit: narrow the filter, e.g. by since and until")


def _left_out(conn: Connection, chosen: ReplayFilter) -> dict[str, int]:
    """How many fit and are not taken, because they move by themselves, by state."""
    condition, values = as_sql(chosen)
    rows = conn.execute(
        "SELECT e.status, count(*) AS events FROM events e WHERE e.status IN ('queued', 'running')"
        f" AND {condition} GROUP BY e.status ORDER BY e.status",
        values,
    ).fetchall()
    return {row["status"]: row["events"] for row in rows}


_BY_STATUS = """
SELECT e.status, count(*) AS events FROM replay_items i JOIN events e ON e.id = i.event_id
WHERE i.replay_id = %s GROUP BY e.status ORDER BY e.status
"""
_BLOCKED = """
SELECT m.currency, sum(m.amount_minor) AS amount_minor FROM replay_items i JOIN case_events m ON m.event_id = i.event_id
WHERE i.replay_id = %s AND m.cleared_at IS NULL AND m.currency IS NOT NULL AND m.amount_minor IS NOT NULL
GROUP BY m.currency ORDER BY m.currency
"""
_WRITTEN = """
SELECT w.destination, w.currency, count(*) AS writes, sum(w.amount_minor) AS amount_minor
FROM replay_items i JOIN writes w ON w.event_id = i.event_id
WHERE i.replay_id = %s AND w.status = 'confirmed' GROUP BY w.destination, w.currency ORDER BY w.destination, w.currency
"""
_APPROVALS = """
SELECT count(*) AS writes FROM replay_items i JOIN writes w ON w.event_id = i.event_id
WHERE i.replay_id = %s AND w.status = 'awaiting_approval'
"""


def _counted(conn: Connection, replay_id: UUID) -> dict[str, Any]:
    """How many events, their states, the money they hold up, what stands at destinations, what needs a person."""
    key = (replay_id,)
    by_status = {row["status"]: row["events"] for row in conn.execute(_BY_STATUS, key).fetchall()}
    approvals = conn.execute(_APPROVALS, key).fetchone()
    return {
        "events": sum(by_status.values()),
        "by_status": by_status,
        "money": [_money(row) for row in conn.execute(_BLOCKED, key).fetchall()],
        #: Confirmed already: found by their keys and not repeated.
        "written": [
            {
                "destination": row["destination"],
                "writes": row["writes"],
                "amount": _money(row) if row["currency"] is not None else None,
            }
            for row in conn.execute(_WRITTEN, key).fetchall()
        ],
        "approvals": approvals["writes"] if approvals is not None else 0,
    }


def _money(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"amount_minor": int(row["amount_minor"] or 0), "currency": row["currency"]}


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
