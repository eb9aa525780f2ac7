"""The audit chain: append in the caller's transaction, and what each entry's hash is made of."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from counterfoil.database import Connection


class Entry(NamedTuple):
    """One change: who did what to which thing."""

    actor: str
    action: str  #: `thing.past_participle`
    subject: str | None  #: `event:<id>`, `case:<id>`, …
    detail: dict[str, Any]


def append(conn: Connection, lane: str, entries: Sequence[Entry]) -> None:
    """Add entries to a lane. Call it last: the lane stays locked until the transaction ends."""
    if not entries:
        return
    rows = msgspec.json.encode([entry._asdict() for entry in entries]).decode()
    conn.execute("SELECT audit_append(%s, %s::jsonb)", (lane, rows))


def entry_hash(previous: bytes, row: dict[str, Any]) -> bytes:
    """What `audit_append` hashes, repeated: the row's seven fields as Postgres prints a jsonb array."""
    fields = [row[name] for name in ("lane", "seq", "at", "actor", "action", "subject", "detail")]
    return hashlib.sha256(previous + json.dumps(fields, ensure_ascii=False).encode()).digest()
