"""A worker takes a group of due events under a lease, and keeps it alive.

Claims are taken one worker at a time (an advisory lock for the length of one short transaction): that makes "one
run per subject at a time" exact without locking rows that others want to read.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from counterfoil.database import Connection

#: An arbitrary constant that all workers of all versions must share.
CLAIM_LOCK = 7_203_411_863


class Claimed(msgspec.Struct, gc=False):
    """One event in a worker's hands; `fence` is its ticket: a later claim makes it worthless."""

    id: UUID
    source: str
    provider: str
    key: str
    type: str
    subject: str | None
    occurred_at: datetime | None
    received_at: datetime
    api_version: str | None
    form: str
    fault: dict[str, Any] | None
    generation: int
    attempts: int
    crashes: int
    fence: int
    case_id: UUID | None
    replay_id: UUID | None
    body: str


# Candidates in the order in which they fell due, without those whose subject has something earlier due or something
# running. A candidate with an old lease was in the hands of a worker that vanished: it may be what killed it, so it
# travels alone, and after those that have seen fewer crashes: the one that kills comes last, when all it could take
# along are done. The UPDATE repeats the conditions, because rows may have moved since the candidates were seen.
#
# The plan must not depend on statistics: they are taken when nothing is due, and then a backlog looks like one row.
# So the look at the subject is a scalar query in the order of its own index (a join could scan the backlog once per
# candidate; without the order the index on due_at looks just as cheap and is read from its start each time), and the
# UPDATE's conditions are written so that no index on them can be used: it goes by primary key from the chosen. Sorting
# is off for this transaction: on a table that was never analysed the planner would look at all that is due, then sort.
_LOCK = "SELECT pg_advisory_xact_lock(%s), set_config('enable_sort', 'off', true)"

_CLAIM = """
WITH candidates AS MATERIALIZED (
    SELECT e.id, e.lease_until, e.due_at, e.crashes FROM events e
    WHERE e.due_at <= now() AND (e.lease_until IS NULL OR (%(suspects)s AND e.lease_until < now()))
      AND (
        SELECT o.id FROM events o
        WHERE o.subject = e.subject AND o.due_at IS NOT NULL AND o.id <> e.id
          AND ((coalesce(o.occurred_at, o.received_at), o.id) < (coalesce(e.occurred_at, e.received_at), e.id)
               OR o.lease_until > now())
        ORDER BY coalesce(o.occurred_at, o.received_at), o.id LIMIT 1) IS NULL
    ORDER BY e.due_at LIMIT %(limit)s
), suspect AS (
    SELECT id FROM candidates WHERE lease_until IS NOT NULL ORDER BY crashes, due_at LIMIT 1
), chosen AS MATERIALIZED (
    SELECT id FROM suspect
    UNION ALL
    SELECT id FROM candidates WHERE NOT EXISTS (SELECT 1 FROM suspect)
)
UPDATE events e SET
    status = 'running', fence = e.fence + 1, attempts = e.attempts + 1,
    crashes = e.crashes + (e.lease_until IS NOT NULL)::int,
    lease_until = now() + make_interval(secs => %(lease)s)
FROM chosen c JOIN payloads p ON p.event_id = c.id
WHERE e.id = c.id AND p.version = e.payload_version
  AND e.status IN ('queued', 'running', 'waiting') AND coalesce(e.due_at, 'infinity') <= now()
  AND coalesce(e.lease_until, '-infinity') < now()
RETURNING e.id, e.source, e.provider, e.key, e.type, e.subject, e.occurred_at, e.received_at, e.api_version, e.form,
    e.fault, e.generation, e.attempts, e.crashes, e.fence, e.case_id, e.replay_id, p.body
"""


def claim(conn: Connection, *, limit: int, lease_seconds: float, suspects: bool = True) -> list[Claimed]:
    """Take up to `limit` due events in one transaction; empty when nothing can be claimed now.

    A suspect (its last worker vanished) comes as a group of one, and only to those who ask for `suspects`.
    """
    with conn.transaction():
        conn.execute(_LOCK, (CLAIM_LOCK,))
        rows = conn.execute(_CLAIM, {"limit": limit, "lease": lease_seconds, "suspects": suspects}).fetchall()
    return [Claimed(**row) for row in rows]


_RENEW = """
UPDATE events e SET lease_until = now() + make_interval(secs => %(lease)s)
FROM unnest(%(ids)s::uuid[], %(fences)s::int[]) AS r(id, fence)
WHERE e.id = r.id AND e.fence = r.fence AND e.status = 'running'
RETURNING e.id
"""


def renew(conn: Connection, held: Sequence[tuple[UUID, int]], *, lease_seconds: float) -> set[UUID]:
    """Keep a group for another lease; returns those that are still ours."""
    if not held:
        return set()
    values = {"ids": [id for id, _ in held], "fences": [fence for _, fence in held], "lease": lease_seconds}
    with conn.transaction():
        return {row["id"] for row in conn.execute(_RENEW, values)}


def backlog(conn: Connection) -> tuple[int, float]:
    """How many events could be claimed now (counted up to 10,000), and the age in seconds of the oldest of them."""
    row = conn.execute(
        "SELECT count(*) AS due, coalesce(extract(epoch FROM now() - min(due_at)), 0)::float8 AS age FROM ("
        " SELECT due_at FROM events WHERE due_at <= now() AND (lease_until IS NULL OR lease_until < now())"
        " ORDER BY due_at LIMIT 10000) AS soonest"
    ).fetchone()
    assert row is not None
    return int(row["due"]), float(row["age"])
