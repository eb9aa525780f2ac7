"""The door's statements: a group of events in, duplicates counted, all in one commit; over asyncpg.

`record_events` is the only statement on the hot path. It is one round trip and one transaction by itself: the rows of
the events, their payloads and one audit entry for the whole group. A copy
that the door knows by its bytes takes `AGAIN` instead, by the row's id. The others are rare: a twin that brings the
values a reference lacked, the stored text that a suspected conflict is compared with.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import msgspec

from counterfoil.lifecycle import EVENT_MOVES, EventState, origins


class Row(msgspec.Struct, gc=False, omit_defaults=True):
    """The row of one event as the door proposes it; `id` becomes its id only if the identity is new.

    A default does not travel; `RECORD` knows the two that are not null.
    """

    id: UUID
    source: str
    provider: str
    key: str
    type: str
    content_hash: bytes | None = None
    subject: str | None = None
    occurred_at: datetime | None = None
    api_version: str | None = None
    account: str | None = None
    livemode: bool | None = None
    form: str = "full"
    fault: dict[str, str] | None = None  #: why the engine must open a case instead of running it
    deliveries: int = 1


class NewEvent(msgspec.Struct, gc=False):
    """One event on its way in: its row, and its payload as text."""

    row: Row
    body: str


class Stored(NamedTuple):
    """What stood under an identity already."""

    id: UUID
    content_hash: bytes | None
    form: str


class CountsDiffer(Exception):
    """Bug: Postgres neither recorded an event nor knew it; nothing of its group may be called accepted."""


# Rows travel as one JSON parameter and their payloads as an array beside it: an array per column costs the driver a
# check per value, and a payload inside the JSON would be escaped and unescaped for nothing.
#
# A duplicate costs a counter and touches no indexed column (a HOT update). `ON CONFLICT` cannot meet one row twice:
# the caller folds copies within a group. The audit entry needs the count of all that is new, so it is made last. What
# was known comes back; what is new does not, but for its number, which proves that nothing fell between the two.
RECORD = """
WITH arriving AS MATERIALIZED (
    SELECT * FROM ROWS FROM (
        json_to_recordset($1::json) AS (id uuid, source text, provider text, key text, type text, content_hash text,
            subject text, occurred_at timestamptz, api_version text, account text, livemode bool, form text,
            fault jsonb, deliveries int),
        unnest($2::text[])
    ) AS a(id, source, provider, key, type, content_hash, subject, occurred_at, api_version, account, livemode, form,
           fault, deliveries, body)
), kept AS (
    INSERT INTO events AS e (id, source, provider, key, type, content_hash, subject, occurred_at, api_version,
                             account, livemode, form, fault, deliveries, due_at)
    SELECT id, source, provider, key, type, decode(content_hash, 'base64'), subject, occurred_at, api_version,
           account, livemode, coalesce(form, 'full'), fault, coalesce(deliveries, 1), now()
    FROM arriving
    ON CONFLICT (source, key) DO UPDATE SET
        deliveries = e.deliveries + excluded.deliveries, delivered_at = now()
    RETURNING id, source, key, content_hash, form
), bodies AS (
    INSERT INTO payloads (event_id, version, body)
    SELECT a.id, 0, a.body FROM arriving a JOIN kept k ON k.id = a.id
    RETURNING event_id
), known AS (
    SELECT k.* FROM kept k LEFT JOIN bodies b ON b.event_id = k.id WHERE b.event_id IS NULL
), fresh AS MATERIALIZED (
    SELECT count(*) AS new, min(event_id::text) AS first, max(event_id::text) AS last FROM bodies
), audited AS MATERIALIZED (
    SELECT new, CASE WHEN new > 0 THEN audit_append('door', jsonb_build_array(jsonb_build_object(
        'actor', 'door', 'action', 'events.received', 'detail', jsonb_build_object(
            'events', (SELECT count(*) FROM kept), 'new', new, 'first', first, 'last', last)))) END AS seq
    FROM fresh
)
SELECT a.new, k.source, k.key, k.id, k.content_hash, k.form FROM audited a LEFT JOIN known k ON true
"""

_encode = msgspec.json.Encoder().encode


def _identity(event: NewEvent) -> tuple[str, str]:
    return (event.row.source, event.row.key)


async def record_events(
    statement: Any, events: Sequence[NewEvent], timeout_seconds: float
) -> dict[tuple[str, str], Stored]:
    """Record a group (no identity twice in it) through the prepared `RECORD`; returns what was known already.

    Rows go in ascending order of identity, so that two doors that meet on the same ones cannot deadlock.

    Raises: CountsDiffer, or what Postgres says.
    """
    events = sorted(events, key=_identity)
    rows = _encode([event.row for event in events]).decode()
    found = await statement.fetch(rows, [event.body for event in events], timeout=timeout_seconds)
    new = found[0][0]
    if new == len(events):
        return {}
    known = {(source, key): Stored(id, content_hash, form) for _, source, key, id, content_hash, form in found}
    if new + len(known) != len(events):
        raise CountsDiffer(f"Bug: of {len(events)} events {new} are new and {len(known)} known")
    return known


# Locks by id where `RECORD` locks by identity: two doors can deadlock, and then the one that lost comes again at once.
AGAIN = """
UPDATE events e SET deliveries = e.deliveries + a.times, delivered_at = now()
FROM unnest($1::uuid[], $2::int[]) AS a(id, times) WHERE e.id = a.id
"""


async def count_again(statement: Any, ids: Sequence[UUID], timeout_seconds: float) -> None:
    """Count one more delivery for each id (an id may be repeated) through the prepared `AGAIN`.

    Raises: CountsDiffer where an event has no row, or what Postgres says.
    """
    times = Counter(ids)
    wanted = sorted(times)
    await statement.fetch(wanted, [times[id] for id in wanted], timeout=timeout_seconds)
    if statement.get_statusmsg() != f"UPDATE {len(times)}":
        raise CountsDiffer("Bug: the door knows an event that has no row")


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


async def complete_references(
    conn: asyncpg.Connection, events: Sequence[tuple[UUID, NewEvent]], timeout_seconds: float
) -> None:
    """Give events that were known by reference (by their ids) the full form that has now arrived.

    One that rested for want of values is queued again. One that is running loses its claim (its fence moves on),
    since what it would conclude was read from the reference.
    """
    events = sorted(events, key=lambda pair: pair[0])
    rows = [event.row for _, event in events]
    await conn.fetch(
        _COMPLETE,
        [id for id, _ in events],
        [row.type for row in rows],
        [row.subject for row in rows],
        [row.content_hash for row in rows],
        [row.occurred_at for row in rows],
        [row.api_version for row in rows],
        [event.body for _, event in events],
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
