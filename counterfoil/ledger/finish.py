"""What became of a group of events: one statement per table, all inside the caller's one transaction.

Rows travel as a single JSON parameter: one parse on each side, whatever the size of the group.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
import psycopg

from counterfoil.database import Connection


def _json(rows: Sequence[Any]) -> str:
    return msgspec.json.encode(rows).decode()


class Settled(msgspec.Struct, gc=False):
    """The state that one event comes to rest in (or the time at which it moves again)."""

    id: UUID
    fence: int
    status: str
    outcome: str | None = None
    handler: str | None = None
    due_seconds: float | None = None  #: null: it will not move by itself
    case_id: UUID | None = None
    parked: str | None = None
    ended: bool = True


class RunRow(msgspec.Struct, gc=False):
    """One run as it is kept."""

    id: UUID
    event_id: UUID
    generation: int
    attempt: int
    status: str
    handler: str | None
    handler_version: str | None
    contract: str | None
    failure_class: str | None
    detail: str | None
    steps: list[dict[str, Any]]
    worker: str
    replay_id: UUID | None
    took_seconds: float


class WriteRow(msgspec.Struct, gc=False):
    """One effect as it is kept."""

    id: UUID
    key: str
    destination: str
    operation: str
    status: str
    subject: str | None
    amount_minor: int | None
    currency: str | None
    action: dict[str, Any]
    digest: str
    event_id: UUID
    run_id: UUID
    handler: str | None
    attempts: int
    receipt: dict[str, Any] | None
    confirmed: bool


# Ids come back as one array and rows go in as one document: a row or an array element each costs the driver four times
# as much.
_HOLD = """
WITH held AS (
    SELECT e.id FROM jsonb_to_recordset(%s::jsonb) AS r(id uuid, fence int)
    JOIN events e ON e.id = r.id AND e.fence = r.fence
    WHERE e.status = 'running' ORDER BY e.id FOR UPDATE OF e
)
SELECT array_agg(id) AS ids FROM held
"""


def _ids(found: psycopg.Cursor[dict[str, Any]]) -> set[UUID]:
    row = found.fetchone()
    return set(row["ids"] or ()) if row else set()


def hold(conn: Connection, held: Sequence[tuple[UUID, int]]) -> set[UUID]:
    """Lock the events of a group until the transaction ends; returns those that are still ours by their fence."""
    return _ids(conn.execute(_HOLD, (_json([{"id": id, "fence": fence} for id, fence in held]),)))


# The tie rule. Providers stamp whole seconds, so "not older" cannot mean "newer". Order is (occurred_at, event key):
# of two events in one second the greater key wins, whichever arrives first. Any total order over the events' own
# facts makes the end state independent of arrival; this one needs no request to anybody. The same event may pass
# again (a replay of the newest is not stale).
_ADVANCE = """
INSERT INTO subject_states AS s (handler, subject, occurred_at, event_key, event_id)
SELECT r.handler, r.subject, r.occurred_at, r.event_key, r.event_id
FROM jsonb_to_recordset(%s::jsonb)
     AS r(handler text, subject text, occurred_at timestamptz, event_key text, event_id uuid)
ON CONFLICT (handler, subject) DO UPDATE SET
    occurred_at = excluded.occurred_at, event_key = excluded.event_key, event_id = excluded.event_id
