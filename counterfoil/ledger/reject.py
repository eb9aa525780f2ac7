"""What the door refused: counted per minute, with a capped sample; no content is ever kept. Over asyncpg."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

#: Samples that are kept; enough to see a pattern, too few to fill a disk.
SAMPLES_MAX = 1000


class Counted(NamedTuple):
    """How many requests were refused for one reason within one minute."""

    minute: datetime
    source: str
    reason: str
    times: int


class Refused(NamedTuple):
    """One refused request: the reason, never the content."""

    id: UUID
    source: str
    status: int
    reason: str
    detail: str
    body_bytes: int | None
    client: str | None
    at: datetime


_COUNT = """
INSERT INTO rejection_counts AS c (minute, source, reason, count)
SELECT * FROM unnest($1::timestamptz[], $2::text[], $3::text[], $4::int[])
ON CONFLICT (minute, source, reason) DO UPDATE SET count = c.count + excluded.count
"""

_SAMPLE = """
INSERT INTO rejections (id, source, status, reason, detail, body_bytes, client, at)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::int[], $4::text[], $5::text[], $6::int[], $7::text[],
                     $8::timestamptz[])
"""

_CAP = f"""
DELETE FROM rejections WHERE id < (SELECT id FROM rejections ORDER BY id DESC OFFSET {SAMPLES_MAX - 1} LIMIT 1)
"""


async def record_rejections(
    conn: asyncpg.Connection, counts: Sequence[Counted], samples: Sequence[Refused], timeout_seconds: float
) -> None:
    """Add counts and samples in one transaction, and let go of the oldest samples beyond the cap."""
    async with conn.transaction():
        # Events wait behind this; counting strangers is worth no more than half a second of theirs.
        await conn.execute("SET LOCAL statement_timeout = 500")
        # In key order, so that two doors cannot deadlock.
        await conn.execute(_COUNT, *_columns(sorted(counts), 4), timeout=timeout_seconds)
        if samples:
            await conn.execute(_SAMPLE, *_columns(samples, 8), timeout=timeout_seconds)
            await conn.execute(_CAP, timeout=timeout_seconds)


def _columns(rows: Sequence[tuple[object, ...]], width: int) -> list[list[object]]:
    return [[row[at] for row in rows] for at in range(width)]
