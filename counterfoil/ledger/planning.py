"""Writes to other systems, planned: recorded under their keys, planned anew, or tried again where nothing was sent."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from counterfoil.database import Connection


class PlannedWrite(msgspec.Struct, gc=False, kw_only=True):
    """One effect that does not happen in the transaction that plans it."""

    id: UUID
    key: str
    destination: str
    operation: str
    status: str
    subject: str | None
    target: str | None
    amount_minor: int | None
    currency: str | None
    action: dict[str, Any]
    digest: str
    event_id: UUID
    run_id: UUID | None
    handler: str | None
    position: int = 0
    order_at: datetime | None = None
    order_key: str | None = None
    detail: str | None = None
    approval_rule: str | None = None
    approvals_needed: int = 0
    reverses: UUID | None = None
    replayed: bool = False
    due: bool = True  #: whether it moves by itself from now on


# A key that stands is planned anew only where nothing of it was ever sent, or where the destination said no.
_PLAN = """
INSERT INTO writes AS w (id, key, destination, operation, status, subject, target, amount_minor, currency, action,
    digest, event_id, run_id, handler, position, order_at, order_key, detail, approval_rule, approvals_needed, reverses,
    replayed, due_at)
SELECT r.id, r.key, r.destination, r.operation, r.status, r.subject, r.target, r.amount_minor, r.currency, r.action,
    r.digest, r.event_id, r.run_id, r.handler, r.position, r.order_at, r.order_key, r.detail, r.approval_rule,
    r.approvals_needed, r.reverses, r.replayed, CASE WHEN r.due THEN now() END
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r(id uuid, key text, destination text, operation text, status text,
    subject text, target text, amount_minor bigint, currency text, action jsonb, digest text, event_id uuid,
    run_id uuid, handler text, position int, order_at timestamptz, order_key text, detail text, approval_rule text,
    approvals_needed int, reverses uuid, replayed boolean, due boolean)
ORDER BY r.key
ON CONFLICT (key) DO NOTHING
RETURNING w.id
"""


def plan_writes(conn: Connection, rows: Sequence[PlannedWrite]) -> set[UUID]:
    """Record effects under their keys; returns the ids that are new. A key that stands already stays as it is."""
    if not rows:
        return set()
    return {row["id"] for row in conn.execute(_PLAN, {"rows": msgspec.json.encode(rows).decode()})}


# First back to `planned`, which voids whatever people said about the old content; whoever had it in hand has lost it.
# How many people it needs never becomes fewer.
_REPLAN = """
UPDATE writes w SET
    status = 'planned', action = r.action, digest = r.digest, run_id = r.run_id, handler = r.handler,
    target = r.target, subject = r.subject, amount_minor = r.amount_minor, currency = r.currency,
    operation = r.operation, position = r.position, order_at = r.order_at, order_key = r.order_key,
    detail = r.detail, approval_rule = r.approval_rule, replayed = r.replayed,
    approvals_needed = greatest(w.approvals_needed, r.approvals_needed), fence = w.fence + 1,
    looks = 0, attempts = 0, probes = 0, first_sent_at = NULL, last_sent_at = NULL, looked_at = NULL, absent_at = NULL,
    revision = w.revision + (w.attempts > 0)::int, receipt = NULL, read_back = NULL, pre_image = NULL,
    lease_until = NULL,
    due_at = CASE WHEN r.due THEN now() END
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r(id uuid, key text, operation text, status text, subject text,
    target text, amount_minor bigint, currency text, action jsonb, digest text, run_id uuid, handler text,
    position int, order_at timestamptz, order_key text, detail text, approval_rule text, approvals_needed int,
    replayed boolean, due boolean)
WHERE w.key = r.key AND w.status = ANY(%(from)s) RETURNING w.id
"""
_REPLANNED = """
UPDATE writes w SET status = r.status FROM jsonb_to_recordset(%(rows)s::jsonb) AS r(key text, status text)
WHERE w.key = r.key AND w.id = ANY(%(ids)s) AND r.status <> 'planned'
"""


# What was given up although it was certainly not executed: under its own key, and people's yes to it stands. When it
# was first sent stays known, because the destination may have forgotten the key since.
_TRY = """
UPDATE writes SET due_at = now(), looks = 0, attempts = 0, fence = fence + 1, detail = 'tried again'
WHERE id = ANY(%s) AND status IN ('planned', 'approved') AND due_at IS NULL RETURNING id
"""


def try_again(conn: Connection, ids: Sequence[UUID]) -> set[UUID]:
    """Let writes go out again that rest unsent, with all of their patience; returns the ids of those that did."""
    return {row["id"] for row in conn.execute(_TRY, (list(ids),))} if ids else set()


def plan_again(conn: Connection, rows: Sequence[PlannedWrite], *, standing: Sequence[str]) -> set[UUID]:
    """Plan writes anew whose keys stand in one of the states `standing`, none of which has had an effect.

    Returns the ids of those that were.
    """
    if not rows:
        return set()
    values = {"rows": msgspec.json.encode(rows).decode(), "from": list(standing)}
    done = {row["id"] for row in conn.execute(_REPLAN, values)}
    conn.execute(_REPLANNED, {"rows": values["rows"], "ids": list(done)})
    return done
