"""Events that our own writes caused, and facts that several events tell: found, and recorded, with the run that saw it.

One statement per group; all in the caller's transaction.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from counterfoil.database import Connection

#: A write is tried, and its outcome asked for, no longer than this; what it caused happened within that time.
SENT_WITHIN = timedelta(days=2)
#: Evidence is a sentence; a write keeps the last things known, not all of them.
DETAIL_MAX = 500


class EchoRow(msgspec.Struct, gc=False):
    """One event that one part of a write explains."""

    write_id: UUID
    part: str
    event_id: UUID


_SENT = """
id, key, operation, status, action, receipt, pre_image, revision, attempts, first_sent_at, last_sent_at
"""
_BY_KEY = f"""
SELECT {_SENT} FROM writes WHERE key = ANY(%s) AND destination = %s AND first_sent_at IS NOT NULL
"""
# '' stands for a record that a write on its way makes: nobody knows its name yet.
_BY_RECORD = f"""
SELECT DISTINCT ON (w.id) {", ".join(f"w.{name.strip()}" for name in _SENT.split(","))}
FROM unnest(%(records)s::text[], %(ats)s::timestamptz[]) AS c(record, at)
JOIN writes w ON w.destination = %(destination)s AND w.first_sent_at IS NOT NULL
  AND coalesce(w.receipt ->> 'reference', w.pre_image ->> 'reference', '') = ANY(ARRAY[c.record, ''])
  AND w.first_sent_at BETWEEN c.at - %(within)s AND c.at + interval '5 minutes'
WHERE w.status IN ('sending', 'in_doubt', 'confirmed', 'reversing', 'reversed') ORDER BY w.id
"""


def sent_by_key(conn: Connection, destination: str, keys: Collection[str]) -> list[dict[str, Any]]:
    """Writes of a destination that were sent under one of these keys."""
    return conn.execute(_BY_KEY, (sorted(keys), destination)).fetchall() if keys else []


def sent_to_records(
    conn: Connection, destination: str, records: Sequence[tuple[str, datetime]]
) -> list[dict[str, Any]]:
    """Writes of a destination that may have changed one of these records at its moment, or may have made it."""
    if not records:
        return []
    named, ats = (list(column) for column in zip(*records, strict=True))
    values = {"destination": destination, "records": named, "ats": ats, "within": SENT_WITHIN}
    return conn.execute(_BY_RECORD, values).fetchall()


def echoes_of(conn: Connection, write_ids: Collection[UUID], event_ids: Collection[UUID]) -> list[dict[str, Any]]:
    """What is recorded of these writes and events: write_id, its key, part, event_id."""
    return conn.execute(
        "SELECT o.write_id, w.key, o.part, o.event_id FROM echoes o JOIN writes w ON w.id = o.write_id"
        " WHERE o.write_id = ANY(%(writes)s) OR o.event_id = ANY(%(events)s)",
        {"writes": sorted(write_ids), "events": sorted(event_ids)},
    ).fetchall()


_RECORD = """
INSERT INTO echoes (write_id, part, event_id)
SELECT r.write_id, r.part, r.event_id FROM jsonb_to_recordset(%s::jsonb) AS r(write_id uuid, part text, event_id uuid)
ORDER BY r.write_id, r.part ON CONFLICT DO NOTHING RETURNING event_id
"""


def record_echoes(conn: Connection, rows: Sequence[EchoRow]) -> set[UUID]:
    """Let parts of writes explain events; returns the events that are explained now (no other worker was faster)."""
    if not rows:
        return set()
    return {row["event_id"] for row in conn.execute(_RECORD, (msgspec.json.encode(rows).decode(),))}


_EVIDENCE = """
UPDATE writes w SET
    detail = left(concat_ws('; ', w.detail, r.evidence), %(most)s),
    due_at = CASE WHEN w.status = 'in_doubt' AND w.lease_until IS NULL THEN least(w.due_at, now()) ELSE w.due_at END
FROM unnest(%(ids)s::uuid[], %(evidence)s::text[]) AS r(id, evidence)
WHERE w.id = r.id AND w.status IN ('sending', 'in_doubt')
"""


def note_evidence(conn: Connection, evidence: dict[UUID, str]) -> None:
    """Say at unsettled writes what speaks for their having happened, and have those in doubt asked about now.

    It does not settle them: that is for the destination's own answer.
    """
    if evidence:
        ids = sorted(evidence)
        values = {"ids": ids, "evidence": [evidence[id] for id in ids], "most": DETAIL_MAX}
        conn.execute(_EVIDENCE, values)


_FACTS = """
INSERT INTO facts (fact, event_id) SELECT * FROM unnest(%s::text[], %s::uuid[]) ORDER BY 1, 2 ON CONFLICT DO NOTHING
"""


def record_facts(conn: Connection, told: Sequence[tuple[str, UUID]]) -> None:
    """Keep which event tells which fact, so that the events of one fact find each other."""
    if told:
        conn.execute(_FACTS, ([fact for fact, _ in told], [id for _, id in told]))
