"""A worker takes a group of due events under a lease, and keeps it alive.

Claims are taken one worker at a time (an advisory lock for the length of one short transaction): that makes "one
run per subject at a time" exact without locking rows that others want to read.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from counterfoil import database
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


# A page of what fell due first. Of each subject it gives what comes first in the order of time, as far as the page
# reaches: several events of one subject come together, in order, to one worker. Nothing of a subject is given while
# something of it runs elsewhere; what is due outside the page holds up what comes after it.
#
# An event with an old lease was in the hands of a worker that vanished: it may be what killed it, so it travels alone,
# and after those that have seen fewer crashes: the one that kills comes last, when all it could take along are done.
# Nobody of its subject overtakes it. The UPDATE repeats the conditions, because rows may have moved since they were
# seen.
#
# The plan must not depend on statistics: they are taken when nothing is due, and then a backlog looks like one row.
# So the looks at a subject are scalar queries in the order of their own index (a join could scan the backlog once per
# subject; without the order the index on due_at looks just as cheap and is read from its start each time), and the
# UPDATE's conditions are written so that no index on them can be used: it goes by primary key from the chosen. Sorting
# is off for this transaction: on a table that was never analysed the planner would look at all that is due, then sort.
# Pages are small and may be hashed, whatever the connection thinks of that.
# A claim need not outlive a crash of Postgres, so it does not wait for the disk: a lost one was never made, its worker
# lost the connection with it, and whatever is decided about the event is durable before anybody acts on it.
_LOCK = """
SELECT pg_advisory_xact_lock(%s), set_config('enable_sort', 'off', true), set_config('enable_hashjoin', 'on', true),
       set_config('synchronous_commit', 'off', true)
"""

_CLAIM = """
WITH page AS MATERIALIZED (
    SELECT e.id, e.subject, coalesce(e.occurred_at, e.received_at) AS at, e.lease_until, e.due_at, e.crashes
    FROM events e
    WHERE e.due_at <= now() AND (e.lease_until IS NULL OR (%(suspects)s AND e.lease_until < now()))
    ORDER BY e.due_at LIMIT %(page)s
), placed AS (
    SELECT p.*, row_number() OVER before AS place, count(p.lease_until) OVER before AS suspects,
           max(p.due_at) OVER before AS turn
    FROM page p WINDOW before AS (PARTITION BY coalesce(p.subject, p.id::text) ORDER BY p.at, p.id)
), idle AS MATERIALIZED (
    SELECT s.subject FROM (SELECT DISTINCT subject FROM page WHERE subject IS NOT NULL) s
    WHERE (
        SELECT o.id FROM events o
        WHERE o.subject = s.subject AND o.due_at IS NOT NULL AND o.lease_until > now()
        ORDER BY coalesce(o.occurred_at, o.received_at), o.id LIMIT 1) IS NULL
), barred AS MATERIALIZED (
    SELECT i.subject, o.at, o.id FROM idle i LEFT JOIN LATERAL (
        SELECT coalesce(o.occurred_at, o.received_at) AS at, o.id FROM events o
        WHERE o.subject = i.subject AND o.due_at IS NOT NULL AND o.id NOT IN (SELECT id FROM page)
        ORDER BY coalesce(o.occurred_at, o.received_at), o.id LIMIT 1) o ON true
), free AS MATERIALIZED (
    SELECT p.* FROM placed p LEFT JOIN barred b ON b.subject = p.subject
    WHERE p.subject IS NULL OR (b.subject IS NOT NULL AND (b.id IS NULL OR (p.at, p.id) < (b.at, b.id)))
), suspect AS (
    SELECT id FROM free WHERE lease_until IS NOT NULL AND place = 1 ORDER BY crashes, due_at LIMIT 1
), chosen AS MATERIALIZED (
    SELECT id FROM suspect
    UNION ALL
    (SELECT id FROM free WHERE suspects = 0 AND NOT EXISTS (SELECT 1 FROM suspect)
     ORDER BY turn, subject, at, id LIMIT %(limit)s)
), taken AS (
    UPDATE events e SET
        status = 'running', fence = e.fence + 1, attempts = e.attempts + 1,
        crashes = e.crashes + (e.lease_until IS NOT NULL)::int,
        lease_until = now() + make_interval(secs => %(lease)s)
    FROM chosen c JOIN payloads p ON p.event_id = c.id
    WHERE e.id = c.id AND p.version = e.payload_version
      AND e.status IN ('queued', 'running', 'waiting') AND coalesce(e.due_at, 'infinity') <= now()
      AND coalesce(e.lease_until, '-infinity') < now()
    RETURNING e.id, e.source, e.provider, e.key, e.type, e.subject, e.occurred_at, e.received_at, e.api_version,
        e.form, e.fault, e.generation, e.attempts, e.crashes, e.fence, e.case_id, e.replay_id, p.body
)
SELECT (SELECT count(*) FROM page) AS seen, t.* FROM (VALUES (1)) v LEFT JOIN taken t ON true
ORDER BY coalesce(t.occurred_at, t.received_at), t.id
"""

#: When all of a page is held up (its subjects run elsewhere, or wait for something earlier), the next page is so many
#: times larger, until it holds all that is due: what is held up for long must not hold up the rest.
PAGE_GROWTH = 8


def _claimed(row: dict[str, Any]) -> Claimed:
    del row["seen"]
    return Claimed(**row)


def claim(conn: Connection, *, limit: int, lease_seconds: float, suspects: bool = True) -> list[Claimed]:
    """Take up to `limit` due events in one transaction; empty when nothing can be claimed now.

    Events of one subject come in the order of their time, and nobody else has any of that subject. A suspect (its last
    worker vanished) comes as a group of one, and only to those who ask for `suspects`.
    """
    page = limit
    while True:
        values = {"limit": limit, "page": page, "lease": lease_seconds, "suspects": suspects}
        with database.transacting(conn), database.together(conn):
            conn.execute("BEGIN")
            conn.execute(_LOCK, (CLAIM_LOCK,))
            found = conn.execute(_CLAIM, values)
            conn.execute("COMMIT")
        rows = found.fetchall()
        if rows[0]["id"] is not None:
            return [_claimed(row) for row in rows]
        if rows[0]["seen"] < page:
            return []
        page *= PAGE_GROWTH


def anything_due(conn: Connection) -> bool:
    """Whether a claim could find something: a look that locks nothing and costs a quarter of an empty claim."""
    row = conn.execute(
        "SELECT EXISTS (SELECT 1 FROM events WHERE due_at <= now() AND (lease_until IS NULL OR lease_until < now()))"
        " AS due"
    ).fetchone()
    assert row is not None
    return bool(row["due"])


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
