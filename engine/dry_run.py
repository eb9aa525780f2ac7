"""Dry run: what a replay would write, compared with what was written. No commit, and no call to anybody.

The real steps run, so that the answer is the real one; only the handler's reads are not asked again: what they gave
at the time stands in the checkpoints, and a missing one is said, not fetched.
"""

from typing import Any
from uuid import UUID

from counterfoil.database import Connection
from counterfoil.ledger.claim import Claimed
from engine.passing import Pass
from engine.pipeline import Pipeline

_EVENT = """
SELECT e.id, e.source, e.provider, e.key, e.type, e.subject, e.occurred_at, e.received_at, e.api_version, e.form,
       e.fault, e.generation, e.attempts + 1 AS attempts, 0 AS crashes, e.fence, e.case_id, e.replay_id, p.body
FROM events e JOIN payloads p ON p.event_id = e.id AND p.version = e.payload_version WHERE e.id = %s
"""


def compare(conn: Connection, pipeline: Pipeline, event_id: UUID) -> dict[str, Any] | None:
    """The difference between the writes that stand and the plan of today, or None when there is no such event.

    `difference` has one entry per write key: `same`, `would_write`, `other_content` (with both), `no_longer_planned`.
    """
    row = conn.execute(_EVENT, (event_id,)).fetchone()
    if row is None:
        return None
    pipeline.fixes.refresh(conn)
    one = pipeline.walk(Claimed(**row), dry=True)
    assert one.verdict is not None
    return {
        "event_id": str(event_id),
        "dry_run": True,
        "would": {
            "status": one.verdict.status.value,
            "outcome": one.verdict.outcome,
            "failure_class": one.verdict.failure.code if one.verdict.failure else None,
            "violations": one.verdict.failure.data.get("violations", []) if one.verdict.failure else [],
            "writes": [_shown(one, effect.key) for effect in one.effects],
        },
        "difference": differences(conn, one),
        "outbound_calls": 0,
    }


def differences(conn: Connection, one: Pass) -> list[dict[str, Any]]:
    """Key by key: the plan of a pass beside what stands."""
    planned = {effect.key: effect for effect in one.effects}
    standing = _standing(conn, one.event.id, list(planned))
    return [_difference(key, planned, standing, one) for key in sorted({*planned, *standing})]


def _standing(conn: Connection, event_id: UUID, keys: list[str]) -> dict[str, dict[str, Any]]:
    rows = conn.execute(
        "SELECT key, status, digest, action FROM writes WHERE event_id = %s OR key = ANY(%s)", (event_id, keys)
    ).fetchall()
    return {row["key"]: row for row in rows}


def _shown(one: Pass, key: str) -> dict[str, Any]:
    effect = next(effect for effect in one.effects if effect.key == key)
    return {
        "key": key,
        "destination": effect.destination,
        "operation": effect.operation,
        "amount": effect.amount.as_json() if effect.amount else None,
        "body": effect.body,
    }


def _difference(key: str, planned: dict[str, Any], standing: dict[str, Any], one: Pass) -> dict[str, Any]:
    if key not in standing:
        return {"key": key, "change": "would_write", "would": _shown(one, key)["body"]}
    if key not in planned:
        return {"key": key, "change": "no_longer_planned", "was": standing[key]["action"].get("body")}
    stands = standing[key]
    if planned[key].digest in (stands["digest"], stands["action"].get("planned_digest")):
        return {"key": key, "change": "same"}
    return {
        "key": key,
        "change": "other_content",
        "was": standing[key]["action"].get("body"),
        "would": planned[key].body,
    }
