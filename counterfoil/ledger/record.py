"""The door's statements: a group of events in, duplicates counted, all in one commit; over asyncpg.

`record_events` is the only statement on the hot path. It is one round trip and one transaction by itself: the rows of
the events, their payloads and one audit entry for the whole group. The others are rare: a twin that brings the values
a reference lacked, the stored text that a suspected conflict is compared with.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import msgspec

from counterfoil.lifecycle import EVENT_MOVES, EventState, origins

LANE = "door"


class NewEvent(msgspec.Struct, gc=False):
    """One event as the door proposes it; `id` is its own only if nobody recorded the identity before."""

    id: UUID
    source: str
    provider: str
    key: str
    type: str
    body: str
    content_hash: bytes | None = None
    subject: str | None = None
    occurred_at: datetime | None = None
    api_version: str | None = None
    account: str | None = None
    livemode: bool | None = None
    form: str = "full"
    fault: str | None = None  #: JSON: why the engine must open a case instead of running it
    deliveries: int = 1


class Stored(NamedTuple):
    """What stands under an identity after the statement; another id than proposed means: known already."""

    id: UUID
    content_hash: bytes | None
    form: str


# A duplicate costs a counter and touches no indexed column (a HOT update). The audit entry counts rows of `kept`, so it
# is made after all of them. `ON CONFLICT` cannot meet one row twice: the caller folds copies within a group.
RECORD = """
WITH arriving AS (
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[],
        $8::text[], $9::timestamptz[], $10::text[], $11::text[], $12::bool[], $13::text[], $14::text[],
        $15::int[])
    AS a(id, source, provider, key, type, body, content_hash, subject, occurred_at, api_version, account,
         livemode, form, fault, deliveries)
), kept AS (
    INSERT INTO events AS e (id, source, provider, key, type, content_hash, subject, occurred_at, api_version,
                             account, livemode, form, fault, deliveries, due_at)
    SELECT id, source, provider, key, type, content_hash, subject, occurred_at, api_version, account, livemode,
           form, fault::jsonb, deliveries, now()
    FROM arriving
    ON CONFLICT (source, key) DO UPDATE SET
        deliveries = e.deliveries + excluded.deliveries, delivered_at = now()
    RETURNING id, source, key, content_hash, form
), bodies AS (
    INSERT INTO payloads (event_id, version, body)
    SELECT a.id, 0, a.body FROM arriving a JOIN kept k ON k.id = a.id
    RETURNING event_id
), fresh AS MATERIALIZED (
    SELECT count(*) AS new, min(event_id::text) AS first, max(event_id::text) AS last FROM bodies
), audited AS MATERIALIZED (
    SELECT CASE WHEN new > 0 THEN audit_append('door', jsonb_build_array(jsonb_build_object(
        'actor', 'door', 'action', 'events.received', 'detail', jsonb_build_object(
            'events', (SELECT count(*) FROM kept), 'new', new, 'first', first, 'last', last)))) END AS seq
    FROM fresh
)
SELECT k.id, k.source, k.key, k.content_hash, k.form FROM kept k, audited
"""


async def record_events(
    statement: Any, rows: Sequence[NewEvent], timeout_seconds: float
) -> dict[tuple[str, str], Stored]:
    """Record a group (no identity twice in it) through the prepared `RECORD`; returns what stands per identity.

    Rows go in ascending order of identity, so that two doors that meet on the same ones cannot deadlock.
    """
    rows = sorted(rows, key=_identity)
    found = await statement.fetch(
        [row.id for row in rows],
        [row.source for row in rows],
        [row.provider for row in rows],
        [row.key for row in rows],
        [row.type for row in rows],
        [row.body for row in rows],
        [row.content_hash for row in rows],
        [row.subject for row in rows],
        [row.occurred_at for row in rows],
        [row.api_version for row in rows],
        [row.account for row in rows],
        [row.livemode for row in rows],
        [row.form for row in rows],
        [row.fault for row in rows],
        [row.deliveries for row in rows],
        timeout=timeout_seconds,
    )
    return {(source, key): Stored(id, content_hash, form) for id, source, key, content_hash, form in found}


def _identity(row: NewEvent) -> tuple[str, str]:
    return (row.source, row.key)


#: States in which a reference has come to rest for want of its values; the running one is fenced off and starts anew.
_WAKE = sorted(
    set(origins(EVENT_MOVES, EventState.QUEUED))
    & {EventState.WAITING, EventState.EXCEPTION, EventState.IGNORED, EventState.RUNNING}
)

_COMPLETE = """
WITH full_form AS (
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[], $5::timestamptz[], $6::text[], $7::text[])
    AS f(id, type, subject, content_hash, occurred_at, api_version, body)
), completed AS (
    UPDATE events e SET
        form = 'full', type = f.type, content_hash = f.content_hash, api_version = f.api_version,
        subject = coalesce(f.subject, e.subject), occurred_at = coalesce(f.occurred_at, e.occurred_at),
        status = CASE WHEN e.status = ANY($8::text[]) THEN 'queued' ELSE e.status END,
        due_at = CASE WHEN e.status = ANY($8::text[]) THEN now() ELSE e.due_at END,
        lease_until = CASE WHEN e.status = 'running' THEN NULL ELSE e.lease_until END,
        fence = e.fence + (e.status = 'running')::int
    FROM full_form f WHERE e.id = f.id AND e.form = 'reference'
    RETURNING e.id, e.status
), bodies AS (
    UPDATE payloads p SET body = f.body
    FROM full_form f JOIN completed c ON c.id = f.id
    WHERE p.event_id = f.id AND p.version = 0
)
SELECT audit_append('door', (SELECT jsonb_agg(jsonb_build_object(
    'actor', 'door', 'action', 'event.completed', 'subject', 'event:' || id,
    'detail', jsonb_build_object('status', status))) FROM completed))
WHERE EXISTS (SELECT FROM completed)
"""


async def complete_references(conn: asyncpg.Connection, rows: Sequence[NewEvent], timeout_seconds: float) -> None:
    """Give events that were known by reference the full form that has now arrived; `id` is the stored event's.

    One that rested for want of values is queued again. One that is running loses its claim (its fence moves on), since
    what it would conclude was read from the reference.
    """
    rows = sorted(rows, key=lambda row: row.id)
    await conn.fetch(
        _COMPLETE,
        [row.id for row in rows],
        [row.type for row in rows],
        [row.subject for row in rows],
        [row.content_hash for row in rows],
        [row.occurred_at for row in rows],
        [row.api_version for row in rows],
        [row.body for row in rows],
        _WAKE,
        timeout=timeout_seconds,
    )


async def stored_bodies(conn: asyncpg.Connection, ids: Sequence[UUID], timeout_seconds: float) -> dict[UUID, str]:
    """The texts of events as they were received; an event whose payload is no longer kept is missing."""
    rows = await conn.fetch(
        "SELECT event_id, body FROM payloads WHERE event_id = ANY($1::uuid[]) AND version = 0",
        list(ids),
        timeout=timeout_seconds,
    )
    return {row["event_id"]: row["body"] for row in rows}