WHERE (s.occurred_at, s.event_key) <= (excluded.occurred_at, excluded.event_key)
RETURNING s.event_id
"""


def advance_subjects(conn: Connection, rows: Sequence[dict[str, Any]]) -> set[UUID]:
    """Claim "the newest of its subject" for events whose handler keeps a state; returns those that are.

    Rows: handler, subject, occurred_at, event_key, event_id; at most one per (handler, subject).
    """
    if not rows:
        return set()
    ordered = sorted(rows, key=lambda row: (row["handler"], row["subject"]))
    return {row["event_id"] for row in conn.execute(_ADVANCE, (_json(ordered),))}


_WRITES = """
WITH new AS (
    INSERT INTO writes (id, key, destination, operation, status, subject, amount_minor, currency, action, digest,
                        event_id, run_id, handler, attempts, receipt, confirmed_at)
    SELECT r.id, r.key, r.destination, r.operation, r.status, r.subject, r.amount_minor, r.currency, r.action,
           r.digest, r.event_id, r.run_id, r.handler, r.attempts, r.receipt, CASE WHEN r.confirmed THEN now() END
    FROM jsonb_to_recordset(%s::jsonb) AS r(id uuid, key text, destination text, operation text, status text,
         subject text, amount_minor bigint, currency text, action jsonb, digest text, event_id uuid, run_id uuid,
         handler text, attempts int, receipt jsonb, confirmed boolean)
    ON CONFLICT (key) DO NOTHING
    RETURNING id
)
SELECT array_agg(id) AS ids FROM new
"""


def record_writes(conn: Connection, rows: Sequence[WriteRow]) -> set[UUID]:
    """Record effects under their keys; returns the ids that are new. A key that stands already stays as it is."""
    if not rows:
        return set()
    # In key order, so that two groups cannot lock crosswise; of two with one key the one that was given first wins.
    return _ids(conn.execute(_WRITES, (_json(sorted(rows, key=lambda row: row.key)),)))


def standing_writes(conn: Connection, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The writes that stand under these keys: key -> id, status, digest, event_id, and what people made of them.

    `planned_digest`: of what was planned, where a person edited it since. `approvals_needed`: never fewer than these.
    """
    if not keys:
        return {}
    rows = conn.execute(
        "SELECT id, key, status, digest, event_id, approvals_needed,"
        " coalesce(action ->> 'planned_digest', digest) AS planned_digest FROM writes WHERE key = ANY(%s)",
        (list(keys),),
    ).fetchall()
    return {row["key"]: row for row in rows}


_RUNS = """
INSERT INTO runs (id, event_id, generation, attempt, handler, handler_version, contract, status, failure_class,
                  detail, steps, worker, replay_id, started_at, finished_at)
SELECT r.id, r.event_id, r.generation, r.attempt, r.handler, r.handler_version, r.contract, r.status,
       r.failure_class, r.detail, r.steps, r.worker, r.replay_id,
       clock_timestamp() - make_interval(secs => r.took_seconds), clock_timestamp()
FROM jsonb_to_recordset(%s::jsonb) AS r(id uuid, event_id uuid, generation int, attempt int, handler text,
     handler_version text, contract text, status text, failure_class text, detail text, steps jsonb, worker text,
     replay_id uuid, took_seconds float8)
"""


def record_runs(conn: Connection, rows: Sequence[RunRow]) -> None:
    """Keep what happened in each run."""
    if rows:
        conn.execute(_RUNS, (_json(rows),))


_SETTLE = """
UPDATE events e SET
    status = r.status, outcome = r.outcome, handler = coalesce(r.handler, e.handler), case_id = r.case_id,
    lease_until = NULL, crashes = 0, parked = r.parked,
    due_at = CASE WHEN r.due_seconds IS NOT NULL THEN now() + make_interval(secs => r.due_seconds) END,
    finished_at = CASE WHEN r.ended THEN clock_timestamp() END
FROM jsonb_to_recordset(%s::jsonb) AS r(id uuid, fence int, status text, outcome text, handler text,
     due_seconds float8, case_id uuid, parked text, ended boolean)
WHERE e.id = r.id AND e.fence = r.fence AND e.status = 'running'
"""


def settle(conn: Connection, rows: Sequence[Settled]) -> None:
    """Bring events to rest, each only under its own fence."""
    conn.execute(_SETTLE, (_json(rows),))


_GIVE_BACK = """
UPDATE events e SET status = 'queued', lease_until = NULL, attempts = e.attempts - 1
FROM jsonb_to_recordset(%s::jsonb) AS r(id uuid, fence int)
WHERE e.id = r.id AND e.fence = r.fence AND e.status = 'running'
"""


def give_back(conn: Connection, held: Sequence[tuple[UUID, int]]) -> int:
    """Undo a claim: these were not begun, and whoever comes next may have them; returns how many were still ours."""
    if not held:
        return 0
    with conn.transaction():
        return conn.execute(_GIVE_BACK, (_json([{"id": id, "fence": fence} for id, fence in held]),)).rowcount
