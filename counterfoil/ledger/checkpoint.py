"""Results of expensive steps, kept so that a run after a crash neither pays nor asks twice."""

from typing import Any
from uuid import UUID

import msgspec

from counterfoil.database import Connection


def find_checkpoint(conn: Connection, event_id: UUID, generation: int, step: str, input_hash: str) -> Any | None:
    """What the step gave for this very input, or None; a changed input asks again."""
    row = conn.execute(
        "SELECT output FROM checkpoints WHERE event_id = %s AND generation = %s AND step = %s AND input_hash = %s",
        (event_id, generation, step, input_hash),
    ).fetchone()
    return None if row is None else row["output"]


def record_checkpoint(
    conn: Connection, event_id: UUID, generation: int, step: str, input_hash: str, output: Any
) -> None:
    """Keep what a step gave; commits by itself, because the point is to outlive a crash a moment later."""
    with conn.transaction():
        conn.execute(
            "INSERT INTO checkpoints (event_id, generation, step, input_hash, output)"
            " VALUES (%s, %s, %s, %s, %s::jsonb)"
            " ON CONFLICT (event_id, generation, step) DO UPDATE SET"
            " input_hash = excluded.input_hash, output = excluded.output, recorded_at = now()",
            (event_id, generation, step, input_hash, msgspec.json.encode(output).decode()),
        )
